"""Tests of `contact`."""

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import source_autopilot
from source_autopilot.records.contact import COLUMNS
from source_autopilot.records.converters import Rejected
from source_autopilot.records.rows import to_row
from unit_tests.support.documents import contacts, odd_contacts, schema_validator

SCHEMA = json.loads(
    (Path(source_autopilot.__file__).parent / "schemas" / "contacts.json").read_text()
)
VALIDATOR = schema_validator(SCHEMA)


def test_columns__as_in_the_schema() -> None:
    """Every column of the schema has a converter, and no converter is for an unknown column."""
    assert sorted(COLUMNS.converters) == sorted(SCHEMA["properties"])


@pytest.mark.parametrize("map_field", ["anywhere_page_visits", "anywhere_utm"])
def test_columns__visits(map_field: str) -> None:
    """A map of addresses becomes an array of rows in the same order."""
    document = {map_field: {"b.example/?x=1": True, "a.example": True}}

    assert to_row(document, COLUMNS) == (
        {
            map_field: [
                {"url": "b.example/?x=1", "value": True},
                {"url": "a.example", "value": True},
            ]
        },
        [],
    )


def test_columns__mails() -> None:
    """A map of messages becomes an array of rows with times in UTC."""
    document = {"mail_opened": {"m2": 1486139214000, "m1": "2017-02-03T16:26:54.000Z", "m0": ""}}

    row, rejected = to_row(document, COLUMNS)

    assert row["mail_opened"] == [
        {"id": "m2", "timestamp": "2017-02-03T16:26:54.000Z"},
        {"id": "m1", "timestamp": "2017-02-03T16:26:54.000Z"},
        {"id": "m0", "timestamp": None},
    ]
    assert rejected == []


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("anywhere_utm", {"a": "perhaps", "b": True}, [("a", None), ("b", True)]),
        ("employees_range", {"min": "many", "max": 7}, {"min": None, "max": 7}),
        ("custom_fields", [{"kind": "A", "deleted": 1}], [{"kind": "A", "deleted": None}]),
        ("custom_fields", [{"kind": "A"}, "B"], None),
        ("lists", {"a": 1}, None),
    ],
)
def test_columns__partly_rejected(column: str, value: Any, kept: Any) -> None:
    """What fits of a nested value is kept, where its shape is that of the column."""
    if column == "anywhere_utm":
        kept = [{"url": url, "value": held} for url, held in kept]

    assert to_row({column: value}, COLUMNS) == ({column: kept}, [column])


def test_columns__mail_without_a_time() -> None:
    """One bad time among many costs that time only."""
    row, rejected = to_row({"mail_sent": {"m1": "soon", "m2": 0}}, COLUMNS)

    assert row["mail_sent"] == [
        {"id": "m1", "timestamp": None},
        {"id": "m2", "timestamp": "1970-01-01T00:00:00.000Z"},
    ]
    assert rejected == ["mail_sent"]


@pytest.mark.parametrize("empty", [[], {}])
@pytest.mark.parametrize("column", ["anywhere_utm", "mail_sent", "custom_fields"])
def test_columns__empty_map_or_array(column: str, empty: Any) -> None:
    """`[]` where a map was expected, and `{}` where an array was, is an empty array."""
    assert to_row({column: empty}, COLUMNS) == ({column: []}, [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [("This is a test", "This is a test"), (True, "true"), (5, "5"), (1.5, "1.5"), (None, None)],
)
def test_columns__custom_field_value(value: Any, expected: str | None) -> None:
    """The value of a custom field is text, beside its type and whether it was deleted."""
    entry = {"kind": "Test Field", "value": value, "fieldType": "string", "deleted": False}

    row, _ = to_row({"custom_fields": [entry]}, COLUMNS)

    assert row["custom_fields"] == [
        {"kind": "Test Field", "value": expected, "field_type": "string", "deleted": False}
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"min": 10001}, {"min": 10001}),
        ({"min": 1, "max": 10}, {"min": 1, "max": 10}),
        ({"min": "1", "max": None}, {"min": 1, "max": None}),
        ([], None),
    ],
)
def test_columns__employees_range(value: Any, expected: Any) -> None:
    """The range keeps its two ends, as integers."""
    assert to_row({"employeesRange": value}, COLUMNS) == ({"employees_range": expected}, [])


def test_columns__lists() -> None:
    """The lists of a contact are an array of ids, or null."""
    assert to_row({"lists": ["a", "b"]}, COLUMNS)[0] == {"lists": ["a", "b"]}
    assert to_row({"lists": None}, COLUMNS)[0] == {"lists": None}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("lists", "a"),
        ("mail_sent", "m1"),
        ("anywhere_utm", ["a.example"]),
        ("custom_fields", {"Test Field": 1}),
        ("custom_fields", ["x"]),
        ("employees_range", 5),
        ("employees_range", {"min": 2**80}),
        ("custom_fields", [{"kind": "k", "deleted": "perhaps"}]),
    ],
)
def test_columns__rejected(column: str, value: Any) -> None:
    """A shape that the column cannot hold is reported, not guessed at."""
    assert isinstance(COLUMNS.converters[column](value), Rejected)
    assert to_row({column: value}, COLUMNS)[1] == [column]


@given(contacts())
def test_columns__documented_contacts(document: dict[str, Any]) -> None:
    """A contact as documented fits the schema without rejected, and the document is untouched."""
    before = copy.deepcopy(document)

    row, rejected = to_row(document, COLUMNS)

    VALIDATOR.validate(row)
    assert rejected == []
    assert document == before


@given(odd_contacts())
def test_columns__odd_contacts(document: dict[str, Any]) -> None:
    """Whatever the API sends in a contact, the row fits the schema; the document is untouched."""
    before = copy.deepcopy(document)

    row, _ = to_row(document, COLUMNS)

    VALIDATOR.validate(row)
    assert row["contact_id"] == document["contact_id"]
    assert document == before


@given(odd_contacts(), st.randoms(use_true_random=False))
def test_columns__order_of_fields(document: dict[str, Any], chance: Random) -> None:
    """The order in which the API sends the fields of a contact does not matter."""
    fields = list(document.items())
    chance.shuffle(fields)

    row, rejected = to_row(dict(fields), COLUMNS)

    expected_row, expected_rejected = to_row(document, COLUMNS)
    assert row == expected_row
    assert sorted(rejected) == sorted(expected_rejected)
