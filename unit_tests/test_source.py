"""Tests of `source`."""

import logging
import re
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock
from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStreamState,
    FailureType,
    StreamDescriptor,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError

from source_autopilot import source
from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.api.retry_policy import (
    COMMAND_POLICY,
    COMMAND_SECONDS,
    READ_POLICY,
    Deadline,
)
from source_autopilot.errors import SyncFailed, UserFacingError
from source_autopilot.source import SourceAutopilot
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.tables import STREAM_NAMES
from source_autopilot.sync.record_batch import RecordBatch
from unit_tests.support.catalogs import DISCOVERED, catalog
from unit_tests.support.clock import Clock, WaitingByClock
from unit_tests.support.constants import KEY

URL = "https://api2.autopilothq.com/v1/"
LOGGER = logging.getLogger("airbyte")
CONFIG = {"api_key": KEY, "start_date": "2000-01-01"}


@pytest.fixture(autouse=True)
def _vendors_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOPILOT_API_URL", raising=False)


@pytest.fixture
def _limiter_waits_by_clock(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """For commands, which have one thread."""
    waiting = partial(WaitingByClock, clock)
    monkeypatch.setattr(source, "RateLimiter", lambda: RateLimiter(clock.now, waiting))


def read(*names: str, into: list[AirbyteMessage] | None = None) -> list[AirbyteMessage]:
    """The messages of a read; those before an exception are in `into`."""
    messages = [] if into is None else into
    messages.extend(SourceAutopilot().read(LOGGER, CONFIG, catalog(*names)))
    return messages


def statuses(messages: Iterable[AirbyteMessage]) -> list[tuple[str, str]]:
    """The last status of each stream."""
    found = {}
    for message in messages:
        if message.trace and message.trace.stream_status:
            status = message.trace.stream_status
            found[status.stream_descriptor.name] = status.status.value
    return list(found.items())


def errors(messages: Iterable[AirbyteMessage]) -> list[tuple[Any, Any]]:
    """The failure type and message of each error trace."""
    return [
        (message.trace.error.failure_type, message.trace.error.message)
        for message in messages
        if message.trace and message.trace.error
    ]


def records(messages: Iterable[AirbyteMessage]) -> list[dict[str, Any]]:
    """The records' data."""
    return [message.record.data for message in messages if message.record]


DONE = {"__ab_full_refresh_sync_complete": True}


def state_of(state: dict[str, Any], stream: str = "lists") -> AirbyteStateMessage:
    """A stream's state as Airbyte hands it back."""
    return AirbyteStateMessage(
        type=AirbyteStateType.STREAM,
        stream=AirbyteStreamState(
            stream_descriptor=StreamDescriptor(name=stream), stream_state=AirbyteStateBlob(state)
        ),
    )


def at(bookmark: str) -> AirbyteStateMessage:
    """The state of an attempt at the contacts that came to a bookmark."""
    entry = {"partition": {}, "cursor": {"bookmark": bookmark}}
    return state_of({"states": [entry]}, "contacts")


def states(messages: Iterable[AirbyteMessage]) -> list[dict[str, Any]]:
    """The states among the messages."""
    found = [
        message.state.stream.stream_state
        for message in messages
        if message.state and message.state.stream
    ]
    return [dict(vars(state)) for state in found if state]


def test_streams__names() -> None:
    """The source has the four tables, in the order of the catalog."""
    assert [stream.name for stream in SourceAutopilot().streams(CONFIG)] == STREAM_NAMES


@pytest.mark.parametrize(
    ("config", "environment", "sentence"),
    [
        ({"api_key": KEY, "frequency": 0}, "", r"Planned Sync Interval \(frequency\) is 0"),
        (CONFIG, "http://autopilot.example/", "AUTOPILOT_API_URL"),
    ],
)
def test_streams__unusable_settings(
    config: dict[str, Any], environment: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with the settings, or with the address, is a config error that says so."""
    monkeypatch.setenv("AUTOPILOT_API_URL", environment)

    with pytest.raises(AirbyteTracedException, match=sentence) as raised:
        SourceAutopilot().streams(config)

    assert raised.value.failure_type == FailureType.config_error


def test_configure__strips_the_key(tmp_path: Path) -> None:
    """The CDK masks what is in the config, so that has to be what is sent; nothing is written."""
    config = SourceAutopilot().configure({"api_key": f" {KEY}\n", "frequency": 5}, str(tmp_path))

    assert config == {"api_key": KEY, "frequency": 5}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_limiter_waits_by_clock")
def test_check_connection__forecast(autopilot: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    """A check that passes says what a sync will cost, for a request per table and segment."""
    autopilot.get(URL + "lists", json={"lists": []})
    autopilot.get(URL + "contacts", json={"contacts": [], "total_contacts": "2500000"})
    segments = [{"segment_id": f"s{number}"} for number in range(30)]
    autopilot.get(URL + "smart_segments", json={"segments": segments})
    members = re.compile(URL + r"smart_segments/s\d+/contacts")
    autopilot.get(members, json={"contacts": [], "total_contacts": 1000})

    with caplog.at_level(logging.INFO):
        assert SourceAutopilot().check_connection(LOGGER, CONFIG) == (True, None)

    assert autopilot.call_count == 3 + 20
    assert "2,500,000 contacts, 0 lists and 30 smart segments with about 30,000" in caplog.text
    assert "A sync reads about 2,530,030 rows with about 25,302 API calls" in caplog.text
    assert "Advice: set Planned Sync Interval (frequency) to 180" in caplog.text


@pytest.mark.usefixtures("_limiter_waits_by_clock")
@pytest.mark.parametrize(
    ("switch", "asked", "said"),
    [
        ("", 1, "read side by side, because Autopilot takes start keys."),
        ("off", 0, "read one after the other, because AUTOPILOT_SIDE_BY_SIDE is off."),
    ],
)
def test_check_connection__start_keys(
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    switch: str,
    asked: int,
    said: str,
) -> None:
    """One request more tells how the pages of a large table are read, unless that is turned off."""
    monkeypatch.setenv("AUTOPILOT_SIDE_BY_SIDE", switch)
    monkeypatch.setattr("requests.sessions.preferred_clock", clock.now)
    ids = [f"person_{number:08X}-0000-4000-8000-000000000000" for number in range(0, 1000, 10)]

    def answer(request: Any, context: Any) -> Any:
        clock.sleep(1.0)
        key = request.url.rpartition("/")[2]
        rows = [{"contact_id": contact_id} for contact_id in ids if contact_id > key]
        return {"contacts": rows, "total_contacts": 100_000, "bookmark": ids[-1]}

    autopilot.get(URL + "lists", json={"lists": []})
    autopilot.get(re.compile(URL + "contacts"), json=answer)
    autopilot.get(URL + "smart_segments", json={"segments": []})

    with caplog.at_level(logging.INFO):
        assert SourceAutopilot().check_connection(LOGGER, CONFIG) == (True, None)

    assert autopilot.call_count == 3 + asked
    assert f"Pages of one table are {said}" in caplog.messages


@pytest.mark.parametrize(
    ("switch", "takes_start_keys", "said"),
    [
        ("on", True, "read side by side, because Autopilot takes start keys."),
        ("on", False, "read one after the other, because start keys do not seem to work for"),
        ("off", True, "read one after the other, because AUTOPILOT_SIDE_BY_SIDE is off."),
    ],
)
def test_read__forecast_with_start_keys(
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    switch: str,
    takes_start_keys: bool,
    said: str,
) -> None:
    """The forecast of a sync waits for what the sync itself finds out, and says it once."""
    monkeypatch.setenv("AUTOPILOT_SIDE_BY_SIDE", switch)
    monkeypatch.setenv("AUTOPILOT_CHECK_TOTALS", "off")
    seconds = count()
    monkeypatch.setattr("requests.sessions.preferred_clock", lambda: float(next(seconds)))
    ids = [f"person_{number:08X}-0000-4000-8000-000000000000" for number in range(0, 3000, 10)]

    def answer(request: Any, context: Any) -> Any:
        _, _, key = request.url.partition("/contacts/")
        rows = [contact_id for contact_id in ids if contact_id > key]
        if key not in ids and not takes_start_keys:
            rows = ids
        more = {"bookmark": rows[99]} if len(rows) > 100 else {}
        return {
            "contacts": [{"contact_id": contact_id} for contact_id in rows[:100]],
            "total_contacts": 20_000,  # as if the table were large enough to be worth it
            **more,
        }

    autopilot.get(re.compile(URL + "contacts"), json=answer)

    with caplog.at_level(logging.INFO):
        messages = read("contacts")

    assert [record["contact_id"] for record in records(messages)] == ids
    [line] = [line for line in caplog.messages if line.startswith("Pages of one table are")]
    assert said in line


@pytest.mark.parametrize("command", ["check", "read"])
def test_commands__unusable_switch(
    autopilot: Mocker, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """What is wrong with an environment variable a check says, too, before anything is asked."""
    monkeypatch.setenv("AUTOPILOT_CHECK_TOTALS", "never")
    commands: dict[str, Callable[[], object]] = {
        "check": lambda: SourceAutopilot().check_connection(LOGGER, CONFIG),
        "read": lambda: read("lists"),
    }

    with pytest.raises(UserFacingError, match="AUTOPILOT_CHECK_TOTALS has to be on or") as raised:
        commands[command]()

    assert raised.value.failure_type == FailureType.config_error
    assert autopilot.call_count == 0


@pytest.mark.usefixtures("_limiter_waits_by_clock")
@pytest.mark.parametrize(
    ("page_seconds", "said"),
    [
        (4, ["7 contacts, 0 lists and 1 smart segment with about 7 members in all."]),
        (
            10,
            [
                "7 contacts and 0 lists.",
                "Smart segments are left out of this forecast: Autopilot takes 10 s for a page.",
            ],
        ),
    ],
)
def test_check_connection__slow_pages(
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    page_seconds: float,
    said: list[str],
) -> None:
    """A slow account passes within the time of a command, with as much of a forecast as fits."""
    monkeypatch.setattr(source, "Deadline", partial(Deadline, now=clock.now))
    monkeypatch.setattr("requests.sessions.preferred_clock", clock.now)
    page = {"lists": [], "contacts": [], "total_contacts": 7, "segments": [{"segment_id": "s1"}]}

    def answer(request: Any, context: Any) -> Any:
        clock.sleep(min(page_seconds, request.timeout[1]))
        if page_seconds > request.timeout[1]:
            raise requests.ReadTimeout
        return page

    autopilot.get(requests_mock.ANY, json=answer)

    with caplog.at_level(logging.INFO):
        assert SourceAutopilot().check_connection(LOGGER, CONFIG) == (True, None)

    assert caplog.messages[: len(said)] == [f"This account has {said[0]}", *said[1:]]
    assert clock.seconds <= COMMAND_SECONDS


@pytest.mark.usefixtures("_limiter_waits_by_clock")
def test_check_connection__segment_deleted_meanwhile(
    autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """A segment that is gone before it is asked for has no members."""
    autopilot.get(URL + "lists", json={"lists": []})
    autopilot.get(URL + "contacts", json={"contacts": [], "total_contacts": 1})
    segments = [{"segment_id": "s1"}, {"segment_id": "s2"}]
    autopilot.get(URL + "smart_segments", json={"segments": segments})
    autopilot.get(URL + "smart_segments/s1/contacts", status_code=404, json={"error": "Not Found"})
    autopilot.get(URL + "smart_segments/s2/contacts", json={"contacts": [], "total_contacts": 7})

    with caplog.at_level(logging.INFO):
        SourceAutopilot().check_connection(LOGGER, CONFIG)

    assert "2 smart segments with about 7 members in all" in caplog.text


@pytest.mark.usefixtures("_limiter_waits_by_clock")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status_code": 403}, "does not allow this API key"),
        ({"status_code": 503}, "trouble on its side"),
        ({"json": {"contacts": None}}, "null or missing"),
        ({"json": {"contacts": []}}, "does not say how many contacts there are"),
        ({"json": {"contacts": [], "total_contacts": "9" * 400}}, "does not say how many contacts"),
        ({"exc": RuntimeError}, "RuntimeError"),  # a fault of ours
    ],
)
def test_check_connection__no_forecast(
    autopilot: Mocker, caplog: pytest.LogCaptureFixture, answer: dict[str, Any], reason: str
) -> None:
    """A check never fails because of the forecast."""
    autopilot.get(URL + "lists", json={"lists": []})
    autopilot.get(URL + "contacts", **answer)
    autopilot.get(URL + "smart_segments", json={"segments": []})

    assert SourceAutopilot().check_connection(LOGGER, CONFIG) == (True, None)

    assert autopilot.call_count <= 3
    assert "No forecast of a sync can be made" in caplog.text
    assert reason in caplog.text


@pytest.mark.usefixtures("_limiter_waits_by_clock")
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status_code": 401}, "does not accept the API key"),
        ({"status_code": 500}, "trouble on its side"),
        ({"text": '{"lists": ['}, "cannot be read"),
        ({"json": {"lists": None}}, "cannot be used"),
        ({"status_code": 404}, "does not find the first page"),
        (
            {"exc": RuntimeError("with data in it")},
            r"^The connector has a fault \(RuntimeError\)\.",
        ),
        ({"exc": AirbyteTracedException(message="In a private network")}, "^In a private network$"),
    ],
)
def test_check_connection__fails(autopilot: Mocker, answer: dict[str, Any], sentence: str) -> None:
    """Whatever is wrong, the person in front of the form reads it as theirs to look at."""
    autopilot.get(URL + "lists", **answer)

    with pytest.raises(AirbyteTracedException, match=sentence) as raised:
        SourceAutopilot().check_connection(LOGGER, CONFIG)

    assert raised.value.failure_type == FailureType.config_error
    assert "with data in it" not in str(raised.value.message)
    assert "Ortto" not in str(raised.value.message)


def name_not_found() -> requests.ConnectionError:
    """What requests raises for a name that no look-up finds."""
    pool = HTTPSConnectionPool("api2.autopilothq.com")
    reason = NameResolutionError(pool.host, HTTPSConnection(pool.host), socket.gaierror())
    return requests.ConnectionError(MaxRetryError(pool, "/v1/lists", reason))


ENDS: list[tuple[dict[str, Any], str]] = [
    ({"exc": name_not_found()}, "Autopilot's address was not found (NameResolutionError)."),
    ({"status_code": 301, "headers": {"Location": "https://ortto.com/"}}, "a redirect (301)"),
    ({"text": "<!DOCTYPE html><title>Ortto</title>"}, "Autopilot's answer cannot be read"),
    ({"status_code": 403}, "Autopilot does not allow this API key to read this (403)."),
    ({"status_code": 410}, "lists: Autopilot does not find the first page (410)."),
]


@pytest.mark.usefixtures("_limiter_waits_by_clock")
@pytest.mark.parametrize(("answer", "sentence"), ENDS)
def test_check_connection__end_of_the_api(
    autopilot: Mocker, answer: dict[str, Any], sentence: str
) -> None:
    """What an API that is gone may answer says so, beside what was seen and what to do."""
    autopilot.get(URL + "lists", **answer)

    with pytest.raises(UserFacingError) as raised:
        SourceAutopilot().check_connection(LOGGER, CONFIG)

    message = str(raised.value.message)
    assert sentence in message
    assert message.endswith(
        " If the account has moved to Ortto, its data are not behind this API, and Ortto's keys do"
        " not open it."
    )


@pytest.mark.usefixtures("_limiter_waits_by_clock")
@pytest.mark.parametrize(("answer", "sentence"), ENDS)
def test_read__no_end_of_the_api(autopilot: Mocker, answer: dict[str, Any], sentence: str) -> None:
    """In a sync, whose check has passed, it says what was seen and nothing of Ortto."""
    autopilot.get(URL + "lists", **answer)
    messages: list[AirbyteMessage] = []

    with pytest.raises(SyncFailed):
        read("lists", into=messages)

    [(_, message)] = errors(messages)
    assert sentence in message
    assert "Ortto" not in message


@pytest.mark.parametrize("command", ["check_connection", "discover"])
def test_commands__unusable_environment(
    autopilot: Mocker, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """An environment in which no request can be sent is a config error that names the variable."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/not/there.pem")

    with pytest.raises(UserFacingError, match="REQUESTS_CA_BUNDLE names /not/there") as raised:
        getattr(SourceAutopilot(), command)(LOGGER, CONFIG)

    assert raised.value.failure_type == FailureType.config_error
    assert autopilot.call_count == 0


def test_read__unusable_environment(autopilot: Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sync as well, for all of its streams."""
    monkeypatch.setenv("ALL_PROXY", "http://user:password@:3128")
    messages: list[AirbyteMessage] = []

    with pytest.raises(SyncFailed) as raised:
        read("contacts", "lists", into=messages)

    assert raised.value.failure_type == FailureType.config_error
    assert str(raised.value.message).startswith("No request can be sent: ALL_PROXY is no address")
    assert "password" not in str(errors(messages))
    assert autopilot.call_count == 0


@pytest.mark.usefixtures("_limiter_waits_by_clock")
def test_check_connection__is_less_patient(autopilot: Mocker) -> None:
    """A check tries less often than a read: somebody is waiting."""
    autopilot.get(URL + "lists", status_code=503)

    with pytest.raises(AirbyteTracedException):
        SourceAutopilot().check_connection(LOGGER, CONFIG)

    assert autopilot.call_count == COMMAND_POLICY.max_tries < READ_POLICY.max_tries


@pytest.mark.usefixtures("_limiter_waits_by_clock")
@pytest.mark.parametrize("command", ["check_connection", "discover"])
def test_commands__wait_less(autopilot: Mocker, command: str) -> None:
    """Where a person waits for a command, it waits for no answer as long as a sync."""
    autopilot.get(requests_mock.ANY, exc=requests.ReadTimeout)

    with suppress(AirbyteTracedException):
        getattr(SourceAutopilot(), command)(LOGGER, CONFIG)

    timeouts: set[Any] = {request.timeout for request in autopilot.request_history}
    assert max(seconds for _, seconds in timeouts) <= COMMAND_POLICY.answer_seconds
    assert COMMAND_POLICY.answer_seconds < READ_POLICY.answer_seconds


def properties_of(discovered: AirbyteCatalog, stream: str = "contacts") -> dict[str, Any]:
    """The columns of a discovered stream."""
    [schema] = [found.json_schema for found in discovered.streams if found.name == stream]
    return dict(schema["properties"])


@pytest.mark.usefixtures("_limiter_waits_by_clock")
def test_discover__custom_fields(autopilot: Mocker) -> None:
    """Contacts have their own columns and then those of custom fields; one request tells them."""
    answer = [{"name": "Seats", "fieldType": "integer"}, {"name": "NPS", "fieldType": "float"}]
    autopilot.get(URL + "contacts/custom_fields", json=answer)

    discovered = SourceAutopilot().discover(LOGGER, CONFIG)

    assert [stream.name for stream in discovered.streams] == STREAM_NAMES
    assert list(properties_of(discovered))[-3:] == ["other_fields", "custom_nps", "custom_seats"]
    assert properties_of(discovered)["custom_seats"] == {
        "title": "Seats",
        "description": 'The custom field "Seats" of Autopilot.',
        "type": ["null", "integer"],
    }
    assert autopilot.call_count == 1


@pytest.mark.usefixtures("_limiter_waits_by_clock")
def test_discover__key_without_rights(autopilot: Mocker) -> None:
    """A key that may read neither the list nor the contacts is an error, for the person to mend."""
    autopilot.get(URL + "contacts/custom_fields", status_code=403)
    autopilot.get(URL + "contacts", status_code=403)

    with pytest.raises(UserFacingError, match="does not allow this API key") as raised:
        SourceAutopilot().discover(LOGGER, CONFIG)

    assert raised.value.failure_type == FailureType.config_error
    assert autopilot.call_count == 2


@pytest.mark.usefixtures("_limiter_waits_by_clock")
def test_discover__trouble(autopilot: Mocker) -> None:
    """Trouble is a transient error: a catalog without columns would have them dropped."""
    autopilot.get(URL + "contacts/custom_fields", status_code=503)

    with pytest.raises(UserFacingError, match=r"trouble on its side \(503\)") as raised:
        SourceAutopilot().discover(LOGGER, CONFIG)

    assert raised.value.failure_type == FailureType.transient_error
    assert autopilot.call_count == COMMAND_POLICY.max_tries


def test_read__custom_fields_of_the_catalog(autopilot: Mocker) -> None:
    """Values go where the catalog says they do, and nothing asks which fields there are."""
    title = {"title": "Seats", "type": ["null", "integer"]}
    schema = {"properties": {**DISCOVERED["properties"], "custom_places": title}}
    entries = [{"kind": "Seats", "value": "7", "fieldType": "integer", "deleted": False}]
    autopilot.get(
        URL + "contacts", json={"contacts": [{"contact_id": "p1", "custom_fields": entries}]}
    )

    messages = list(SourceAutopilot().read(LOGGER, CONFIG, catalog("contacts", schema=schema)))

    [record] = records(messages)
    assert record["custom_places"] == 7
    assert autopilot.call_count == 1


@pytest.mark.parametrize("status", [200, 403, 404])
def test_read__catalog_without_a_schema(autopilot: Mocker, status: int) -> None:
    """A catalog written by hand gets the columns for one request, or its rows without them."""
    fields = [{"name": "Seats", "fieldType": "integer"}]
    autopilot.get(URL + "contacts/custom_fields", json=fields, status_code=status)
    entries = [{"kind": "Seats", "value": "7"}]
    autopilot.get(
        URL + "contacts", json={"contacts": [{"contact_id": "p1", "custom_fields": entries}]}
    )

    messages = list(SourceAutopilot().read(LOGGER, CONFIG, catalog("contacts", schema={})))

    [record] = records(messages)
    assert record.pop("custom_fields") == entries
    assert record == {"contact_id": "p1", **({"custom_seats": 7} if status == 200 else {})}
    assert statuses(messages) == [("contacts", "COMPLETE")]
    assert autopilot.call_count == 2


@pytest.mark.usefixtures("_limiter_waits_by_clock")
def test_read__catalog_without_a_schema_in_trouble(autopilot: Mocker) -> None:
    """A sync that would lack the columns for a hiccup of the list fails, before it has begun."""
    autopilot.get(URL + "contacts/custom_fields", status_code=503)

    with pytest.raises(UserFacingError, match=r"trouble on its side \(503\)") as raised:
        list(SourceAutopilot().read(LOGGER, CONFIG, catalog("contacts", schema={})))

    assert raised.value.failure_type == FailureType.transient_error
    assert autopilot.call_count == READ_POLICY.max_tries


def test_read__unknown_stream(autopilot: Mocker) -> None:
    """A stream that does not exist is a config error that names it, before anything is asked."""
    with pytest.raises(AirbyteTracedException, match="Autopilot has no stream deals") as raised:
        read("lists", "deals")

    assert raised.value.failure_type == FailureType.config_error
    assert autopilot.call_count == 0


def test_read__unusable_settings() -> None:
    """Settings that became unusable, after a check passed, are a config error of their own."""
    with pytest.raises(AirbyteTracedException, match="Start Date") as raised:
        list(SourceAutopilot().read(LOGGER, {**CONFIG, "start_date": "?"}, catalog("lists")))

    assert not isinstance(raised.value, SyncFailed)
    assert raised.value.failure_type == FailureType.config_error


@pytest.mark.parametrize("command", ["check", "read"])
def test_commands__unknown_setting(
    autopilot: Mocker, caplog: pytest.LogCaptureFixture, command: str
) -> None:
    """A check and a read warn of a setting that has no effect."""
    autopilot.get(f"{URL}lists", json={"lists": []})
    autopilot.get(f"{URL}contacts", json={"contacts": []})
    autopilot.get(f"{URL}smart_segments", json={"segments": []})
    config = {**CONFIG, "startdate": "2024-01-31"}

    if command == "check":
        SourceAutopilot().check_connection(LOGGER, config)
    else:
        list(SourceAutopilot().read(LOGGER, config, catalog("lists")))

    assert "The setting startdate is unknown and has no effect: did you mean" in caplog.text


def test_read__only_what_the_catalog_names(autopilot: Mocker) -> None:
    """Streams that are not in the catalog are not asked for."""
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}]})

    messages = read("lists")

    assert records(messages) == [{"list_id": "l1"}]
    assert statuses(messages) == [("lists", "COMPLETE")]
    assert autopilot.call_count == 1


def test_read__one_stream_in_trouble(autopilot: Mocker) -> None:
    """Another stream's trouble costs a stream nothing; the failure keeps its own type and text.

    The CDK ends every failed sync with a config error, after which Airbyte would not try again.
    """
    autopilot.get(URL + "contacts", status_code=503)
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}]})
    messages: list[AirbyteMessage] = []

    with pytest.raises(SyncFailed) as raised:
        read("contacts", "lists", into=messages)

    assert statuses(messages) == [("contacts", "INCOMPLETE"), ("lists", "COMPLETE")]
    [(failure_type, message)] = errors(messages)
    assert (failure_type, message) == (raised.value.failure_type, raised.value.message)
    assert failure_type == FailureType.transient_error
    assert message.startswith("Autopilot has trouble on its side (503).")


@pytest.mark.parametrize("depth", [300, 600, 1_010, 100_000])
@pytest.mark.parametrize("value", ["[{}1{}]", "[{}NaN{}]"])
@pytest.mark.parametrize(
    "document",
    ['{"contact_id": "p1", "New": ?}', '{"contact_id": "p1", "Email": ?}'],
    ids=["as it is", "as text"],
)
def test_read__nested_deeply(autopilot: Mocker, depth: int, value: str, document: str) -> None:
    """A value is either written as it is or ends its table with a sentence, however deep it is."""
    deep = value.format("[" * depth, "]" * depth)
    body = '{"contacts": [' + document.replace("?", deep) + "]}"
    autopilot.get(URL + "contacts", text=body)
    messages: list[AirbyteMessage] = []

    with suppress(SyncFailed):
        every = SourceAutopilot(in_batches=True).read(LOGGER, CONFIG, catalog("contacts"))
        messages.extend(every)

    written = b"".join(
        message.lines for message in messages if isinstance(message, RecordBatch)
    ).decode()
    said = [message for _, message in errors(messages)]
    assert deep.replace("NaN", "null") in written or "nested too deeply" in " ".join(said)


def test_read__revoked_key(autopilot: Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong key fails every stream alike: one request is enough, and each stream says it."""
    # Time stands still: the second request's turn does not come before the first one's answer.
    monkeypatch.setattr(source, "RateLimiter", lambda: RateLimiter(lambda: 0.0))
    autopilot.get(requests_mock.ANY, status_code=401)  # any of the streams may be the first to ask
    messages: list[AirbyteMessage] = []

    with pytest.raises(SyncFailed) as raised:
        read("contacts", "lists", "smart_segments", into=messages)

    assert raised.value.failure_type == FailureType.config_error
    failure_types = [failure_type for failure_type, _ in errors(messages)]
    assert failure_types == [FailureType.config_error] * 3
    assert autopilot.call_count == 1


def test_streams__share_a_limiter() -> None:
    """The rate limit is the account's: what one stream uses, the others have no more."""
    streams = SourceAutopilot().streams(CONFIG)

    assert (
        len(
            {id(stream.client.limiter) for stream in streams if isinstance(stream, AutopilotStream)}
        )
        == 1
    )


def test_read__no_streams(autopilot: Mocker) -> None:
    """A catalog without streams is a sync without records, not one without end."""
    assert read() == []


def test_read__a_stream_twice(autopilot: Mocker) -> None:
    """A stream that a catalog names twice is read once."""
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}]})

    assert records(read("lists", "lists")) == [{"list_id": "l1"}]


@pytest.mark.parametrize(("job", "rows"), [("", 1), ("41", 1), ("42", 0)])
def test_read__finished_state(
    autopilot: Mocker, monkeypatch: pytest.MonkeyPatch, job: str, rows: int
) -> None:
    """A stream is left out only if this job of a platform has delivered it."""
    monkeypatch.setenv("WORKER_JOB_ID", job)
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}]})
    state = state_of({**DONE, "job": "42"})

    messages = list(SourceAutopilot().read(LOGGER, CONFIG, catalog("lists"), [state]))

    assert records(messages) == [{"list_id": "l1"}] * rows
    assert statuses(messages) == [("lists", "COMPLETE")]


def test_read__says_what_it_does(autopilot: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    """Which streams, which of them go on from the last attempt, and what became of each."""
    autopilot.get(URL + "contacts/b7", json={"contacts": [{"contact_id": "p8"}]})
    autopilot.get(URL + "lists", json={"lists": []})

    with caplog.at_level(logging.INFO):
        list(SourceAutopilot().read(LOGGER, CONFIG, catalog("contacts", "lists"), [at("b7")]))

    said = sorted(caplog.messages)
    assert [line.split(" in 1 page")[0] for line in said] == [
        "Going on where the last attempt stopped: contacts.",
        "Reading contacts and lists.",
        "contacts: complete. 1 row",
        "lists: complete. 0 rows",
    ]


def test_read__tells_values_that_do_not_fit_once_a_stream(
    autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """Not once a segment: the count is of the whole stream, at its end."""
    segments = [{"segment_id": f"s{number}"} for number in range(5)]
    autopilot.get(URL + "smart_segments", json={"segments": segments})
    members = re.compile(URL + r"smart_segments/s\d/contacts")
    autopilot.get(members, text='{"contacts": [{"contact_id": "p1\\u0000"}]}')

    with caplog.at_level(logging.WARNING):
        list(SourceAutopilot().read(LOGGER, CONFIG, catalog("smart_segments_contacts")))

    [line] = caplog.messages
    count = "smart_segments_contacts: 5 values of column contact_id could not be stored"
    assert line.startswith(count)


def test_read__refused_bookmark(autopilot: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    """A bookmark of the last attempt that is gone means the start again, with a warning."""
    autopilot.get(URL + "contacts/b7", status_code=404)
    autopilot.get(URL + "contacts", json={"contacts": [{"contact_id": "p1"}]})

    messages = list(SourceAutopilot().read(LOGGER, CONFIG, catalog("contacts"), [at("b7")]))

    assert records(messages) == [{"contact_id": "p1"}]
    assert "does not know the bookmark b7 of the last attempt any more" in caplog.text


def test_read__malformed_state(autopilot: Mocker) -> None:
    """A state that makes no sense is a config error that names the stream and says what to do."""
    with pytest.raises(
        AirbyteTracedException, match=r"lists: .*Clear the connection's state"
    ) as raised:
        list(
            SourceAutopilot().read(LOGGER, CONFIG, catalog("lists"), [state_of({"x": 1}, "lists")])
        )

    assert raised.value.failure_type == FailureType.config_error
    assert autopilot.call_count == 0
