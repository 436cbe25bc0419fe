"""How far a stream is: an estimate for the platform, a line a minute, and a summary at its end."""

import logging
import threading
import time
from collections.abc import Callable
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
        chains: how many chains of pages the stream has: one, or one for each segment.
    """

    def __init__(
        self,
        stream_name: str,
        messages: MessageRepository,
        logger: logging.Logger,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.chains = 1
        self._stream_name = stream_name
        self._messages = messages
        self._logger = logger
        self._now = now
        self._lock = threading.Lock()
        self._started_at = self._logged_at = now()
        self._estimated_at = float("-inf")
        self._read = self._repeated = self._delivered = self._pages = 0
        self._chains_begun = self._rows_of_chains = 0

    def count_page(
        self, *, rows: int, repeated: int, total: int | None, delivered: int, first: bool
    ) -> None:
        """Count a page that is out.

        Args:
            rows: how many it had, without those that are repeated.
            repeated: how many of the page before it had, too.
            total: how many the API says that the page's chain has in all.
            delivered: how many of its rows are records.
            first: whether it is the first page of its chain.
        """
        with self._lock:
            self._read += rows
            self._repeated += repeated
            self._delivered += delivered
            self._pages += 1
            if first:
                self._chains_begun += 1
                self._rows_of_chains += max(total or 0, rows)
            now = self._now()
            due = now - self._estimated_at >= SECONDS_BETWEEN_ESTIMATES
            # The last first page makes the estimate good, so it does not wait.
            estimate = first and (due or self._chains_begun == self.chains)
            line = now - self._logged_at >= SECONDS_BETWEEN_LINES
            self._estimated_at = now if estimate else self._estimated_at
            self._logged_at = now if line else self._logged_at
        if estimate:
            self._messages.emit_message(self._estimate())
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
        """Rows of all chains, if those that have not begun are like the others."""
        if not self._chains_begun:
            return 0
        chains = max(self.chains, self._chains_begun)
        return round(self._rows_of_chains * chains / self._chains_begun)

    def _estimate(self) -> AirbyteMessage:
        estimate = AirbyteEstimateTraceMessage(
            name=self._stream_name, type=EstimateType.STREAM, row_estimate=self._expected
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
