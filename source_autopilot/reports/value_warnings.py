"""What had to be changed in a stream's values, counted by column, to be told once at its end."""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from source_autopilot.records.naming import snake_case
from source_autopilot.text import counted


class Tally:
    """The counts of one stream; its workers count side by side."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._misfits: Counter[str] = Counter()
        self._mended: Counter[str] = Counter()

    def misfits(self, columns: Iterable[str]) -> None:
        """Values did not fit the type of these columns."""
        with self._lock:
            self._misfits.update(columns)

    def mended(self, fields: Mapping[str, int]) -> None:
        """Values of these fields cannot be stored anywhere and were replaced."""
        with self._lock:
            for field, number in fields.items():
                self._mended[snake_case(field)] += number

    def log(self, stream_name: str, logger: logging.Logger) -> None:
        """A warning for each column, and the counts begin again."""
        with self._lock:
            misfits, self._misfits = self._misfits, Counter()
            mended, self._mended = self._mended, Counter()
        for column, number in sorted(misfits.items()):
            logger.warning(
                f"{stream_name}: {counted(number, 'value')} did not fit the type of column"
                f" {column}; what did not fit is null in its place."
            )
        for column, number in sorted(mended.items()):
            logger.warning(
                f"{stream_name}: {counted(number, 'value')} of column {column} could not be stored"
                " by a destination: NaN is null in its place, an integer beyond 64 bits a text, NUL"
                " or half a character U+FFFD."
            )
