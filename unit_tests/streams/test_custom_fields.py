"""Tests of `streams.custom_fields`."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from requests_mock import ANY, Mocker

from source_autopilot.api.client import Client
from source_autopilot.api.retry_policy import COMMAND_POLICY, COMMAND_SECONDS, Deadline
from source_autopilot.records.custom_columns import INTEGER, NUMBER, CustomColumn
from source_autopilot.streams import custom_fields
from source_autopilot.streams.custom_fields import choose_columns, discover_columns
from unit_tests.support.catalogs import catalog
from unit_tests.support.clock import Clock
from unit_tests.support.constants import NOW, URL

LOGGER = logging.getLogger("airbyte")
SEATS = CustomColumn("custom_seats", "Seats", INTEGER)
SCORE = CustomColumn("custom_score", "Score", NUMBER)
LIST = [{"name": "Seats", "fieldType": "integer"}]
PAGE = {
    "contacts": [
        {"contact_id": "p1", "custom_fields": [{"kind": "Score", "fieldType": "float"}]},
        {"contact_id": "p2"},
    ],
    "bookmark": "b1",
}


def discover(client: Client) -> list[CustomColumn]:
    """The columns of the account's fields."""
    return discover_columns(client, LOGGER, start_date=NOW)


def asked(autopilot: Mocker) -> list[str]:
    """The paths of all requests."""
    return [request.path for request in autopilot.request_history]


def test_discover_columns__asked_once(client: Client, autopilot: Mocker) -> None:
    """An account that lists its fields is asked for nothing else."""
    autopilot.get(URL + "contacts/custom_fields", json=LIST)

    columns = discover(client)

    assert columns == [SEATS]
    assert asked(autopilot) == ["/v1/contacts/custom_fields"]


def test_discover_columns__no_fields(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """No custom fields is an answer like any other: no second question and no warning."""
    autopilot.get(URL + "contacts/custom_fields", json=[])

    assert discover(client) == []
    assert autopilot.call_count == 1
    assert caplog.text == ""


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"status_code": 401}, "Autopilot does not accept the API key (401)"),
    ({"status_code": 403}, "Autopilot does not allow this API key to read this (403)"),
    ({"status_code": 404}, "it refuses the request (404)"),
    ({"status_code": 500}, "Autopilot has trouble on its side (500)"),
    ({"status_code": 302, "headers": {"Location": "https://e.example"}}, "a redirect (302)"),
    ({"text": "<html>Please sign in</html>"}, "Autopilot's answer cannot be read"),
    ({"exc": requests.ReadTimeout}, "Autopilot did not answer in time"),
    ({"json": {"contacts": [{"Name": "Ann"}]}}, "its answer is something else"),
    ({"json": [{"Name": "Ann"}]}, "an entry of its list has no name"),
    ({"json": {"fields": 7}}, "its answer is not a list of fields"),
]


@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
def test_discover_columns__from_a_page(
    client: Client,
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    answer: dict[str, Any],
    reason: str,
) -> None:
    """Where the list cannot be had, the first page of contacts tells which fields there are."""
    autopilot.get(URL + "contacts/custom_fields", **answer)
    autopilot.get(URL + "contacts", json=PAGE)

    columns = discover(client)

    assert columns == [SCORE]
    [why, instead] = [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]
    assert why.startswith("Autopilot does not say which custom fields there are: ")
    assert reason in why
    assert instead.startswith("Columns are made for the 1 custom fields that are in the first page")


@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
def test_discover_columns__none(
    client: Client,
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    answer: dict[str, Any],
    reason: str,
) -> None:
    """Where nothing can be had there are no columns, and never an exception."""
    autopilot.get(URL + "contacts/custom_fields", **answer)
    autopilot.get(URL + "contacts", **answer)

    assert discover(client) == []
    assert "The custom fields of contacts get no columns of their own this time" in caplog.text


def test_discover_columns__a_bug_in_here(
    client: Client,
    autopilot: Mocker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever goes wrong costs columns only, and its text stays out of the log."""
    autopilot.get(URL + "contacts/custom_fields", json=LIST)
    autopilot.get(URL + "contacts", json=PAGE)

    def broken(answer: Any) -> None:
        raise RuntimeError("with a contact's data in it")

    monkeypatch.setattr(custom_fields, "parse_fields", broken)

    assert discover(client) == [SCORE]
    assert "there are: RuntimeError" in caplog.text
    assert "with a contact's data in it" not in caplog.text


@pytest.fixture
def hasty(client: Client, clock: Clock) -> Client:
    """A client of a command that has 25 s, each of them on the clock."""
    return replace(client, policy=COMMAND_POLICY, deadline=Deadline(COMMAND_SECONDS, clock.now))


def taking(clock: Clock, seconds: float, answer: Any) -> Callable[..., Any]:
    """An answer of requests-mock that takes its time, or longer than its timeout."""

    def respond(request: Any, context: Any) -> Any:
        clock.sleep(min(seconds, request.timeout[1]))
        if seconds > request.timeout[1]:
            raise requests.ReadTimeout
        return answer

    return respond


def test_discover_columns__leaves_time_for_the_page(
    hasty: Client, clock: Clock, autopilot: Mocker
) -> None:
    """A list that never answers leaves time for a page of contacts that takes ten seconds."""
    autopilot.get(URL + "contacts/custom_fields", json=taking(clock, 1000, None))
    autopilot.get(URL + "contacts", json=taking(clock, 10, PAGE))

    assert discover(hasty) == [SCORE]
    assert clock.seconds <= COMMAND_SECONDS
    assert asked(autopilot) == ["/v1/contacts/custom_fields", "/v1/contacts"]


def test_discover_columns__in_time(hasty: Client, clock: Clock, autopilot: Mocker) -> None:
    """Whatever is silent, discover ends before its deadline, without the columns."""
    autopilot.get(ANY, json=taking(clock, 1000, None))

    assert discover(hasty) == []
    assert clock.seconds <= COMMAND_SECONDS


def test_discover_columns__closes_no_limiter(client: Client, autopilot: Mocker) -> None:
    """A key that may not see custom fields may still read everything else."""
    autopilot.get(URL + "contacts/custom_fields", status_code=403)
    autopilot.get(URL + "contacts", status_code=403)

    discover(client)

    client.limiter.acquire()  # raises once it is closed


def test_choose_columns__as_discovered(client: Client, autopilot: Mocker) -> None:
    """A catalog with a schema says everything: nothing is asked, not even for what it lacks."""
    column = {"title": "Seats", "type": ["null", "integer"]}
    known = {"properties": {"contact_id": {}, "custom_seats": column}}
    bare: dict[str, Any] = {"properties": {"contact_id": {}}}

    assert choose_columns(catalog("lists", "contacts", schema=known), client, LOGGER) == [SEATS]
    assert choose_columns(catalog("contacts", schema=bare), client, LOGGER) == []
    assert autopilot.call_count == 0


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"properties": {}}])
def test_choose_columns__by_hand(client: Client, autopilot: Mocker, schema: dict[str, Any]) -> None:
    """A catalog without a schema makes one question necessary."""
    autopilot.get(URL + "contacts/custom_fields", json=LIST)

    assert choose_columns(catalog("contacts", schema=schema), client, LOGGER) == [SEATS]
    assert autopilot.call_count == 1


@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
def test_choose_columns__by_hand_and_refused(
    client: Client,
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    answer: dict[str, Any],
    reason: str,
) -> None:
    """The question is asked once, whatever comes of it; the sync goes on without the columns."""
    autopilot.get(URL + "contacts/custom_fields", **answer)

    assert choose_columns(catalog("contacts", schema={}), client, LOGGER) == []
    assert autopilot.call_count == 1
    assert reason in caplog.text
    assert "get no columns of their own in this sync" in caplog.text


def test_choose_columns__without_contacts(client: Client, autopilot: Mocker) -> None:
    """Who does not read contacts needs no custom fields."""
    assert choose_columns(catalog("lists", schema={}), client, LOGGER) == []
    assert autopilot.call_count == 0
