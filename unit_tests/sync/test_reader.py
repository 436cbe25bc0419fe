"""Tests of `sync.reader`: reads of streams whose API is in the test."""

import logging
import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timezone
from functools import partial
from itertools import islice
from typing import Any

import pytest
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteMessageSerializer,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    AirbyteStateType,
    AirbyteStreamState,
    AirbyteStreamStatus,
    FailureType,
    StreamDescriptor,
)
from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.streams.concurrent.partitions.types import QueueItem
from airbyte_cdk.utils.airbyte_secrets_utils import update_secrets
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message as status_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker

from source_autopilot.api.client import Answer, Client
from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.errors import InvalidState, SyncFailed, SyncStopped, config_error
from source_autopilot.forecast import FirstPages
from source_autopilot.records.page import Page
from source_autopilot.records.rows import Row
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.pagination import Partition
from source_autopilot.streams.tables import Contacts, Lists, SmartSegments, SmartSegmentsContacts
from source_autopilot.sync import reader as reader_module
from source_autopilot.sync.cursor import StreamCursor
from source_autopilot.sync.message_queue import MessageQueue
from source_autopilot.sync.reader import Reader, StreamReader
from source_autopilot.sync.record_batch import RecordBatch, unpack_batches
from source_autopilot.sync.state import StreamState
from unit_tests.support.clock import Clock
from unit_tests.support.constants import KEY, URL

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


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    """A rate limiter for the workers of a read, on the test's clock."""
    return RateLimiter(clock.now, partial(WaitingTogether, clock))


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture(autouse=True)
def _outside_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKER_JOB_ID", raising=False)


@pytest.fixture
def _secret_key() -> Iterator[None]:
    update_secrets([KEY])
    yield
    update_secrets([])


def reader_of(
    client: Client, *streams: Create, state: list[AirbyteStateMessage] | None = None
) -> Reader:
    """A reader of these streams."""

    def create_all(client: Client) -> list[AutopilotStream]:
        return [create(client) for create in streams]

    return Reader(client, create_all, state, LOGGER, frequency=30)


def at(bookmark: str) -> dict[str, Any]:
    """The state of a table that was read up to a bookmark."""
    return {"states": [{"partition": {}, "cursor": {"bookmark": bookmark}}]}


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
            partition: Partition, bookmark: str | None = None
        ) -> Generator[Answer[Page], None, None]:
            assert event.wait(timeout=10)
            yield from read_pages(partition, bookmark)

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
            partition: Partition, bookmark: str | None = None
        ) -> Generator[Answer[Page], None, None]:
            raise error
            yield

        stream.pages = pages  # type: ignore[method-assign]
        return stream

    return create_failing


# What goes out


def test_read__pages_become_batches_states_and_progress(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """Each page is a batch; the state follows the batches that it covers; then the stream ends."""
    first = [{"contact_id": "p1"}, {"contact_id": "p2", "updated_at": "2023-05-01T00:00:00.000Z"}]
    autopilot.get(URL + "contacts", json={"contacts": first, "bookmark": "b1", "total_contacts": 3})
    autopilot.get(URL + "contacts/b1", json={"contacts": [first[1], {"contact_id": "p3"}]})

    messages, failure = take(reader_of(client, contacts))

    assert failure is None
    assert [describe(message) for message in messages] == [
        "contacts STARTED",
        "contacts RUNNING",
        "1 of 2 rows of contacts",
        "about 3 rows of contacts",
        "1 of 1 rows of contacts",
        "state of contacts",
        "contacts COMPLETE",
    ]
    assert records(messages) == [{"contact_id": "p1"}, {"contact_id": "p3"}]
    assert states(messages) == [DONE]
    assert paths(autopilot) == ["contacts", "contacts/b1"]
    assert logged(caplog) == [
        "Reading contacts.",
        "contacts: complete. 2 rows in 2 pages and N s; 1 row left out: repeated at the border of"
        " two pages; 1 contact left out: last updated before the start date"
        " 2024-01-01T00:00:00.000Z.",
    ]


def test_read__a_chain_for_each_segment(client: Client, autopilot: Mocker) -> None:
    """Each segment is a partition: the first one's total is expected of all of them."""
    autopilot.get(
        URL + "smart_segments", json={"segments": [{"segment_id": "s1"}, {"segment_id": "s2"}]}
    )
    member = {"contacts": [{"contact_id": "p1"}], "total_contacts": 1}
    autopilot.get(URL + "smart_segments/s1/contacts", json=member)
    autopilot.get(URL + "smart_segments/s2/contacts", json=member)

    messages, failure = take(reader_of(client, SmartSegmentsContacts))

    assert failure is None
    assert "about 2 rows of smart_segments_contacts" in map(describe, messages)
    assert sorted(records(messages), key=str) == [
        {"segment_id": "s1", "contact_id": "p1"},
        {"segment_id": "s2", "contact_id": "p1"},
    ]
    assert states(messages)[-1] == DONE


def test_read__no_streams(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """A read without streams is one without messages, not one without end."""
    assert take(reader_of(client)) == ([], None)
    assert caplog.messages == []


def test_read__reports_what_was_read(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """At a stream's end come its warnings, its notes, and what became of it, all of them once."""
    autopilot.get(URL + "lists", text='{"lists": [{"list_id": "l1", "title": "\\u0000"}]}')

    def lists_with_notes(client: Client) -> AutopilotStream:
        stream = Lists(client)
        stream.notes = lambda: ["a note"]  # type: ignore[method-assign]
        return stream

    take(reader_of(client, lists_with_notes))

    assert logged(caplog) == [
        "Reading lists.",
        "lists: 1 value of column title could not be stored by a destination: NaN is null in its"
        " place, an integer beyond 64 bits a text, NUL or half a character U+FFFD.",
        "lists: a note",
        "lists: complete. 1 row in 1 page and N s.",
    ]


def forecast_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of a sync as a whole."""
    return [line for line in caplog.messages if line.startswith("A sync reads about")]


def test_read__forecast(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """Once the first pages are there the log says what a sync costs; a segment may be gone."""
    segments = {"segments": [{"segment_id": "s1"}, {"segment_id": "s2"}]}
    members = {"contacts": [{"contact_id": "p1"}], "total_contacts": 250}
    autopilot.get(URL + "contacts", json={"contacts": [], "total_contacts": 700})
    autopilot.get(URL + "smart_segments", json=segments)
    autopilot.get(URL + "smart_segments/s1/contacts", json=members)
    autopilot.get(URL + "smart_segments/s2/contacts", status_code=404)

    list(reader_of(client, contacts, SmartSegmentsContacts).read())

    [line] = forecast_in(caplog)
    assert line.startswith("A sync reads about 950 rows with about 10 API calls and takes about")
    assert "fits into the 30 minutes of Planned Sync Interval (frequency)" in line
    assert autopilot.call_count == 4  # none for the forecast


def test_read__no_forecast_of_a_rest(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """What an attempt has left to read says nothing of a whole sync."""
    autopilot.get(URL + "contacts/b7", json={"contacts": [], "total_contacts": 700})

    list(reader_of(client, contacts, state=[saved("contacts", at("b7"))]).read())

    assert forecast_in(caplog) == []


@pytest.mark.parametrize(
    ("create", "key"),
    [(Lists, [["list_id"]]), (SmartSegmentsContacts, [["segment_id"], ["contact_id"]])],
)
def test_to_cdk_stream(client: Client, create: Create, key: list[list[str]]) -> None:
    """The CDK sees the stream's own name, key and schema."""
    stream = create(client)
    first_pages = FirstPages([stream.name], lambda rows, seconds: None)
    reader = StreamReader(stream, StreamState(), InMemoryMessageRepository(), first_pages)

    described = reader.to_cdk_stream().as_airbyte_stream()

    assert described.name == stream.name
    assert described.source_defined_primary_key == key
    assert described.json_schema == stream.get_json_schema()


# Where a read begins


@pytest.mark.parametrize("job", [None, ""])
def test_read__finished_state_without_a_platform(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch, job: str | None
) -> None:
    """Without a platform a finished state is the last sync's, and everything is read again.

    A stream that went on from such a state would deliver nothing.
    """
    if job is not None:
        monkeypatch.setenv("WORKER_JOB_ID", job)
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}]})

    messages, failure = take(reader_of(client, Lists, state=[saved("lists", DONE)]))

    assert failure is None
    assert records(messages) == [{"list_id": "l1"}]
    assert states(messages) == [DONE]
    assert statuses(messages) == ["lists COMPLETE"]


def test_read__finished_state_of_this_job(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a platform a stream that the same job has finished is delivered, and left out."""
    monkeypatch.setenv("WORKER_JOB_ID", "42")
    done = {**DONE, "job": "42"}

    messages, failure = take(reader_of(client, Lists, state=[saved("lists", done)]))

    assert failure is None
    assert autopilot.call_count == 0
    assert states(messages) == [done]
    assert statuses(messages) == ["lists COMPLETE"]


@pytest.mark.parametrize("job", [None, "42"])
def test_read__unfinished_state(
    client: Client,
    autopilot: Mocker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    job: str | None,
) -> None:
    """What an attempt left unfinished goes on at its bookmark, of any job without a platform."""
    if job is not None:
        monkeypatch.setenv("WORKER_JOB_ID", job)
    autopilot.get(URL + "contacts/b7", json={"contacts": [{"contact_id": "p8"}]})
    autopilot.get(URL + "lists", json={"lists": []})

    messages, failure = take(
        reader_of(client, contacts, Lists, state=[saved("contacts", {**at("b7"), "job": "42"})])
    )

    assert failure is None
    assert records(messages) == [{"contact_id": "p8"}]
    assert sorted(paths(autopilot)) == ["contacts/b7", "lists"]
    assert states(messages) == [{**DONE, "job": job} if job else DONE] * 2
    assert sorted(logged(caplog)) == [
        "Going on where the last attempt stopped: contacts.",
        "Reading contacts and lists.",
        "contacts: complete. 1 row in 1 page and N s.",
        "lists: complete. 0 rows in 1 page and N s.",
    ]


@pytest.mark.parametrize("state", [DONE, at("b7")], ids=["finished", "half-way"])
@pytest.mark.parametrize("job", [{}, {"job": "1"}, {"job": 42}, {"job": None}], ids=str)
def test_read__state_of_another_job(
    client: Client,
    autopilot: Mocker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    state: dict[str, Any],
    job: dict[str, Any],
) -> None:
    """Under a platform a state that is not this job's leaves nothing out, and the log says so.

    Platforms that keep states between jobs exist: an overwriting destination would be emptied.
    """
    monkeypatch.setenv("WORKER_JOB_ID", "42")
    autopilot.get(URL + "contacts", json={"contacts": [{"contact_id": "p1"}]})

    reader = reader_of(client, contacts, state=[saved("contacts", {**state, **job})])
    messages, failure = take(reader)

    assert failure is None
    assert records(messages) == [{"contact_id": "p1"}]
    assert states(messages) == [{**DONE, "job": "42"}]
    assert logged(caplog)[:2] == [
        "Reading contacts.",
        "The saved state of contacts is not of this job (42): everything is read from the start.",
    ]


def test_read__state_of_another_job_that_says_nothing(
    client: Client,
    autopilot: Mocker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A state in which nothing had begun is no news."""
    monkeypatch.setenv("WORKER_JOB_ID", "42")
    autopilot.get(URL + "contacts", json={"contacts": []})

    take(reader_of(client, contacts, state=[saved("contacts", {"states": [], "job": "1"})]))

    assert logged(caplog)[:-1] == ["Reading contacts."]


def test_reader__invalid_state(client: Client) -> None:
    """A state that makes no sense is refused before anything is read, with its stream's name."""
    with pytest.raises(InvalidState) as raised:
        reader_of(client, Lists, contacts, state=[saved("contacts", {"x": 1})])

    assert str(raised.value) == 'contacts: it has no array "states"'


def message(**fields: Any) -> AirbyteStateMessage:
    """A state message as it is in a file."""
    found: AirbyteStateMessage = AirbyteStateMessageSerializer.load(fields)
    return found


AT_B7 = {"stream_descriptor": {"name": "contacts"}, "stream_state": at("b7")}


@pytest.mark.parametrize(
    "states",
    [
        [message(type="GLOBAL", **{"global": {"stream_states": [AT_B7]}})],
        [
            message(type="LEGACY", data={}),
            saved("contacts", DONE),
            message(type="GLOBAL", **{"global": {"shared_state": {}, "stream_states": [AT_B7]}}),
            saved("lists", {"any": "thing"}),
        ],
        [saved("contacts", at("b6")), saved("contacts", at("b7"))],
    ],
    ids=["global", "mixed", "all of a sync"],
)
def test_reader__states(
    client: Client, autopilot: Mocker, states: list[AirbyteStateMessage]
) -> None:
    """A stream goes on from its last state, in whatever messages it comes."""
    autopilot.get(URL + "contacts/b7", json={"contacts": []})

    _, failure = take(reader_of(client, contacts, state=states))

    assert failure is None
    assert paths(autopilot) == ["contacts/b7"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (
            message(type="GLOBAL", **{"global": {"shared_state": {"a": 1}, "stream_states": []}}),
            "its message 2 has a shared_state: expected a state for each stream",
        ),
        *[
            (state, "its message 2 has no stream: expected the type STREAM")
            for state in [
                message(type="STREAM"),
                message(type="STREAM", data={"contacts": "b7"}),
                message(type="GLOBAL"),
                message(type="LEGACY", data={"contacts": "b7"}),
            ]
        ],
    ],
)
def test_reader__foreign_state(client: Client, state: AirbyteStateMessage, reason: str) -> None:
    """A message that this connector cannot have written is refused: to guess could lose rows."""
    with pytest.raises(InvalidState) as raised:
        reader_of(client, Lists, state=[saved("lists", {}), state])

    assert str(raised.value) == reason


# Refused pages


def test_read__refused_bookmark_of_the_last_attempt(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """A bookmark that is gone means the start again, with a warning, and costs no retry."""
    autopilot.get(URL + "contacts/b7", status_code=404)
    autopilot.get(URL + "contacts", json={"contacts": [{"contact_id": "p1"}]})

    messages, failure = take(reader_of(client, contacts, state=[saved("contacts", at("b7"))]))

    assert failure is None
    assert records(messages) == [{"contact_id": "p1"}]
    assert paths(autopilot) == ["contacts/b7", "contacts"]
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.getMessage() == (
        "contacts: Autopilot does not know the bookmark b7 of the last attempt any more; what it"
        " stands for is read again from the start."
    )


def test_read__refused_bookmark_is_forgotten(client: Client, autopilot: Mocker) -> None:
    """If the new start fails, too, the next attempt begins at the start, not at the bookmark."""
    autopilot.get(URL + "contacts/b7", status_code=404)
    autopilot.get(URL + "contacts", status_code=404)

    messages, failure = take(reader_of(client, contacts, state=[saved("contacts", at("b7"))]))

    assert isinstance(failure, SyncFailed)
    assert paths(autopilot) == ["contacts/b7", "contacts"]
    assert states(messages) == [{"states": []}]
    assert errors(messages) == [
        (
            FailureType.transient_error,
            f"contacts: Autopilot does not find the first page (404). {TRY_LATER}",
        )
    ]


@pytest.mark.parametrize("start", [None, "b7"])
def test_read__refusal_in_mid_walk(client: Client, autopilot: Mocker, start: str | None) -> None:
    """A bookmark of this attempt that is refused is an error: rows that went out stay valid."""
    autopilot.get(
        f"{URL}contacts/{start}" if start else f"{URL}contacts",
        json={"contacts": [{"contact_id": "p1"}], "bookmark": "b8"},
    )
    autopilot.get(URL + "contacts/b8", status_code=404)

    messages, failure = take(
        reader_of(client, contacts, state=[saved("contacts", at(start))] if start else None)
    )

    assert isinstance(failure, SyncFailed)
    assert records(messages) == [{"contact_id": "p1"}]
    assert autopilot.call_count == 2
    assert states(messages) == [at("b8")]
    assert statuses(messages) == ["contacts INCOMPLETE"]
    assert errors(messages) == [
        (
            FailureType.transient_error,
            f"contacts: Autopilot does not find the page at bookmark b8 (404). {MAYBE_DELETED}",
        )
    ]


def test_read__nested_too_deeply(client: Client, autopilot: Mocker) -> None:
    """A value that nothing can write ends its table with a sentence that names the page."""
    autopilot.get(URL + "contacts", json={"contacts": [{"contact_id": "p1"}], "bookmark": "b1"})
    autopilot.get(URL + "contacts/b1", json={"contacts": [{"contact_id": "p2"}]})
    deep: Any = "end"
    for _ in range(100_000):
        deep = [deep]

    def contacts_with_depth(client: Client) -> AutopilotStream:
        stream = contacts(client)

        def records(document: Mapping[str, Any], partition: Partition) -> list[Row]:
            return [{**document, **({"deep": deep} if document["contact_id"] == "p2" else {})}]

        stream.records = records  # type: ignore[method-assign]
        return stream

    messages, failure = take(reader_of(client, contacts_with_depth))

    sentence = (
        "contacts: page 2 from Autopilot cannot be used: a value in it is nested too deeply. The"
        f" sync stops here so that no rows are lost. {TRY_LATER}"
    )
    assert isinstance(failure, SyncFailed)
    assert records(messages) == [{"contact_id": "p1"}]
    assert states(messages) == [at("b1")]
    assert errors(messages) == [(FailureType.transient_error, sentence)]


@pytest.mark.parametrize("depth", [300, 600, 1_010, 100_000])
@pytest.mark.parametrize("value", ["[{}1{}]", "[{}NaN{}]"])
@pytest.mark.parametrize("field", ["New", "Email"], ids=["as it is", "as text"])
def test_read__nested_deeply(
    client: Client, autopilot: Mocker, depth: int, value: str, field: str
) -> None:
    """A value is either written as it is or ends its table with a sentence, however deep it is."""
    deep = value.format("[" * depth, "]" * depth)
    body = f'{{"contacts": [{{"contact_id": "p1", "{field}": {deep}}}]}}'
    autopilot.get(URL + "contacts", text=body)

    messages, failure = take(reader_of(client, contacts))

    if failure:
        assert "nested too deeply" in str(failure)
        assert records(messages) == []
    else:
        [batch] = [message for message in messages if isinstance(message, RecordBatch)]
        assert deep.replace("NaN", "null") in batch.lines.decode()


# Failures


def test_read__one_stream_in_trouble(client: Client, autopilot: Mocker) -> None:
    """Another stream's trouble costs a stream nothing; the failure keeps its own type and text.

    The CDK ends every failed sync with a config error, after which Airbyte would not try again.
    """
    autopilot.get(URL + "contacts", status_code=503)
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}]})

    messages, failure = take(reader_of(client, contacts, Lists))

    sentence = f"Autopilot has trouble on its side (503). {TRY_LATER}"
    assert isinstance(failure, SyncFailed)
    assert failure.failure_type == FailureType.transient_error
    assert failure.message == sentence
    assert failure.internal_message is not None
    assert failure.internal_message.startswith("During the sync, the following streams did not")
    assert records(messages) == [{"list_id": "l1"}]
    assert sorted(statuses(messages)) == ["contacts INCOMPLETE", "lists COMPLETE"]
    assert errors(messages) == [(FailureType.transient_error, sentence)]


def test_read__the_first_failure_counts(client: Client, autopilot: Mocker) -> None:
    """Where streams fail for different reasons, the sync has failed for the first of them."""
    autopilot.get(URL + "contacts", status_code=503)
    contacts_failed = threading.Event()
    later = failing(KeyError("oops"), Lists)

    messages, failure = take(
        reader_of(client, contacts, after_slices(contacts_failed, later)),
        announce={"contacts INCOMPLETE": contacts_failed},
    )

    assert isinstance(failure, SyncFailed)
    assert failure.failure_type == FailureType.transient_error
    assert [failure_type for failure_type, _ in errors(messages)] == [
        FailureType.transient_error,
        FailureType.system_error,
    ]


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


def test_read__a_failure_for_each_stream(client: Client, autopilot: Mocker) -> None:
    """What fails all streams alike is one error of each stream, which names it."""
    autopilot.get(URL + "lists", status_code=401)
    autopilot.get(URL + "smart_segments", status_code=401)

    messages, failure = take(reader_of(client, Lists, SmartSegments, SmartSegmentsContacts))

    assert isinstance(failure, SyncFailed)
    assert failure.failure_type == FailureType.config_error
    assert str(failure.message).startswith("Autopilot does not accept the API key (401).")
    assert errors(messages) == [(failure.failure_type, failure.message)] * 3
    assert sorted(failed_streams(messages)) == [
        "lists",
        "smart_segments",
        "smart_segments_contacts",
    ]
    assert sorted(statuses(messages)) == [
        "lists INCOMPLETE",
        "smart_segments INCOMPLETE",
        "smart_segments_contacts INCOMPLETE",
    ]


@pytest.mark.parametrize("answers", [[{"status_code": 404}] * 2, [{"text": "[]"}, {"text": "{}"}]])
def test_read__each_stream_fails_once(
    client: Client, autopilot: Mocker, answers: list[dict[str, Any]]
) -> None:
    """A stream with several segments in trouble, alike or not, has failed once."""
    autopilot.get(
        URL + "smart_segments", json={"segments": [{"segment_id": "s1"}, {"segment_id": "s2"}]}
    )
    for segment, answer in zip(["s1", "s2"], answers, strict=True):
        first = {"json": {"contacts": [{"contact_id": "p1"}], "bookmark": "b1"}}
        autopilot.get(f"{URL}smart_segments/{segment}/contacts", [first])
        autopilot.get(f"{URL}smart_segments/{segment}/contacts/b1", [answer])

    messages, failure = take(reader_of(client, SmartSegmentsContacts))

    assert isinstance(failure, SyncFailed)
    assert failed_streams(messages) == ["smart_segments_contacts"]


@pytest.mark.usefixtures("_secret_key")
def test_read__failures_are_masked(client: Client, autopilot: Mocker) -> None:
    """The key is in no error: neither in its sentence, nor in its details and its stack trace."""
    error = AirbyteTracedException(f"{KEY} inside", f"Refused {KEY}.", exception=KeyError(KEY))

    messages, failure = take(reader_of(client, failing(error, Lists)))

    [trace] = [it.trace.error for it in messages if it.trace and it.trace.error]
    assert (trace.message, trace.internal_message) == ("Refused ****.", "**** inside")
    assert trace.stack_trace == "KeyError: '****'\n"
    assert isinstance(failure, SyncFailed)
    assert failure.message == "Refused ****."
    assert KEY not in str(failure.internal_message)
    assert autopilot.call_count == 0


@pytest.mark.usefixtures("_secret_key")
def test_read__failures_without_details_are_masked(client: Client) -> None:
    """An error that has a sentence and nothing else is masked like any other."""
    messages, _ = take(reader_of(client, failing(config_error(f"Refused {KEY}."), Lists)))

    [trace] = [it.trace.error for it in messages if it.trace and it.trace.error]
    assert (trace.message, trace.internal_message, trace.stack_trace) == (
        "Refused ****.",
        None,
        None,
    )


@pytest.mark.usefixtures("_secret_key")
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (AirbyteTracedException(message=f"Refused {KEY}."), "Refused ****."),
        (KeyError("oops"), "An unexpected error occurred in stream {}: KeyError"),
    ],
)
def test_read__any_failure_for_each_stream(client: Client, error: Exception, message: str) -> None:
    """A failure whose text holds the key, or a fault of ours, is reported once for each stream."""
    messages, _ = take(reader_of(client, failing(error, Lists), failing(error, contacts)))

    names = failed_streams(messages)
    assert sorted(names) == ["contacts", "lists"]
    assert errors(messages) == [(FailureType.system_error, message.format(name)) for name in names]


def test_read__unexpected_exception(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of ours is a system error, and its stack trace is in the log."""
    messages, failure = take(reader_of(client, failing(KeyError("oops"), Lists)))

    sentence = "An unexpected error occurred in stream lists: KeyError"
    assert isinstance(failure, SyncFailed)
    assert errors(messages) == [(FailureType.system_error, sentence)]
    assert (failure.failure_type, failure.message) == (FailureType.system_error, sentence)
    assert logged(caplog) == [
        "Reading lists.",
        "Exception while syncing stream lists",
        "lists: incomplete. Nothing was read.",
    ]
    [fault] = [record for record in caplog.records if record.exc_info]
    assert fault.name == "airbyte.concurrent_source"
    assert "KeyError: 'oops'" in caplog.text


def test_read__expected_error_is_not_logged(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """An error with a sentence is in its TRACE message: the log has no stack trace of it."""
    autopilot.get(URL + "lists", status_code=401)

    take(reader_of(client, Lists))

    assert logged(caplog) == ["Reading lists.", "lists: incomplete. Nothing was read."]


def test_read__error_of_the_cdk(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the CDK raises without a stream that failed is not ours to explain."""
    broken = AirbyteTracedException(message="The queue is broken.")

    def read(*args: Any) -> Iterator[AirbyteMessage]:
        yield from ()
        raise broken

    monkeypatch.setattr(ConcurrentSource, "read", read)

    assert take(reader_of(client, Lists)) == ([], broken)


def test_read__a_stream_that_ends_twice(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the CDK says twice of a stream's end is passed on; the log has it once."""
    incomplete = status_message(StreamDescriptor(name="lists"), AirbyteStreamStatus.INCOMPLETE)
    monkeypatch.setattr(ConcurrentSource, "read", lambda *args: iter([incomplete, incomplete]))

    assert take(reader_of(client, Lists)) == ([incomplete, incomplete], None)
    assert logged(caplog) == ["Reading lists.", "lists: incomplete. Nothing was read."]


# Stopping


def test_stop__while_an_answer_is_awaited(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """What went out is covered by a last state; the page that comes later is not taken."""
    autopilot.get(URL + "contacts", json={"contacts": [{"contact_id": "p1"}], "bookmark": "b1"})

    def stop_meanwhile(request: Any, context: Any) -> str:
        reader.stop()
        return '{"contacts": [{"contact_id": "p2"}]}'

    autopilot.get(URL + "contacts/b1", text=stop_meanwhile)
    reader = reader_of(client, contacts)

    messages, failure = take(reader)

    assert isinstance(failure, SyncStopped)
    assert [describe(message) for message in messages] == [
        "contacts STARTED",
        "contacts RUNNING",
        "1 of 1 rows of contacts",
        "about 1 rows of contacts",
        "state of contacts",
        "contacts INCOMPLETE",
    ]
    assert records(messages) == [{"contact_id": "p1"}]
    assert states(messages) == [at("b1")]
    assert logged(caplog) == [
        "Reading contacts.",
        "contacts: incomplete. 1 row in 1 page and N s. The next attempt goes on from there.",
    ]


def test_stop__streams_that_have_ended(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream that had failed before is not incomplete a second time."""
    autopilot.get(URL + "lists", status_code=404)
    lists_failed = threading.Event()

    def stop_meanwhile(request: Any, context: Any) -> str:
        reader.stop()
        return '{"contacts": []}'

    autopilot.get(URL + "contacts", text=stop_meanwhile)
    reader = reader_of(client, Lists, after(lists_failed, contacts))

    messages, failure = take(reader, announce={"lists INCOMPLETE": lists_failed})

    assert isinstance(failure, SyncStopped)
    assert statuses(messages) == ["lists INCOMPLETE", "contacts INCOMPLETE"]
    assert states(messages) == [{"states": []}, {"states": []}]
    assert logged(caplog) == [
        "Reading lists and contacts.",
        "lists: incomplete. Nothing was read.",
        "contacts: incomplete. Nothing was read.",
    ]


def test_stop__is_no_failure(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is stopped while others are still being stopped is no failure of its stream."""
    ended, asked, stopping = threading.Event(), threading.Event(), threading.Event()
    stop_cursor = StreamCursor.stop
    stops: list[StreamCursor] = []

    def stop(cursor: StreamCursor) -> None:
        stops.append(cursor)
        if len(stops) == 2:
            stopping.set()
            ended.wait(timeout=1)
        stop_cursor(cursor)

    def stop_meanwhile(request: Any, context: Any) -> str:
        threading.Thread(target=reader.stop, daemon=True).start()
        assert stopping.wait(timeout=10)
        return '{"contacts": []}'

    monkeypatch.setattr(StreamCursor, "stop", stop)
    autopilot.get(URL + "contacts", text=stop_meanwhile)
    reader = reader_of(client, contacts, after_slices(asked, failing(KeyError("?"), Lists)))

    messages, failure = take(reader, announce={"contacts INCOMPLETE": ended})
    asked.set()

    assert isinstance(failure, SyncStopped)
    assert errors(messages) == []


def test_read__messages_not_taken_to_their_end(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the messages are taken no more the workers end: the interpreter waits for them.

    Also those that wait for room: the queue holds no more than 2 MB and a page.
    """
    taken, full, ended = threading.Event(), threading.Event(), threading.Event()
    lengths: list[int] = []

    class Watched(MessageQueue):
        def put(self, item: QueueItem, block: bool = True, timeout: float | None = None) -> None:
            if self.full() and not full.is_set():
                lengths.append(self.qsize())
                full.set()
            super().put(item, block, timeout)

    def endless(request: Any, context: Any) -> str:
        number = autopilot.call_count
        contact = f'{{"contact_id": "p{number}", "Name": "{"x" * 200_000}"}}'
        return f'{{"contacts": [{contact}], "bookmark": "b{number}"}}'

    def watched(client: Client) -> AutopilotStream:
        stream = contacts(client)
        read_pages = stream.pages

        def pages(
            partition: Partition, bookmark: str | None = None
        ) -> Generator[Answer[Page], None, None]:
            try:
                for answer in read_pages(partition, bookmark):
                    yield answer
                    assert taken.wait(timeout=10)
            finally:
                ended.set()

        stream.pages = pages  # type: ignore[method-assign]
        return stream

    monkeypatch.setattr(reader_module, "MessageQueue", Watched)
    autopilot.get(re.compile(URL + "contacts.*"), text=endless)

    with closing(reader_of(client, watched).read()) as messages:  # type: ignore[type-var]
        first = [describe(message) for message in islice(messages, 3)]
        taken.set()
        assert full.wait(timeout=10)
        assert not ended.is_set()

    assert first == ["contacts STARTED", "contacts RUNNING", "1 of 1 rows of contacts"]
    assert [2_000_000 <= length < 2_201_500 for length in lengths] == [True]
    assert ended.wait(timeout=10)


def test_stop__after_the_end(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To stop a read that has ended does nothing, however often."""
    died: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    autopilot.get(URL + "lists", json={"lists": []})
    reader = reader_of(client, Lists)
    take(reader)

    def stop_often() -> None:
        for _ in range(12):  # the queue has room for ten
            reader.stop()

    stopping = threading.Thread(target=stop_often, daemon=True)
    stopping.start()
    stopping.join(timeout=1)

    assert not stopping.is_alive()
    assert died == []


# What workers wait for


def test_read__rate_limited(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """Airbyte sees that a stream waits for the rate limit; the log sums up at the end."""
    autopilot.get(URL + "lists", [{"status_code": 429}, {"json": {"lists": [{"list_id": "l1"}]}}])

    messages, failure = take(reader_of(client, Lists))

    assert failure is None
    assert [describe(message) for message in messages][:3] == [
        "lists STARTED",
        "lists RUNNING (RATE_LIMITED)",
        "lists RUNNING",
    ]
    assert [
        re.sub(r"[\d.]+ requests a second", "N requests a second", it) for it in logged(caplog)
    ] == [
        "Reading lists.",
        "Autopilot is limiting requests (429): slowed down to N requests a second.",
        "lists: complete. 1 row in 1 page and N s.",
        "Autopilot refused 1 request because of its rate limit; the sync waited N s for that.",
    ]


def test_read__rate_limited_for_a_stream_that_is_not_read(
    client: Client, autopilot: Mocker
) -> None:
    """Airbyte is told nothing of a stream that is not in the catalog, but needed by another."""
    autopilot.get(URL + "smart_segments", [{"status_code": 429}, {"json": {"segments": []}}])

    messages, failure = take(reader_of(client, SmartSegmentsContacts))

    assert failure is None
    assert [describe(message) for message in messages] == [
        "smart_segments_contacts STARTED",
        "state of smart_segments_contacts",
        "smart_segments_contacts COMPLETE",
    ]


def test_read__rate_limited_for_a_stream_that_has_ended(client: Client, autopilot: Mocker) -> None:
    """A stream that is complete does not run again because another one needs its table."""
    segments_read = threading.Event()
    answer: dict[str, Any] = {"json": {"segments": []}}
    autopilot.get(URL + "smart_segments", [answer, {"status_code": 429}, answer])

    messages, failure = take(
        reader_of(client, SmartSegments, after_slices(segments_read, SmartSegmentsContacts)),
        announce={"smart_segments COMPLETE": segments_read},
    )

    assert failure is None
    assert autopilot.call_count == 3
    assert [line for line in map(describe, messages) if "RATE_LIMITED" in line] == []


@pytest.mark.parametrize("answers", [[503, 200], [503] * 6], ids=["mended", "failed"])
def test_read__sums_up_failed_tries(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture, answers: list[int]
) -> None:
    """At the end of a read, also of one that failed, the log says how many tries failed."""
    autopilot.get(
        URL + "lists", [{"status_code": status, "json": {"lists": []}} for status in answers]
    )

    take(reader_of(client, Lists))

    failed = answers.count(503)
    assert logged(caplog)[1:] == [
        "lists: Autopilot has trouble on its side (503); trying again in N s.",
        "lists: complete. 0 rows in 1 page and N s."
        if 200 in answers
        else "lists: incomplete. Nothing was read.",
        "Requests failed once." if failed == 1 else f"Requests failed {failed} times.",
    ]


def test_read__nothing_waited_for(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has our lines, and none of the CDK's steps; where nothing was waited for, no sum."""
    autopilot.get(URL + "lists", json={"lists": []})

    take(reader_of(client, Lists))

    assert logged(caplog) == ["Reading lists.", "lists: complete. 0 rows in 1 page and N s."]


# The queue


def test_read__the_taking_thread_puts_nothing(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that empties the queue never waits for room in it: it would wait for ever."""
    waited: list[QueueItem] = []
    taking = threading.current_thread()

    class Watched(MessageQueue):
        def put(self, item: QueueItem, block: bool = True, timeout: float | None = None) -> None:
            if threading.current_thread() is taking and block and timeout is None:
                waited.append(item)
            super().put(item, block, timeout)

    monkeypatch.setattr(reader_module, "MessageQueue", Watched)
    autopilot.get(URL + "contacts", json={"contacts": [{"contact_id": "p1"}], "bookmark": "b1"})
    autopilot.get(URL + "contacts/b1", status_code=404)

    messages, _ = take(reader_of(client, contacts))

    assert states(messages) == [at("b1")]
    assert waited == []


def test_read__the_last_state_before_the_end(client: Client, autopilot: Mocker) -> None:
    """A stream's last state comes before the status that ends the stream, also if it failed."""
    autopilot.get(URL + "contacts", json={"contacts": [{"contact_id": "p1"}], "bookmark": "b1"})
    autopilot.get(URL + "contacts/b1", status_code=404)

    messages, _ = take(reader_of(client, contacts))

    assert [describe(message) for message in messages][-2:] == [
        "state of contacts",
        "contacts INCOMPLETE",
    ]
