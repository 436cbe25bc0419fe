"""Counts and logs refusals by the rate limit and failed tries, and sums them up.

Nothing is logged or emitted while the lock is held.
"""

import logging
import threading
import time
from collections.abc import Callable

from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStreamStatus,
    AirbyteStreamStatusReason,
    AirbyteStreamStatusReasonType,
    StreamDescriptor,
)
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message as status_message

from source_autopilot.text import format_count, format_duration

SECONDS_BETWEEN_LINES = 60.0  # of each kind: rate limit, and other trouble


class RetryReport:
    """Counts the failed tries of all streams of a sync; its workers call it side by side."""

    def __init__(
        self,
        emit: Callable[[AirbyteMessage], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._emit = emit
        self._now = now
        self._logger = logging.getLogger("airbyte.retries")
        self._lock = threading.Lock()
        self._logged_at: dict[str, float] = {}
        self._refusals = self._failed_tries = 0
        self._limited_seconds = 0.0
        self._limited_until = float("-inf")

    def record_refusal(
        self, stream_name: str, *, requests_per_second: float, pause_seconds: float | None
    ) -> None:
        """Autopilot refused a request because of its rate limit.

        Args:
            stream_name: whose request it was.
            requests_per_second: how many are sent from now on.
            pause_seconds: how long Autopilot asks to wait; None if it does not say.
        """
        with self._lock:
            self._refusals += 1
            self._count_limited(pause_seconds or 1 / requests_per_second)
            is_due = self._is_due("rate limit")
        if is_due:
            follows = f"slowed down to {requests_per_second:.1f} requests a second"
            if pause_seconds:
                follows = f"all requests wait for {format_duration(pause_seconds)}, as it asks"
            self._logger.info(f"Autopilot is limiting requests (429): {follows}.")
        self._emit(_rate_limited(stream_name))

    def record_failure(self, stream_name: str, *, seen: str, pause_seconds: float | None) -> None:
        """A request failed for another reason.

        Args:
            stream_name: whose request it was.
            seen: what happened, as the beginning of a sentence.
            pause_seconds: when the next try is; None if there is none.
        """
        with self._lock:
            self._failed_tries += 1
            is_due = pause_seconds is not None and self._is_due("trouble")
        if is_due:
            self._logger.warning(
                f"{stream_name}: {seen}; trying again in {format_duration(pause_seconds or 0.0)}."
            )

    def summary(self) -> str | None:
        """What was waited for in all, as sentences; None if nothing was."""
        with self._lock:
            refusals, failed_tries = self._refusals, self._failed_tries
            waited = self._limited_seconds - max(self._limited_until - self._now(), 0.0)
        sentences = []
        if refusals:
            sentences.append(
                f"Autopilot refused {format_count(refusals, 'request')} because of its rate limit;"
                f" the sync waited {format_duration(max(waited, 0.0))} for that."
            )
        if failed_tries:
            times = "once" if failed_tries == 1 else f"{failed_tries:,} times"
            why = " for other reasons" if refusals else ""
            sentences.append(f"Requests failed {times}{why}.")
        return " ".join(sentences) or None

    def _count_limited(self, seconds: float) -> None:
        # Workers wait side by side: a second in which several of them wait counts once.
        now = self._now()
        until = max(self._limited_until, now + seconds)
        self._limited_seconds += until - max(self._limited_until, now)
        self._limited_until = until

    def _is_due(self, kind: str) -> bool:
        now = self._now()
        if now - self._logged_at.get(kind, float("-inf")) < SECONDS_BETWEEN_LINES:
            return False
        self._logged_at[kind] = now
        return True


def _rate_limited(stream_name: str) -> AirbyteMessage:
    """What makes Airbyte show that a stream waits for the API's rate limit."""
    reason = AirbyteStreamStatusReason(type=AirbyteStreamStatusReasonType.RATE_LIMITED)
    stream = StreamDescriptor(name=stream_name)
    return status_message(stream, AirbyteStreamStatus.RUNNING, [reason])
