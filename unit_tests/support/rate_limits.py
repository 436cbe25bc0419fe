"""Rate limits of an API, and a simulation of workers that ask it: no thread, no real time."""

import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from source_autopilot.api.rate_limiter import AdaptiveRate

Limit = Callable[[float], bool]
"""Whether a request that arrives now is accepted."""


def token_bucket(per_second: float, burst: float) -> Limit:
    """Permits that come steadily, of which `burst` can be saved up."""
    tokens, filled_at = burst, 0.0

    def accept(now: float) -> bool:
        nonlocal tokens, filled_at
        tokens, filled_at = min(burst, tokens + (now - filled_at) * per_second), now
        accepted = tokens >= 1 - 1e-9
        tokens -= accepted
        return accepted

    return accept


def fixed_window(per_second: int) -> Limit:
    """So many in each second of the clock, whose seconds are not the test's."""
    window, accepted = -1, 0

    def accept(now: float) -> bool:
        nonlocal window, accepted
        if math.floor(now + 0.37) != window:
            window, accepted = math.floor(now + 0.37), 0
        accepted += 1
        return accepted <= per_second

    return accept


def sliding_window(per_second: int) -> Limit:
    """So many in the second before any moment."""
    accepted: list[float] = []

    def accept(now: float) -> bool:
        accepted[:] = [then for then in accepted if then > now - 1]
        if len(accepted) < per_second:
            accepted.append(now)
            return True
        return False

    return accept


def refuse_requests(numbers: Iterable[int]) -> Limit:
    """No limit, but the requests with these numbers are refused, counted from 1."""
    refused, count = set(numbers), 0

    def accept(_now: float) -> bool:
        nonlocal count
        count += 1
        return count not in refused

    return accept


def unlimited(_now: float) -> bool:
    """Accept everything."""
    return True


@dataclass
class Run:
    """What became of a simulated sync."""

    seconds: float = 0.0
    sent: int = 0
    refused_at: list[float] = field(default_factory=list)
    accepted_at: list[float] = field(default_factory=list)

    @property
    def refused_share(self) -> float:
        """Of all requests that were sent."""
        return len(self.refused_at) / self.sent


def simulate(
    limit: Limit,
    *,
    requests: int,
    latency: float = 0.1,
    workers: int = 20,
    pause_seconds: float | None = None,
    urgent: bool = False,
    side_by_side: bool = False,
) -> Run:
    """Workers ask, wait for the answer and ask again, until so many requests got through.

    A request that is refused is asked again. The limit sees it after half of the latency.
    `side_by_side` is a table that is read by several chains: one until its first page is there, two
    until the second is, and from then on as many as keep the rate busy; none ends early.
    """
    rate, run, now = AdaptiveRate(0.0), Run(), 0.0
    answers: list[tuple[float, bool]] = []
    arrivals: list[float] = []
    started = idle = 1 if side_by_side else min(workers, requests)
    while len(run.accepted_at) < requests:
        pages = len(run.accepted_at)
        if side_by_side and pages:
            busy = 2 if pages == 1 else 1 + round(1.2 * rate.rate(now) * latency)
            new = max(min(busy, workers, requests - pages) - started, 0)
            started, idle = started + new, idle + new
        go_at = rate.next_at(now, urgent=urgent) if idle else math.inf
        events = [max(go_at, now), *arrivals[:1], *(at for at, _ in answers[:1])]
        now = min(events)
        if answers and answers[0][0] == now:
            _, accepted = heapq.heappop(answers)
            if accepted:
                rate.succeeded(now)
                run.accepted_at.append(now)
            else:
                rate.refused(now, pause_seconds)
                run.refused_at.append(now)
            # A worker that is not needed any more stays away.
            idle += idle + len(arrivals) + len(answers) < requests - len(run.accepted_at)
        elif arrivals and arrivals[0] == now:
            heapq.heappush(answers, (heapq.heappop(arrivals) + latency / 2, limit(now)))
        elif rate.next_at(now, urgent=urgent) <= now:
            rate.sent(now)
            run.sent += 1
            idle -= 1
            heapq.heappush(arrivals, now + latency / 2)
    run.seconds = now
    return run
