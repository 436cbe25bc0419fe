"""When the next request may be sent, and which chain of pages sends it.

The limit of an account is unknown, so the rate is learned from the answers (`AdaptiveRate`).
A 429 now and then costs little (every 25th of 300 requests: 12 % of the time at most); many of
them among the recent answers mean that a lower limit is there (an unknown 5 requests/s: at most
1.25 of the time that it allows, and 15 % refused, where answers take 100 ms; 17 % where they take
1 s and there are a few hundred). The constants were found by simulating limits of 2 to 19
requests/s as token buckets and as windows.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from source_autopilot.api.retry_policy import Deadline

MAX_REQUESTS_PER_SECOND = 20.0  # what the Singer tap that runs in production keeps to [client]
MAX_REQUESTS_IN_FLIGHT = 80  # at that rate and 4 s for a page [seen, blog of 2015-06-23]
INITIAL_REQUESTS_PER_SECOND = 4.0  # below the 5 requests/s of early docs [doc]
MIN_REQUESTS_PER_SECOND = 0.5  # unless nothing at all gets through
MAX_IN_ANY_SECOND = 21  # the maximum, and one request that was late or urgent

INITIAL_RISE = math.log(3.0)  # three times the rate each second: at the maximum after 1.5 s
RISE_AFTER_CUT = 0.001  # times the square of the answers since then: slowly, then ever faster
RISE_AFTER_REFUSAL = 0.0002
MAX_RISE = math.log(MAX_REQUESTS_PER_SECOND / MIN_REQUESTS_PER_SECOND)

WEIGHT_OF_ANSWER = 0.1  # in the share of recent answers that were refused
LIMIT_SHARE = 0.28  # above it, do not rise as fast as at first any more: three in a row, or so
MAX_REFUSED_SHARE = 0.3  # above it, the limit is lower than the rate: four refusals in a row
INITIAL_SLOWDOWN = 0.6
SLOWDOWN = 0.5  # times the refused share
CUT_TO_ACCEPTED = 0.9
MIN_CUT, MAX_CUT = 0.8, 0.3
ANSWERS_MEASURED = 20  # to know at which rate requests get through
MIN_ANSWERS_MEASURED = 8  # two fewer for each that is under way: they would reach back to the start
# A limit is noticed when what is under way has been answered. With that many the rate rises half as
# fast, with twice as many a third; no slower than with the maximum, to forget a bad moment in time.
UNDER_WAY, MAX_UNDER_WAY = 4, 20
TOGETHER_SECONDS = 0.025  # half a turn at the maximum

DROUGHT_SECONDS = 5.0
DROUGHT_RATE = 10.0  # divided by the square of the seconds that nothing got through
MIN_DROUGHT_RATE = 1 / 20


class AdaptiveRate:
    """The arithmetic of a rate that learns. Pure: every method is told the time, in seconds."""

    def __init__(self, now: float) -> None:
        self._next_at = now
        self._paused_until = now
        self._sent_at: deque[float] = deque(maxlen=MAX_IN_ANY_SECOND)
        self._in_flight = 0
        self._refused_since: float | None = None
        self._refused_at = -math.inf
        self._start(now)

    def _start(self, now: float) -> None:
        self._limit_found = self._maximum_tried = False
        self._accepted_at: deque[float] = deque([now], maxlen=ANSWERS_MEASURED + 1)
        self._refused_share = 0.0
        self._got_through = False
        self._set_rate(INITIAL_REQUESTS_PER_SECOND, RISE_AFTER_REFUSAL, now)

    def _set_rate(self, rate: float, rise: float, now: float) -> None:
        self._base = max(rate, MIN_REQUESTS_PER_SECOND)
        self._base_at = now
        self._rise = rise / (1 + min(self._in_flight, MAX_UNDER_WAY) / UNDER_WAY) ** 2
        self._answers = 0
        self._stale = self._in_flight  # requests that were sent at the rate before

    def rate(self, now: float) -> float:
        """Requests per second that are let through."""
        if self._refused_since is None or self._refused_at == self._refused_since:
            return self._learned(now)
        drought_seconds = self._refused_at - self._refused_since
        return min(self._learned(now), max(DROUGHT_RATE / drought_seconds**2, MIN_DROUGHT_RATE))

    def _learned(self, now: float) -> float:
        seconds = now - self._base_at
        # Answers make the rate rise; seconds do where none came, after a long silence.
        rise = self._rise * (self._answers + seconds) ** 2
        if not self._limit_found:
            rise = INITIAL_RISE * seconds
        return min(self._base * math.exp(min(rise, MAX_RISE)), MAX_REQUESTS_PER_SECOND)

    def next_at(self, now: float, *, urgent: bool = False) -> float:
        """When the next request may go; not after `now` if it may go at once.

        An urgent one goes a turn early; those after it pay for that.
        """
        early = 1 / self.rate(now) if urgent else 0.0
        full_until = -math.inf
        if len(self._sent_at) == MAX_IN_ANY_SECOND:
            full_until = self._sent_at[0] + 1.0
        return max(self._next_at - early, self._paused_until, full_until)

    def sent(self, now: float) -> None:
        """A request goes now."""
        # A thread that woke up late must not slow the others down, but for one turn at most.
        turn = 1 / self.rate(now)
        self._next_at = max(self._next_at, now - turn) + turn
        self._sent_at.append(now)
        # A request that is never counted out must not count for ever.
        self._in_flight = min(self._in_flight + 1, MAX_REQUESTS_IN_FLIGHT)

    def succeeded(self, now: float) -> None:
        """An answer came that is no refusal."""
        if self._refused_since is not None:
            drought_seconds = self._refused_at - self._refused_since
            self._refused_since = None
            if drought_seconds > DROUGHT_SECONDS:
                self._start(now)
            self._next_at = min(self._next_at, now + 1 / self.rate(now))
        self._accepted_at.append(now)
        if self._is_fresh(now):
            self._answers += 1
            self._got_through = True
        self._refused_share -= WEIGHT_OF_ANSWER * self._refused_share

    def refused(self, now: float, pause_seconds: float | None) -> None:
        """The API refused a request, and may have asked for a pause."""
        if pause_seconds:
            self._paused_until = max(self._paused_until, now + pause_seconds)
        if self._refused_since is None:
            self._refused_since = now
        is_together = now - self._refused_at < TOGETHER_SECONDS
        self._refused_at = now
        is_fresh = self._is_fresh(now)
        is_known = not is_fresh and not self._got_through  # what led to the last cut says it again
        if is_together or is_known:
            return
        rate = self._learned(now)
        self._refused_share += WEIGHT_OF_ANSWER * (1 - self._refused_share)
        if not self._got_through:
            return  # nothing has got through since the last cut: the rate is not what is wrong
        if self._refused_share > MAX_REFUSED_SHARE:
            self._cut(rate, now)
        elif is_fresh:
            self._limit_found |= self._refused_share > LIMIT_SHARE
            slowdown = 1 - SLOWDOWN * self._refused_share
            self._maximum_tried |= rate == MAX_REQUESTS_PER_SECOND
            if not self._limit_found and not self._maximum_tried:
                slowdown = INITIAL_SLOWDOWN
            self._set_rate(rate * slowdown, RISE_AFTER_REFUSAL, now)

    def unanswered(self, now: float) -> None:
        """A request ended without an answer, which says nothing of the rate."""
        self._is_fresh(now)

    def _cut(self, rate: float, now: float) -> None:
        """The limit is lower than the rate: go down to what gets through."""
        measured = max(ANSWERS_MEASURED - 2 * self._in_flight, MIN_ANSWERS_MEASURED)
        accepted_at = list(self._accepted_at)[-1 - measured :]
        accepted = (len(accepted_at) - 1) / max(now - accepted_at[0], TOGETHER_SECONDS)
        rate = min(max(CUT_TO_ACCEPTED * accepted, MAX_CUT * rate), MIN_CUT * rate)
        self._limit_found = True
        self._refused_share = 0.0
        self._got_through = False
        self._set_rate(rate, RISE_AFTER_CUT, now)

    def _is_fresh(self, now: float) -> bool:
        """Count a request out; whether it was sent after the last change of the rate."""
        self._in_flight = max(self._in_flight - 1, 0)
        if self._stale:
            self._stale -= 1
            self._base_at = now  # the rate does not rise before it has been tried
            return False
        return True

    def refused_seconds(self, now: float) -> float:
        """Seconds since the first refusal after which no request got through."""
        return 0.0 if self._refused_since is None else now - self._refused_since


@dataclass(eq=False)
class Chain:
    """A chain of pages: each request needs the answer before."""

    pages_left: float = math.inf  # infinity if unknown


class _Waiting:
    def __init__(
        self, chain: Chain | None, deadline: Deadline | None, turn: threading.Condition
    ) -> None:
        self.chain = chain
        self.deadline = deadline
        self._turn = turn

    def wait(self, seconds: float | None = None) -> None:
        """Until it is woken, the seconds are over, or the deadline has come."""
        if self.deadline:
            seconds_left = self.deadline.seconds_left
            seconds = seconds_left if seconds is None else min(seconds, seconds_left)
        self._turn.wait(seconds)

    def wake(self) -> None:
        self._turn.notify()


class RateLimiter:
    """Lets requests through at the rate that is learned, those of the longest chain first.

    A sync ends when its longest chain of pages ends, so that chain must never wait for another.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        condition: Callable[[threading.Lock], threading.Condition] = threading.Condition,
    ) -> None:
        self._now = now
        self._condition = condition
        self._lock = threading.Lock()
        self._rate = AdaptiveRate(now())
        self._chains: set[Chain] = set()
        self._waiting: list[_Waiting] = []  # in the order of arrival
        self._closed_for: Callable[[], Exception] | None = None

    @contextmanager
    def chain(self) -> Iterator[Chain]:
        """A chain that has its place in the order until the block ends, also by an exception."""
        chain = Chain()
        with self._lock:
            self._chains.add(chain)
        try:
            yield chain
        finally:
            with self._lock:
                self._chains.remove(chain)
                self._wake_first()

    def acquire(self, chain: Chain | None = None, deadline: Deadline | None = None) -> bool:
        """Wait for the turn of the chain's next request; None: of a request of no chain.

        Whether the request may go: not if its turn did not come before the deadline.
        """
        # Each waits on a condition of its own: waking all of them for each request is expensive.
        waiting = _Waiting(chain, deadline, self._condition(self._lock))
        with self._lock:
            self._waiting.append(waiting)
            try:
                return self._wait_for_turn(waiting)
            finally:
                self._waiting.remove(waiting)
                self._wake_first()

    def refused(self, pause_seconds: float | None) -> float:
        """Learn from a 429, and pause all requests if it asks for that; the rate that now holds."""
        with self._lock:
            now = self._now()
            self._rate.refused(now, pause_seconds)
            return self._rate.rate(now)

    def succeeded(self) -> None:
        """Learn from an answer that is no 429."""
        with self._lock:
            self._rate.succeeded(self._now())
            self._wake_first()  # it may be waiting for the long turn of a drought

    def unanswered(self) -> None:
        """Count out a request that brought no answer, such as one whose connection broke."""
        with self._lock:
            self._rate.unanswered(self._now())

    @property
    def requests_per_second(self) -> float:
        """The rate that now holds."""
        with self._lock:
            return self._rate.rate(self._now())

    @property
    def refused_seconds(self) -> float:
        """Seconds since the first refusal after which no request got through; 0.0 if none."""
        with self._lock:
            return self._rate.refused_seconds(self._now())

    def close(self, reason: Callable[[], Exception]) -> None:
        """Let nothing through any more: every `acquire`, also one that waits, raises `reason()`.

        A new exception each: an exception collects the traceback of each thread that raises it.
        """
        with self._lock:
            self._closed_for = reason
            self._wake_first()  # each that raises wakes the next

    def _wait_for_turn(self, waiting: _Waiting) -> bool:
        while not self._closed_for:
            if waiting.deadline and not waiting.deadline.seconds_left:
                return False
            first, is_urgent = self._first()
            if first is waiting:
                now = self._now()
                seconds = self._rate.next_at(now, urgent=is_urgent) - now
                if seconds <= 0:
                    self._rate.sent(now)
                    return True
                waiting.wait(seconds)
            else:
                first.wake()  # it may not have been the first when it began to wait
                waiting.wait()
        raise self._closed_for()

    def _first(self) -> tuple[_Waiting, bool]:
        """What goes next of all that wait, and whether it is urgent. One look at each."""
        known = [chain.pages_left for chain in self._chains if chain.pages_left < math.inf]
        longest = max(known, default=None)

        def order(waiting: _Waiting) -> tuple[bool, float]:
            chain = waiting.chain
            pages_left = chain.pages_left if chain in self._chains else -1.0
            # Chains of unknown length come next: while the longest known one waits for an answer.
            return pages_left != longest, -pages_left

        first = min(self._waiting, key=order)
        return first, not order(first)[0]

    def _wake_first(self) -> None:
        if self._waiting:
            self._first()[0].wake()
