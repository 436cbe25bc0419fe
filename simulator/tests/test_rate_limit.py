"""The rate limit: enforced by the server, and announced in the ways that HTTP has."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
import requests

from simulator import Account, Simulator
from simulator.rate_limit import TokenBucket
from simulator.tests.client import get

SECONDS_OF_A_DAY = 24 * 60 * 60
ONCE_A_DAY = 1 / SECONDS_OF_A_DAY
SLACK_SECONDS = 60 * 60
"""More than a request takes on any machine."""


class Clock:
    """A clock that a test moves."""

    seconds = 100.0

    def __call__(self) -> float:
        """The time, as from time.monotonic."""
        return self.seconds


def test_bucket__admits_a_burst_of_a_second_and_then_a_steady_rate() -> None:
    """5 a second: five at once, then one for every 0.2 s that pass."""
    clock = Clock()
    bucket = TokenBucket(5, clock=clock)

    burst = [bucket.take() for _ in range(6)]
    clock.seconds += 0.2
    later = [bucket.take() for _ in range(2)]

    assert burst == [0, 0, 0, 0, 0, pytest.approx(0.2)]
    assert later == [0, pytest.approx(0.2)]


def test_bucket__never_saves_up_more_than_its_capacity() -> None:
    """A quiet hour doesn't buy a burst of an hour's requests."""
    clock = Clock()
    bucket = TokenBucket(2, clock=clock)

    clock.seconds += 3600
    waits = [bucket.take() for _ in range(3)]

    assert waits == [0, 0, pytest.approx(0.5)]


def test_bucket__of_less_than_one_a_second_admits_one() -> None:
    """A capacity below one would never admit anything."""
    bucket = TokenBucket(0.5, clock=Clock())

    assert [bucket.take(), bucket.take()] == [0, pytest.approx(2)]


def test_bucket__without_a_limit_admits_everything() -> None:
    """None is no limit."""
    bucket = TokenBucket(None, clock=Clock())

    assert {bucket.take() for _ in range(1000)} == {0}


def get_throttled(retry_after: str | None) -> requests.Response:
    """The answer to the second request, where one a day is allowed."""
    with Simulator(Account(), rate_limit=ONCE_A_DAY, retry_after=retry_after) as autopilot:
        assert get(autopilot, "/lists").status_code == 200
        return get(autopilot, "/contacts")


def test_rate_limit__is_a_429_with_the_documented_body() -> None:
    """All endpoints share one limit; by default the answer doesn't say how long to wait."""
    answer = get_throttled(None)

    assert answer.status_code == 429
    assert answer.json() == {
        "error": "Too Many Requests",
        "message": "You have exceeded your request rate of 1.15741e-05 r/s.",
    }
    assert "Retry-After" not in answer.headers


def test_retry_after__in_seconds() -> None:
    """The seconds are rounded up: a client that waits that long is admitted."""
    wait_seconds = int(get_throttled("seconds").headers["Retry-After"])

    assert SECONDS_OF_A_DAY - SLACK_SECONDS <= wait_seconds <= SECONDS_OF_A_DAY


def test_retry_after__as_a_date() -> None:
    """The date is an HTTP date, in the future by what is left to wait."""
    answer = get_throttled("http-date")

    until = parsedate_to_datetime(answer.headers["Retry-After"])
    sent = parsedate_to_datetime(answer.headers["Date"])
    assert answer.headers["Retry-After"].endswith(" GMT")
    wait_seconds = (until - sent).total_seconds()
    assert SECONDS_OF_A_DAY - SLACK_SECONDS <= wait_seconds <= SECONDS_OF_A_DAY + 1


def test_rate_limit__counts_only_requests_with_the_key() -> None:
    """The limit belongs to the account: strangers don't use it up."""
    with Simulator(Account(), rate_limit=ONCE_A_DAY) as autopilot:
        strangers = [get(autopilot, "/lists", key=None).status_code for _ in range(3)]
        own = [get(autopilot, "/lists").status_code for _ in range(2)]

    assert (strangers, own) == ([400, 400, 400], [200, 429])
