"""How far a stream is: an estimate for the platform, a line a minute, and a summary at its end."""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta, timezone

from airbyte_cdk.models import (
    AirbyteEstimateTraceMessage,
    AirbyteMessage,
    AirbyteTraceMessage,
    EstimateType,
    TraceType,
    Type,
)
from airbyte_cdk.sources.message import MessageRepository

from source_autopilot.text import format_count, format_duration

SECONDS_BETWEEN_ESTIMATES = 5.0
SECONDS_BETWEEN_LINES = 60.0
MAX_SECONDS_TO_PREDICT = 24 * 60 * 60.0


class Progress:
    """Counts what the workers of one stream read.

    Attributes:
        tables: how many tables the stream has: one, or one for each segment.
    """

    def __init__(
        self,
        stream_name: str,
        messages: MessageRepository,
        logger: logging.Logger,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tables = 1
        self._stream_name = stream_name
        self._messages = messages
        self._logger = logger
        self._now = now
        self._lock = threading.Lock()
        self._started_at = self._logged_at = now()
        self._estimated_at = float("-inf")
        self._estimated = 0
        self._read = self._repeated = self._delivered = self._pages = 0
        self._rows_left: dict[Hashable, int] = {}

    def count_page(
        self, table: Hashable, *, rows: int, repeated: int, rows_left: int, delivered: int
    ) -> None:
        """Count a page that is out.

        Args:
            table: whose page it is.
            rows: how many it had, without those that are repeated.
            repeated: how many of the page before it had, too.
            rows_left: how many of the table are still to come, as far as the API says it. That is
                more than before when the table is read again from its start.
            delivered: how many of its rows are records.
        """
        with self._lock:
            self._read += rows
            self._repeated += repeated
            self._delivered += delivered
            self._pages += 1
            is_first = table not in self._rows_left
            self._rows_left[table] = rows_left
            now, expected = self._now(), self._expected
            due = now - self._estimated_at >= SECONDS_BETWEEN_ESTIMATES
            is_news = is_first or expected > self._estimated
            # The last first page makes the estimate good, so it does not wait.
            is_good = is_first and len(self._rows_left) == self.tables
            estimate = is_good or (due and is_news)
            line = now - self._logged_at >= SECONDS_BETWEEN_LINES
            if estimate:
                self._estimated_at, self._estimated = now, expected
            self._logged_at = now if line else self._logged_at
        if estimate:
            self._messages.emit_message(self._estimate(expected))
        if line:
            self._logger.info(self._line(now - self._started_at))

    @property
    def left_out(self) -> int:
        """Rows that were read and not delivered."""
        return self._read - self._delivered

    def log_summary(self, *, complete: bool, left_out: str) -> None:
        """Say what became of the stream; `left_out` says of what was left out why, or is empty."""
        seconds = format_duration(self._now() - self._started_at)
        in_all = f"in {format_count(self._pages, 'page')} and {seconds}"
        because = "".join(f"; {reason}" for reason in (self._repeats(), left_out) if reason)
        name, rows = self._stream_name, format_count(self._delivered, "row")
        if complete and (self._pages or left_out):
            self._logger.info(f"{name}: complete. {rows} {in_all}{because}.")
        elif complete:
            self._logger.info(f"{name}: complete. There was nothing left to read.")
        elif self._pages:
            self._logger.warning(
                f"{name}: incomplete. {rows}{self._of_about()} {in_all}{because}."
                " The next attempt goes on from there."
            )
        else:
            self._logger.warning(f"{name}: incomplete. Nothing was read.")

    def _repeats(self) -> str:
        if not self._repeated:
            return ""
        rows = format_count(self._repeated, "row")
        return f"{rows} left out: repeated at the border of two pages"

    @property
    def _expected(self) -> int:
        """Rows of all tables, if those that have not begun are like the others."""
        begun = len(self._rows_left)
        rows = self._read + sum(self._rows_left.values())
        return round(rows * self.tables / begun) if begun else 0

    def _estimate(self, rows: int) -> AirbyteMessage:
        estimate = AirbyteEstimateTraceMessage(
            name=self._stream_name, type=EstimateType.STREAM, row_estimate=rows
        )
        trace = AirbyteTraceMessage(
            type=TraceType.ESTIMATE, emitted_at=time.time() * 1000, estimate=estimate
        )
        return AirbyteMessage(type=Type.TRACE, trace=trace)

    def _line(self, seconds: float) -> str:
        so_far = f"{self._stream_name}: read {format_count(self._read, 'row')}{self._of_about()}"
        line = f"{so_far}, {self._pages / seconds:.1f} pages a second"
        seconds_left = seconds * (self._expected - self._read) / max(self._read, 1)
        # Totals may be missing or wrong: what they say of the end is then worth nothing.
        if not 0 < seconds_left < MAX_SECONDS_TO_PREDICT:
            return f"{line}."
        end = datetime.now(timezone.utc) + timedelta(seconds=seconds_left)
        return f"{line}; the end is expected at about {end:%H:%M} UTC."

    def _of_about(self) -> str:
        return f" of about {self._expected:,}" if self._read < self._expected else ""
