"""How many chains of pages are at work, and how many keep the rate limit busy.

A chain sends a request when its last one is answered. So the requests that a rate allows in the
time of one answer are the chains that it takes to use that rate; more of them only cost requests.
"""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Callable

from source_autopilot.api.rate_limiter import MAX_REQUESTS_IN_FLIGHT, RateLimiter
from source_autopilot.errors import SyncStopped

MIN_CHAINS = 20
"""Tables that are there anyway are read side by side up to this number, however fast the API is."""
SPARE_SHARE = 1.5
ANSWERS_MEASURED = 20


class Chains:
    """The chains that are at work, of all streams. For several threads."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._changed = threading.Condition()
        self._at_work: Counter[str] = Counter()
        self._seconds: deque[float] = deque(maxlen=ANSWERS_MEASURED)
        self._changes = 0
        self._is_closed = False

    def begin(self, stream_name: str) -> None:
        """A chain of a stream begins, now or as soon as there is a worker."""
        with self._changed:
            self._at_work[stream_name] += 1

    def end(self, stream_name: str) -> None:
        """A chain of a stream is at its end."""
        with self._changed:
            self._at_work[stream_name] -= 1
            self._notify()

    def add_page(self, seconds: float) -> None:
        """A page came, in so many seconds."""
        with self._changed:
            self._seconds.append(seconds)
            self._notify()

    def is_at_work(self, stream_name: str) -> bool:
        """Whether a stream has chains."""
        with self._changed:
            return self._at_work[stream_name] > 0

    @property
    def page_seconds(self) -> float:
        """How long Autopilot takes for a page now; 0.0 if none came yet."""
        with self._changed:
            return self._page_seconds

    @property
    def load(self) -> float:
        """Which share of what the rate limit allows the chains use; 1 or more: all of it."""
        with self._changed:
            return self._at_work.total() / self._needed if self._needed else math.inf

    @property
    def changes(self) -> int:
        """A number that grows with each page and each end of a chain."""
        with self._changed:
            return self._changes

    def wait_for_change(self, changes: int) -> None:
        """Wait until `changes` is another number. Raises SyncStopped after `close`."""
        self._wait_for(lambda: self._changes != changes)

    def wait_for_room(self) -> None:
        """Wait until one more table may be begun. Raises SyncStopped after `close`."""
        self._wait_for(lambda: self._at_work.total() < max(self._needed, MIN_CHAINS))

    def close(self) -> None:
        """End every wait: chains that are still to begin never will."""
        with self._changed:
            self._is_closed = True
            self._notify()

    def _wait_for(self, is_so: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or is_so())
            if self._is_closed:
                raise SyncStopped

    @property
    def _needed(self) -> int:
        in_flight = self._limiter.requests_per_second * self._page_seconds
        return min(math.ceil(in_flight * SPARE_SHARE), MAX_REQUESTS_IN_FLIGHT)

    @property
    def _page_seconds(self) -> float:
        return sum(self._seconds) / len(self._seconds) if self._seconds else 0.0

    def _notify(self) -> None:
        self._changes += 1
        self._changed.notify_all()
