"""How often a request is tried, how long it is waited for, and when a command has to end. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

# check and discover have 30 s with their start-up: a person waits in front of the form.
COMMAND_SECONDS = 25.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often one request is tried and how long it is waited for. Times in seconds.

    Attributes:
        connect_seconds: for a connection.
        answer_seconds: for an answer, from the request to its last byte.
        max_tries: how often a request is sent while there is trouble other than a rate limit.
        max_trouble_seconds: no further try after that long with tries that failed, pauses included.
        max_pause_seconds: a longer Retry-After is not waited for.
        max_limited_seconds: how long a rate limit that lets no request through is waited out, 0.0
            if not at all; None if a refusal is a failed try like any other.
    """

    connect_seconds: float
    answer_seconds: float
    max_tries: int
    max_trouble_seconds: float
    max_pause_seconds: float
    max_limited_seconds: float | None

    def within(self, seconds: float) -> RetryPolicy:
        """The policy for a request that is worth about so many seconds, once its turn has come."""
        connect_seconds = min(self.connect_seconds, seconds / 2)
        return replace(
            self,
            connect_seconds=connect_seconds,
            answer_seconds=min(self.answer_seconds, seconds - connect_seconds),
            max_trouble_seconds=min(self.max_trouble_seconds, seconds),
        )


# A refusal is the account's limit at work, perhaps spent by another integration: it is waited out.
READ_POLICY = RetryPolicy(
    connect_seconds=10,
    answer_seconds=120,
    max_tries=6,
    max_trouble_seconds=150,
    max_pause_seconds=120,
    max_limited_seconds=600,
)
COMMAND_POLICY = RetryPolicy(
    connect_seconds=2,
    answer_seconds=12,
    max_tries=3,
    max_trouble_seconds=12,
    max_pause_seconds=5,
    max_limited_seconds=None,
)
# For what a command can do without: a forecast, or the columns of a catalog written by hand.
ONE_TRY_POLICY = replace(COMMAND_POLICY, max_tries=1)
# For what a read can do without: whether there is a page at a bookmark that was never issued. "No"
# is an answer, and a page takes 4 s at most [seen, blog of 2015-06-23]. It is not worth waiting for
# a rate limit that is used up.
QUESTION_POLICY = replace(READ_POLICY, answer_seconds=30, max_tries=2, max_limited_seconds=0.0)


class Deadline:
    """The moment by which a command has to be done."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._ends_at = now() + seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; 0 when it has passed."""
        return max(self._ends_at - self._now(), 0.0)

    def half(self) -> Deadline:
        """An earlier deadline that leaves half of the time for what comes next."""
        return Deadline(self.seconds_left / 2, self._now)


class FailedTries:
    """Counts the failed tries of one request, and says when the next one is."""

    def __init__(self, policy: RetryPolicy, deadline: Deadline | None) -> None:
        self._policy = policy
        self._deadline = deadline
        self._number = 0
        self._trouble_seconds = 0.0

    def count(self, took_seconds: float, asked_pause_seconds: float | None) -> float | None:
        """Count a failed try; seconds to wait before the next one, or None if it was the last.

        Args:
            took_seconds: how long the try took.
            asked_pause_seconds: the API's Retry-After; without one, or with 0, the pauses are 1, 2,
                4, 8 and 16 seconds.
        """
        self._number += 1
        self._trouble_seconds += took_seconds
        pause = asked_pause_seconds or 2.0 ** (self._number - 1)
        if self._number >= self._policy.max_tries:
            return None
        if self._trouble_seconds >= self._policy.max_trouble_seconds:
            return None
        if self._deadline and pause >= self._deadline.seconds_left:
            return None
        self._trouble_seconds += pause
        return pause
