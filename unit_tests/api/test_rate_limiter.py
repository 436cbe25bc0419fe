"""Tests of `rate_limiter`: the arithmetic on a time that the test makes up, then the waiting."""

import math
import threading
from collections.abc import Callable
from contextlib import ExitStack
from queue import Queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.api.rate_limiter import (
    INITIAL_REQUESTS_PER_SECOND,
    MAX_REQUESTS_PER_SECOND,
    MIN_REQUESTS_PER_SECOND,
    AdaptiveRate,
    Chain,
    RateLimiter,
)
from source_autopilot.api.retry_policy import Deadline
from unit_tests.support.fake_time import TIMEOUT_SECONDS, FakeTime
from unit_tests.support.rate_limits import (
    Limit,
    fixed_window,
    refuse_requests,
    simulate,
    sliding_window,
    token_bucket,
    unlimited,
)

TURN = 1 / MAX_REQUESTS_PER_SECOND

LIMITS: list[Callable[[int], Limit]] = [
    lambda limit: token_bucket(limit, burst=1),
    lambda limit: token_bucket(limit, burst=limit),
    lambda limit: token_bucket(limit, burst=2 * limit),
    fixed_window,
    sliding_window,
]
LIMIT_NAMES = ["bucket-of-1", "bucket-of-a-second", "bucket-of-2-seconds", "fixed", "sliding"]


def at_maximum() -> AdaptiveRate:
    """A rate at second 10, when the last twenty requests got through at the maximum."""
    rate = AdaptiveRate(0.0)
    for number in range(21):
        rate.sent(8.0 + number * TURN)
        rate.succeeded(8.0 + number * TURN)
    return rate


def refuse(rate: AdaptiveRate, times: int, *, now: float, every: float = TURN) -> float:
    """Refuse so many requests, one after the other; the time of the last refusal."""
    for number in range(times):
        rate.sent(now + number * every)
        rate.refused(now + number * every, None)
    return now + (times - 1) * every


def test_rate__starts_slowly_and_reaches_the_maximum() -> None:
    """An account's limit may be 5: the first requests are slower, the maximum comes in 1.5 s."""
    rate = AdaptiveRate(0.0)

    assert rate.rate(0.0) == INITIAL_REQUESTS_PER_SECOND == 4.0
    assert rate.rate(1.0) == pytest.approx(12.0)
    assert rate.rate(1.5) == MAX_REQUESTS_PER_SECOND == 20.0


def test_rate__turns() -> None:
    """The first request goes at once, the next one a turn later."""
    rate = AdaptiveRate(3.0)
    assert rate.next_at(3.0) == 3.0

    rate.sent(3.0)

    assert rate.next_at(3.0) == 3.25


@given(st.lists(st.tuples(st.floats(0, 0.4), st.booleans()), min_size=1, max_size=200))
def test_rate__never_above_the_maximum(requests: list[tuple[float, bool]]) -> None:
    """However late threads come, no second sees more than 20 and one late or urgent request."""
    rate, now, sent = AdaptiveRate(0.0), 0.0, list[float]()
    for delay, urgent in requests:
        now += delay
        while (next_at := rate.next_at(now, urgent=urgent)) > now:
            now = next_at
        rate.sent(now)
        sent.append(now)

    for start in sent:
        assert sum(start <= then < start + 1 for then in sent) <= 21


def test_rate__the_maximum_of_a_second_is_reached() -> None:
    """A late request and twenty turns fit into a second; an urgent one waits for its end."""
    rate = at_maximum()
    rate.sent(10.0)  # so late that the next one may go at once
    assert rate.next_at(10.0) == pytest.approx(10.0)
    rate.sent(10.0 + TURN / 2)
    now = 10.0
    for _ in range(19):
        now = rate.next_at(now)
        rate.sent(now)

    assert now == pytest.approx(10.95)
    assert rate.next_at(now) == pytest.approx(11.0)
    assert rate.next_at(now, urgent=True) == 11.0


def test_rate__an_urgent_request_goes_a_turn_early() -> None:
    """The one after it pays: the rate of all stays what it is."""
    rate = at_maximum()
    rate.sent(10.0)
    rate.sent(10.0)
    assert rate.next_at(10.0) == pytest.approx(10.0 + TURN)
    assert rate.next_at(10.0, urgent=True) == pytest.approx(10.0)

    rate.sent(10.0)

    assert rate.next_at(10.0) == pytest.approx(10.0 + 2 * TURN)
    assert rate.next_at(10.0, urgent=True) == pytest.approx(10.0 + TURN)


@pytest.mark.parametrize(("late", "next_late"), [(0.5, 0.0), (1.0, 0.0), (30.0, 0.0)])
def test_rate__a_late_request_slows_the_others_by_a_turn_at_most(
    late: float, next_late: float
) -> None:
    """What is later than a turn is lost: no burst after a silence."""
    rate = at_maximum()
    rate.sent(10.0)
    rate.sent(10.0)
    planned = rate.next_at(10.0)

    rate.sent(planned + late * TURN)

    assert rate.next_at(0.0) == pytest.approx(planned + max(1.0, late) * TURN)


def test_refused__pauses_as_asked() -> None:
    """Retry-After holds for everybody, urgent or not, and the longest one holds."""
    rate = AdaptiveRate(0.0)
    rate.refused(10.0, 7.0)
    rate.refused(10.1, 2.0)

    assert rate.next_at(10.1) == 17.0
    assert rate.next_at(10.1, urgent=True) == 17.0


def test_refused__a_pause_costs_nothing_more() -> None:
    """After the pause of an isolated refusal everything goes on as before."""
    rate = at_maximum()
    rate.sent(10.0)
    rate.refused(10.0, 3.0)

    assert rate.next_at(13.0) == 13.0
    assert rate.rate(13.0) == MAX_REQUESTS_PER_SECOND


def test_refused__an_isolated_refusal_at_the_maximum() -> None:
    """It slows down by a few per cent, for a moment."""
    rate = at_maximum()
    rate.sent(10.0)

    rate.refused(10.0, None)

    assert rate.rate(10.0) == pytest.approx(19.0)
    assert rate.rate(10.1) == MAX_REQUESTS_PER_SECOND


def test_refused__while_the_limit_is_looked_for() -> None:
    """On the way up, one refusal may be the limit: wait for what the lower rate brings."""
    rate = AdaptiveRate(0.0)
    for _ in range(2):
        rate.sent(1.0)
    rate.succeeded(1.0)

    rate.refused(1.0, None)

    assert rate.rate(1.0) == pytest.approx(0.6 * 12.0)
    assert rate.rate(1.5) == pytest.approx(0.6 * 12.0 * 3**0.5)


def test_refused__the_fourth_in_a_row_is_the_limit() -> None:
    """The rate falls to nine tenths of what gets through: here twenty requests in 2.15 s."""
    rate = at_maximum()

    now = refuse(rate, 3, now=10.0)
    assert rate.rate(now) > 11
    now = refuse(rate, 1, now=now + TURN)

    assert now == pytest.approx(10.15)
    assert rate.rate(now) == pytest.approx(0.9 * 20 / 2.15)


@pytest.mark.parametrize(
    ("silence", "share_of_rate"), [(0.0, 0.8), (100.0, 0.3)], ids=["at-most", "at-least"]
)
def test_refused__bounds_of_a_cut(silence: float, share_of_rate: float) -> None:
    """A cut is noticeable, also after a burst, and not all, also after a silence."""
    rate, now = at_maximum(), 9.05 + silence
    now = refuse(rate, 3, now=now)
    before = rate.rate(now + TURN)

    now = refuse(rate, 1, now=now + TURN)

    assert rate.rate(now) == pytest.approx(share_of_rate * before)


def test_refused__before_anything_got_through() -> None:
    """Refusals from the first request on say nothing about the rate."""
    rate = AdaptiveRate(0.0)

    now = refuse(rate, 5, now=0.0)

    assert rate.rate(now) == pytest.approx(4.0 * 3**now)


def test_refused__no_second_cut_before_something_got_through() -> None:
    """Where nothing gets through, the rate is not what is wrong."""
    rate = at_maximum()
    now = refuse(rate, 4, now=10.0)
    after_cut = rate.rate(now)

    now = refuse(rate, 10, now=now + TURN)
    assert rate.rate(now) == pytest.approx(after_cut, rel=0.02)
    rate.sent(now)
    rate.succeeded(now)
    now = refuse(rate, 1, now=now + TURN)

    assert rate.rate(now) < 0.81 * after_cut


def test_refused__many_at_once_count_as_one() -> None:
    """Twenty requests in flight that are refused together say the same thing once."""
    rate = at_maximum()
    for _ in range(20):
        rate.sent(10.0)
    for number in range(20):
        rate.refused(10.0 + number * 0.0249, None)

    assert rate.rate(10.6) == MAX_REQUESTS_PER_SECOND


def test_refused__what_was_sent_before_a_cut_says_nothing_about_the_new_rate() -> None:
    """Twenty requests in flight, refused one after the other, lower the rate only once."""
    rate = at_maximum()
    for _ in range(20):
        rate.sent(10.0)
    for number in range(4):
        rate.refused(10.0 + number * TURN, None)
    after_cut = rate.rate(10.15)

    for number in range(4, 20):
        rate.refused(10.0 + number * TURN, None)

    assert rate.rate(10.95) == pytest.approx(after_cut, rel=0.01)


@pytest.mark.parametrize(("apart", "counted"), [(0.0249, 1), (0.0251, 2)])
def test_refused__how_close_is_together(apart: float, counted: int) -> None:
    """Two refusals less than half a turn apart are one."""
    rate, expected = at_maximum(), at_maximum()

    now = refuse(rate, 2, now=10.0, every=apart)
    refuse(expected, counted, now=10.0 if counted == 2 else now, every=apart)

    assert rate.rate(now + 0.001) == pytest.approx(expected.rate(now + 0.001), rel=0.05)
    assert (rate.rate(now) < 19) == (counted == 2)


def test_refused__three_in_a_row_after_another_one() -> None:
    """They are no cut yet, but the end of the fast rise."""
    rate = at_maximum()
    now = refuse(rate, 1, now=10.0)
    for _ in range(10):
        now += TURN
        rate.sent(now)
        rate.succeeded(now)

    now = refuse(rate, 3, now=now + TURN)

    assert rate.rate(now) > 10
    assert rate.rate(now + 1) < 1.01 * rate.rate(now)


def test_refused__requests_without_an_answer() -> None:
    """At most 80 requests count as under way: the answered one and 79 that hold the rate."""
    rate = at_maximum()
    for _ in range(160):
        rate.sent(10.0)
    now = refuse(rate, 4, now=10.0)
    after_cut = rate.rate(now)

    for _ in range(79):
        rate.succeeded(now)
    assert rate.rate(now) == after_cut
    for _ in range(10):
        rate.succeeded(now)

    assert rate.rate(now) == pytest.approx(after_cut * math.exp(0.001 * (10 / 6) ** 2))


def test_unanswered__is_under_way_no_more() -> None:
    """Requests whose connection broke hold no rate after a cut, and slow its rise down no more."""
    rate, expected = at_maximum(), at_maximum()
    for _ in range(40):
        rate.sent(9.5)
        rate.unanswered(9.5)

    for each in (rate, expected):
        now = refuse(each, 4, now=10.0)
        for _ in range(10):
            each.succeeded(now)

    assert rate.rate(now) == pytest.approx(expected.rate(now))


def test_refused__what_was_sent_before_a_cut_is_no_reason_for_the_next() -> None:
    """However many are refused after the cut, the first at the new rate is an isolated one."""
    rate = at_maximum()
    for _ in range(20):
        rate.sent(10.0)
    for number in range(20):
        rate.refused(10.0 + number * TURN, None)
    rate.sent(11.0)
    rate.succeeded(11.0)
    before = rate.rate(11.0)

    refuse(rate, 1, now=11.1)

    assert rate.rate(11.1) > 0.94 * before


@pytest.mark.parametrize(
    ("under_way", "slower"), [(0, 1.0), (4, 2.0), (12, 4.0), (20, 6.0), (60, 6.0)]
)
def test_rate__rises_more_slowly_where_many_are_under_way(under_way: int, slower: float) -> None:
    """A limit is noticed when they are answered: four halve the pace; it is a sixth at least."""
    rate = at_maximum()
    for _ in range(under_way):
        rate.sent(10.0)
    now = refuse(rate, 4, now=10.0)
    for _ in range(under_way):
        rate.succeeded(now)
    after_cut = rate.rate(now)

    for _ in range(10):
        rate.succeeded(now)

    assert rate.rate(now) / after_cut == pytest.approx(math.exp(0.001 * (10 / slower) ** 2))


@pytest.mark.parametrize(("under_way", "measured"), [(0, 20), (3, 14), (6, 8), (60, 8)])
def test_refused__answers_that_are_measured(under_way: int, measured: int) -> None:
    """Twenty tell what gets through; fewer where many are under way: the start was slow."""
    rate = AdaptiveRate(0.0)
    accepted_at = [number / 8 for number in range(12)] + [1.5 + number / 20 for number in range(9)]
    for now in accepted_at:
        rate.sent(now)
        rate.succeeded(now)
    for _ in range(under_way):
        rate.sent(1.9)

    now = refuse(rate, 4, now=1.95)

    assert rate.rate(now) == pytest.approx(0.9 * measured / (now - accepted_at[-1 - measured]))


def test_refused__together_with_the_answers_that_are_measured() -> None:
    """Nine answers and a refusal of the same moment say that much gets through."""
    rate = at_maximum()
    now = refuse(rate, 40, now=10.0) + 1.0
    for _ in range(18):
        rate.sent(now)
    for _ in range(9):
        rate.succeeded(now)
    before = rate.rate(now)

    rate.refused(now, None)

    assert rate.rate(now) == pytest.approx(0.8 * before)


def test_refused__after_the_maximum_was_reached() -> None:
    """Refusals that do not repeat are none of a limit below: each slows down by a few per cent."""
    rate = at_maximum()

    refuse(rate, 2, now=10.0, every=0.03)

    assert rate.rate(10.03) == pytest.approx(19 * 3**0.03 * (1 - 0.5 * 0.19))


def test_succeeded__more_answers_than_requests() -> None:
    """An answer that is counted twice does no harm."""
    rate = at_maximum()
    for _ in range(30):
        rate.succeeded(10.0)

    now = refuse(rate, 4, now=10.0)

    assert rate.rate(now) < 15


def test_refused__never_stops() -> None:
    """However often requests are refused, one in two seconds goes as long as some get through."""
    rate, now = AdaptiveRate(0.0), 0.0
    for _ in range(60):
        rate.sent(now)
        rate.succeeded(now)
        now = refuse(rate, 3, now=now + 0.3, every=0.03)

    assert rate.rate(now) == pytest.approx(MIN_REQUESTS_PER_SECOND, rel=0.02)
    assert MIN_REQUESTS_PER_SECOND == 0.5


def test_rate__rises_ever_faster_after_a_cut() -> None:
    """Gently near the limit that was found, and back at the maximum if there is none any more."""
    rate = at_maximum()
    now = refuse(rate, 4, now=10.0)
    after_cut, risen = rate.rate(now), list[float]()

    for _ in range(50):
        rate.sent(now)
        rate.succeeded(now)
        risen.append(rate.rate(now) / after_cut)

    assert risen[9] == pytest.approx(math.exp(0.1))
    assert risen[19] == pytest.approx(math.exp(0.4))
    assert rate.rate(now) == MAX_REQUESTS_PER_SECOND


def test_rate__rises_more_slowly_after_a_refusal() -> None:
    """Once the limit was found, it is asked for again now and then only."""
    rate = at_maximum()
    now = refuse(rate, 4, now=10.0) + 1.0
    rate.sent(now)
    rate.succeeded(now)
    rate.sent(now)
    rate.refused(now, None)
    before = rate.rate(now)

    for _ in range(20):
        rate.sent(now)
        rate.succeeded(now)

    assert rate.rate(now) == pytest.approx(before * math.exp(0.0002 * 20**2))


@pytest.mark.parametrize("seconds", [300, 3600, 365 * 24 * 3600])
def test_rate__after_a_long_silence(seconds: int) -> None:
    """A bad moment is forgotten: a sync that was stopped for long goes on at the maximum."""
    rate = at_maximum()
    now = refuse(rate, 8, now=10.0, every=0.3)
    assert rate.rate(now) < 10
    rate.succeeded(now)

    assert rate.rate(now + seconds) == MAX_REQUESTS_PER_SECOND
    assert rate.next_at(now + seconds) <= now + seconds


def test_rate__from_the_minimum_to_the_maximum() -> None:
    """The worst moment is forgotten, too."""
    rate, now = AdaptiveRate(0.0), 0.0
    for _ in range(60):
        rate.sent(now)
        rate.succeeded(now)
        now = refuse(rate, 3, now=now + 0.3, every=0.03)
    rate.succeeded(now)

    assert rate.rate(now + 300) == MAX_REQUESTS_PER_SECOND


@pytest.mark.parametrize("seconds", [3600, 365 * 24 * 3600])
def test_rate__a_long_silence_before_the_first_answer(seconds: int) -> None:
    """Nothing overflows."""
    assert AdaptiveRate(0.0).rate(seconds) == MAX_REQUESTS_PER_SECOND


@pytest.mark.parametrize("latency", [0.01, 0.1])
@pytest.mark.parametrize("requests", [60, 300, 1000])
@pytest.mark.parametrize("limit", LIMITS, ids=LIMIT_NAMES)
def test_simulation__unknown_limit_of_five(
    limit: Callable[[int], Limit], requests: int, latency: float
) -> None:
    """The limit of early docs costs at most a quarter of the time and 15 % refused requests."""
    run = simulate(limit(5), requests=requests, latency=latency)

    assert run.seconds <= 1.25 * requests / 5
    assert run.refused_share <= 0.15


@pytest.mark.parametrize("latency", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("per_second", [2, 3, 8, 10, 15, 19])
@pytest.mark.parametrize("limit", LIMITS[1:], ids=LIMIT_NAMES[1:])
def test_simulation__other_limits(
    limit: Callable[[int], Limit], per_second: int, latency: float
) -> None:
    """Any lower limit is found."""
    run = simulate(limit(per_second), requests=300, latency=latency)

    assert run.seconds <= 1.2 * 300 / per_second
    assert run.refused_share <= 0.19


@pytest.mark.parametrize(
    ("per_second", "latency"), [(2, 1.0), (5, 1.0), (15, 1.0), (5, 4.0), (15, 4.0)]
)
def test_simulation__slow_answers(per_second: int, latency: float) -> None:
    """What is under way when the limit is met is refused once, not again and again."""
    run = simulate(token_bucket(per_second, per_second), requests=300, latency=latency)

    assert run.seconds <= 1.15 * max(300 / per_second, 300 * latency / 20)
    assert run.refused_share <= 0.25


@pytest.mark.parametrize("per_second", [2, 3, 5, 8, 10, 15, 19])
@pytest.mark.parametrize("limit", LIMITS[1:], ids=LIMIT_NAMES[1:])
def test_simulation__side_by_side(limit: Callable[[int], Limit], per_second: int) -> None:
    """A table of 300 pages of 1 s: any limit is found, by as many chains as it keeps busy."""
    run = simulate(limit(per_second), requests=300, latency=1.0, workers=80, side_by_side=True)

    assert run.seconds <= 1.25 * 300 / per_second
    assert run.refused_share <= 0.17


@pytest.mark.parametrize("limit", LIMITS[1:], ids=LIMIT_NAMES[1:])
def test_simulation__side_by_side_and_short(limit: Callable[[int], Limit]) -> None:
    """The 80 pages of 1 s that an unknown limit of 5/s lets through in 16 s take 20 s at most."""
    run = simulate(limit(5), requests=80, latency=1.0, workers=80, side_by_side=True)

    assert run.seconds <= 1.25 * 80 / 5


@pytest.mark.parametrize("per_second", [5, 10, 15])
@pytest.mark.parametrize("limit", LIMITS[1:], ids=LIMIT_NAMES[1:])
def test_simulation__side_by_side_and_very_slow(
    limit: Callable[[int], Limit], per_second: int
) -> None:
    """At 4 s a page the 80 requests that the search has under way are refused once."""
    run = simulate(limit(per_second), requests=1000, latency=4.0, workers=80, side_by_side=True)

    assert run.seconds <= 1.25 * (1000 / per_second + 2 * 4.0)  # two pages tell of start keys
    assert run.refused_share <= 0.19


@pytest.mark.parametrize("latency", [0.01, 0.1, 0.3, 1.0])
def test_simulation__without_a_limit(latency: float) -> None:
    """Nothing but the start is slower than the maximum."""
    run = simulate(unlimited, requests=300, latency=latency)

    assert run.seconds <= 300 * TURN + 1 + latency


@pytest.mark.parametrize("workers", [1, 20])
@pytest.mark.parametrize("latency", [0.01, 0.1, 0.3, 1.0])
def test_simulation__every_25th_request_is_refused(latency: float, workers: int) -> None:
    """Refusals that do not repeat slow a sync of 300 requests by 12 % at most."""
    calm = simulate(unlimited, requests=300, latency=latency, workers=workers)

    run = simulate(
        refuse_requests(range(25, 1000, 25)), requests=300, latency=latency, workers=workers
    )

    assert len(run.refused_at) == 12
    assert run.seconds <= 1.12 * calm.seconds


def test_simulation__every_25th_request_asks_for_a_pause() -> None:
    """Each pause is waited for; nothing more is lost than without a pause."""
    refused = range(25, 1000, 25)
    calm = simulate(refuse_requests(refused), requests=300)

    run = simulate(refuse_requests(refused), requests=300, pause_seconds=2.0)

    assert run.seconds <= calm.seconds + 12 * 2.0


@pytest.mark.parametrize("urgent", [True, False])
def test_simulation__one_chain_with_isolated_refusals(urgent: bool) -> None:
    """100,000 contacts with 29 refusals take 29 answers more: 141 s, where 569 s were seen."""
    refused = range(17, 1000, 34)

    run = simulate(refuse_requests(refused), requests=1000, latency=0.137, workers=1, urgent=urgent)

    assert len(run.refused_at) == 29
    assert run.seconds == pytest.approx(1029 * 0.137, rel=0.01)


def test_simulation__one_bad_moment() -> None:
    """Twenty requests in a row that are refused cost seconds, not minutes."""
    calm = simulate(unlimited, requests=300)

    run = simulate(refuse_requests(range(100, 120)), requests=300)

    assert run.seconds <= calm.seconds + 4


def test_simulation__limit_that_rises() -> None:
    """When somebody else stops using up the account's limit, the maximum is found again."""
    low = token_bucket(5, 5)

    run = simulate(lambda now: now > 60 or low(now), requests=1500)

    late = [then for then in run.accepted_at if then > 75]
    assert len(late) / (late[-1] - 75) == pytest.approx(MAX_REQUESTS_PER_SECOND, rel=0.02)


@pytest.mark.parametrize("latency", [0.1, 1.0])
def test_simulation__drought(latency: float) -> None:
    """Ten minutes in which nothing gets through cost few requests, and little time afterwards."""
    run = simulate(lambda now: not 10 <= now < 610, requests=400, latency=latency)

    after = [then for then in run.accepted_at if then > 610]
    assert len(run.refused_at) <= 80
    assert after[0] <= 610 + 20 + latency
    assert sum(then < after[0] + 4 for then in after) > 40


def test_drought__ask_ever_less_often() -> None:
    """The longer nothing gets through, the longer is a turn: at last 20 s."""
    rate = at_maximum()
    rates = list[float]()
    for now in [10.0, 11.0, 12.0, 20.0, 100.0]:
        rate.sent(now)
        rate.refused(now, None)
        rates.append(rate.rate(now))

    assert rates == pytest.approx([19.0, 10.0, 2.5, 0.1, 1 / 20], rel=0.01)


@pytest.mark.parametrize(("seconds", "rate_after"), [(5.0, 18.1), (5.1, 4.0)])
def test_drought__a_new_start(seconds: float, rate_after: float) -> None:
    """After more than five seconds the limit is looked for anew, and at once."""
    rate = at_maximum()
    for now in (10.0, 10.0 + seconds):
        rate.sent(now)
        rate.refused(now, None)
    now = 10.0 + seconds
    rate.sent(now)
    assert rate.next_at(now) > now + 1

    rate.succeeded(now)

    assert rate.rate(now) == pytest.approx(rate_after, rel=0.01)
    assert rate.next_at(now) == pytest.approx(now + 1 / rate.rate(now))


def test_drought__one_refusal_is_none() -> None:
    """Before the second refusal nothing is known: the retry goes after a turn."""
    rate = at_maximum()
    rate.sent(10.0)
    rate.refused(10.0, None)

    assert rate.rate(1000.0) == MAX_REQUESTS_PER_SECOND


@pytest.fixture
def fake_time() -> FakeTime:
    """The time of the rate limiter."""
    return FakeTime()


@pytest.fixture
def limiter(fake_time: FakeTime) -> RateLimiter:
    """A limiter whose threads wait until the test puts the time forward."""
    return RateLimiter(fake_time.now, fake_time.condition)


class Requests:
    """Threads that ask for a turn, and the names of those that got it or none, in order."""

    def __init__(self, limiter: RateLimiter, fake_time: FakeTime) -> None:
        self._limiter, self._time = limiter, fake_time
        self._went: Queue[object] = Queue()

    def start(
        self, name: object, chain: Chain | None = None, deadline: Deadline | None = None
    ) -> None:
        """Ask in a thread of its own."""

        def ask() -> None:
            try:
                may_go = self._limiter.acquire(chain, deadline)
                self._went.put(name if may_go else (name, "no turn"))
            except Exception as reason:
                self._went.put(reason)

        threading.Thread(target=ask, daemon=True).start()

    def start_and_wait(
        self, name: object, chain: Chain | None = None, deadline: Deadline | None = None
    ) -> None:
        """Ask in a thread of its own; return when it waits for its turn."""
        self.start(name, chain, deadline)
        self._time.next_wait()

    def next(self) -> object:
        """The name of the next that got its turn, or the exception that it got instead."""
        return self._went.get(timeout=TIMEOUT_SECONDS)


@pytest.fixture
def requests(limiter: RateLimiter, fake_time: FakeTime) -> Requests:
    """Threads that ask the limiter."""
    return Requests(limiter, fake_time)


def acquire_alone(limiter: RateLimiter, fake_time: FakeTime, chain: Chain | None = None) -> float:
    """Ask in a thread, and put the time forward by what it waits; the seconds that it waited."""
    before, done = fake_time.seconds, threading.Event()

    def ask() -> None:
        limiter.acquire(chain)
        done.set()
        fake_time.waits.put(None)

    threading.Thread(target=ask, daemon=True).start()
    while (seconds := fake_time.next_wait()) is not None:
        fake_time.put_forward(seconds)
    assert done.is_set()
    return fake_time.seconds - before


def test_acquire__keeps_to_the_maximum(limiter: RateLimiter, fake_time: FakeTime) -> None:
    """Two hundred requests take at least nine seconds, and not much longer."""
    for _ in range(200):
        acquire_alone(limiter, fake_time)

    assert 9 <= fake_time.seconds <= 11


def test_acquire__longest_chain_first(
    limiter: RateLimiter, fake_time: FakeTime, requests: Requests
) -> None:
    """The longest known chain, then unknown lengths, then by length; single requests last."""
    limiter.refused(5.0)
    with ExitStack() as chains:
        requests.start_and_wait("single")
        for pages_left in [1.0, 50.0, math.inf, 7.0]:
            chain = chains.enter_context(limiter.chain())
            chain.pages_left = pages_left
            requests.start_and_wait(pages_left, chain)

        order = []
        for _ in range(5):
            fake_time.put_forward(6.0)
            order.append(requests.next())

    assert order == [50.0, math.inf, 7.0, 1.0, "single"]


def test_acquire__in_the_order_in_which_they_came(
    limiter: RateLimiter, fake_time: FakeTime, requests: Requests
) -> None:
    """Requests of the same rank take turns."""
    limiter.refused(5.0)
    for name in range(4):
        requests.start_and_wait(name)

    order = []
    for _ in range(4):
        fake_time.put_forward(6.0)
        order.append(requests.next())

    assert order == [0, 1, 2, 3]


def test_acquire__unknown_lengths_are_not_urgent(limiter: RateLimiter, fake_time: FakeTime) -> None:
    """Where no length is known, every request waits for its whole turn."""
    with limiter.chain() as chain, limiter.chain():
        assert chain.pages_left == math.inf
        acquire_alone(limiter, fake_time, chain)

        assert acquire_alone(limiter, fake_time, chain) == pytest.approx(0.25)


def test_acquire__longest_chain_goes_a_turn_early(
    limiter: RateLimiter, fake_time: FakeTime
) -> None:
    """It does not wait for its turn, and the others pay: the rate of all stays what it is."""
    with limiter.chain() as long, limiter.chain() as short:
        long.pages_left, short.pages_left = 99, 98
        acquire_alone(limiter, fake_time, short)

        assert acquire_alone(limiter, fake_time, long) == 0
        assert acquire_alone(limiter, fake_time, short) == pytest.approx(2 * 0.25)


@pytest.mark.parametrize("failure", [None, RuntimeError])
def test_chain__has_no_priority_after_its_end(
    limiter: RateLimiter, fake_time: FakeTime, failure: type[Exception] | None
) -> None:
    """A chain that ended or failed with 900 pages left makes room for the longest of the rest."""
    with limiter.chain() as alive:
        alive.pages_left = 10
        try:
            with limiter.chain() as dead:
                dead.pages_left = 900
                if failure:
                    raise failure
        except RuntimeError:
            pass
        acquire_alone(limiter, fake_time, dead)

        assert acquire_alone(limiter, fake_time, alive) == 0
        assert acquire_alone(limiter, fake_time, dead) > 0.25


def test_chain__its_request_comes_last_after_its_end(
    limiter: RateLimiter, fake_time: FakeTime, requests: Requests
) -> None:
    """A handle that is used after its block counts like a request of no chain."""
    with limiter.chain() as dead:
        pass
    limiter.refused(5.0)
    with limiter.chain() as alive:
        requests.start_and_wait("dead", dead)
        requests.start_and_wait("alive", alive)
        fake_time.put_forward(6.0)

        assert requests.next() == "alive"


def test_chain__its_end_wakes_the_one_that_is_urgent_now(
    limiter: RateLimiter, fake_time: FakeTime, requests: Requests
) -> None:
    """A request that waits may go a turn early as soon as its chain has become the longest."""
    with limiter.chain() as short:
        short.pages_left = 10
        with limiter.chain() as long:
            long.pages_left = 900
            acquire_alone(limiter, fake_time)
            requests.start_and_wait("short", short)

        assert requests.next() == "short"
        assert fake_time.seconds == 0


def test_acquire__a_length_that_changes_while_others_wait(
    limiter: RateLimiter, fake_time: FakeTime, requests: Requests
) -> None:
    """When the longest chain turns out to be short, the one that is first now gets its turn."""
    with limiter.chain() as first, limiter.chain() as second, limiter.chain() as awaiting_answer:
        first.pages_left, second.pages_left, awaiting_answer.pages_left = math.inf, 5, 100
        limiter.refused(5.0)
        requests.start_and_wait("second", second)
        requests.start_and_wait("first", first)
        fake_time.put_forward(0.0)  # the second sees that it is not the first any more
        assert {fake_time.next_wait(), fake_time.next_wait()} >= {None}
        awaiting_answer.pages_left = 1

        fake_time.put_forward(6.0)

        assert requests.next() == "second"


def test_acquire__everybody_gets_a_turn(
    limiter: RateLimiter, fake_time: FakeTime, requests: Requests
) -> None:
    """Each that went wakes the next one, also when a more urgent one came between."""
    limiter.refused(5.0)
    with ExitStack() as chains:
        for pages_left in [1.0, 2.0, 3.0]:
            chain = chains.enter_context(limiter.chain())
            chain.pages_left = pages_left
            requests.start_and_wait(pages_left, chain)
        fake_time.put_forward(5.0)
        went = [requests.next(), requests.next()]  # one is a turn early
        fake_time.put_forward(1.0)
        went.append(requests.next())

    assert went == [3.0, 2.0, 1.0]


def test_acquire__gives_up_at_the_deadline(
    limiter: RateLimiter, fake_time: FakeTime, requests: Requests
) -> None:
    """The first of those that wait and one behind it; the others get their turns."""
    limiter.refused(30.0)
    requests.start_and_wait("first", deadline=Deadline(5.0, fake_time.now))
    requests.start_and_wait("second")
    requests.start_and_wait("third", deadline=Deadline(7.0, fake_time.now))

    came = []
    for seconds in [5.0, 2.0, 23.0]:
        fake_time.put_forward(seconds)
        came.append(requests.next())

    assert came == [("first", "no turn"), ("third", "no turn"), "second"]


def test_acquire__a_turn_before_the_deadline(limiter: RateLimiter, fake_time: FakeTime) -> None:
    """A turn that comes in time is taken, and one that was not taken is the next request's."""
    deadline = Deadline(1.0, fake_time.now)
    assert limiter.acquire(deadline=deadline)
    fake_time.seconds = 1.0

    assert not limiter.acquire(deadline=deadline)

    assert limiter.acquire()
    assert fake_time.seconds == 1.0


def test_acquire__an_interrupted_wait_leaves_the_order(fake_time: FakeTime) -> None:
    """An exception in the wait, such as Ctrl-C, is no reason to block the others."""

    class Interrupted(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    conditions = iter([Interrupted, fake_time.condition])
    limiter = RateLimiter(fake_time.now, lambda lock: next(conditions)(lock))
    limiter.refused(5.0)
    with pytest.raises(KeyboardInterrupt):
        limiter.acquire()
    fake_time.seconds = 6.0

    limiter.acquire()

    assert fake_time.seconds == 6.0


def test_requests_per_second__now(limiter: RateLimiter, fake_time: FakeTime) -> None:
    """The rate that holds when it is asked for: it rises, falls, and stops at the maximum."""
    rates = []
    for seconds in [0.0, 1.0, 1.0]:
        fake_time.seconds += seconds
        rates.append(limiter.requests_per_second)

    assert rates == pytest.approx([4.0, 12.0, 20.0])
    for _ in range(2):
        limiter.acquire()
    limiter.succeeded()
    assert limiter.refused(None) == limiter.requests_per_second < 20


def test_unanswered__holds_no_rate(limiter: RateLimiter, fake_time: FakeTime) -> None:
    """A request without an answer is not one that was sent before the rate changed."""
    for report in [limiter.unanswered, limiter.succeeded]:
        limiter.acquire()
        report()
        fake_time.seconds += 0.25
    limiter.acquire()
    before = limiter.refused(None)
    fake_time.seconds += 0.5

    limiter.succeeded()

    assert limiter.requests_per_second == pytest.approx(before * 3**0.5)


def test_refused__says_which_rate_holds(limiter: RateLimiter, fake_time: FakeTime) -> None:
    """The log tells people."""
    limiter.acquire()
    limiter.succeeded()

    assert limiter.refused(None) == pytest.approx(0.6 * 4)
    assert limiter.refused(30.0) == pytest.approx(0.6 * 4)  # together with the first
    assert acquire_alone(limiter, fake_time) == 30


def test_succeeded__ends_a_drought(
    limiter: RateLimiter, fake_time: FakeTime, requests: Requests
) -> None:
    """A request that waits for the long turn of a drought learns that it is over."""
    limiter.refused(None)
    fake_time.seconds = 100.0
    limiter.refused(None)
    limiter.acquire()
    limiter.acquire()
    requests.start("next")
    assert fake_time.next_wait() == pytest.approx(20.0)

    limiter.succeeded()

    assert fake_time.next_wait() == pytest.approx(0.25)
    fake_time.put_forward(0.25)
    assert requests.next() == "next"


def test_refused_seconds__since_the_first_refusal(
    limiter: RateLimiter, fake_time: FakeTime
) -> None:
    """They count from the first refusal after which nothing got through, and start anew."""
    seconds = [limiter.refused_seconds]
    for now in [3.0, 8.0]:
        fake_time.seconds = now
        limiter.refused(None)
        seconds.append(limiter.refused_seconds)
    fake_time.seconds = 9.0
    limiter.succeeded()
    seconds.append(limiter.refused_seconds)
    fake_time.seconds = 20.0
    limiter.refused(None)
    fake_time.seconds = 24.0
    seconds.append(limiter.refused_seconds)

    assert seconds == [0.0, 0.0, 5.0, 0.0, 4.0]


def test_close__stops_those_that_come(limiter: RateLimiter) -> None:
    """After a refused key nothing is asked again; each gets an exception of its own."""
    limiter.close(lambda: RuntimeError("no"))

    raised = []
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"^no$") as failure:
            limiter.acquire()
        raised.append(failure.value)

    assert raised[0] is not raised[1]


def test_close__stops_the_one_that_waits(limiter: RateLimiter, requests: Requests) -> None:
    """It is told at once, however long its turn is."""
    limiter.refused(100.0)
    requests.start_and_wait("only")

    limiter.close(lambda: RuntimeError("no"))

    assert repr(requests.next()) == "RuntimeError('no')"


def test_close__stops_all_that_wait(limiter: RateLimiter, requests: Requests) -> None:
    """The first and the others are told at once."""
    limiter.refused(100.0)
    for name in range(3):
        requests.start_and_wait(name)

    limiter.close(lambda: RuntimeError("no"))

    assert [repr(requests.next()) for _ in range(3)] == ["RuntimeError('no')"] * 3
