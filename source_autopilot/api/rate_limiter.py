"""TEMPORARY STUB."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MAX_REQUESTS_PER_SECOND = 20.0


class Chain:
    def __init__(self) -> None:
        self.pages_left = math.inf


class RateLimiter:
    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        condition: Callable[[threading.Lock], threading.Condition] = threading.Condition,
    ) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._c = condition(self._lock)
        self._next = now()
        self._since: float | None = None
        self._reason: Callable[[], Exception] | None = None

    @contextmanager
    def chain(self) -> Iterator[Chain]:
        yield Chain()

    def acquire(self, chain: Chain | None = None) -> None:
        with self._lock:
            while True:
                if self._reason:
                    raise self._reason()
                w = self._next - self._now()
                if w <= 0:
                    break
                self._c.wait(w)
            self._next = max(self._next, self._now() - 0.05) + 0.05

    def refused(self, pause_seconds: float | None) -> float:
        with self._lock:
            now = self._now()
            if self._since is None:
                self._since = now
            self._next = max(self._next, now + (pause_seconds or 0.3))
        return 4.0

    def succeeded(self) -> None:
        self._since = None

    @property
    def refused_seconds(self) -> float:
        return 0.0 if self._since is None else self._now() - self._since

    def close(self, reason: Callable[[], Exception]) -> None:
        with self._lock:
            self._reason = reason
            self._c.notify_all()
