"""Tests of `sync.reader`: reads of streams whose API is in the test."""

import re
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import pytest
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    AirbyteStreamStatus,
    FailureType,
    StreamDescriptor,
)
from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.streams.concurrent.partitions.types import QueueItem
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message as status_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker

from source_autopilot.api.client import Answer, Client
from source_autopilot.config import Switches
from source_autopilot.errors import InvalidState, SyncFailed, SyncStopped, config_error
from source_autopilot.records.page import Page
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.pagination import Partition
from source_autopilot.streams.tables import Lists, SmartSegments, SmartSegmentsContacts
from source_autopilot.sync import reader as reader_module
from source_autopilot.sync.cursor import StreamCursor
from source_autopilot.sync.message_queue import MessageQueue
from unit_tests.support.constants import KEY, URL
from unit_tests.support.reads import (
    DONE,
    TRY_LATER,
    after,
    after_slices,
    at,
    contacts,
    describe,
    errors,
    failed_streams,
    failing,
    logged,
    paths,
    reader_of,
    records,
    saved,
    states,
    statuses,
    take,
)

# What goes out


def test_read__no_streams(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """A read without streams is one without messages, not one without end."""
    assert take(reader_of(client)) == ([], None)
    assert caplog.messages == []


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

    reader = reader_of(
        client, contacts, SmartSegmentsContacts, switches=Switches(check_totals=False)
    )
    list(reader.read())

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
    assert states(messages) == [at("b1", after="p1", rows=1)]
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
            partition: Partition, bookmark: str | None = None, **options: Any
        ) -> Generator[Answer[Page], None, None]:
            try:
                for answer in read_pages(partition, bookmark, **options):
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

    assert states(messages) == [at("b1", after="p1", rows=1)]
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
