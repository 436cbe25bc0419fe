"""What had to be changed in a stream's values, counted by column, and logged once at its end."""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from source_autopilot.text import describe_shape, format_count


class ValueWarnings:
    """The counts of one stream; its workers count side by side."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rejected: Counter[str] = Counter()
        self._hints: dict[str, str] = {}
        self._sanitized: Counter[str] = Counter()

    def count_rejected(self, misfits: Iterable[tuple[str, Any]], *, kept_in: str) -> None:
        """Values did not fit the type of their columns; the column `kept_in` has them as they came.

        Args:
            misfits: for each value its column and what did not fit, the value or a part of it.
            kept_in: the name of that column.
        """
        with self._lock:
            for column, value in misfits:
                self._rejected[column] += 1
                if column not in self._hints:
                    self._hints[column] = f"{kept_in} has it as it came. {_describe(value)}"

    def count_sanitized(self, columns: Mapping[str, int]) -> None:
        """Values of these columns, so many of each, cannot be stored anywhere and were replaced."""
        with self._lock:
            self._sanitized.update(columns)

    def log(self, stream_name: str, logger: logging.Logger) -> None:
        """Log a warning for each column, and begin to count again."""
        with self._lock:
            rejected, self._rejected = self._rejected, Counter()
            hints, self._hints = self._hints, {}
            sanitized, self._sanitized = self._sanitized, Counter()
        for column, number in sorted(rejected.items()):
            logger.warning(
                f"{stream_name}: {format_count(number, 'value')} did not fit the type of column"
                f" {column}; what did not fit is null in its place, and {hints[column]}"
            )
        for column, number in sorted(sanitized.items()):
            logger.warning(
                f"{stream_name}: {format_count(number, 'value')} of column {column} could not be"
                " stored by a destination: NaN is null in its place, an integer beyond 64 bits a"
                " text, NUL or half a character U+FFFD."
            )


def _describe(value: Any) -> str:
    """What a value looks like without what it says: it may be a contact's data."""
    if isinstance(value, dict | list):
        return f"The first is an {'object' if isinstance(value, dict) else 'array'}."
    return f'The first looks like "{describe_shape(str(value))}" (a: any letter, 9: any digit).'
