"""The vendor's rate limit: a bucket of permits that refills steadily."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from email.utils import formatdate


class TokenBucket:
    """Admits `per_second` requests a second, and at most max(1, per_second) of them at once.

    `per_second=None` admits everything. `clock` is for tests.
    """

    def __init__(
        self, per_second: float | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if per_second is not None and per_second <= 0:
            raise ValueError(f"rate_limit is {per_second}: expected more than 0 requests a second")
        self.per_second = per_second
        self._capacity = max(1.0, per_second or 0.0)
        self._tokens = self._capacity
        self._clock = clock
        self._filled_at = clock()

    def take(self) -> float:
        """Admit a request: 0.0, or the seconds until the next permit if it has to be refused."""
        if self.per_second is None:
            return 0.0
        now = self._clock()
        refill = (now - self._filled_at) * self.per_second
        self._tokens = min(self._capacity, self._tokens + refill)
        self._filled_at = now
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self.per_second
        self._tokens -= 1.0
        return 0.0


RETRY_AFTER: dict[str, Callable[[float], str]] = {
    "seconds": lambda wait_seconds: str(math.ceil(wait_seconds)),
    "http-date": lambda wait_seconds: formatdate(
        math.ceil(time.time() + wait_seconds), usegmt=True
    ),
}
"""The two ways in which HTTP writes `Retry-After`; both round up, so that the wait is enough."""
