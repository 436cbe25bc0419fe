"""What the connector has reported during a sync, and the part of it that is shown."""

from __future__ import annotations

import time
from collections import Counter
from typing import TextIO

from airbyte_protocol.models import (  # type: ignore[import-untyped]
    AirbyteMessage,
    AirbyteStreamStatus,
    AirbyteTraceMessage,
    Level,
    Status,
)

SECONDS_BETWEEN_COUNTS = 0.2
CLEAR_LINE = "\r\033[K"  # for terminals: back to the beginning of the line, and clear it


class Progress:
    """Prints a line for each complete stream.

    On a terminal there is a running count of rows, and in a log what the connector logs, which
    every minute is how far it is and when it will be done.

    Attributes:
        rows: how many rows of each stream were received.
        complete: the streams that the connector has read to their end.
        failures: the connector's sentences about what went wrong.
    """

    def __init__(self, screen: TextIO) -> None:
        self.complete: set[str] = set()
        self.failures: list[str] = []
        self.rows: Counter[str] = Counter()
        self._screen = screen
        self._counts = ""
        self._counted_at = 0.0

    def say(self, line: str) -> None:
        """Print a line, in place of a running count."""
        self.clear()
        print(line, file=self._screen, flush=True)

    def clear(self) -> None:
        """Remove a running count from the screen."""
        if self._counts:
            print(CLEAR_LINE, end="", file=self._screen, flush=True)
        self._counts = ""

    def update(self, message: AirbyteMessage) -> None:
        """Take one message of the connector into account."""
        if message.record:
            self.rows[message.record.stream] += 1
            self._show_counts()
        elif message.trace:
            self._update_from_trace(message.trace)
        elif message.log and message.log.level == Level.WARN:
            self.say(f"  warning: {message.log.message}")
        elif message.log and message.log.level == Level.INFO and not self._screen.isatty():
            self.say(f"  {message.log.message}")
        elif message.connectionStatus and message.connectionStatus.status == Status.FAILED:
            self.failures.append(message.connectionStatus.message or "The check failed.")

    def _update_from_trace(self, trace: AirbyteTraceMessage) -> None:
        if trace.error:
            stream, sentence = trace.error.stream_descriptor, trace.error.message
            named = not stream or sentence.startswith(stream.name)
            self.failures.append(sentence if named else f"{stream.name}: {sentence}")
        elif trace.stream_status and trace.stream_status.status == AirbyteStreamStatus.COMPLETE:
            name = trace.stream_status.stream_descriptor.name
            self.complete.add(name)
            self.say(f"  {name:<24} {self.rows[name]:>9,} rows")

    def _show_counts(self) -> None:
        now = time.monotonic()
        if not self._screen.isatty() or now < self._counted_at + SECONDS_BETWEEN_COUNTS:
            return
        self._counted_at = now
        under_way = {name: rows for name, rows in self.rows.items() if name not in self.complete}
        self._counts = ", ".join(f"{name} {rows:,}" for name, rows in under_way.items())
        print(f"{CLEAR_LINE}  {self._counts}", end="", file=self._screen, flush=True)
