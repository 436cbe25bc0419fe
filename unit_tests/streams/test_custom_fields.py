"""Tests of `streams.custom_fields`."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType
from requests_mock import ANY, Mocker

from source_autopilot.api import transport
from source_autopilot.api.client import Client
from source_autopilot.api.retry_policy import COMMAND_POLICY, COMMAND_SECONDS, Deadline
from source_autopilot.errors import UserFacingError
from source_autopilot.records.custom_columns import INTEGER, NUMBER, CustomColumn
from source_autopilot.streams.custom_fields import choose_columns, discover_columns
from unit_tests.support.catalogs import catalog
from unit_tests.support.clock import Clock
from unit_tests.support.constants import NOW, URL

LOGGER = logging.getLogger("airbyte")
SEATS = CustomColumn("custom_seats", "Seats", INTEGER)
SCORE = CustomColumn("custom_score", "Score", NUMBER)
REFUSED = [400, 403, 404, 405, 410, 422, 451]
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
    *(({"status_code": status}, f"it refuses the request ({status}).") for status in REFUSED),
    ({"json": {"contacts": [{"Name": "Ann"}]}}, "its answer is something else"),
    ({"json": [{"Name": "Ann"}]}, "an entry of its list has no name"),
    ({"json": {"fields": 7}}, "its answer is not a list of fields"),
]
TROUBLE: list[tuple[dict[str, Any], str]] = [
    *(({"status_code": status}, f"trouble on its side ({status})") for status in (500, 502, 503)),
    ({"status_code": 408}, "Autopilot took too long to answer (408)"),
    ({"status_code": 429}, "Autopilot is limiting requests (429)"),
    ({"status_code": 429, "headers": {"Retry-After": "9999"}}, "asks to wait for 3 hours"),
    ({"status_code": 302, "headers": {"Location": "https://e.example"}}, "a redirect (302)"),
    ({"text": "<html>Please sign in</html>"}, "Autopilot's answer cannot be read"),
    ({"text": '[{"name": "Seats", "fieldTy'}, "Autopilot's answer cannot be read"),
    ({"status_code": 204}, "Autopilot's answer cannot be read"),
    ({"exc": requests.ReadTimeout}, "Autopilot did not answer in time"),
    ({"exc": requests.ConnectionError}, "The connection to Autopilot failed or broke off"),
]
NO_KEY = {"error": "Bad Request", "message": "No autopilotapikey header provided."}
WRONG_KEY: list[dict[str, Any]] = [{"status_code": 401}, {"status_code": 400, "json": NO_KEY}]


@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
def test_discover_columns__from_a_page(
    client: Client,
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    answer: dict[str, Any],
    reason: str,
) -> None:
    """Where the list is refused, the first page of contacts tells which fields there are."""
    autopilot.get(URL + "contacts/custom_fields", **answer)
    autopilot.get(URL + "contacts", json=PAGE)

    columns = discover(client)

    assert columns == [SCORE]
    assert asked(autopilot) == ["/v1/contacts/custom_fields", "/v1/contacts"]
    [why, instead] = [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]
    assert why.startswith("Autopilot does not say which custom fields there are: ")
    assert reason in why
    assert instead.startswith("Columns are made for 1 custom field, found in the first page")


@pytest.mark.parametrize(("answer", "reason"), TROUBLE)
def test_discover_columns__in_trouble(
    hasty: Client, autopilot: Mocker, answer: dict[str, Any], reason: str
) -> None:
    """Trouble is an error, which may pass: no columns would mean that there are no fields."""
    autopilot.get(URL + "contacts/custom_fields", **answer)

    with pytest.raises(UserFacingError, match=re.escape(reason)) as raised:
        discover(hasty)

    assert raised.value.failure_type == FailureType.transient_error


@pytest.mark.parametrize(
    ("answer", "reason"), [*TROUBLE, ({"json": {"contacts": None}}, "cannot be used")]
)
def test_discover_columns__page_in_trouble(
    hasty: Client, autopilot: Mocker, answer: dict[str, Any], reason: str
) -> None:
    """So is trouble with the page of contacts that has to do in place of the list."""
    autopilot.get(URL + "contacts/custom_fields", status_code=404)
    autopilot.get(URL + "contacts", **answer)

    with pytest.raises(UserFacingError, match=re.escape(reason)) as raised:
        discover(hasty)

    assert raised.value.failure_type == FailureType.transient_error


@pytest.mark.parametrize("answer", WRONG_KEY, ids=str)
def test_discover_columns__wrong_key(
    client: Client, autopilot: Mocker, answer: dict[str, Any]
) -> None:
    """A key that Autopilot does not know is an error, which stays."""
    autopilot.get(URL + "contacts/custom_fields", **answer)

    with pytest.raises(UserFacingError) as raised:
        discover(client)

    assert raised.value.failure_type == FailureType.config_error
    assert autopilot.call_count == 1


def test_discover_columns__answer_too_large(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that is too large for a list of fields is something else."""
    monkeypatch.setattr(transport, "MAX_BYTES", 1000)
    autopilot.get(URL + "contacts/custom_fields", content=b" " * 1001)
    autopilot.get(URL + "contacts", json=PAGE)

    assert discover(client) == [SCORE]


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


@pytest.mark.parametrize("seconds", [4, 10])
def test_discover_columns__slow_list(
    hasty: Client, clock: Clock, autopilot: Mocker, seconds: float
) -> None:
    """A list that takes its time has its columns."""
    autopilot.get(URL + "contacts/custom_fields", json=taking(clock, seconds, LIST))

    assert discover(hasty) == [SEATS]


@pytest.mark.parametrize("seconds", [4, 10])
def test_discover_columns__slow_page(
    hasty: Client, clock: Clock, autopilot: Mocker, seconds: float
) -> None:
    """A refusal that takes its time leaves enough of it for the page of contacts."""
    autopilot.get(URL + "contacts/custom_fields", json=taking(clock, seconds, {}), status_code=404)
    autopilot.get(URL + "contacts", json=taking(clock, seconds, PAGE))

    assert discover(hasty) == [SCORE]
    assert clock.seconds <= COMMAND_SECONDS


@pytest.mark.parametrize("refusal", [None, 404])
def test_discover_columns__in_time(
    hasty: Client, clock: Clock, autopilot: Mocker, refusal: int | None
) -> None:
    """Whatever is silent, discover gives up before its deadline."""
    autopilot.get(ANY, json=taking(clock, 1000, None))
    if refusal:
        list_url = URL + "contacts/custom_fields"
        autopilot.get(list_url, json=taking(clock, 11, {}), status_code=refusal)

    with pytest.raises(UserFacingError, match="did not answer in time") as raised:
        discover(hasty)

    assert raised.value.failure_type == FailureType.transient_error
    assert clock.seconds <= COMMAND_SECONDS


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
    """Where the list is refused for good, every sync goes on without the columns, and says so."""
    autopilot.get(URL + "contacts/custom_fields", **answer)

    assert choose_columns(catalog("contacts", schema={}), client, LOGGER) == []
    assert autopilot.call_count == 1
    assert reason in caplog.text
    assert "get no columns of their own in this sync" in caplog.text


@pytest.mark.parametrize("status", REFUSED)
def test_choose_columns__closes_no_limiter(client: Client, autopilot: Mocker, status: int) -> None:
    """A key that may not see custom fields may still read everything else."""
    autopilot.get(URL + "contacts/custom_fields", status_code=status)

    choose_columns(catalog("contacts", schema={}), client, LOGGER)

    client.limiter.acquire()  # raises once it is closed


@pytest.mark.parametrize(("answer", "reason"), TROUBLE)
def test_choose_columns__by_hand_and_in_trouble(
    hasty: Client, autopilot: Mocker, answer: dict[str, Any], reason: str
) -> None:
    """A sync whose rows would lack the columns this time only is an error."""
    autopilot.get(URL + "contacts/custom_fields", **answer)

    with pytest.raises(UserFacingError, match=re.escape(reason)) as raised:
        choose_columns(catalog("contacts", schema={}), hasty, LOGGER)

    assert raised.value.failure_type == FailureType.transient_error


def test_choose_columns__by_hand_and_slow(client: Client, autopilot: Mocker) -> None:
    """A sync asks as patiently for the list as for a page."""
    refusals = [{"status_code": 429}] * 9
    autopilot.get(URL + "contacts/custom_fields", [*refusals, {"json": LIST}])

    assert choose_columns(catalog("contacts", schema={}), client, LOGGER) == [SEATS]


def test_choose_columns__without_contacts(client: Client, autopilot: Mocker) -> None:
    """Who does not read contacts needs no custom fields."""
    assert choose_columns(catalog("lists", schema={}), client, LOGGER) == []
    assert autopilot.call_count == 0
