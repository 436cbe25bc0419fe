"""Tests of `source`."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStream,
    AirbyteStreamState,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    FailureType,
    StreamDescriptor,
    SyncMode,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker

from source_autopilot.patience import PATIENCE_OF_CHECK, PATIENCE_OF_READ
from source_autopilot.source import STREAM_NAMES, SourceAutopilot, SyncFailed
from unit_tests.conftest import KEY

URL = "https://api2.autopilothq.com/v1/"
LOGGER = logging.getLogger("airbyte")
CONFIG = {"api_key": KEY, "start_date": "2000-01-01"}


@pytest.fixture(autouse=True)
def _vendors_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOPILOT_API_URL", raising=False)


def catalog(*names: str) -> ConfiguredAirbyteCatalog:
    """A full refresh of the named streams."""
    return ConfiguredAirbyteCatalog(
        streams=[
            ConfiguredAirbyteStream(
                stream=AirbyteStream(
                    name=name, json_schema={}, supported_sync_modes=[SyncMode.full_refresh]
                ),
                sync_mode=SyncMode.full_refresh,
                destination_sync_mode=DestinationSyncMode.overwrite,
            )
            for name in names
        ]
    )


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
        (it.trace.error.failure_type, it.trace.error.message)
        for it in messages
        if it.trace and it.trace.error
    ]


def test_streams__names() -> None:
    """The source has the four tables, in the order of the catalog."""
    assert [stream.name for stream in SourceAutopilot().streams(CONFIG)] == STREAM_NAMES


@pytest.mark.parametrize(
    ("config", "environment", "sentence"),
    [
        ({"api_key": KEY, "frequency": 0}, "", r"Replication Frequency \(frequency\) is 0"),
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


def test_check_connection__works(autopilot: Mocker) -> None:
    """A check is one small request with the key."""
    autopilot.get(URL + "lists", json={"lists": []})

    assert SourceAutopilot().check_connection(LOGGER, CONFIG) == (True, None)
    assert autopilot.call_count == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status_code": 401}, "does not accept the API key"),
        ({"status_code": 500}, "trouble on its side"),
        ({"text": "<html>Sign in to the hotel's network</html>"}, "cannot be read"),
        ({"json": {"lists": None}}, "cannot be used"),
        ({"status_code": 404}, "does not find the first page"),
    ],
)
def test_check_connection__fails(autopilot: Mocker, answer: dict[str, Any], sentence: str) -> None:
    """Whatever is wrong, the person in front of the form reads it as theirs to look at."""
    autopilot.get(URL + "lists", **answer)

    with pytest.raises(AirbyteTracedException, match=sentence) as raised:
        SourceAutopilot().check_connection(LOGGER, CONFIG)

    assert raised.value.failure_type == FailureType.config_error


def test_check_connection__is_less_patient(autopilot: Mocker) -> None:
    """A check tries less often than a read: somebody is waiting."""
    autopilot.get(URL + "lists", status_code=503)

    with pytest.raises(AirbyteTracedException):
        SourceAutopilot().check_connection(LOGGER, CONFIG)

    assert autopilot.call_count == PATIENCE_OF_CHECK.retries + 1 < PATIENCE_OF_READ.retries + 1


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


def test_read__only_what_the_catalog_names(autopilot: Mocker) -> None:
    """Streams that are not in the catalog are not asked for."""
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}]})

    messages = read("lists")

    assert [it.record.data for it in messages if it.record] == [{"list_id": "l1"}]
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


def test_read__revoked_key(autopilot: Mocker) -> None:
    """A wrong key fails every stream alike: one request and one error are enough."""
    autopilot.get(URL + "contacts", status_code=401)
    messages: list[AirbyteMessage] = []

    with pytest.raises(SyncFailed) as raised:
        read("contacts", "lists", "smart_segments", into=messages)

    assert raised.value.failure_type == FailureType.config_error
    assert [failure_type for failure_type, _ in errors(messages)] == [FailureType.config_error]
    assert autopilot.call_count == 1


def test_read__a_state_of_a_finished_sync(autopilot: Mocker) -> None:
    """A state never makes a later sync deliver less: every sync is a full refresh."""
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}]})
    finished = AirbyteStateMessage(
        type=AirbyteStateType.STREAM,
        stream=AirbyteStreamState(
            stream_descriptor=StreamDescriptor(name="lists"),
            stream_state=AirbyteStateBlob({"__ab_full_refresh_sync_complete": True}),
        ),
    )

    messages = list(SourceAutopilot().read(LOGGER, CONFIG, catalog("lists"), [finished]))

    assert [it.record.data for it in messages if it.record] == [{"list_id": "l1"}]


def test_read__keeps_to_the_budget(autopilot: Mocker, naps: list[float]) -> None:
    """No more than 20 requests in any second, over all streams together."""
    for number in range(30):
        where = f"contacts/b{number}" if number else "contacts"
        body: dict[str, Any] = {"contacts": [], "bookmark": f"b{number + 1}"}
        autopilot.get(URL + where, json=body if number < 29 else {"contacts": []})

    read("contacts")

    assert autopilot.call_count == 30
    assert sum(naps) > 0
