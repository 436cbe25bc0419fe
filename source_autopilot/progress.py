"""How far a stream is: an estimate for the platform, and a line a minute for people."""

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

SECONDS_BETWEEN_ESTIMATES = 5.0
SECONDS_BETWEEN_LINES = 60.0


class Progress:
    """Counts what the workers of one stream read."""

    def __init__(
        self,
        stream_name: str,
        messages: MessageRepository,
        logger: logging.Logger,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream_name = stream_name
        self._messages = messages
        self._logger = logger
        self._now = now
        self._lock = threading.Lock()
        self._started_at = self._logged_at = now()
        self._estimated_at = float("-inf")
        self._rows = self._pages = self._expected = 0

    def page(self, *, rows: int, expected: int) -> None:
        """A page was read; `expected` is the vendor's total if it is the first of its chain."""
        with self._lock:
            self._rows += rows
            self._pages += 1
            self._expected += expected
            now = self._now()
            estimate = bool(expected) and now - self._estimated_at >= SECONDS_BETWEEN_ESTIMATES
            line = now - self._logged_at >= SECONDS_BETWEEN_LINES
            self._estimated_at = now if estimate else self._estimated_at
            self._logged_at = now if line else self._logged_at
        if estimate:
            self._messages.emit_message(self._estimate())
        if line:
            self._logger.info(self._line(now - self._started_at))

    def _estimate(self) -> AirbyteMessage:
        estimate = AirbyteEstimateTraceMessage(
            name=self._stream_name, type=EstimateType.STREAM, row_estimate=self._expected
        )
        trace = AirbyteTraceMessage(
            type=TraceType.ESTIMATE, emitted_at=time.time() * 1000, estimate=estimate
        )
        return AirbyteMessage(type=Type.TRACE, trace=trace)

    def _line(self, seconds: float) -> str:
        so_far = f"{self._stream_name}: read {self._rows:,} of about {self._expected:,} rows"
        pages_per_second = f"{self._pages / seconds:.1f} pages per second"
        left = timedelta(seconds=seconds * max(self._expected - self._rows, 0) / max(self._rows, 1))
        end = datetime.now(timezone.utc) + left
        return f"{so_far}, {pages_per_second}; the end is expected at {end:%H:%M} UTC."
