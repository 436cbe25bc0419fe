"""Tests of `streams.base`, through the streams that stand on it."""

import logging
from itertools import count
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType, SyncMode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests_mock import Mocker

from source_autopilot.api.client import Client
from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.errors import UnreadablePage, UserFacingError
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.tables import Contacts, Lists, SmartSegmentsContacts
from unit_tests.support.clock import Clock
from unit_tests.support.constants import NOW, URL
from unit_tests.support.paged_api import PagedApi, make_ids

NUMBERS = count()
NEW_IDS = st.builds(lambda: f"p{next(NUMBERS)}")


def read(stream: AutopilotStream) -> list[dict[str, Any]]:
    """All rows of a stream that has one partition."""
    return list(stream.read_records(SyncMode.full_refresh))


def contacts_of(client: Client) -> Contacts:
    """The contacts of all times."""
    return Contacts(client, start_date=NOW.replace(year=1970))


def set_up_pages(autopilot: Mocker, pages: list[list[str]]) -> None:
    """Answer with pages of contacts; each but the last leads to the next by a bookmark."""
    for number, ids in enumerate(pages):
        path = f"contacts/b{number}" if number else "contacts"
        body: dict[str, Any] = {"contacts": [{"contact_id": contact_id} for contact_id in ids]}
        if number < len(pages) - 1:
            body["bookmark"] = f"b{number + 1}"
        autopilot.get(URL + path, json=body)


def response(content: bytes) -> requests.Response:
    """A response that the CDK's own client would hand over."""
    with Mocker() as mocker:
        mocker.get(URL, content=content)
        return requests.get(URL, timeout=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(NEW_IDS, max_size=3), min_size=1, max_size=6))
def test_read_records__every_page_once(client: Client, pages: list[list[str]]) -> None:
    """Whatever the pages, each row arrives once and in order, with one request per page."""
    with Mocker() as autopilot:
        set_up_pages(autopilot, pages)

        rows = read(contacts_of(client))

        assert [row["contact_id"] for row in rows] == [
            contact_id for page in pages for contact_id in page
        ]
        assert autopilot.call_count == len(pages)


FEW_CONTACTS = st.fixed_dictionaries(
    {"contact_id": st.sampled_from("abc")}, optional={"Name": st.sampled_from("xy")}
)
PAGE = st.lists(FEW_CONTACTS, max_size=3, unique_by=lambda contact: contact["contact_id"])


@pytest.mark.parametrize("table", [Contacts, SmartSegmentsContacts])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=st.lists(PAGE, min_size=1, max_size=5))
def test_pages__rows_at_the_border(
    client: Client, table: type[AutopilotStream], pages: list[list[dict[str, str]]]
) -> None:
    """What the page before has, too, goes out once; whatever else comes twice goes out twice.

    Of a segment's members the id is all that goes out, so the rest of them makes no difference.
    """
    stream = contacts_of(client) if table is Contacts else SmartSegmentsContacts(client)
    partition = {} if table is Contacts else {"segment_id": "s1"}
    with Mocker() as autopilot:
        for number, rows in enumerate(pages):
            more = {"bookmark": f"b{number + 1}"} if number < len(pages) - 1 else {}
            token = {"bookmark": f"b{number}"} if number else None
            path = stream.path(stream_slice=partition, next_page_token=token)
            autopilot.get(URL + path, json={"contacts": rows, **more})

        read_pages = [answer.content for answer in stream.pages(partition)]

    whole = table is Contacts
    sent = [[row if whole else {"contact_id": row["contact_id"]} for row in rows] for rows in pages]
    expected = [
        [row for row in rows if row not in before]
        for before, rows in zip([[], *sent], sent, strict=False)
    ]
    assert [page.rows for page in read_pages] == expected
    assert [page.repeated for page in read_pages] == [
        len(rows) - len(new) for rows, new in zip(sent, expected, strict=True)
    ]


def test_pages__a_walk_knows_no_other(client: Client, autopilot: Mocker) -> None:
    """Pages are compared within one walk: another segment's first page repeats nothing."""
    stream = SmartSegmentsContacts(client)
    for segment in ("s1", "s2"):
        page = {"contacts": [{"contact_id": "p1"}]}
        autopilot.get(f"{URL}smart_segments/{segment}/contacts", json=page)

    pages = [list(stream.pages({"segment_id": segment})) for segment in ("s1", "s2")]

    assert [[page.content.repeated for page in walk] for walk in pages] == [[0], [0]]


def test_read_records__encodes_the_bookmark(client: Client, autopilot: Mocker) -> None:
    """A bookmark is one part of the path, whatever characters it has."""
    autopilot.get(
        URL + "contacts", json={"contacts": [{"contact_id": "p1"}], "bookmark": "a/b?c#d%2F é"}
    )
    autopilot.get(URL + "contacts/a%2Fb%3Fc%23d%252F%20%C3%A9", json={"contacts": []})

    assert read(contacts_of(client)) == [{"contact_id": "p1"}]


@pytest.mark.parametrize("rows", [None, {}, [{}], [{"contact_id": None}], ["person_1"]])
def test_read_records__page_without_rows_to_trust(
    client: Client, autopilot: Mocker, rows: Any
) -> None:
    """A bad page in mid-chain ends the stream with an error that names the page."""
    set_up_pages(autopilot, [["p1"], ["p2"]])
    autopilot.get(URL + "contacts/b1", json={"contacts": rows})
    records = contacts_of(client).read_records(SyncMode.full_refresh)

    assert next(records) == {"contact_id": "p1"}
    with pytest.raises(UserFacingError, match="contacts: page 2 from Autopilot") as raised:
        next(records)

    assert raised.value.failure_type == FailureType.transient_error


@pytest.mark.parametrize("names", [["b1", "b1"], ["b1", "b2", "b1"]])
def test_read_records__bookmark_that_repeats(
    client: Client, autopilot: Mocker, names: list[str]
) -> None:
    """A chain that leads back into itself is an error that names the bookmark, and no loop."""
    asked = ["contacts", *(f"contacts/{name}" for name in names[:-1])]
    for where, bookmark in zip(asked, names, strict=True):
        autopilot.get(URL + where, json={"contacts": [], "bookmark": bookmark})

    with pytest.raises(UserFacingError, match="leads back to the bookmark b1"):
        read(contacts_of(client))

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
    client: Client, autopilot: Mocker, status: int, body: dict[str, str], where: str
) -> None:
    """A bookmark that Autopilot refuses, like a stream that is not there, is an error."""
    first = {"json": {"contacts": [], **body}} if body else {"status_code": status}
    autopilot.get(URL + "contacts", **first)
    autopilot.get(URL + "contacts/b1", status_code=status)

    with pytest.raises(UserFacingError, match=f"(does not find|refuses) {where} ") as raised:
        read(contacts_of(client))

    assert raised.value.failure_type == FailureType.transient_error


def test_warnings__rejected_values(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """Values that do not fit their column are counted, and one warning names each column."""
    odd = {"contact_id": "p1", "updated_at": "soon", "unsubscribed": "perhaps"}
    autopilot.get(URL + "contacts", json={"contacts": [odd, {**odd, "unsubscribed": True}]})

    stream = contacts_of(client)
    rows = read(stream)
    with caplog.at_level(logging.WARNING):
        stream.warnings.log(stream.name, stream.logger)

    assert rows[0] == {
        "contact_id": "p1",
        "updated_at": None,
        "unsubscribed": None,
        "other_fields": {"updated_at": "soon", "unsubscribed": "perhaps"},
    }
    kept = "what did not fit is null in its place, and other_fields has it as it came."
    assert [record.getMessage() for record in caplog.records] == [
        f"contacts: 1 value did not fit the type of column unsubscribed; {kept}"
        ' The first looks like "aaaaaaa" (a: any letter, 9: any digit).',
        f"contacts: 2 values did not fit the type of column updated_at; {kept}"
        ' The first looks like "aaaa" (a: any letter, 9: any digit).',
    ]


def test_warnings__values_that_nothing_can_store(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """What was replaced is counted under the column that has it now."""
    text = r'{"contacts": [{"contact_id": "p1", "FirstName": "\ud83d", "会社": "a\u0000"}]}'
    autopilot.get(URL + "contacts", text=text)
    stream = contacts_of(client)

    rows = read(stream)
    with caplog.at_level(logging.WARNING):
        stream.warnings.log(stream.name, stream.logger)

    other = {"会社": "a\ufffd"}
    assert rows == [{"contact_id": "p1", "first_name": "\ufffd", "other_fields": other}]
    assert [message.split(" could")[0] for message in caplog.messages] == [
        "contacts: 1 value of column first_name",
        "contacts: 1 value of column other_fields",
    ]


def test_pages__from_a_bookmark(client: Client, autopilot: Mocker) -> None:
    """A walk that goes on where another one stopped asks for that page first."""
    set_up_pages(autopilot, [["p1"], ["p2"], ["p3"]])

    pages = [answer.content for answer in contacts_of(client).pages({}, "b1")]

    assert [[row["contact_id"] for row in page.rows] for page in pages] == [["p2"], ["p3"]]
    assert [request.path for request in autopilot.request_history] == [
        "/v1/contacts/b1",
        "/v1/contacts/b2",
    ]


def test_pages__leave_no_chain_behind(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """A walk that failed is not the longest for ever: the next one is let through as urgent."""
    page = {"contacts": [{"contact_id": "p1"}], "bookmark": "b1", "total_contacts": 90_000}
    autopilot.get(URL + "contacts", json=page)
    autopilot.get(URL + "contacts/b1", status_code=404)
    with pytest.raises(UserFacingError):
        read(contacts_of(client))
    clock.sleep(10)
    client.limiter.acquire()
    before = clock.seconds

    with client.limiter.chain() as chain:
        chain.pages_left = 1
        client.limiter.acquire(chain)

    assert clock.seconds == before


@pytest.mark.parametrize("name", [".", ".."])
def test_path__no_name_walks_up(client: Client, name: str) -> None:
    """No encoding keeps clients and proxies from walking up the path: such an id is refused."""
    with pytest.raises(UnreadablePage, match="for a bookmark or an id"):
        SmartSegmentsContacts(client).path(stream_slice={"segment_id": name})
    with pytest.raises(UnreadablePage, match="for a bookmark or an id"):
        contacts_of(client).path(next_page_token={"bookmark": name})


def test_path__is_below_the_base_url(client: Client) -> None:
    """The URL of a page is the base URL, the stream's path, and the bookmark."""
    stream = SmartSegmentsContacts(client)

    path = stream.path(stream_slice={"segment_id": "a b/c%"}, next_page_token={"bookmark": "p1"})

    assert (stream.url_base, path) == (URL, "smart_segments/a%20b%2Fc%25/contacts/p1")


def test_parse_response__of_any_response(client: Client) -> None:
    """The CDK's two methods take a response as requests has it."""
    stream = Lists(client)
    page = response(b'{"lists": [{"list_id": "l1", "title": 5}], "bookmark": "b1"}')

    assert list(stream.parse_response(page)) == [{"list_id": "l1", "title": "5"}]
    assert stream.next_page_token(page) == {"bookmark": "b1"}
    assert stream.next_page_token(response(b'{"lists": []}')) is None


def test_first_page__one_request(client: Client, autopilot: Mocker) -> None:
    """Who wants to know the total asks for no second page."""
    set_up_pages(autopilot, [["p1"], ["p2"]])

    answer = contacts_of(client).first_page({})

    assert answer is not None
    assert [row["contact_id"] for row in answer.content.rows] == ["p1"]
    assert autopilot.call_count == 1


def test_is_resumable__all_tables(client: Client) -> None:
    """Every table, also the one with a partition per segment, goes on after an interruption."""
    for stream in (contacts_of(client), Lists(client), SmartSegmentsContacts(client)):
        assert stream.as_airbyte_stream().is_resumable


def test_takes_start_keys__waits_for_its_turn(
    client: Client, limiter: RateLimiter, clock: Clock, autopilot: Mocker
) -> None:
    """The seconds of a question begin with its turn: a pause of all requests is not its answer."""
    api = PagedApi(autopilot, make_ids(100))
    stream = contacts_of(client)
    first = stream.first_page({})
    assert first is not None
    limiter.refused(60.0)  # another request was

    assert stream.takes_start_keys({}, first.content, seconds=1e-9)

    assert clock.seconds >= 60
    assert len(api.questions) == 1
