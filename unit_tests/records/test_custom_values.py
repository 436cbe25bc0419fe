"""Tests of `custom_values`."""

import copy
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.custom_columns import (
    BOOLEAN,
    FIELD_TYPES,
    INTEGER,
    NUMBER,
    TEXT,
    TIMESTAMP,
    CustomColumn,
    CustomField,
    FieldType,
    make_columns,
    schema_properties,
)
from source_autopilot.records.custom_values import CustomValues
from source_autopilot.records.rows import Misfit, Row
from unit_tests.support.documents import JSON, schema_validator

COLUMNS = make_columns(
    [
        CustomField("Test Field", TEXT),
        CustomField("Seats", INTEGER),
        CustomField("Score", NUMBER),
        CustomField("Agreed", BOOLEAN),
        CustomField("Renewal", TIMESTAMP),
    ]
)


def entry(kind: Any, value: Any, **more: Any) -> dict[str, Any]:
    """An entry in a contact's custom_fields, as the API sends it."""
    return {"kind": kind, "value": value, "fieldType": "string", "deleted": False, **more}


def fill(*entries: Any, values: CustomValues | None = None) -> tuple[Row, list[Misfit]]:
    """The custom columns of a contact with these entries, and what did not fit."""
    row: Row = {}
    rejected = (values or CustomValues(COLUMNS)).fill(row, {"custom_fields": list(entries)})
    return row, rejected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("Test Field", "This is a test", "This is a test"),
        ("Test Field", "", ""),
        ("Test Field", 7, "7"),
        ("Test Field", ["a", 1], '["a",1]'),
        ("Test Field", None, None),
        ("Seats", 25, 25),
        ("Seats", "25", 25),
        ("Seats", "", None),
        ("Seats", 3.0, 3),
        ("Score", 0.5, 0.5),
        ("Score", "-1.75", -1.75),
        ("Score", 3, 3),
        ("Score", "", None),
        ("Agreed", True, True),
        ("Agreed", "false", False),
        ("Renewal", "2017-02-03T16:26:54.000Z", "2017-02-03T16:26:54.000Z"),
        ("Renewal", "2017-02-03T17:26:54+01:00", "2017-02-03T16:26:54.000Z"),
        ("Renewal", "2017-02-03", "2017-02-03T00:00:00.000Z"),
        ("Renewal", 1486139214000, "2017-02-03T16:26:54.000Z"),
        ("Renewal", "1486139214000", "2017-02-03T16:26:54.000Z"),
        ("Renewal", 86_400_000, "1970-01-02T00:00:00.000Z"),  # a birthday: no seconds
        ("Renewal", 0, None),
        ("Seats", "5.0", 5),
        ("Agreed", 1, True),
        ("Agreed", "0", False),
        ("Renewal", "", None),
    ],
)
def test_fill__values(kind: str, value: Any, expected: Any) -> None:
    """A value arrives as its column's type, whether the API sends it so or as text."""
    column = f"custom_{kind.lower().replace(' ', '_')}"

    row, rejected = fill(entry(kind, value))

    assert (row, rejected) == ({column: expected}, [])
    assert type(row[column]) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Seats", "many"),
        ("Seats", 1.5),
        ("Seats", 2**63),
        ("Seats", True),
        ("Score", "1,5"),
        ("Score", "nan"),
        ("Score", float("inf")),
        ("Score", False),
        ("Score", []),
        ("Agreed", "perhaps"),
        ("Agreed", 2),
        ("Score", 1e29),
        ("Score", "-1e29"),
        ("Renewal", "soon"),
        ("Renewal", True),
    ],
)
def test_fill__rejected(kind: str, value: Any) -> None:
    """A value that does not fit is null in the column, and reported for counting."""
    column = f"custom_{kind.lower()}"

    assert fill(entry(kind, value)) == ({column: None}, [(column, value)])


def test_fill__deleted() -> None:
    """A deleted field fills no column, and is not missed."""
    values = CustomValues(COLUMNS)

    assert fill(
        entry("Seats", 7, deleted=True),
        entry("Score", 7, deleted="true"),
        entry("Agreed", True, deleted="True"),
        entry("Old", 7, deleted=True),
        entry("Test Field", "x", deleted=None),
        values=values,
    ) == ({"custom_test_field": "x"}, [])
    assert list(values.notes()) == []


def test_fill__a_field_twice() -> None:
    """The first value that is one is in the column; another one beside it is counted."""
    values = CustomValues(COLUMNS)

    for entries in (
        [entry("Seats", None), entry("Seats", "many"), entry("Seats", 7), entry("Seats", 8)],
        [entry("Seats", 7), entry("Seats", "7"), entry("Seats", 9), entry("Seats", 10)],
    ):
        assert fill(*entries, values=values)[0] == {"custom_seats": 7}
    assert list(values.notes()) == [
        "3 values are in the column custom_fields only, because the contact has another value"
        " before them in the same custom field."
    ]
    assert list(values.notes()) == []


@pytest.mark.parametrize(
    "entries",
    [
        ["x"],
        [None],
        [[]],
        [{}],
        [{"value": 7}],
        [entry(None, 7)],
        [entry(["Seats"], 7)],
        [entry({"a": 1}, 7)],
    ],
)
def test_fill__no_entries(entries: list[Any]) -> None:
    """What is no entry of a field fills nothing and breaks nothing."""
    values = CustomValues(COLUMNS)

    assert fill(*entries, values=values) == ({}, [])
    assert list(values.notes()) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"custom_fields": None},
        {"custom_fields": {"Seats": 7}},
        {"custom_fields": "Seats"},
    ],
)
def test_fill__no_array(document: dict[str, Any]) -> None:
    """A contact without entries has none of the columns."""
    row: Row = {"contact_id": "p1"}

    assert CustomValues(COLUMNS).fill(row, document) == []
    assert row == {"contact_id": "p1"}


def test_fill__field_without_a_name() -> None:
    """An empty name is a name."""
    values = CustomValues(make_columns([CustomField("", TEXT)]))

    assert fill(entry("", "x"), values=values) == ({"custom_unnamed_e3b0c442": "x"}, [])


def test_fill__other_spelling() -> None:
    """The array is found where the column custom_fields finds it."""
    row: Row = {}
    CustomValues(COLUMNS).fill(row, {"customFields": [entry("Seats", 7)]})

    assert row == {"custom_seats": 7}


def test_fill__several_spellings() -> None:
    """Of several arrays the one that is spelled like the column is taken, else the first."""
    entries = {"Custom Fields": [entry("Seats", 5)], "CustomFields": [entry("Seats", 6)]}

    for more, expected in ({"custom_fields": [entry("Seats", 7)]}, 7), ({}, 5):
        row: Row = {}
        CustomValues(COLUMNS).fill(row, {**entries, **more})

        assert row == {"custom_seats": expected}


def test_notes__fields_without_a_column() -> None:
    """Fields that came after discover are named once, and never with a value."""
    values = CustomValues(COLUMNS)
    for _ in range(3):
        assert fill(entry("New\n", "s3cret"), entry("Größe", 1), values=values) == ({}, [])

    assert list(values.notes()) == [
        'custom fields without a column of their own: "Größe", "New\\n". Their values are in the'
        " column custom_fields only; refresh the source's schema to get columns for them."
    ]
    assert list(values.notes()) == []


def test_notes__fields_left_out() -> None:
    """A field that discover knew has no column on purpose: only what is new is named."""
    values = CustomValues(COLUMNS, known={"Left out"})

    fill(entry("Left out", 1), entry("New", 2), values=values)

    [sentence] = values.notes()
    assert sentence.startswith('custom fields without a column of their own: "New". ')


def test_notes__again() -> None:
    """After each report the fields are counted anew."""
    values = CustomValues(COLUMNS)

    reports = []
    for _ in range(2):
        fill(entry("New", 2), values=values)
        reports.append(list(values.notes()))

    assert reports[0] == reports[1] != []


def test_fill__fields_left_out_are_looked_up_once() -> None:
    """A field without a column costs little from its second contact on: an account has dozens."""
    lookups = []

    class Known(frozenset[str]):
        def __contains__(self, field: object) -> bool:
            lookups.append(field)
            return super().__contains__(field)

    values = CustomValues(COLUMNS, known=Known({"Left out"}))
    for _ in range(3):
        fill(entry("Left out", 1), values=values)

    assert lookups == ["Left out"]


def test_notes__many_fields() -> None:
    """However many fields there are and however long their names, it is one line."""
    values = CustomValues([])
    for number in range(2_000):
        fill(entry(f"{number:04} " + "x" * 500, 1), values=values)

    [sentence] = values.notes()

    assert re.search(r'x"(, "\d{4} x{75}"){9} and 990 more\. Their values', sentence)


UNTITLED = [CustomColumn("custom_seats", None, INTEGER)]


def test_fill__column_without_a_title() -> None:
    """Where a platform drops the titles of a schema, a column goes to the field that it fits."""
    marked = CustomColumn("custom_unnamed_e84c538e", None, TEXT)

    assert fill(
        entry("!!!", "x"), entry("Seats", "7"), values=CustomValues([*UNTITLED, marked])
    ) == ({"custom_unnamed_e84c538e": "x", "custom_seats": 7}, [])


def test_fill__column_without_a_title_and_two_fields() -> None:
    """Such a column never mixes two fields: the first one has it, the other one is named."""
    values = CustomValues(UNTITLED)

    assert fill(entry("SEATS", None), entry("seats", 8), values=values)[0] == {"custom_seats": None}
    assert fill(entry("seats", 9), values=values) == ({}, [])
    [sentence] = values.notes()
    assert sentence.startswith('custom fields without a column of their own: "seats".')
    assert fill(entry("SEATS", 9), values=values)[0] == {"custom_seats": 9}


TYPES = st.sampled_from(sorted(FIELD_TYPES.values(), key=lambda type_: type_.name))
KINDS = st.sampled_from(["a", "A", "b", "?", "Fields", "x" * 70])
ENTRIES = st.lists(
    st.builds(entry, KINDS, JSON, deleted=st.booleans() | st.none()) | JSON, max_size=6
)


@given(st.dictionaries(KINDS, TYPES), ENTRIES)
def test_fill__any_entries(types: dict[str, FieldType], entries: list[Any]) -> None:
    """Whatever a contact has, its columns fit the schema, and the document is untouched."""
    columns = make_columns(CustomField(name, type_) for name, type_ in types.items())
    document = {"custom_fields": entries}
    before = copy.deepcopy(document)
    row: Row = {}

    misfits = CustomValues(columns).fill(row, document)

    schema = {"properties": schema_properties(columns)}
    schema_validator(schema).validate(row)
    assert {column for column, _ in misfits} <= row.keys() <= {column.name for column in columns}
    assert document == before


@given(st.dictionaries(KINDS, TYPES), ENTRIES, st.randoms(use_true_random=False))
def test_fill__order_of_fields(
    types: dict[str, FieldType], entries: list[Any], chance: Random
) -> None:
    """Neither the order of a contact's fields matters nor that of the columns."""
    columns = make_columns(CustomField(name, type_) for name, type_ in types.items())
    fields = [("Custom Fields", entries), ("customFields", entries[:1]), ("custom_fields", None)]
    expected: Row = {}
    CustomValues(columns).fill(expected, dict(fields))
    chance.shuffle(columns)
    chance.shuffle(fields)
    row: Row = {}

    CustomValues(columns).fill(row, dict(fields))

    assert row == expected
