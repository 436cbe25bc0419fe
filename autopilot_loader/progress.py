"""What the connector has reported during a sync, and the part of it that is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from airbyte_protocol.models import (  # type: ignore[import-untyped]
    AirbyteMessage,
    AirbyteStreamStatus,
    AirbyteStreamStatusTraceMessage,
    AirbyteTraceMessage,
    Level,
    Status,
)
from rich.console import Console

from autopilot_loader.bars import Bars
from source_autopilot.text import format_count, format_duration


class Progress:
    """Shows how far a sync is: a bar for each table on a terminal, lines elsewhere.

    The lines are one for each complete table, and what the connector logs, which every minute is
    how far it is and when it will be done.

    Args:
        out: where lines go.
        terminal: where bars go; None if there is no terminal.

    Attributes:
        rows: how many rows of each stream were received.
        complete: the streams that the connector has read to their end.
        failures: the connector's sentences about what went wrong.
    """

    def __init__(self, out: TextIO, terminal: Console | None) -> None:
        self.complete: set[str] = set()
        self.failures: list[str] = []
        self.rows: Counter[str] = Counter()
        self._out = out
        self._terminal = terminal
        self._has_lines = not (terminal and out.isatty())  # lines would only repeat the bars
        self._bars: Bars | None = None
        self._streams: set[str] = set()
        self._expected: Counter[str] = Counter()
        self._started_at: dict[str, float] = {}  # in ms of the connector's clock
        self._ended_at: dict[str, float] = {}
        self._last_words: list[str] = []

    def begin(self, streams: Sequence[str]) -> None:
        """The streams of these names will be read now."""
        self._streams = set(streams)
        if self._terminal:
            self._bars = Bars(self._terminal, streams)

    def end(self) -> None:
        """No more messages come: leave the bars as they are, and sum up a read that has ended."""
        if self._bars:
            self._bars.stop()
            self._bars = None
        if self._have_all_ended():
            rows = format_count(self.rows.total(), "row")
            spent = _duration(min(self._started_at.values()), max(self._ended_at.values()))
            self.say("\n".join([f"Read {rows} in {spent}.", *self._last_words]))

    def say(self, line: str) -> None:
        """Print a line, above the bars if they are on the same terminal."""
        if self._bars and not self._has_lines:
            self._bars.print(line)
        else:
            print(line, file=self._out, flush=True)

    def update(self, message: AirbyteMessage) -> None:
        """Take one message of the connector into account."""
        if message.record:
            self.rows[message.record.stream] += 1
            self._show_rows(message.record.stream)
        elif message.trace:
            self._update_from_trace(message.trace)
        elif message.log and message.log.level == Level.WARN:
            self.say(f"  warning: {message.log.message}")
        elif message.log and message.log.level == Level.INFO:
            self._update_from_log(message.log.message)
        elif message.connectionStatus and message.connectionStatus.status == Status.FAILED:
            self.failures.append(message.connectionStatus.message or "The check failed.")

    def _update_from_trace(self, trace: AirbyteTraceMessage) -> None:
        if trace.error:
            stream, sentence = trace.error.stream_descriptor, trace.error.message
            named = not stream or sentence.startswith(stream.name)
            self.failures.append(sentence if named else f"{stream.name}: {sentence}")
        elif trace.estimate:
            self._expected[trace.estimate.name] = trace.estimate.row_estimate or 0
            self._show_rows(trace.estimate.name)
        elif trace.stream_status:
            self._update_from_status(trace.stream_status, trace.emitted_at)

    def _update_from_status(self, status: AirbyteStreamStatusTraceMessage, at: float) -> None:
        name = status.stream_descriptor.name
        if status.status == AirbyteStreamStatus.STARTED:
            self._started_at[name] = at
            if self._bars:
                self._bars.begin(name)
        elif status.status == AirbyteStreamStatus.RUNNING:
            # The only reason that Airbyte's protocol knows is the rate limit.
            if status.reasons and self._bars:
                self._bars.wait(name)
        else:
            self._ended_at[name] = at
            if status.status == AirbyteStreamStatus.COMPLETE:
                self._complete(name)

    def _complete(self, name: str) -> None:
        self.complete.add(name)
        rows = self.rows[name]
        if self._bars:
            self._bars.complete(name, rows=rows)
        if self._has_lines:
            spent = _duration(self._started_at[name], self._ended_at[name])
            self.say(f"  {name:<24} {rows:>9,} rows in {spent}")

    def _update_from_log(self, line: str) -> None:
        # What the connector still has to say when all streams have ended is about the whole sync:
        # what it waited for.
        if self._have_all_ended():
            self._last_words.append(line)
        elif self._has_lines:
            self.say(f"  {line}")

    def _have_all_ended(self) -> bool:
        return bool(self._streams) and self._streams <= self._ended_at.keys()

    def _show_rows(self, name: str) -> None:
        if self._bars:
            self._bars.update(name, rows=self.rows[name], expected=self._expected[name])


def _duration(start: float, end: float) -> str:
    return format_duration((end - start) / 1000)
