"""Tests of `field_survey`."""

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import requests
from requests_mock import Mocker

from source_autopilot.api.client import Api
from source_autopilot.api.rate_limiter import RequestBudget
from source_autopilot.records.custom_columns import CustomColumn
from source_autopilot.records.custom_field import CustomField
from source_autopilot.streams.custom_fields import columns_of_catalog, fields_of_account
from unit_tests.support.constants import NOW, URL, Clock, WaitingByClock
from unit_tests.support.catalogs import catalog

LOGGER = logging.getLogger("airbyte")
LIST = [{"name": "Seats", "fieldType": "integer"}]
PAGE = {
    "contacts": [
        {"contact_id": "p1", "custom_fields": [{"kind": "Score", "fieldType": "float"}]},
        {"contact_id": "p2"},
    ],
    "bookmark": "b1",
}


def found(api: Api, clock: Clock, now: Callable[[], float] = time.monotonic) -> list[CustomField]:
    """The account's fields; nobody waits for the budgets."""
    budget = partial(RequestBudget, clock.now, partial(WaitingByClock, clock))
    return fields_of_account(api, LOGGER, start_date=NOW, now=now, new_budget=budget)


def asked(autopilot: Mocker) -> list[str]:
    """The paths of all requests."""
    return [request.path for request in autopilot.request_history]


def test_fields_of_account__asked_once(api: Api, clock: Clock, autopilot: Mocker) -> None:
    """An account that lists its fields is asked for nothing else."""
    autopilot.get(URL + "contacts/custom_fields", json=LIST)

    fields = found(api, clock)

    assert fields == [CustomField("Seats", "integer")]
    assert asked(autopilot) == ["/v1/contacts/custom_fields"]


def test_fields_of_account__no_fields(
    api: Api, clock: Clock, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """No custom fields is an answer like any other: no second question and no warning."""
    autopilot.get(URL + "contacts/custom_fields", json=[])

    assert found(api, clock) == []
    assert autopilot.call_count == 1
    assert caplog.text == ""


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"status_code": 401}, "Autopilot does not accept the API key (401)"),
    ({"status_code": 403}, "Autopilot does not allow this API key to read this (403)"),
    ({"status_code": 404}, "it refuses the request (404)"),
    ({"status_code": 429}, "Autopilot is limiting requests (429)"),
    ({"status_code": 500}, "Autopilot has trouble on its side (500)"),
    ({"status_code": 302, "headers": {"Location": "https://e.example"}}, "a redirect (302)"),
    ({"text": "<html>Please sign in</html>"}, "Autopilot's answer cannot be read"),
    ({"exc": requests.ReadTimeout}, "Autopilot did not answer in time"),
    ({"json": {"contacts": [{"Name": "Ann"}]}}, "its answer is something else"),
    ({"json": [{"Name": "Ann"}]}, "an entry of its list has no name"),
    ({"json": {"fields": 7}}, "its answer is not a list of fields"),
]


@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
def test_fields_of_account__from_a_page(
    api: Api,
    clock: Clock,
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    answer: dict[str, Any],
    reason: str,
) -> None:
    """Where the list cannot be had, the first page of contacts tells which fields there are."""
    autopilot.get(URL + "contacts/custom_fields", **answer)
    autopilot.get(URL + "contacts", json=PAGE)

    fields = found(api, clock)

    assert fields == [CustomField("Score", "number")]
    [why, instead] = [it.getMessage() for it in caplog.records if it.levelname == "WARNING"]
    assert why.startswith("Autopilot does not say which custom fields there are: ")
    assert reason in why
    assert instead.startswith("Columns are made for the 1 custom fields that are in the first page")


@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
def test_fields_of_account__none(
    api: Api,
    clock: Clock,
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    answer: dict[str, Any],
    reason: str,
) -> None:
    """Where nothing can be had there are no columns, and never an exception."""
    autopilot.get(URL + "contacts/custom_fields", **answer)
    autopilot.get(URL + "contacts", **answer)

    assert found(api, clock) == []
    assert "The custom fields of contacts get no columns of their own this time" in caplog.text


def test_fields_of_account__no_status_of_a_stream(
    api: Api, clock: Clock, autopilot: Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    """The CDK prints a stream's status at a 429; the list of fields is no stream of a catalog."""
    autopilot.get(URL + "contacts/custom_fields", [{"status_code": 429}, {"json": LIST}])

    assert found(api, clock) == [CustomField("Seats", "integer")]
    assert capsys.readouterr().out == ""


def test_fields_of_account__a_bug_in_here(
    api: Api,
    clock: Clock,
    autopilot: Mocker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever goes wrong costs columns only, and its text stays out of the log."""
    autopilot.get(URL + "contacts/custom_fields", json=LIST)
    autopilot.get(URL + "contacts", json=PAGE)

    def broken(answer: Any) -> None:
        raise RuntimeError("with a contact's data in it")

    monkeypatch.setattr("source_autopilot.field_survey.fields_of_answer", broken)

    assert found(api, clock) == [CustomField("Score", "number")]
    assert "there are: RuntimeError" in caplog.text
    assert "with a contact's data in it" not in caplog.text


def test_fields_of_account__too_slow(api: Api, clock: Clock, autopilot: Mocker) -> None:
    """A discover that was very slow so far has no time for a second question."""
    autopilot.get(URL + "contacts/custom_fields", status_code=404)
    times: Iterator[float] = iter([0.0, 12.0])

    assert found(api, clock, times.__next__) == []
    assert asked(autopilot) == ["/v1/contacts/custom_fields"]


def test_fields_of_account__one_try(api: Api, clock: Clock, autopilot: Mocker) -> None:
    """A discover that was slow so far has time for a second question, not for asking it again."""
    autopilot.get(URL + "contacts/custom_fields", status_code=404)
    autopilot.get(URL + "contacts", [{"exc": requests.ReadTimeout}, {"json": PAGE}])
    times: Iterator[float] = iter([0.0, 4.0])

    assert found(api, clock, times.__next__) == []
    assert asked(autopilot) == ["/v1/contacts/custom_fields", "/v1/contacts"]


def test_fields_of_account__closes_no_budget(api: Api, clock: Clock, autopilot: Mocker) -> None:
    """A key that may not see custom fields may still read everything else."""
    autopilot.get(URL + "contacts/custom_fields", status_code=403)
    autopilot.get(URL + "contacts", status_code=403)

    found(api, clock)

    api.budget.acquire_call(None)  # raises once it is closed


SEATS = CustomColumn("custom_seats", "Seats", "integer")


def test_columns_of_catalog__as_discovered(api: Api, autopilot: Mocker) -> None:
    """A catalog with a schema says everything: nothing is asked, not even for what it lacks."""
    column = {"title": "Seats", "type": ["null", "integer"]}
    known = {"properties": {"contact_id": {}, "custom_seats": column}}
    bare: dict[str, Any] = {"properties": {"contact_id": {}}}

    assert columns_of_catalog(catalog("lists", "contacts", schema=known), api, LOGGER) == [SEATS]
    assert columns_of_catalog(catalog("contacts", schema=bare), api, LOGGER) == []
    assert autopilot.call_count == 0


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"properties": {}}])
def test_columns_of_catalog__by_hand(api: Api, autopilot: Mocker, schema: dict[str, Any]) -> None:
    """A catalog without a schema makes one question necessary."""
    autopilot.get(URL + "contacts/custom_fields", json=LIST)

    assert columns_of_catalog(catalog("contacts", schema=schema), api, LOGGER) == [SEATS]
    assert autopilot.call_count == 1


@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
def test_columns_of_catalog__by_hand_and_refused(
    api: Api,
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    answer: dict[str, Any],
    reason: str,
) -> None:
    """The question is asked once, whatever comes of it; the sync goes on without the columns."""
    autopilot.get(URL + "contacts/custom_fields", **answer)

    assert columns_of_catalog(catalog("contacts", schema={}), api, LOGGER) == []
    assert autopilot.call_count == 1
    assert reason in caplog.text
    assert "get no columns of their own in this sync" in caplog.text


def test_columns_of_catalog__without_contacts(api: Api, autopilot: Mocker) -> None:
    """Who does not read contacts needs no custom fields."""
    assert columns_of_catalog(catalog("lists", schema={}), api, LOGGER) == []
    assert autopilot.call_count == 0
