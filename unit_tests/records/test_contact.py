"""Tests of `contact`."""

import copy
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import source_autopilot
from source_autopilot.records.contact import COLUMNS
from source_autopilot.records.custom_columns import (
    FIELD_TYPES,
    CustomField,
    make_columns,
    schema_properties,
)
from source_autopilot.records.custom_values import CustomValues
from source_autopilot.records.rows import snake_case, to_row
from unit_tests.support.documents import contacts, odd_contacts, schema_validator

SCHEMA = json.loads(
    (Path(source_autopilot.__file__).parent / "schemas" / "contacts.json").read_text()
)
VALIDATOR = schema_validator(SCHEMA)


def test_columns__as_in_the_schema() -> None:
    """Every column of the schema but the last has a converter, and no other column has one."""
    *columns, last = SCHEMA["properties"]

    assert sorted(COLUMNS.converters) == sorted(columns)
    assert last == "other_fields"


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
    document = {
        "mail_opened": {
            "m2": 1486139214000,
            "m1": "2017-02-03T16:26:54.000Z",
            "m0": "",
            "m-1": None,
        }
    }

    row, rejected = to_row(document, COLUMNS)

    assert row["mail_opened"] == [
        {"id": "m2", "timestamp": "2017-02-03T16:26:54.000Z"},
        {"id": "m1", "timestamp": "2017-02-03T16:26:54.000Z"},
        {"id": "m0", "timestamp": None},
        {"id": "m-1", "timestamp": None},
    ]
    assert rejected == []


@pytest.mark.parametrize(
    ("field", "value", "kept", "example"),
    [
        (
            "anywhere_utm",
            {"a": "perhaps", "b": True, "c": 2},
            [{"url": "a", "value": None}, {"url": "b", "value": True}, {"url": "c", "value": None}],
            "perhaps",
        ),
        (
            "mail_sent",
            {"m1": "soon", "m2": 1486139214},
            [
                {"id": "m1", "timestamp": None},
                {"id": "m2", "timestamp": "2017-02-03T16:26:54.000Z"},
            ],
            "soon",
        ),
        ("employeesRange", {"min": "many", "max": 7}, {"min": None, "max": 7}, "many"),
        ("custom_fields", [{"kind": "A", "deleted": 2}], [{"kind": "A", "deleted": None}], 2),
        # One odd entry costs nothing but itself.
        ("custom_fields", [{"kind": "A"}, "B", None, ["C"]], [{"kind": "A"}], "B"),
        # Nor is a warning due for a part without a column.
        ("employeesRange", {"min": 1, "unit": "people"}, {"min": 1}, None),
        ("custom_fields", [{"kind": "A", "id": 7}], [{"kind": "A"}], None),
        (
            "custom_fields",
            [{"fieldType": "date", "field_type": "string"}],
            [{"field_type": "string"}],
            None,
        ),
        ("custom_fields", [{"kind": "A", "id": 7}, "B"], [{"kind": "A"}], "B"),
    ],
)
def test_columns__partly_rejected(field: str, value: Any, kept: Any, example: Any) -> None:
    """What fits of a nested value is in its column, and the whole of it in other_fields."""
    column = snake_case(field)

    assert to_row({field: value}, COLUMNS) == (
        {column: kept, "other_fields": {field: value}},
        [] if example is None else [(column, example)],
    )


def test_columns__partly_rejected_rival() -> None:
    """A value that has to give way is counted all the same, if it does not fit either."""
    rival = {"min": "many", "max": 7}

    assert to_row({"employeesRange": rival, "employees_range": {"min": 1}}, COLUMNS) == (
        {"employees_range": {"min": 1}, "other_fields": {"employeesRange": rival}},
        [("employees_range", "many")],
    )


@pytest.mark.parametrize(
    "document",
    [
        {"employees_range": {"min": 1, "unit": None, "_id": 5}},
        {"custom_fields": [{"kind": "A", "_rev": "1"}, None]},
    ],
)
def test_columns__nested_nulls(document: dict[str, Any]) -> None:
    """A null, or what the store adds for itself, is nothing to keep a second copy for."""
    row, misfits = to_row(document, COLUMNS)

    assert row in ({"employees_range": {"min": 1}}, {"custom_fields": [{"kind": "A"}]})
    assert misfits == []


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
        ("", None),
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
        ("lists", {"a": 1}),
        ("mail_sent", "m1"),
        ("anywhere_utm", ["a.example"]),
        ("custom_fields", {"Test Field": 1}),
        ("custom_fields", "x"),
        ("employees_range", 5),
        ("employees_range", [1, 10]),
        ("updated_at", "soon"),
        ("last_engagement", True),
    ],
)
def test_columns__rejected(column: str, value: Any) -> None:
    """A shape that the column cannot hold is reported and kept beside it, not guessed at."""
    assert to_row({column: value}, COLUMNS) == (
        {column: None, "other_fields": {column: value}},
        [(column, value)],
    )


@given(contacts())
def test_columns__documented_contacts(document: dict[str, Any]) -> None:
    """A contact as documented fits the schema, and only a second spelling is outside of it."""
    row, misfits = to_row(document, COLUMNS)

    VALIDATOR.validate(row)
    assert misfits == []
    assert row.get("other_fields", {}).keys() <= {"Unsubscribed"}


CUSTOM = make_columns(CustomField(name, type_) for name, type_ in FIELD_TYPES.items())


def close(schema: Any) -> Any:
    """The schema without room for properties that it does not name, at any level."""
    if not isinstance(schema, dict):
        return schema
    closed = {name: close(held) for name, held in schema.items()}
    return {**closed, "additionalProperties": False} if "properties" in schema else closed


CLOSED = schema_validator(
    close({**SCHEMA, "properties": {**SCHEMA["properties"], **schema_properties(CUSTOM)}})
)


@given(odd_contacts())
def test_columns__odd_contacts(document: dict[str, Any]) -> None:
    """Whatever comes, the record has the schema's columns and no others, and the input stays."""
    before = copy.deepcopy(document)

    row, misfits = to_row(document, COLUMNS)
    misfits = [*misfits, *CustomValues(CUSTOM).fill(row, document)]

    CLOSED.validate(row)
    assert row["contact_id"] == document["contact_id"]
    assert {column for column, _ in misfits} <= row.keys()
    assert document == before


def mark(value: Any, marks: Iterator[int]) -> Any:
    """The value with a text of its own in place of each number and text."""
    if isinstance(value, dict):
        return {name: mark(held, marks) for name, held in value.items()}
    if isinstance(value, list):
        return [mark(held, marks) for held in value]
    return value if value is None or isinstance(value, bool) else f"<{next(marks)}>"


@given(odd_contacts())
def test_columns__no_value_is_lost(document: dict[str, Any]) -> None:
    """Each value of a contact, wherever it is, is somewhere in the record."""
    marks = count()
    marked = mark(document, marks)

    row, _ = to_row(marked, COLUMNS)

    text = json.dumps(row)
    assert [number for number in range(next(marks)) if f"<{number}>" not in text] == []


@given(odd_contacts(), st.randoms(use_true_random=False))
def test_columns__order_of_fields(document: dict[str, Any], chance: Random) -> None:
    """The order in which the API sends the fields of a contact does not matter."""
    fields = list(document.items())
    chance.shuffle(fields)

    row, misfits = to_row(dict(fields), COLUMNS)

    expected_row, expected_misfits = to_row(document, COLUMNS)
    assert row == expected_row
    assert sorted(misfits, key=str) == sorted(expected_misfits, key=str)
