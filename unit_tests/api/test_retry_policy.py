"""Tests of `retry_policy`."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.api.retry_policy import (
    COMMAND_POLICY,
    COMMAND_SECONDS,
    ONE_TRY_POLICY,
    QUESTION_POLICY,
    READ_POLICY,
    Deadline,
    FailedTries,
    RetryPolicy,
)
from unit_tests.support.clock import Clock

POLICY = RetryPolicy(
    connect_seconds=5,
    answer_seconds=60,
    max_tries=6,
    max_trouble_seconds=100,
    max_pause_seconds=120,
    max_limited_seconds=600,
)


def test_deadline__seconds_left(clock: Clock) -> None:
    """The seconds that are left pass with the clock, and are never negative."""
    clock.sleep(1000)
    deadline = Deadline(25, clock.now)

    left = []
    for _ in range(4):
        left.append(deadline.seconds_left)
        clock.sleep(10)

    assert left == [25, 15, 5, 0]


def test_deadline__half(clock: Clock) -> None:
    """Half a deadline leaves as much time for what comes next, and changes nothing of the whole."""
    deadline = Deadline(25, clock.now)
    clock.sleep(5)

    half = deadline.half()

    assert (half.seconds_left, deadline.seconds_left) == (10, 20)
    clock.sleep(10)
    assert (half.seconds_left, deadline.seconds_left) == (0, 10)


def test_deadline__half_of_nothing(clock: Clock) -> None:
    """Half of a deadline that has passed has passed, too."""
    deadline = Deadline(5, clock.now)
    clock.sleep(7)

    assert deadline.half().seconds_left == 0


def test_count__pauses() -> None:
    """Each pause is twice as long as the one before, and there is none after the last try."""
    tries = FailedTries(POLICY, deadline=None)

    assert [tries.count(0, None) for _ in range(7)] == [1, 2, 4, 8, 16, None, None]


def test_count__one_try() -> None:
    """Where there is one try, its failure is the end, whatever pause the API asks for."""
    assert FailedTries(ONE_TRY_POLICY, deadline=None).count(0, None) is None
    assert FailedTries(ONE_TRY_POLICY, deadline=None).count(0, 1) is None


def test_count__as_the_api_asks() -> None:
    """A pause that the API asks for replaces that of its try only; 0 seconds ask for none."""
    tries = FailedTries(POLICY, deadline=None)

    assert [tries.count(0, asked) for asked in (None, 7, None, 0, 20)] == [1, 7, 4, 8, 20]


@pytest.mark.parametrize(
    ("took_seconds", "pause"), [(98.0, 2.0), (98.9, 2.0), (99.0, None), (200.0, None)]
)
def test_count__trouble_that_lasts(took_seconds: float, pause: float | None) -> None:
    """No further try once the tries and pauses (here 1 s before) have taken max_trouble_seconds."""
    tries = FailedTries(POLICY, deadline=None)
    assert tries.count(0, None) == 1

    assert tries.count(took_seconds, None) == pause


def test_count__pauses_are_trouble() -> None:
    """The pauses that were asked for count as trouble, too."""
    tries = FailedTries(POLICY, deadline=None)

    assert [tries.count(0, 50) for _ in range(3)] == [50, 50, None]


@pytest.mark.parametrize(
    ("seconds_left", "asked", "pause"),
    [(1.1, None, 1.0), (1.0, None, None), (0.0, None, None), (5.1, 5.0, 5.0), (5.0, 5.0, None)],
)
def test_count__deadline(
    clock: Clock, seconds_left: float, asked: float | None, pause: float | None
) -> None:
    """A pause is begun only if there is time for a try behind it."""
    tries = FailedTries(POLICY, Deadline(seconds_left, clock.now))

    assert tries.count(0, asked) == pause


def test_count__each_request_for_itself() -> None:
    """The failed tries of a request are not those of another."""
    first, second = FailedTries(POLICY, deadline=None), FailedTries(POLICY, deadline=None)

    assert [first.count(90, None), second.count(90, None)] == [1, 1]


def last(
    policy: RetryPolicy,
    clock: Clock,
    deadline: Deadline | None,
    took_share: Callable[[], float],
    asked_share: Callable[[], float],
) -> float:
    """When a request is given up whose tries take, and whose pauses are, shares of the longest."""
    tries = FailedTries(policy, deadline)
    while True:
        took = took_share() * (policy.connect_seconds + policy.answer_seconds)
        if deadline:
            took = min(took, deadline.seconds_left)
        clock.sleep(took)
        pause = tries.count(took, asked_share() * policy.max_pause_seconds)
        if pause is None:
            return clock.seconds
        clock.sleep(pause)


@given(st.data())
def test_read_policy__bounded(data: st.DataObject) -> None:
    """A read gives a request up within seven minutes, whatever goes wrong but a rate limit."""
    share = st.floats(0, 1)

    seconds = last(READ_POLICY, Clock(), None, lambda: data.draw(share), lambda: data.draw(share))

    assert seconds < 7 * 60


def test_question_policy__second_try() -> None:
    """A question that meets trouble is asked again once, however long the first try took."""
    tries = FailedTries(QUESTION_POLICY, deadline=None)
    longest = QUESTION_POLICY.connect_seconds + QUESTION_POLICY.answer_seconds

    assert [tries.count(longest, None) for _ in range(2)] == [1, None]


@given(st.floats(0.001, 1000))
def test_within__a_try_and_its_connection(seconds: float) -> None:
    """A try takes the seconds that it is worth at most, and never longer than by the policy."""
    policy = QUESTION_POLICY.within(seconds)

    assert 0 < policy.connect_seconds <= QUESTION_POLICY.connect_seconds
    assert 0 < policy.answer_seconds <= QUESTION_POLICY.answer_seconds
    assert policy.connect_seconds + policy.answer_seconds <= seconds + 1e-9
    assert FailedTries(policy, deadline=None).count(seconds + 0.001, None) is None


@given(st.data(), st.sampled_from([COMMAND_POLICY, ONE_TRY_POLICY]), st.floats(0, 30))
def test_command_policies__bounded(
    data: st.DataObject, policy: RetryPolicy, seconds_before: float
) -> None:
    """A check and a discover have 30 s with their start-up, whatever their requests run into."""
    clock, share = Clock(), st.floats(0, 1)
    deadline = Deadline(COMMAND_SECONDS, clock.now)
    clock.sleep(min(seconds_before, COMMAND_SECONDS))

    seconds = last(policy, clock, deadline, lambda: data.draw(share), lambda: data.draw(share))

    assert seconds <= COMMAND_SECONDS <= 25


def test_command_policy__second_try(clock: Clock) -> None:
    """A command asks again after a refused connection and an error, and has patience for both."""
    tries = FailedTries(COMMAND_POLICY, Deadline(COMMAND_SECONDS, clock.now))

    assert [tries.count(0, None) for _ in range(3)] == [1, 2, None]
