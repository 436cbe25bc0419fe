"""Tests of `pace`: arithmetic only, on a time that the test makes up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.api.pace import CEILING, LEAST, START, Pace


def send(pace: Pace, *, now: float, requests: int) -> float:
    """Send so many requests as early as the pace allows; the time of the last one."""
    for _ in range(requests):
        now = max(now, pace.next_at(now))
        pace.sent(now)
    return now


def test_pace__starts_slowly_and_reaches_the_ceiling() -> None:
    """An account's limit may be 5: the first requests are slower, the ceiling comes in 2 s."""
    pace = Pace(0.0)
    assert pace.rate == START

    now = send(pace, now=0.0, requests=20)
    assert now < 3
    assert send(pace, now=2.0, requests=1) >= 2.0
    assert pace.rate == CEILING


@given(st.lists(st.floats(0, 0.4), min_size=1, max_size=200))
def test_pace__never_above_the_ceiling(delays: list[float]) -> None:
    """However late the workers come, no second sees more than the ceiling and one late turn."""
    pace, now, sent = Pace(0.0), 0.0, []
    for delay in delays:
        now = max(now + delay, pace.next_at(now + delay))
        pace.sent(now)
        sent.append(now)

    for start in sent:
        assert sum(start <= it < start + 1 for it in sent) <= CEILING + 2


def test_refused__slows_down() -> None:
    """A refusal takes the rate down at once."""
    pace = Pace(0.0)
    now = send(pace, now=0.0, requests=60)
    before = pace.rate

    pace.refused(now, None)

    assert pace.rate < before
    assert pace.next_at(now) > now


def test_refused__many_at_once_count_as_one() -> None:
    """Twenty workers that are refused together say the same thing once."""
    once, often = Pace(0.0), Pace(0.0)
    for pace in (once, often):
        send(pace, now=0.0, requests=60)
    once.refused(10.0, None)
    for _ in range(20):
        often.refused(10.0, None)

    assert often.rate == once.rate


def test_refused__pauses_as_asked() -> None:
    """Retry-After holds for everybody, also when the refusal itself is not counted."""
    pace = Pace(0.0)
    pace.refused(10.0, None)
    pace.refused(10.1, 7.0)

    assert pace.next_at(10.1) == pytest.approx(17.1)
    assert pace.next_at(10.1, urgent=True) == pytest.approx(17.1)


def test_refused__never_stops() -> None:
    """However often it is refused, the pace still tries now and then."""
    pace = Pace(0.0)
    for second in range(100):
        pace.refused(float(second * 2), None)

    assert pace.rate == LEAST


def test_pace__recovers() -> None:
    """A limit that was learned from one bad moment is forgotten with time."""
    pace = Pace(0.0)
    now = send(pace, now=0.0, requests=60)
    pace.refused(now, None)

    pace.next_at(now + 300)

    assert pace.rate == CEILING


@pytest.mark.parametrize("limit", [2, 5, 10])
def test_pace__learns_a_lower_limit(limit: int) -> None:
    """Against a lower limit the pace loses little time, and few requests are refused."""
    pace, now, accepted, refused = Pace(0.0), 0.0, 0, 0
    tokens, filled_at = float(limit), 0.0
    while accepted < 60 * limit:
        now = max(now, pace.next_at(now))
        pace.sent(now)
        tokens, filled_at = min(tokens + (now - filled_at) * limit, float(limit)), now
        if tokens >= 1:
            tokens -= 1
            accepted += 1
        else:
            pace.refused(now, None)
            refused += 1

    assert now <= 60 * 1.15
    assert refused <= 0.12 * accepted


@pytest.mark.parametrize("hours", [1, 24, 24 * 365])
def test_pace__after_a_long_silence(hours: int) -> None:
    """A sync that waited for a slow destination goes on at the ceiling, and not with a crash."""
    pace = Pace(0.0)

    assert pace.next_at(hours * 3600.0) <= hours * 3600.0
    assert pace.rate == CEILING
