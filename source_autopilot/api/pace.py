"""How fast requests may be sent: the arithmetic of a rate that learns. Pure; times in seconds.

Starts slowly, speeds up while nothing is refused, slows down when something is, and never goes
above the ceiling. Found by simulating limits of 2 to 20 requests/s, as token buckets and as
windows: benchmarks/ measures the result.
"""

CEILING = 20.0  # requests/s: what the Singer tap that runs in production keeps to [client]
WORKERS = 20  # at that rate and a second for an answer, as many requests are under way
START = 4.0  # below the 5 requests/s of early docs [doc]
LEAST = 0.5
LONGEST_QUIET = 300.0  # seconds that count as quiet: powers of more are beyond a float

RISE_AT_FIRST = 3.0  # times a second, until the first refusal: at the ceiling after 1.5 s
RISE_LATER = 1.2
LIMIT_RISE = 1.007  # the learned limit is forgotten by 0.7 % a second
LIMIT_AFTER_REFUSAL = 0.85
RATE_AFTER_REFUSAL = 0.6


class Pace:
    """When the next request may go."""

    def __init__(self, now: float) -> None:
        self._rate = START
        self._limit = CEILING
        self._rise = RISE_AT_FIRST
        self._updated_at = now
        self._next_at = now
        self._paused_until = now
        self._refused_at = float("-inf")

    @property
    def rate(self) -> float:
        """Requests per second that are let through at present."""
        return self._rate

    def next_at(self, now: float, *, urgent: bool = False) -> float:
        """When the next request may go; not after `now` if it may go at once.

        An urgent one goes a turn early; those after it pay for that.
        """
        seconds = min(now - self._updated_at, LONGEST_QUIET)
        self._updated_at = now
        self._limit = min(self._limit * LIMIT_RISE**seconds, CEILING)
        self._rate = min(self._rate * self._rise**seconds, self._limit)
        early = 1 / self._rate if urgent else 0.0
        return max(self._next_at - early, self._paused_until)

    def sent(self, now: float) -> None:
        """A request goes now."""
        # Somebody who woke up late must not slow the others down, but for one turn at most.
        turn = 1 / self._rate
        self._next_at = max(self._next_at, now - turn) + turn

    def refused(self, now: float, pause_seconds: float | None) -> None:
        """The API refused a request, and may have asked for a pause.

        Several requests are under way at once: what one refusal says, all within a second say.
        """
        if pause_seconds:
            self._paused_until = max(self._paused_until, now + pause_seconds)
        if now - self._refused_at < 1:
            return
        self._refused_at = now
        self._rise = RISE_LATER
        self._limit = max(self._rate * LIMIT_AFTER_REFUSAL, LEAST)
        self._rate = max(self._rate * RATE_AFTER_REFUSAL, LEAST)
        self._next_at = max(self._next_at, now + 1 / self._rate)
