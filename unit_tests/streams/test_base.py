"""Tests of `http_stream`, through the streams that stand on it."""

import logging
from dataclasses import replace
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType, SyncMode
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests_mock import Mocker

from source_autopilot.api.client import Api
from source_autopilot.api.retry_policy import PATIENCE_OF_READ
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.tables import Contacts, Lists
from unit_tests.support.constants import KEY, NOW, URL

LISTS = {"lists": [{"list_id": "contactlist_1", "title": "Ladies"}]}


def read(stream: AutopilotStream) -> list[dict[str, Any]]:
    """All rows of a stream that has one slice."""
    return list(stream.read_records(SyncMode.full_refresh))


def contacts_of(api: Api) -> Contacts:
    """The contacts of all times."""
    return Contacts(api, start_date=NOW.replace(year=1970))


def chain(autopilot: Mocker, pages: list[list[str]]) -> None:
    """Set up pages of contacts; each but the last leads to the next by a bookmark."""
    for number, ids in enumerate(pages):
        where = f"contacts/b{number}" if number else "contacts"
        body: dict[str, Any] = {"contacts": [{"contact_id": contact_id} for contact_id in ids]}
        if number < len(pages) - 1:
            body["bookmark"] = f"b{number + 1}"
        autopilot.get(URL + where, json=body)


def test_read_records__sends_the_key(api: Api, autopilot: Mocker) -> None:
    """The key travels in the vendor's header, in the URL never."""
    autopilot.get(URL + "lists", json=LISTS)

    read(Lists(api))

    [request] = autopilot.request_history
    assert request.headers["autopilotapikey"] == KEY
    assert KEY not in request.url


def test_read_records__sends_timeouts(api: Api, autopilot: Mocker) -> None:
    """No request waits for ever."""
    autopilot.get(URL + "lists", json=LISTS)

    read(Lists(replace(api, patience=replace(PATIENCE_OF_READ, connect_seconds=3, read_seconds=4))))

    [request] = autopilot.request_history
    timeout: object = request.timeout
    assert timeout == (3, 4)


def test_read_records__keeps_to_this_machine(
    api: Api, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain http request to this machine passes no proxy, which could read the key."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    autopilot.get("http://127.0.0.1:8080/v1/lists", json=LISTS)

    read(Lists(replace(api, url="http://127.0.0.1:8080/v1/")))

    [request] = autopilot.request_history
    assert not request.proxies.get("http")


def test_read_records__as_the_environment_says(
    api: Api, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies and certificates are those of the environment, as with requests anywhere."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "elsewhere.example")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/our-certificates.pem")
    autopilot.get(URL + "lists", json=LISTS)

    read(Lists(api))

    [request] = autopilot.request_history
    assert request.proxies["https"] == "http://proxy.example:3128"
    assert request.verify == "/etc/our-certificates.pem"


def test_read_records__no_proxy(
    api: Api, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that the environment says to reach directly is reached so."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "autopilot.example")
    autopilot.get(URL + "lists", json=LISTS)

    read(Lists(api))

    [request] = autopilot.request_history
    assert not request.proxies.get("https")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.uuids().map(str), max_size=3), min_size=1, max_size=6))
def test_read_records__every_page_once(api: Api, pages: list[list[str]]) -> None:
    """Whatever the pages, each row arrives once and in order, with one request per page."""
    with Mocker() as autopilot:
        chain(autopilot, pages)

        rows = read(contacts_of(api))

        assert [row["contact_id"] for row in rows] == [it for page in pages for it in page]
        assert autopilot.call_count == len(pages)


def test_read_records__encodes_the_bookmark(api: Api, autopilot: Mocker) -> None:
    """A bookmark is one part of the path, whatever characters it has."""
    autopilot.get(
        URL + "contacts", json={"contacts": [{"contact_id": "p1"}], "bookmark": "a/b?c#d%2F é"}
    )
    autopilot.get(URL + "contacts/a%2Fb%3Fc%23d%252F%20%C3%A9", json={"contacts": []})

    assert read(contacts_of(api)) == [{"contact_id": "p1"}]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
def test_read_records__survives(
    api: Api, autopilot: Mocker, naps: list[float], status: int
) -> None:
    """Trouble that passes costs a pause, and no rows."""
    autopilot.get(URL + "lists", [{"status_code": status}] * 3 + [{"json": LISTS}])

    assert read(Lists(api)) == LISTS["lists"]
    assert autopilot.call_count == 4
    assert sum(naps) > 0


@pytest.mark.parametrize(
    "trouble",
    [
        {"exc": requests.ConnectTimeout},
        {"exc": requests.ReadTimeout},
        {"exc": requests.ConnectionError},
        {"exc": requests.exceptions.ChunkedEncodingError},
        {"exc": requests.exceptions.SSLError},
        {"text": '{"lists":[{"list_id":"contactl'},
        {"text": "<html>maintenance</html>"},
        {"text": ""},
    ],
)
def test_read_records__survives_a_broken_answer(
    api: Api, autopilot: Mocker, trouble: dict[str, Any]
) -> None:
    """An answer that breaks off or cannot be read is asked for again."""
    autopilot.get(URL + "lists", [trouble, {"json": LISTS}])

    assert read(Lists(api)) == LISTS["lists"]
    assert autopilot.call_count == 2


def test_read_records__waits_as_asked(api: Api, autopilot: Mocker, naps: list[float]) -> None:
    """Retry-After is waited out, with the second that the CDK adds for fractions."""
    autopilot.get(
        URL + "lists",
        [{"status_code": 429, "headers": {"Retry-After": "7"}}, {"json": LISTS}],
    )

    read(Lists(api))

    assert 8 in naps


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ({"status_code": 503}, "Autopilot has trouble on its side (503). Nothing is wrong"),
        ({"status_code": 429}, "Autopilot is limiting requests (429). Nothing is wrong"),
        ({"exc": requests.ReadTimeout}, "Autopilot did not answer in time (ReadTimeout)."),
        ({"text": "<html>"}, "Autopilot's answer cannot be read: 6 bytes that are not JSON"),
    ],
)
def test_read_records__gives_up(
    api: Api, autopilot: Mocker, trouble: dict[str, Any], sentence: str
) -> None:
    """Trouble that stays ends in a transient error with the table's own sentence."""
    autopilot.get(URL + "lists", **trouble)

    with pytest.raises(AirbyteTracedException) as raised:
        read(Lists(api))

    assert str(raised.value).startswith(sentence)
    assert raised.value.failure_type == FailureType.transient_error
    assert autopilot.call_count == PATIENCE_OF_READ.retries + 1


@pytest.mark.parametrize(
    ("status", "failure_type"),
    [
        (400, FailureType.config_error),
        (401, FailureType.config_error),
        (403, FailureType.config_error),
        (302, FailureType.transient_error),
        (405, FailureType.system_error),
    ],
)
def test_read_records__gives_up_at_once(
    api: Api, autopilot: Mocker, status: int, failure_type: FailureType
) -> None:
    """What another try cannot mend gets no other try; a redirect's target is never asked."""
    autopilot.get(
        URL + "lists", status_code=status, headers={"Location": "https://elsewhere.example/"}
    )

    with pytest.raises(AirbyteTracedException) as raised:
        read(Lists(api))

    assert raised.value.failure_type == failure_type
    assert autopilot.call_count == 1


@pytest.mark.parametrize("rows", [None, {}, [{}], [{"contact_id": None}], ["person_1"]])
def test_read_records__page_without_rows_to_trust(api: Api, autopilot: Mocker, rows: Any) -> None:
    """A bad page in mid-chain ends the stream with an error that names the page."""
    chain(autopilot, [["p1"], ["p2"]])
    autopilot.get(URL + "contacts/b1", json={"contacts": rows})
    records = contacts_of(api).read_records(SyncMode.full_refresh)

    assert next(records) == {"contact_id": "p1"}
    with pytest.raises(AirbyteTracedException, match="contacts: page 2 from Autopilot") as raised:
        next(records)

    assert raised.value.failure_type == FailureType.transient_error


@pytest.mark.parametrize("names", [["b1", "b1"], ["b1", "b2", "b1"]])
def test_read_records__bookmark_that_repeats(api: Api, autopilot: Mocker, names: list[str]) -> None:
    """A chain that leads back into itself is an error that names the bookmark, and no loop."""
    asked = ["contacts", *(f"contacts/{name}" for name in names[:-1])]
    for where, bookmark in zip(asked, names, strict=True):
        autopilot.get(URL + where, json={"contacts": [], "bookmark": bookmark})

    with pytest.raises(AirbyteTracedException, match="leads back to the bookmark b1"):
        read(contacts_of(api))

    assert autopilot.call_count == len(names)


@pytest.mark.parametrize(
    ("status", "body", "where"),
    [
        (404, {"bookmark": "b1"}, "the page at bookmark b1"),
        (400, {"bookmark": "b1"}, "the page at bookmark b1"),
        (410, {"bookmark": "b1"}, "the page at bookmark b1"),
        (422, {"bookmark": "b1"}, "the page at bookmark b1"),
        (404, {}, "the first page"),
    ],
)
def test_read_records__refused(
    api: Api, autopilot: Mocker, status: int, body: dict[str, str], where: str
) -> None:
    """A bookmark that Autopilot refuses, like a stream that is not there, is an error."""
    first = {"json": {"contacts": [], **body}} if body else {"status_code": status}
    autopilot.get(URL + "contacts", **first)
    autopilot.get(URL + "contacts/b1", status_code=status)

    with pytest.raises(AirbyteTracedException, match=f"does not find {where} ") as raised:
        read(contacts_of(api))

    assert raised.value.failure_type == FailureType.transient_error


def test_tally__misfits(api: Api, autopilot: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    """Values that do not fit their column are counted, and one warning names each column."""
    odd = {"contact_id": "p1", "updated_at": "soon", "unsubscribed": "perhaps"}
    autopilot.get(URL + "contacts", json={"contacts": [odd, {**odd, "unsubscribed": True}]})

    stream = contacts_of(api)
    rows = read(stream)
    with caplog.at_level(logging.WARNING):
        stream.tally.log(stream.name, stream.logger)

    assert rows[0] == {"contact_id": "p1", "updated_at": None, "unsubscribed": None}
    assert [record.getMessage() for record in caplog.records] == [
        "contacts: 1 value did not fit the type of column unsubscribed;"
        " what did not fit is null in its place.",
        "contacts: 2 values did not fit the type of column updated_at;"
        " what did not fit is null in its place.",
    ]
