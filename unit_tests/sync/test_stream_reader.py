"""Tests of `sync.stream_reader`: reads of one stream whose API is in the test."""

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import requests
from airbyte_cdk.models import AirbyteMessage, FailureType
from airbyte_cdk.sources.message import InMemoryMessageRepository
from requests_mock import Mocker

from source_autopilot.api.client import Answer, Client
from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.config import ALL_ON, Switches
from source_autopilot.errors import SyncFailed
from source_autopilot.forecast import FirstPages, Paging
from source_autopilot.records.page import Page
from source_autopilot.records.rows import Row
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.pagination import Partition
from source_autopilot.streams.tables import Lists, SmartSegmentsContacts
from source_autopilot.sync.chains import Chains
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.state import StreamState
from source_autopilot.sync.stream_reader import StreamReader
from unit_tests.support.clock import Clock
from unit_tests.support.constants import URL
from unit_tests.support.paged_api import PAGE_SIZE, PagedApi, make_ids
from unit_tests.support.reads import (
    DONE,
    MAYBE_DELETED,
    TRY_LATER,
    Create,
    WaitingTogether,
    after_slices,
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


def test_read__a_segment_that_is_listed_twice(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """A segment that the list repeats is read once, page behind page, and is no doubt."""
    segments = [{"segment_id": "s1"}, {"segment_id": "s2"}, {"segment_id": "s1"}]
    autopilot.get(URL + "smart_segments", json={"segments": segments})
    autopilot.get(URL + "smart_segments/s2/contacts", json={"contacts": []})
    PagedApi(autopilot, IDS[:25], path="smart_segments/s1/contacts")

    messages, failure = take(reader_of(client, SmartSegmentsContacts))

    assert failure is None
    assert [row["contact_id"] for row in records(messages)] == IDS[:25]
    assert warnings(caplog) == []
    assert len(paths(autopilot)) == 1 + 1 + 3


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


def too_deep(is_deep: Callable[[str], bool]) -> Create:
    """Contacts of which those with such an id hold a value that nothing can write."""
    deep: Any = "end"
    for _ in range(100_000):
        deep = [deep]

    def create_too_deep(client: Client) -> AutopilotStream:
        stream = contacts(client)

        def make_records(document: Mapping[str, Any], partition: Partition) -> list[Row]:
            return [{**document, "deep": deep} if is_deep(document["contact_id"]) else {**document}]

        stream.records = make_records  # type: ignore[method-assign]
        return stream

    return create_too_deep


def test_read__nested_too_deeply(client: Client, autopilot: Mocker) -> None:
    """A value that nothing can write ends its table with a sentence that names the page."""
    autopilot.get(URL + "contacts", json={"contacts": [{"contact_id": "p1"}], "bookmark": "b1"})
    autopilot.get(URL + "contacts/b1", json={"contacts": [{"contact_id": "p2"}]})

    messages, failure = take(reader_of(client, too_deep(lambda contact_id: contact_id == "p2")))

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


# Pages of one table side by side

IDS = make_ids(400)
PAGES = len(IDS) // PAGE_SIZE
SECONDS_A_PAGE = 2.0  # with which the rate of the first second has room for ten chains
ALONE = {"states": [{"partition": {}, "cursor": {"rows": 0, "alone": True}}]}


def slow(create: Create, *asked: threading.Event) -> Create:
    """A stream whose pages take long, by what it says.

    With events its chains wait for the first of them behind their second page, and so on: so that
    questions are asked before everything is read.
    """

    def create_slow(client: Client) -> AutopilotStream:
        stream = create(client)
        read_pages = stream.pages

        def pages(
            partition: Partition, bookmark: str | None = None, **options: Any
        ) -> Generator[Answer[Page], None, None]:
            with closing(read_pages(partition, bookmark, **options)) as answers:
                for number, answer in enumerate(answers, start=1):
                    yield replace(answer, seconds=SECONDS_A_PAGE)
                    if 2 <= number < 2 + len(asked) and not options.get("question_seconds"):
                        assert asked[number - 2].wait(timeout=10)

        stream.pages = pages  # type: ignore[method-assign]
        return stream

    return create_slow


def delivered(messages: list[AirbyteMessage]) -> list[str]:
    """The ids of all records."""
    return [record["contact_id"] for record in records(messages)]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings of the log, but for those of single requests."""
    lines = [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING]
    return [line for line in lines if "trying again" not in line]


class EndingChains(Chains):
    """Chains of which the last one ends as soon as somebody has seen that it is at work."""

    def is_at_work(self, stream_name: str) -> bool:
        is_so = super().is_at_work(stream_name)
        if is_so:
            self.end(stream_name)
        return is_so


def test_plan__the_last_chain_fails_meanwhile(client: Client) -> None:
    """A chain that ends while the plan looks for a question is not missed: nothing waits for ever.

    Chains end with their tables unread when the API refuses the key.
    """
    chains = EndingChains(client.limiter)
    first_pages = FirstPages(["contacts"], lambda *_: None)
    messages = InMemoryMessageRepository()
    reader = StreamReader(contacts(client), StreamState(), messages, chains, first_pages, ALL_ON)

    planning = threading.Thread(target=lambda: list(reader.plan()), daemon=True)
    planning.start()
    planning.join(timeout=10)

    assert not planning.is_alive()


def test_plan__read_before_a_question(client: Client, autopilot: Mocker) -> None:
    """A forecast that waits for an answer is said without it when no question will be asked."""
    PagedApi(autopilot, IDS)
    forecasts: list[Paging] = []
    first_pages = FirstPages(["contacts"], lambda _rows, _seconds, paging: forecasts.append(paging))
    reader = StreamReader(
        slow(contacts)(client),
        StreamState(),
        InMemoryMessageRepository(),
        Chains(client.limiter),
        first_pages,
        ALL_ON,
    )

    for read_a_table in reader.plan():  # on one thread: nothing else is done meanwhile
        read_a_table()
    assert forecasts == []
    reader.report(complete=True)

    assert forecasts == [Paging.UNKNOWN]


def test_read__side_by_side(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """A table whose API takes start keys is read in pieces; each row comes once."""
    api = PagedApi(autopilot, IDS, questions_awaited=2)

    messages, failure = take(reader_of(client, slow(contacts, api.asked)))

    assert failure is None
    assert sorted(delivered(messages)) == IDS
    assert delivered(messages) != IDS
    assert len(api.questions) >= 2
    assert states(messages)[-1] == DONE
    assert warnings(caplog) == []
    assert "contacts: complete. 400 rows in" in caplog.text
    estimates = [line for line in map(describe, messages) if line.startswith("about")]
    assert estimates == ["about 400 rows of contacts"]


def test_read__a_segment_side_by_side(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """A segment that is large enough is read in pieces as well, beside one that is small."""
    segments = {"segments": [{"segment_id": "s1"}, {"segment_id": "s2"}]}
    autopilot.get(URL + "smart_segments", json=segments)
    large = PagedApi(autopilot, IDS, path="smart_segments/s1/contacts", questions_awaited=2)
    small = PagedApi(autopilot, IDS[:15], path="smart_segments/s2/contacts")

    messages, failure = take(reader_of(client, slow(SmartSegmentsContacts, large.asked)))

    assert failure is None
    pairs = sorted((row["segment_id"], row["contact_id"]) for row in records(messages))
    assert pairs == [("s1", each) for each in IDS] + [("s2", each) for each in IDS[:15]]
    assert len(large.questions) >= 2
    assert small.questions == []
    assert warnings(caplog) == []


def test_read__pages_without_order(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """A table whose pages do not ascend is read as ever: no question is asked, nothing is said."""
    autopilot.get(URL + "contacts", json={"contacts": rows_of(IDS[9::-1]), "bookmark": "b1"})
    body = {"contacts": rows_of(IDS[19:9:-1]), "total_contacts": 4000, "bookmark": "b2"}
    autopilot.get(URL + "contacts/b1", json=body)
    autopilot.get(URL + "contacts/b2", status_code=404)

    messages, failure = take(reader_of(client, slow(contacts)))

    assert isinstance(failure, SyncFailed)
    assert delivered(messages) == [*IDS[9::-1], *IDS[19:9:-1]]
    assert states(messages)[-1] == at("b2", after=IDS[10], rows=20, alone=True)
    assert paths(autopilot) == ["contacts", "contacts/b1", "contacts/b2"]
    assert [line for line in warnings(caplog) if "does not fit" in line] == []


def rows_of(ids: Iterable[str]) -> list[dict[str, str]]:
    """Contacts with these ids."""
    return [{"contact_id": contact_id} for contact_id in ids]


FAILURES: dict[str, Any] = {
    **{f"{status}": status for status in (302, 400, 401, 403, 404, 418, 500, 503)},
    "time-out": requests.ReadTimeout("no answer"),
    "broken off": requests.ConnectionError("reset"),
    "HTML": "<html>?</html>",
    "no page": {"message": "?"},
    "no JSON object": [],
    "a row without its key": {"contacts": [{}]},
    "no rows": {"contacts": []},
}


@pytest.mark.parametrize("good_questions", [0, 1, 2])
@pytest.mark.parametrize("failure", [*FAILURES.values()], ids=[*FAILURES])
def test_read__a_question_that_fails(
    client: Client,
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    failure: Any,
    good_questions: int,
) -> None:
    """Whatever is no page is a "no": the stream goes on, and so do all others."""
    api = PagedApi(autopilot, IDS, questions_awaited=good_questions + 1)
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}]})

    def answer(key: str) -> Any:
        return api.page_behind(key) if len(api.questions) <= good_questions else failure

    api.answer_question = answer

    messages, error = take(
        reader_of(client, slow(contacts, api.asked), after_slices(api.asked, Lists))
    )

    assert error is None
    assert errors(messages) == []
    rows = records(messages)
    assert sorted(row["contact_id"] for row in rows if "contact_id" in row) == IDS
    assert [row for row in rows if "list_id" in row] == [{"list_id": "l1"}]
    assert warnings(caplog) == []
    if not good_questions:
        assert len(api.questions) <= 2  # one that proves, and its repeat


@pytest.mark.parametrize(
    ("tries", "failed"), [([503] * 4, False), ([503] * 6, True), ([404], True)], ids=str
)
def test_read__a_page_behind_a_good_question(
    client: Client, autopilot: Mocker, tries: list[int], failed: bool
) -> None:
    """Only the question itself may be answered with a "no": what follows is tried as any page."""
    api = PagedApi(autopilot, IDS, questions_awaited=2)
    waiting = [*tries]

    def answer_page(bookmark: str | None, body: dict[str, Any]) -> Any:
        is_second = len(api.questions) > 1 and (
            bookmark == api.page_behind(api.questions[1])["bookmark"]
        )
        return waiting.pop() if is_second and waiting else body

    api.answer_page = answer_page

    messages, failure = take(reader_of(client, slow(contacts, api.asked)))

    assert waiting == []
    assert isinstance(failure, SyncFailed) == failed
    assert len(delivered(messages)) == len(set(delivered(messages)))
    assert (states(messages)[-1] == DONE) == (sorted(delivered(messages)) == IDS) == (not failed)


def test_read__a_question_that_is_rate_limited(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """The rate limit is no answer: the question is asked again, and may be a start then."""
    api = PagedApi(autopilot, IDS, questions_awaited=3)
    refused = threading.Event()

    def answer(key: str) -> Any:
        refused.set()
        return 429 if len(api.questions) == 1 else api.page_behind(key)

    api.answer_question = answer

    messages, failure = take(reader_of(client, slow(contacts, refused, api.asked)))

    assert failure is None
    assert sorted(delivered(messages)) == IDS
    assert api.questions[0] == api.questions[1] != api.questions[2]


def test_read__side_by_side_is_off(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """Where it is turned off, no key is ever asked for, and totals are checked all the same."""
    api = PagedApi(autopilot, IDS, total=502)

    messages, failure = take(
        reader_of(client, slow(contacts), switches=Switches(side_by_side=False))
    )

    assert isinstance(failure, SyncFailed)
    assert api.questions == []
    assert api.requests == PAGES
    assert delivered(messages) == IDS[:-PAGE_SIZE]


def test_read__totals_are_not_checked(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """Where totals count something else, a table far below its total is complete, and no word."""
    api = PagedApi(autopilot, IDS[:20], total=1000)
    api.answer_question = lambda key: 404

    messages, failure = take(
        reader_of(client, slow(contacts), switches=Switches(check_totals=False))
    )

    assert failure is None
    assert delivered(messages) == IDS[:20]
    assert states(messages)[-1] == DONE
    assert warnings(caplog) == []


def test_read__doubt(client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    """A page that does not fit is a warning; everything is read again, and nothing is missing."""
    api = PagedApi(autopilot, IDS, questions_awaited=2)
    lies: list[bool] = [False]

    def answer_page(bookmark: str | None, body: dict[str, Any]) -> dict[str, Any]:
        # From the second page of the first new piece on, until everything is read again.
        if len(api.questions) > 1 and bookmark == api.page_behind(api.questions[1])["bookmark"]:
            lies.append(not lies[1:])
        elif bookmark is None and api.questions:
            lies.append(False)
        return {**body, "contacts": body["contacts"][::-1]} if lies[-1] else body

    api.answer_page = answer_page

    messages, failure = take(reader_of(client, slow(contacts, api.asked)))

    assert failure is None
    ids = delivered(messages)
    assert sorted(set(ids)) == IDS
    assert {ids.count(each) for each in IDS} == {1, 2}
    assert ids[-len(IDS) :] == IDS
    assert warnings(caplog) == [
        "contacts: a page of Autopilot does not fit to the others: the ids of its contacts do not"
        " ascend. All rows are read again, page behind page; those that were delivered before come"
        " twice."
    ]
    assert ALONE in states(messages)
    assert states(messages)[-1] == DONE


def test_read__doubt_of_a_segment(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a segment that was in pieces, the warning has its id."""
    entries = [
        {
            "partition": {"segment_id": "s1", **start},
            "cursor": {"bookmark": bookmark, "after": bookmark, "rows": 10, **end},
        }
        for start, bookmark, end in [
            ({}, IDS[9], {"to": IDS[20]}),
            ({"from": IDS[20]}, IDS[29], {}),
        ]
    ]
    autopilot.get(URL + "smart_segments", json={"segments": [{"segment_id": "s1"}]})
    path = "smart_segments/s1/contacts"
    api = PagedApi(autopilot, IDS[:40], path=path)
    ends = [{"contacts": rows_of(IDS[10:15])}]
    api.answer_page = lambda bookmark, body: ends.pop() if ends and bookmark == IDS[9] else body

    state = [saved("smart_segments_contacts", {"states": entries})]
    messages, failure = take(reader_of(client, SmartSegmentsContacts, state=state))

    assert failure is None
    assert sorted(set(delivered(messages))) == [*IDS[:40]]
    assert warnings(caplog) == [
        "smart_segments_contacts, segment s1: a page of Autopilot does not fit to the others: it"
        " ends before it meets the page that it should. All rows are read again, page behind page;"
        " those that were delivered before come twice."
    ]


def test_read__doubt_and_another_failure(client: Client, autopilot: Mocker) -> None:
    """What fails when everything is read again is a failure of its own."""
    state = {"states": [{"partition": {"from": "p5"}, "cursor": {"bookmark": "b7", "rows": 1}}]}
    autopilot.get(URL + "contacts/b7", json={"contacts": rows_of(["p9", "p8"])})
    autopilot.get(URL + "contacts", json={"contacts": rows_of(["p1"]), "total_contacts": 900})

    messages, failure = take(reader_of(client, contacts, state=[saved("contacts", state)]))

    assert isinstance(failure, SyncFailed)
    assert "ended after 1 rows, and Autopilot counts 900." in errors(messages)[0][1]
    assert states(messages)[-1] == ALONE


# Rows that are missing

TOO_SHORT = (
    "{}: Autopilot's pages ended after 1,010 rows, and Autopilot counts 2,500. The sync stops here"
    " so that rows that are missing do not pass for deleted ones. " + TRY_LATER + " If it is so"
    " each time, and no rows are missing, set the environment variable AUTOPILOT_CHECK_TOTALS to"
    " off."
)


@pytest.mark.parametrize(
    ("create", "path", "name"),
    [
        (contacts, "contacts", "contacts"),
        (
            SmartSegmentsContacts,
            "smart_segments/s1/contacts",
            "smart_segments_contacts, segment s1",
        ),
    ],
)
def test_read__too_short(
    client: Client, autopilot: Mocker, create: Create, path: str, name: str
) -> None:
    """A table or segment far below its total is incomplete, with both numbers and its name."""
    autopilot.get(URL + "smart_segments", json={"segments": [{"segment_id": "s1"}]})
    ids = make_ids(1010)
    first = {"contacts": rows_of(ids[:1000]), "total_contacts": 2500, "bookmark": "b1"}
    autopilot.get(URL + path, json=first)
    autopilot.get(f"{URL}{path}/b1", json={"contacts": rows_of(ids[1000:])})

    messages, failure = take(reader_of(client, create))

    assert isinstance(failure, SyncFailed)
    assert errors(messages) == [(FailureType.transient_error, TOO_SHORT.format(name))]
    assert delivered(messages) == ids[:1000]
    assert states(messages)[-1]["states"][0]["cursor"]["bookmark"] == "b1"
    assert statuses(messages)[0].endswith("INCOMPLETE")


@pytest.mark.parametrize(
    ("create", "path", "name"),
    [
        (contacts, "contacts", "contacts"),
        (
            SmartSegmentsContacts,
            "smart_segments/s1/contacts",
            "smart_segments_contacts, segment s1",
        ),
    ],
)
@pytest.mark.parametrize(("missing", "counts"), [(1, "1 row"), (100, "100 rows")])
def test_read__a_little_short(
    client: Client,
    autopilot: Mocker,
    caplog: pytest.LogCaptureFixture,
    create: Create,
    path: str,
    name: str,
    missing: int,
    counts: str,
) -> None:
    """A table or segment that lacks a few rows is complete, with a warning."""
    autopilot.get(URL + "smart_segments", json={"segments": [{"segment_id": "s1"}]})
    body = {"contacts": rows_of(IDS[:5]), "total_contacts": 5 + missing}
    autopilot.get(URL + path, json=body)

    messages, failure = take(reader_of(client, create))

    assert failure is None
    assert delivered(messages) == IDS[:5]
    assert warnings(caplog) == [
        f"{name}: Autopilot counts {counts} more than came; perhaps they were deleted while the"
        " sync ran."
    ]


# Resumed in pieces

IN_PIECES = {
    "states": [
        {
            "partition": {},
            "cursor": {"bookmark": IDS[9], "after": IDS[9], "to": IDS[100], "rows": 10},
        },
        {
            "partition": {"from": IDS[100]},
            "cursor": {"bookmark": IDS[129], "after": IDS[129], "to": IDS[300], "rows": 30},
        },
        {
            "partition": {"from": IDS[300]},
            "cursor": {"bookmark": IDS[319], "after": IDS[319], "rows": 20},
        },
    ]
}


def test_read__resumed_in_pieces(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """A table goes on in the pieces that it was left in; nothing is asked any more."""
    api = PagedApi(autopilot, IDS)

    messages, failure = take(
        reader_of(client, slow(contacts), state=[saved("contacts", IN_PIECES)])
    )

    assert failure is None
    assert sorted(delivered(messages)) == [*IDS[10:100], *IDS[130:300], *IDS[320:]]
    assert api.questions == []
    assert states(messages)[-1] == DONE
    assert warnings(caplog) == []
    assert "Going on where the last attempt stopped: contacts." in caplog.text


@pytest.mark.parametrize("refused", [[9], [129], [319], [9, 129], [9, 129, 319]])
def test_read__refused_bookmark_of_a_piece(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture, refused: list[int]
) -> None:
    """If the bookmark of a piece is gone, its whole table is read from the start, as one chain."""
    api = PagedApi(autopilot, IDS)
    began_anew = threading.Event()

    def answer_page(bookmark: str | None, body: dict[str, Any]) -> Any:
        if bookmark is None:
            began_anew.set()
        is_refused = bookmark in [IDS[number] for number in refused] and not began_anew.is_set()
        return 404 if is_refused else body

    api.answer_page = answer_page

    messages, failure = take(
        reader_of(client, slow(contacts), state=[saved("contacts", IN_PIECES)])
    )

    assert failure is None
    assert sorted(set(delivered(messages))) == IDS
    assert api.questions == []
    assert ALONE in states(messages)
    assert states(messages)[-1] == DONE
    assert set(warnings(caplog)) <= {
        f"contacts: Autopilot does not know the bookmark {IDS[number]} of the last attempt any"
        " more; what it stands for is read again from the start."
        for number in refused
    }
    assert warnings(caplog) != []


def test_read__alone_goes_on_alone(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """A table that an attempt began anew as one chain is read so by the next one."""
    api = PagedApi(autopilot, IDS)

    messages, failure = take(reader_of(client, slow(contacts), state=[saved("contacts", ALONE)]))

    assert failure is None
    assert delivered(messages) == IDS
    assert (api.questions, api.requests) == ([], PAGES)
    assert "Going on where" not in caplog.text


def test_read__first_page_of_a_piece_that_cannot_go_out(
    client: Client, autopilot: Mocker, clock: Clock
) -> None:
    """What fails with the first page of a new piece leaves no gap: the next attempt reads it."""
    api = PagedApi(autopilot, IDS, questions_awaited=2)

    def is_of_new_piece(contact_id: str) -> bool:
        return len(api.questions) >= 2 and contact_id > api.questions[1]

    before, failure = take(reader_of(client, slow(too_deep(is_of_new_piece), api.asked)))
    assert isinstance(failure, SyncFailed)

    state = [saved("contacts", states(before)[-1])]
    limiter = RateLimiter(clock.now, partial(WaitingTogether, clock))
    after, failure = take(reader_of(replace(client, limiter=limiter), contacts, state=state))

    assert failure is None
    assert sorted([*delivered(before), *delivered(after)]) == IDS
