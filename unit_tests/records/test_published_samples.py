"""What the real API was seen to send, each sample under its source's letter.

The letters are those of docs/autopilot-api.md ("Sources"). Fields, spellings and shapes are as
published; names, addresses, ids and what people wrote are replaced.
"""

from typing import Any

import orjson
import pytest

from source_autopilot.records.contact import COLUMNS
from source_autopilot.records.converters import to_text
from source_autopilot.records.custom_columns import find_fields, make_columns, parse_fields
from source_autopilot.records.custom_values import CustomValues
from source_autopilot.records.page import decode, decode_members, parse_page
from source_autopilot.records.rows import Columns, Row, to_row

ID = "person_9EAF39E4-9AEC-4134-964A-D9D8D54162E7"
MAIL = (
    "batchdelivery_11111111-2222-3333-4444-555555555555_1482219072777"
    "-66666666-7777-8888-9999-000000000000"
)


def read_contacts(*contacts: dict[str, Any]) -> list[Row]:
    """The records of a page with these contacts; every value has to fit its column."""
    answer = {"contacts": contacts, "total_contacts": len(contacts)}
    page = parse_page(decode(orjson.dumps(answer)), rows_field="contacts", key="contact_id")
    assert (page.bookmark, page.total) == (None, len(contacts))
    values = CustomValues(make_columns(find_fields(page.rows)))
    rows = []
    for document in page.rows:
        row, misfits = to_row(document, COLUMNS)
        assert [*misfits, *values.fill(row, document)] == []
        rows.append(row)
    return rows


def test_a__mails() -> None:
    """A: a contact with messages, whose ids are long and in no order, and with empty texts."""
    contact = {
        "type": "Contact",
        "Name": "Ann Example",
        "Phone": "",
        "LeadSource": "Autopilot",
        "lists": ["contactlist_build-your-journey"],
        "created_at": "2016-12-20T07:31:12.000Z",
        "mail_received": {MAIL: 1482221012000, "b" + MAIL: 1482221227000},
        "company_priority": False,
        "mail_opened": {"b" + MAIL: 1482221231000, MAIL: 1482221100000},
        "contact_id": ID,
    }

    assert read_contacts(contact) == [
        {
            "type": "Contact",
            "name": "Ann Example",
            "phone": "",
            "lead_source": "Autopilot",
            "lists": ["contactlist_build-your-journey"],
            "created_at": "2016-12-20T07:31:12.000Z",
            "mail_received": [
                {"id": MAIL, "timestamp": "2016-12-20T08:03:32.000Z"},
                {"id": "b" + MAIL, "timestamp": "2016-12-20T08:07:07.000Z"},
            ],
            "company_priority": False,
            "mail_opened": [
                {"id": "b" + MAIL, "timestamp": "2016-12-20T08:07:11.000Z"},
                {"id": MAIL, "timestamp": "2016-12-20T08:05:00.000Z"},
            ],
            "contact_id": ID,
        }
    ]


def test_a__without_email_and_update() -> None:
    """A: a contact of which hardly anything is known."""
    contact = {"created_at": "2017-01-14T03:14:21.000Z", "api_originated": True, "contact_id": ID}

    assert read_contacts(contact) == [contact]


def test_a__custom_fields() -> None:
    """A: custom fields of three types, as values of their types."""
    entries = [
        {"kind": "Test Rating", "value": 5, "fieldType": "integer", "deleted": False},
        {
            "kind": "Test Date",
            "value": "2016-11-22T00:00:00.000Z",
            "fieldType": "date",
            "deleted": False,
        },
        {"kind": "Has Tested", "value": True, "fieldType": "boolean", "deleted": False},
    ]

    [row] = read_contacts({"custom_fields": entries, "contact_id": ID})

    texts = [entry["value"] for entry in row.pop("custom_fields")]
    assert texts == ["5", "2016-11-22T00:00:00.000Z", "true"]
    assert row == {
        "contact_id": ID,
        "custom_test_rating": 5,
        "custom_test_date": "2016-11-22T00:00:00.000Z",
        "custom_has_tested": True,
    }


def test_b__contact() -> None:
    """B: an open range, a number as text, a page called "//fr", and an empty map as `[]`."""
    contact = {
        "created_at": "2017-02-03T16:26:54.000Z",
        "first_visit_at": "2017-01-12T10:08:10.761Z",
        "anywhere_page_visits": {"//fr/sites/dashboard": True, "//fr": True},
        "anywhere_utm": [],
        "LinkedIn": "https://www.linkedin.com/in/example",
        "NumberOfEmployees": "10001",
        "employeesRange": {"min": 10001},
        "Salutation": "Mr.",
        "MailingCountry": "France",
        "contact_id": ID,
    }

    assert read_contacts(contact) == [
        {
            "created_at": "2017-02-03T16:26:54.000Z",
            "first_visit_at": "2017-01-12T10:08:10.761Z",
            "anywhere_page_visits": [
                {"url": "//fr/sites/dashboard", "value": True},
                {"url": "//fr", "value": True},
            ],
            "anywhere_utm": [],
            "linkedin": "https://www.linkedin.com/in/example",
            "number_of_employees": "10001",
            "employees_range": {"min": 10001},
            "salutation": "Mr.",
            "mailing_country": "France",
            "contact_id": ID,
        }
    ]


def test_doc__times_of_2015() -> None:
    """doc, the blog of 2015-06-23: times as the store keeps them."""
    moment = "Tue, 12 May 2015 21:41:31 GMT"

    assert read_contacts({"contact_id": ID, "created_at": moment, "updated_at": moment}) == [
        {
            "contact_id": ID,
            "created_at": "2015-05-12T21:41:31.000Z",
            "updated_at": "2015-05-12T21:41:31.000Z",
        }
    ]


def test_e_j__engagement() -> None:
    """E, J: nanoseconds with a local offset, a time zone, a country, epoch milliseconds."""
    contact = {
        "contact_id": ID,
        "lastEngagement": "2020-04-26T19:36:31.386736701-04:00",
        "lastTimezone": "America/New_York",
        "lastLocation": "US",
        "latestSubscribe": 1587944191386,
        "owner_first_name": "Ann",
    }

    assert read_contacts(contact) == [
        {
            "contact_id": ID,
            "last_engagement": "2020-04-26T23:36:31.386736Z",
            "last_timezone": "America/New_York",
            "last_location": "US",
            "latest_subscribe": "2020-04-26T23:36:31.386Z",
            "owner_first_name": "Ann",
        }
    ]


@pytest.mark.parametrize(
    "field", ["_rev", "_id", "from-salesforce", "is-crm-owner", "Unsubscribed"]
)
def test_other_fields_that_were_met(field: str) -> None:
    """What was met somewhere and has no column is kept, but for the store's own fields."""
    contact = {"contact_id": ID, "unsubscribed": False, field: True}
    kept = {} if field.startswith("_") else {"other_fields": {field: True}}

    assert read_contacts(contact) == [{"contact_id": ID, "unsubscribed": False, **kept}]


@pytest.mark.parametrize(
    ("field_type", "value", "expected"),
    [
        ("date", "", None),
        ("float", 3, 3),
        ("float", None, None),
        ("string", ["a", "b"], '["a","b"]'),
    ],
)
def test_g__values_that_broke_clients(field_type: str, value: Any, expected: Any) -> None:
    """G: values that clients in production fell over."""
    entry = {"kind": "Test Field", "value": value, "fieldType": field_type, "deleted": False}

    [row] = read_contacts({"contact_id": ID, "custom_fields": [entry]})

    assert row["custom_test_field"] == expected
    assert [kept["value"] for kept in row["custom_fields"]] == [to_text(value)]


@pytest.mark.parametrize("value", ["some day", ["2017-02-03"]])
def test_g__no_date(value: Any) -> None:
    """G: what is no date is null in its column, counted, and text in the array."""
    entry = {"kind": "Test Field", "value": value, "fieldType": "date", "deleted": False}
    document = {"custom_fields": [entry]}
    row, misfits = to_row(document, COLUMNS)
    assert misfits == []

    misfits = CustomValues(make_columns(find_fields([document]))).fill(row, document)

    assert row["custom_test_field"] is None
    assert [kept["value"] for kept in row["custom_fields"]] == [to_text(value)]
    assert misfits == [("custom_test_field", value)]


def test_f_l__list_of_custom_fields() -> None:
    """F, L: the list of fields is a bare array."""
    [column] = make_columns(parse_fields([{"name": "Test Field", "fieldType": "string"}]))

    assert (column.name, column.field) == ("custom_test_field", "Test Field")
    assert parse_fields([]) == []


@pytest.mark.parametrize(
    ("rows_field", "row"),
    [
        ("lists", {"list_id": "contactlist_06444749-9C0F-4894-9A23-D6872F9B6EF8", "title": "a"}),
        ("lists", {"list_id": "contactlist_two words", "title": "b"}),
        ("segments", {"segment_id": "contactlist_sseg1456891025207", "title": "Ladies"}),
    ],
)
def test_doc__lists_and_segments(rows_field: str, row: Row) -> None:
    """doc, A: lists and segments come as they are delivered, whatever their ids are."""
    key = next(iter(row))
    answer = orjson.dumps({rows_field: [row]})

    page = parse_page(decode(answer), rows_field=rows_field, key=key)

    columns = Columns({key: to_text, "title": to_text})
    assert [to_row(document, columns) for document in page.rows] == [(row, [])]


def test_doc__page() -> None:
    """doc: a page says where the next one begins, and how many rows there are in all."""
    answer = {"contacts": [{"contact_id": ID}], "total_contacts": 400, "bookmark": ID}

    for parse in (decode, decode_members):
        page = parse_page(parse(orjson.dumps(answer)), rows_field="contacts", key="contact_id")
        assert (page.rows, page.bookmark, page.total) == ([{"contact_id": ID}], ID, 400)
