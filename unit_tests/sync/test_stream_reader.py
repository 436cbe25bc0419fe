"""Tests of `sync.stream_reader`: reads of one stream whose API is in the test."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from airbyte_cdk.models import (
    FailureType,
)
from airbyte_cdk.sources.message import InMemoryMessageRepository
from requests_mock import Mocker

from source_autopilot.api.client import Client
from source_autopilot.config import ALL_ON
from source_autopilot.errors import SyncFailed
from source_autopilot.forecast import FirstPages
from source_autopilot.records.rows import Row
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.pagination import Partition
from source_autopilot.streams.tables import Lists, SmartSegmentsContacts
from source_autopilot.sync.chains import Chains
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.state import StreamState
from source_autopilot.sync.stream_reader import StreamReader
from unit_tests.support.constants import URL
from unit_tests.support.reads import (
    DONE,
    MAYBE_DELETED,
    TRY_LATER,
    Create,
    at,
    contacts,
    describe,
    errors,
    logged,
    paths,
    reader_of,
    records,
    saved,
    states,
    statuses,
    take,
)


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


@pytest.mark.parametrize(
    ("create", "key"),
    [(Lists, [["list_id"]]), (SmartSegmentsContacts, [["segment_id"], ["contact_id"]])],
)
def test_to_cdk_stream(client: Client, create: Create, key: list[list[str]]) -> None:
    """The CDK sees the stream's own name, key and schema."""
    stream = create(client)
    reader = StreamReader(
        stream,
        StreamState(),
        InMemoryMessageRepository(),
        Chains(client.limiter),
        FirstPages([stream.name], lambda *_: None),
        ALL_ON,
    )

    described = reader.to_cdk_stream().as_airbyte_stream()

    assert described.name == stream.name
    assert described.source_defined_primary_key == key
    assert described.json_schema == stream.get_json_schema()


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
    assert states(messages) == [
        {"states": [{"partition": {}, "cursor": {"rows": 0, "alone": True}}]}
    ]
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
    assert states(messages) == [at("b8", after="p1", **({} if start else {"rows": 1}))]
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
    assert states(messages) == [at("b1", after="p1", rows=1)]
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
