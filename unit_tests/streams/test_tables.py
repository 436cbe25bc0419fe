"""Tests of `streams.tables`."""

from datetime import datetime, timezone
from typing import Any

import pytest
from airbyte_cdk.models import FailureType, SyncMode
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker

from source_autopilot.api.client import Client
from source_autopilot.errors import PageRefused
from source_autopilot.records.custom_columns import INTEGER, CustomColumn
from source_autopilot.streams.tables import Contacts, Lists, SmartSegments, SmartSegmentsContacts
from unit_tests.support.constants import URL

START = datetime(2024, 1, 31, 10, 30, tzinfo=timezone.utc)


def test_lists__rows(client: Client, autopilot: Mocker) -> None:
    """A list has its id and title, and what else the API may send in other_fields."""
    autopilot.get(
        URL + "lists",
        json={"lists": [{"list_id": "contactlist_1", "title": "1k.csv", "memberCount": 3}]},
    )

    assert list(Lists(client).read_records(SyncMode.full_refresh)) == [
        {"list_id": "contactlist_1", "title": "1k.csv", "other_fields": {"memberCount": 3}}
    ]


def test_smart_segments__rows(client: Client, autopilot: Mocker) -> None:
    """The API calls the rows "segments"."""
    segment = {"segment_id": "contactlist_sseg1", "title": "Ladies"}
    autopilot.get(URL + "smart_segments", json={"segments": [segment]})

    assert list(SmartSegments(client).read_records(SyncMode.full_refresh)) == [segment]


@pytest.mark.parametrize(
    ("updated_at", "arrives"),
    [
        ("2024-01-31T10:30:00.000Z", True),  # equal counts as newer
        ("2024-01-31T10:29:59.999Z", False),
        ("2024-01-31T11:30:00.000+01:00", True),
        ("2024-01-31T11:29:59.999+01:00", False),
        ("2024-01-31T10:30:00.000001Z", True),
        (1706697000000, True),
        (1706696999999, False),
        (1706697000, True),  # seconds
        ("Wed, 31 Jan 2024 10:30:00 GMT", True),
        ("Wed, 31 Jan 2024 10:29:59 GMT", False),
        (0, True),
        ("", True),
        (None, True),
        ("no time at all", True),
    ],
)
def test_contacts__start_date(
    client: Client, autopilot: Mocker, updated_at: str | int | None, arrives: bool
) -> None:
    """Contacts updated at the start date or later arrive, and those without an update time."""
    autopilot.get(
        URL + "contacts", json={"contacts": [{"contact_id": "p1", "updated_at": updated_at}]}
    )

    rows = list(Contacts(client, start_date=START).read_records(SyncMode.full_refresh))

    assert [row["contact_id"] for row in rows] == (["p1"] if arrives else [])


def test_contacts__without_update_time(client: Client, autopilot: Mocker) -> None:
    """A contact that has no updated_at field at all arrives."""
    autopilot.get(URL + "contacts", json={"contacts": [{"contact_id": "p1"}]})

    rows = list(Contacts(client, start_date=START).read_records(SyncMode.full_refresh))

    assert rows == [{"contact_id": "p1"}]


def test_contacts__says_what_was_left_out(client: Client, autopilot: Mocker) -> None:
    """The log says how many contacts were left out, and why."""
    old = {"contact_id": "p1", "updated_at": "2020-01-01T00:00:00.000Z"}
    autopilot.get(URL + "contacts", json={"contacts": [old, old], "bookmark": "b1"})
    autopilot.get(URL + "contacts/b1", json={"contacts": [old, {"contact_id": "p2"}]})
    contacts = Contacts(client, start_date=START)

    rows = list(contacts.read_records(SyncMode.full_refresh))

    assert contacts.left_out(4 - len(rows)) == (
        "3 contacts left out: last updated before the start date 2024-01-31T10:30:00.000Z"
    )
    assert contacts.left_out(0) == ""


CUSTOM = [CustomColumn("custom_seats", "Seats", INTEGER)]


def test_contacts__custom_columns(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """Custom fields fill their columns beside the array; what does not fit is logged once."""

    def contact(number: int, *values: Any, deleted: bool = False) -> dict[str, Any]:
        entries = [{"kind": "Seats", "value": value, "deleted": deleted} for value in values]
        return {"contact_id": f"p{number}", "custom_fields": entries}

    documents = [contact(1, "7"), contact(2, "?"), contact(3, "!"), contact(4, 7, deleted=True)]
    autopilot.get(URL + "contacts", json={"contacts": documents})

    stream = Contacts(client, start_date=START, custom=CUSTOM)
    rows = list(stream.read_records(SyncMode.full_refresh))
    stream.warnings.log(stream.name, stream.logger)

    columns: list[dict[str, Any]] = [
        {"custom_seats": 7},
        {"custom_seats": None},
        {"custom_seats": None},
        {},
    ]
    kept = [contact(1, "7"), contact(2, "?"), contact(3, "!"), contact(4, "7", deleted=True)]
    assert rows == [{**row, **more} for row, more in zip(kept, columns, strict=True)]
    assert caplog.text.count("2 values did not fit the type of column custom_seats") == 1


def test_contacts__names_new_custom_fields(client: Client, autopilot: Mocker) -> None:
    """A field that came after discover is in the array, and one line of the log names it."""
    entries = [{"kind": "New", "value": "x"}]
    contact = {"contact_id": "p1", "custom_fields": entries}
    autopilot.get(URL + "contacts", json={"contacts": [contact], "bookmark": "b1"})
    autopilot.get(URL + "contacts/b1", json={"contacts": [{**contact, "contact_id": "p2"}]})

    stream = Contacts(client, start_date=START, custom=CUSTOM)
    rows = list(stream.read_records(SyncMode.full_refresh))

    assert rows == [contact, {**contact, "contact_id": "p2"}]
    assert [sentence.split(". ")[0] for sentence in stream.notes()] == [
        'custom fields without a column of their own: "New"'
    ]


def test_contacts__schema_is_made_once(client: Client) -> None:
    """The CDK asks for the schema with every record."""
    contacts = Contacts(client, start_date=START, custom=CUSTOM)

    assert contacts.get_json_schema() is contacts.get_json_schema()


def pairs_of(stream: SmartSegmentsContacts) -> list[tuple[str, str]]:
    """Every pair of the substream, as its slices give them."""
    return [
        (row["segment_id"], row["contact_id"])
        for stream_slice in stream.stream_slices()
        for row in stream.read_records(SyncMode.full_refresh, stream_slice=stream_slice)
    ]


def test_smart_segments_contacts__pairs(client: Client, autopilot: Mocker) -> None:
    """Every member of every segment is a pair; each segment is walked with its own bookmarks."""
    autopilot.get(
        URL + "smart_segments",
        json={"segments": [{"segment_id": "s/1"}, {"segment_id": "s2"}, {"segment_id": "s3"}]},
    )
    old = {"contact_id": "p1", "Name": "Ann", "updated_at": "1999-01-01T00:00:00.000Z"}
    autopilot.get(URL + "smart_segments/s%2F1/contacts", json={"contacts": [old], "bookmark": "b1"})
    autopilot.get(
        URL + "smart_segments/s%2F1/contacts/b1", json={"contacts": [{"contact_id": "p2"}]}
    )
    autopilot.get(URL + "smart_segments/s2/contacts", json={"contacts": [old]})
    autopilot.get(URL + "smart_segments/s3/contacts", json={"contacts": []})

    stream = SmartSegmentsContacts(client)

    assert pairs_of(stream) == [("s/1", "p1"), ("s/1", "p2"), ("s2", "p1")]
    assert stream.left_out(0) == ""


def test_smart_segments_contacts__only_the_pair(client: Client, autopilot: Mocker) -> None:
    """A pair has two columns; the contact's data is in the table of contacts."""
    autopilot.get(
        URL + "smart_segments/s1/contacts",
        json={"contacts": [{"contact_id": "p1", "Name": "Ann"}]},
    )
    stream = SmartSegmentsContacts(client)

    rows = list(stream.read_records(SyncMode.full_refresh, stream_slice={"segment_id": "s1"}))

    assert rows == [{"segment_id": "s1", "contact_id": "p1"}]


@pytest.mark.parametrize("status", [404, 410])
def test_smart_segments_contacts__segment_deleted_meanwhile(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """A segment that is deleted after it was listed has no members, and the others are complete."""
    autopilot.get(
        URL + "smart_segments", json={"segments": [{"segment_id": "s1"}, {"segment_id": "s2"}]}
    )
    autopilot.get(URL + "smart_segments/s1/contacts", status_code=status)
    autopilot.get(URL + "smart_segments/s2/contacts", json={"contacts": [{"contact_id": "p1"}]})

    stream = SmartSegmentsContacts(client)

    assert pairs_of(stream) == [("s2", "p1")]
    assert "segment s1 was deleted while the sync ran" in caplog.text
    assert stream.left_out(0) == "1 segment left out: deleted while the sync ran"


@pytest.mark.parametrize("status", [400, 405, 409, 422])
def test_smart_segments_contacts__refused_and_not_listed(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """A refusal that may mean anything means that a segment is gone if it is listed no more."""
    autopilot.get(
        URL + "smart_segments",
        [{"json": {"segments": [{"segment_id": "s1"}]}}, {"json": {"segments": []}}],
    )
    autopilot.get(URL + "smart_segments/s1/contacts", status_code=status)

    stream = SmartSegmentsContacts(client)

    assert pairs_of(stream) == []
    assert "segment s1 was deleted while the sync ran" in caplog.text
    assert stream.left_out(0) == "1 segment left out: deleted while the sync ran"


@pytest.mark.parametrize("status", [400, 405, 409, 422])
def test_smart_segments_contacts__refused_and_listed(
    client: Client, autopilot: Mocker, status: int
) -> None:
    """A segment that is still listed is not gone: to go on would lose its members."""
    autopilot.get(URL + "smart_segments", json={"segments": [{"segment_id": "s1"}]})
    autopilot.get(URL + "smart_segments/s1/contacts", status_code=status)

    with pytest.raises(PageRefused, match=rf"refuses the first page \({status}\)") as raised:
        pairs_of(SmartSegmentsContacts(client))

    assert raised.value.failure_type == FailureType.transient_error


def test_smart_segments_contacts__bookmark_refused(client: Client, autopilot: Mocker) -> None:
    """A 404 in mid-segment is an error: the members after it would be lost."""
    autopilot.get(URL + "smart_segments", json={"segments": [{"segment_id": "s1"}]})
    autopilot.get(
        URL + "smart_segments/s1/contacts",
        json={"contacts": [{"contact_id": "p1"}], "bookmark": "b1"},
    )
    autopilot.get(URL + "smart_segments/s1/contacts/b1", status_code=404)

    with pytest.raises(AirbyteTracedException, match="the page at bookmark b1"):
        pairs_of(SmartSegmentsContacts(client))
