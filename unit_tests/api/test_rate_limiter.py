"""Tests of `budget`."""

import logging
import threading
import time
from functools import partial
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.rate_limiter import RequestBudget
from source_autopilot.errors import ExplainedError
from unit_tests.support.clock import Clock, WaitingByClock


def answer(status: int, **headers: str) -> requests.Response:
    """A response with a status and headers."""
    response = requests.Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): it for name, it in headers.items()})
    return response


@pytest.fixture
def budget(clock: Clock) -> RequestBudget:
    """A budget whose waits put the clock forward."""
    return RequestBudget(clock.now, partial(WaitingByClock, clock))


def test_acquire_call__keeps_to_the_ceiling(budget: RequestBudget, clock: Clock) -> None:
    """Two hundred requests take at least nine seconds, and not much longer."""
    for _ in range(200):
        budget.acquire_call(None)

    assert 9 <= clock.seconds <= 12


def test_update_from_response__pauses_everybody(budget: RequestBudget, clock: Clock) -> None:
    """A Retry-After that one request gets is waited for by the next, whoever sends it."""
    budget.acquire_call(None)
    budget.update_from_response(None, answer(429, Retry_After="30"))

    budget.acquire_call(None)

    assert clock.seconds >= 30


def test_update_from_response__pause_too_long_to_wait_for(
    budget: RequestBudget, clock: Clock
) -> None:
    """Nobody waits for hours because one request was told to: all end, in the same sentence."""
    budget.update_from_response(None, answer(429, Retry_After="9999"))

    for _ in range(2):
        with pytest.raises(ExplainedError, match=r"asks to wait for 3 hours \(429\)") as raised:
            budget.acquire_call(None)
        assert raised.value.failure_type == FailureType.transient_error
    assert clock.seconds == 0


@pytest.mark.parametrize(
    ("retry_after", "line"),
    [
        ("30", "Autopilot is limiting requests (429): all requests wait for 30 s, as it asks."),
        ("", "Autopilot is limiting requests (429): slowed down to 2.4 requests a second."),
    ],
)
def test_update_from_response__tells_people(
    budget: RequestBudget, caplog: pytest.LogCaptureFixture, retry_after: str, line: str
) -> None:
    """What a refusal means for the sync is in the log."""
    with caplog.at_level(logging.INFO):
        budget.update_from_response(None, answer(429, Retry_After=retry_after))

    assert caplog.messages == [line]


@pytest.mark.parametrize("status", [200, 404, 500])
def test_update_from_response__nothing_to_learn(
    budget: RequestBudget, clock: Clock, status: int
) -> None:
    """Other answers change nothing, whatever headers they have."""
    budget.update_from_response(None, answer(status, Retry_After="30"))

    budget.acquire_call(None)

    assert clock.seconds < 1


def test_acquire_call__longest_chain_first() -> None:
    """Of those who wait, the one with the most pages left goes first; unknown lengths are next."""
    start = threading.Event()
    clock = Clock()
    budget = RequestBudget(lambda: 0.0 if not start.is_set() else clock.now())
    budget.update_from_response(None, answer(429, Retry_After="5"))
    order: list[float] = []
    lengths = [1.0, 50.0, float("inf"), 7.0]
    all_said = threading.Barrier(len(lengths))

    def worker(pages_left: float) -> None:
        budget.about_to_ask(pages_left=pages_left)
        all_said.wait()
        budget.acquire_call(None)
        order.append(pages_left)

    workers = [threading.Thread(target=worker, args=[length]) for length in lengths]
    for it in workers:
        it.start()
    while len(budget._waiting) < len(lengths):
        pass
    clock.seconds = 6.0
    start.set()
    while any(it.is_alive() for it in workers):
        clock.seconds += 1.0
        with budget._lock:
            for *_, turn in budget._waiting:
                turn.notify()

    assert order == [50.0, float("inf"), 7.0, 1.0]


def test_acquire_call__longest_chain_does_not_wait_for_its_turn(
    budget: RequestBudget, clock: Clock
) -> None:
    """It goes a turn early and the others pay: the rate of all stays what it is."""
    for _ in range(100):
        budget.acquire_call(None)
    before = clock.seconds

    budget.about_to_ask(pages_left=99)
    budget.acquire_call(None)
    assert clock.seconds == before

    budget.about_to_ask(pages_left=float("inf"))
    for _ in range(20):
        budget.acquire_call(None)
    assert clock.seconds >= before + 1


def test_acquire_call__everybody_gets_a_turn() -> None:
    """Whoever has had its turn wakes the next one, also when somebody more urgent came between."""
    budget = RequestBudget(lambda: time.monotonic() * 100)  # a minute takes half a second

    def worker(pages: int) -> None:
        for pages_left in range(pages, 0, -1):
            budget.about_to_ask(pages_left=pages_left)
            budget.acquire_call(None)

    workers = [threading.Thread(target=worker, args=[it], daemon=True) for it in range(1, 6)]
    for it in workers:
        it.start()
    for it in workers:
        it.join(timeout=20)

    assert not any(it.is_alive() for it in workers)


def test_close__stops_those_who_wait_and_those_who_come(budget: RequestBudget) -> None:
    """After a refused key nobody asks again; everybody gets the same reason."""
    budget.close(AirbyteTracedException(message="no", failure_type=FailureType.config_error))

    for _ in range(2):
        with pytest.raises(AirbyteTracedException, match="no") as raised:
            budget.acquire_call(None)
        assert raised.value.failure_type == FailureType.config_error


def test_close__wakes_a_waiter() -> None:
    """A worker that waits for its turn is told, too."""
    budget = RequestBudget()
    budget.update_from_response(None, answer(429, Retry_After="100"))
    told: list[Any] = []

    def worker() -> None:
        try:
            budget.acquire_call(None)
        except AirbyteTracedException as failure:
            told.append(str(failure))

    waiting = threading.Thread(target=worker)
    waiting.start()
    while not budget._waiting:
        pass
    budget.close(AirbyteTracedException(message="no"))
    waiting.join(timeout=10)

    assert told == ["no"]
