"""What had to be changed in a stream's values, counted by column, and logged once at its end."""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from source_autopilot.text import format_count


class ValueWarnings:
    """The counts of one stream; its workers count side by side."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rejected: Counter[str] = Counter()
        self._sanitized: Counter[str] = Counter()

    def count_rejected(self, columns: Iterable[str]) -> None:
        """Values did not fit the type of these columns."""
        with self._lock:
            self._rejected.update(columns)

    def count_sanitized(self, columns: Mapping[str, int]) -> None:
        """Values of these columns, so many of each, cannot be stored anywhere and were replaced."""
        with self._lock:
            self._sanitized.update(columns)

    def log(self, stream_name: str, logger: logging.Logger) -> None:
        """Log a warning for each column, and begin to count again."""
        with self._lock:
            rejected, self._rejected = self._rejected, Counter()
            sanitized, self._sanitized = self._sanitized, Counter()
        for column, number in sorted(rejected.items()):
            logger.warning(
                f"{stream_name}: {format_count(number, 'value')} did not fit the type of column"
                f" {column}; what did not fit is null in its place."
            )
        for column, number in sorted(sanitized.items()):
            logger.warning(
                f"{stream_name}: {format_count(number, 'value')} of column {column} could not be"
                " stored by a destination: NaN is null in its place, an integer beyond 64 bits a"
                " text, NUL or half a character U+FFFD."
            )
