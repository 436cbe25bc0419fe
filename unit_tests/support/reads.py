"""Reads of streams whose API is in the test, and what came out of them."""

import logging
import re
import threading
from collections.abc import Callable, Generator, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any

import pytest
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteMessageSerializer,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStreamState,
    FailureType,
    StreamDescriptor,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker

from source_autopilot.api.client import Answer, Client
from source_autopilot.config import ALL_ON, Switches
from source_autopilot.records.page import Page
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.pagination import Partition
from source_autopilot.streams.tables import Contacts
from source_autopilot.sync.reader import Reader
from source_autopilot.sync.record_batch import RecordBatch, unpack_batches
from unit_tests.support.clock import Clock
from unit_tests.support.constants import URL

LOGGER = logging.getLogger("airbyte")
DONE = {"__ab_full_refresh_sync_complete": True}
TRY_LATER = (
    "Nothing is wrong with your settings; the next attempt may succeed. If this lasts for more"
    " than a day, ask Autopilot's support."
)
MAYBE_DELETED = f"What the bookmark points at may have been deleted during the sync. {TRY_LATER}"

Create = Callable[[Client], AutopilotStream]
contacts = partial(Contacts, start_date=datetime(2024, 1, 1, tzinfo=timezone.utc))


class WaitingTogether(threading.Condition):
    """A condition for several threads: waits for a time are over at once, on the test's clock."""

    def __init__(self, clock: Clock, lock: threading.Lock) -> None:
        super().__init__(lock)
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None:
            return super().wait()
        self._clock.sleep(timeout)
        return True


def reader_of(
    client: Client,
    *streams: Create,
    state: list[AirbyteStateMessage] | None = None,
    switches: Switches = ALL_ON,
) -> Reader:
    """A reader of these streams."""

    def create_all(client: Client) -> list[AutopilotStream]:
        return [create(client) for create in streams]

    return Reader(client, create_all, state, LOGGER, frequency=30, switches=switches)


def at(bookmark: str, **more: Any) -> dict[str, Any]:
    """The state of a table that was read up to a bookmark; of version 0.2.0 without more."""
    return {"states": [{"partition": {}, "cursor": {"bookmark": bookmark, **more}}]}


def saved(stream: str, state: dict[str, Any]) -> AirbyteStateMessage:
    """A stream's state as Airbyte hands it back."""
    return AirbyteStateMessage(
        type=AirbyteStateType.STREAM,
        stream=AirbyteStreamState(
            stream_descriptor=StreamDescriptor(name=stream), stream_state=AirbyteStateBlob(state)
        ),
    )


def describe(message: AirbyteMessage) -> str:
    """A message in a line."""
    if isinstance(message, RecordBatch):
        return f"{message.count} of {message.rows_read} rows of {message.stream}"
    written = AirbyteMessageSerializer.dump(message)
    if message.state:
        return f"state of {written['state']['stream']['stream_descriptor']['name']}"
    trace = written["trace"]
    if status := trace.get("stream_status"):
        reasons = "".join(f" ({reason['type']})" for reason in status.get("reasons", ()))
        return f"{status['stream_descriptor']['name']} {status['status']}{reasons}"
    if estimate := trace.get("estimate"):
        return f"about {estimate['row_estimate']} rows of {estimate['name']}"
    return f"error of {trace['error']['stream_descriptor']['name']}"


def take(
    reader: Reader, *, announce: Mapping[str, threading.Event] | None = None
) -> tuple[list[AirbyteMessage], AirbyteTracedException | None]:
    """All messages of a read, and what it ended with; sets the event of a message's line."""
    messages: list[AirbyteMessage] = []
    try:
        for message in reader.read():
            messages.append(message)
            event = (announce or {}).get(describe(message))
            if event:
                event.set()
    except AirbyteTracedException as failure:
        return messages, failure
    return messages, None


def records(messages: list[AirbyteMessage]) -> list[dict[str, Any]]:
    """The data of all records, in order."""
    return [message.record.data for message in unpack_batches(messages) if message.record]


def states(messages: list[AirbyteMessage]) -> list[dict[str, Any]]:
    """All states, in order."""
    found = [message.state.stream for message in messages if message.state]
    return [vars(state.stream_state) for state in found if state]


def statuses(messages: list[AirbyteMessage]) -> list[str]:
    """The statuses that end a stream."""
    lines = [describe(message) for message in messages]
    return [line for line in lines if line.endswith(("COMPLETE", "INCOMPLETE"))]


def errors(messages: list[AirbyteMessage]) -> list[tuple[FailureType | None, str]]:
    """The failure type and message of each error trace."""
    traces = [message.trace for message in messages if message.trace]
    return [(trace.error.failure_type, str(trace.error.message)) for trace in traces if trace.error]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of the log but for the forecast; how many seconds a read took is the machine's."""
    lines = [line.getMessage() for line in caplog.records if line.name != "airbyte.forecast"]
    return [re.sub(r"\b\d+ s\b", "N s", line) for line in lines]


def paths(autopilot: Mocker) -> list[str]:
    """What was asked for, in order."""
    return [request.url.removeprefix(URL) for request in autopilot.request_history]


def after(event: threading.Event, create: Create) -> Create:
    """A stream whose pages wait for an event."""

    def create_waiting(client: Client) -> AutopilotStream:
        stream = create(client)
        read_pages = stream.pages

        def pages(
            partition: Partition, bookmark: str | None = None, **options: Any
        ) -> Generator[Answer[Page], None, None]:
            assert event.wait(timeout=10)
            yield from read_pages(partition, bookmark, **options)

        stream.pages = pages  # type: ignore[method-assign]
        return stream

    return create_waiting


def failed_streams(messages: list[AirbyteMessage]) -> list[str]:
    """The stream of each error trace."""
    traces = [message.trace.error for message in messages if message.trace and message.trace.error]
    return [str(error.stream_descriptor and error.stream_descriptor.name) for error in traces]


def failing(error: Exception, create: Create) -> Create:
    """A stream that fails before its first page."""

    def create_failing(client: Client) -> AutopilotStream:
        stream = create(client)

        def pages(
            partition: Partition, bookmark: str | None = None, **options: Any
        ) -> Generator[Answer[Page], None, None]:
            raise error
            yield

        stream.pages = pages  # type: ignore[method-assign]
        return stream

    return create_failing


def after_slices(event: threading.Event, create: Create) -> Create:
    """A stream whose list of partitions waits for an event."""

    def create_waiting(client: Client) -> AutopilotStream:
        stream = create(client)
        list_partitions = stream.stream_slices

        def stream_slices(**kwargs: Any) -> Any:
            assert event.wait(timeout=10)
            return list_partitions(**kwargs)

        stream.stream_slices = stream_slices  # type: ignore[method-assign]
        return stream

    return create_waiting
