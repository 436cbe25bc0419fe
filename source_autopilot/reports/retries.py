"""What a sync waits for: the rate limit, and tries that failed. Told now and then, and summed up.

The request budget tells of refusals, the streams' error handlers of failed tries. How long a
worker waits before the next try only the CDK knows, whose line about it comes here by `cdk_log`.
Nothing is logged while the lock is held.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from airbyte_cdk.sources.streams.http.error_handlers import ErrorResolution, ResponseAction

from source_autopilot.text import counted, duration

SECONDS_BETWEEN_LINES = 60.0  # of each kind: refusals, and other failed tries

_of_thread = threading.local()


class Waits:
    """What all streams of one sync waited for; their workers tell side by side."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._logger = logging.getLogger("airbyte.waits")
        self._lock = threading.Lock()
        self._told_at: dict[str, float] = {}
        self._refusals = self._failed_tries = 0
        self._limit_seconds = 0.0
        self._limited_until = float("-inf")

    def limited(self, *, requests_per_second: float, pause_seconds: float | None) -> None:
        """Autopilot refused a request because there were too many; what follows from that."""
        with self._lock:
            self._refusals += 1
            self._held_up(pause_seconds or 0.0)
            due = self._is_due("limit")
        if not due:
            return
        follows = f"slowed down to {requests_per_second:.1f} requests a second"
        if pause_seconds:
            follows = f"all requests wait for {duration(pause_seconds)}, as it asks"
        self._logger.info(f"Autopilot is limiting requests (429): {follows}.")

    def of(self, stream_name: str) -> Callable[[ErrorResolution], None]:
        """What a stream's error handler calls after a try that another one may mend."""
        return partial(self._failed, stream_name)

    def summary(self) -> str | None:
        """What was waited for in all, as sentences; None if nothing was."""
        with self._lock:
            refusals, failed_tries = self._refusals, self._failed_tries
            waited = self._limit_seconds - max(self._limited_until - self._now(), 0.0)
        sentences = []
        if refusals:
            sentences.append(
                f"Autopilot refused {counted(refusals, 'request')} because of its rate limit;"
                f" the sync waited {duration(max(waited, 0.0))} for that."
            )
        if failed_tries:
            times = "once" if failed_tries == 1 else f"{failed_tries:,} times"
            why = " for other reasons" if refusals else ""
            sentences.append(f"Requests failed {times}{why}.")
        return " ".join(sentences) or None

    def _failed(self, stream_name: str, verdict: ErrorResolution) -> None:
        limited = verdict.response_action == ResponseAction.RATE_LIMITED
        seen, _, _advice = (verdict.error_message or "").partition(". ")
        _of_thread.trouble = _Trouble(self, f"{stream_name}: {seen}", limited)
        if not limited:
            with self._lock:
                self._failed_tries += 1

    def _trying_again(self, trouble: "_Trouble", pause_seconds: float) -> None:
        with self._lock:
            if trouble.limited:
                self._held_up(pause_seconds)
            # A refusal was told of when it happened.
            due = not trouble.limited and self._is_due("failure")
        if due:
            again = f"trying again in {duration(pause_seconds)}"
            self._logger.warning(f"{trouble.seen}; {again}.")

    def _held_up(self, seconds: float) -> None:
        # Workers wait side by side: a second in which several of them wait counts once.
        now = self._now()
        until = max(self._limited_until, now + seconds)
        self._limit_seconds += until - max(self._limited_until, now)
        self._limited_until = until

    def _is_due(self, kind: str) -> bool:
        now = self._now()
        if now - self._told_at.get(kind, float("-inf")) < SECONDS_BETWEEN_LINES:
            return False
        self._told_at[kind] = now
        return True


@dataclass(frozen=True)
class _Trouble:
    waits: Waits
    seen: str
    limited: bool


def trying_again(pause_seconds: float) -> None:
    """Take note that the calling thread now waits before it tries again what failed last."""
    trouble: _Trouble | None = getattr(_of_thread, "trouble", None)
    _of_thread.trouble = None
    if trouble:
        trouble.waits._trying_again(trouble, pause_seconds)
