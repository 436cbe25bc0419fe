"""One question: its key, its bounds, its place in the budget."""

import pytest
import requests
from pydantic import SecretStr
from requests_mock import ANY, Mocker

from source_autopilot.api.transport import Reply
from unit_tests.support.clock import Clock
from unit_tests.support.constants import URL
from verification.asking import (
    MAX_QUESTIONS,
    MAX_SECONDS,
    SECONDS_BETWEEN,
    Budget,
    BudgetSpent,
    Key,
    NoAnswer,
    ask_api,
)


def budget_of(clock: Clock) -> Budget:
    """A budget that waits by this clock."""
    return Budget(clock.now, clock.sleep)


def test_budget__number_and_pace() -> None:
    """30 questions at 2 a second, and no 31st."""
    clock = Clock()
    budget = budget_of(clock)

    for _ in range(MAX_QUESTIONS):
        budget.spend()

    assert clock.seconds == (MAX_QUESTIONS - 1) * SECONDS_BETWEEN == 14.5
    with pytest.raises(BudgetSpent):
        budget.spend()
    assert budget.questions == MAX_QUESTIONS == 30


def test_budget__slow_answers() -> None:
    """An answer that took long needs no pause behind it."""
    clock = Clock()
    budget = budget_of(clock)
    budget.spend()
    clock.seconds = 4.0

    budget.spend()

    assert clock.seconds == 4.0


def test_budget__time() -> None:
    """No question is asked when the time is over."""
    clock = Clock()
    budget = budget_of(clock)
    clock.seconds = MAX_SECONDS

    with pytest.raises(BudgetSpent):
        budget.spend()


def test_ask__keys_and_method() -> None:
    """GET requests only, with the key that is asked for, all counted."""
    budget = budget_of(Clock())
    with Mocker() as autopilot:
        autopilot.get(ANY, text="[]")
        ask = ask_api(URL, SecretStr("own"), budget)
        replies = [ask("lists", key) for key in Key]

    sent = [(request.method, request.url) for request in autopilot.request_history]
    keys = [request.headers.get("autopilotapikey") for request in autopilot.request_history]
    assert sent == [("GET", f"{URL}lists")] * 3
    assert keys == ["own", "0" * 32, None]
    assert [reply.body for reply in replies if isinstance(reply, Reply)] == [b"[]"] * 3
    assert budget.questions == 3


def test_ask__redirect() -> None:
    """A redirect is not followed: the key would go with it."""
    with Mocker() as autopilot:
        autopilot.get(ANY, status_code=302, headers={"Location": "https://elsewhere.example/"})
        reply = ask_api(URL, SecretStr("own"), budget_of(Clock()))("lists", Key.OWN)

    assert isinstance(reply, Reply)
    assert (reply.status, len(autopilot.request_history)) == (302, 1)


@pytest.mark.parametrize("error", [requests.ReadTimeout, requests.exceptions.InvalidURL])
def test_ask__no_answer(error: type[Exception]) -> None:
    """Of an exception only its class is kept: its text may hold the address that was asked."""
    with Mocker() as autopilot:
        autopilot.get(ANY, exc=error("Ann"))
        reply = ask_api(URL, SecretStr("own"), budget_of(Clock()))("lists", Key.OWN)

    assert reply == NoAnswer(error.__name__)
