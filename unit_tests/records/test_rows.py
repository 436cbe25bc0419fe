"""Tests of `rows`."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.converters import to_boolean, to_text
from source_autopilot.records.rows import MAX_REMEMBERED_FIELDS, Columns, snake_case, to_row
from unit_tests.support.documents import JSON


def test_to_row__plain() -> None:
    """Fields with a converter get its type, the others stay as they are."""
    document = {"FirstName": 5, "leadScore": {"Deep": [1]}, "unsubscribed": "true"}

    row, rejected = to_row(document, Columns({"first_name": to_text, "unsubscribed": to_boolean}))

    assert row == {"first_name": "5", "lead_score": {"Deep": [1]}, "unsubscribed": True}
    assert rejected == []


def test_to_row__rejected() -> None:
    """A value that does not fit is null, and its column is named."""
    assert to_row({"unsubscribed": "maybe"}, Columns({"unsubscribed": to_boolean})) == (
        {"unsubscribed": None},
        ["unsubscribed"],
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        # The field that is spelled like the column gets it.
        (
            {"Unsubscribed": True, "unsubscribed": False},
            {"unsubscribed": False, "unsubscribed_2": True},
        ),
        # A null gives way: it says nothing.
        ({"Unsubscribed": True, "unsubscribed": None}, {"unsubscribed": True}),
        ({"Unsubscribed": None, "unsubscribed": None}, {"unsubscribed": None}),
        # The same value once is enough.
        ({"Unsubscribed": True, "unsubscribed": True}, {"unsubscribed": True}),
        # Without a field of the column's spelling, the first in spelling order gets it.
        (
            {"unSubscribed": 3, "UnSubscribed": 4},
            {"un_subscribed": 4, "un_subscribed_2": 3},
        ),
    ],
)
def test_to_row__shared_column(document: dict[str, Any], expected: dict[str, Any]) -> None:
    """Two fields with one column: the documented rule, in either order of the fields."""
    backwards = dict(reversed(document.items()))

    assert to_row(document, Columns({}))[0] == expected
    assert to_row(backwards, Columns({}))[0] == expected


def test_to_row__shared_column_and_a_field_of_the_next_name() -> None:
    """A numbered column never takes the place of a field that has that name itself."""
    document = {"A": 1, "a": 2, "a_2": 3}

    assert to_row(document, Columns({})) == ({"a": 2, "a_3": 1, "a_2": 3}, [])


ALIKE = st.dictionaries(st.sampled_from(["Ab", "ab", "AB", "ab_2", "Ab 2", "aB", "a_b"]), JSON)


@given(ALIKE)
def test_to_row__loses_nothing(document: dict[str, Any]) -> None:
    """Every value that is not null is in the row, however many fields share a column."""
    before = copy.deepcopy(document)

    row, _ = to_row(document, Columns({}))

    def spelled(values: Any) -> set[str]:
        return {json.dumps(value, sort_keys=True) for value in values if value is not None}

    assert spelled(row.values()) == spelled(document.values())
    assert document == before


def test_columns__remember_only_so_many() -> None:
    """Documents whose fields are all different do not fill the memory, and lose nothing."""
    columns = Columns({"a": to_text})

    for number in range(MAX_REMEMBERED_FIELDS + 10):
        assert to_row({f"f{number}": 1, "A": 2}, columns) == ({f"f{number}": 1, "a": "2"}, [])

    assert len(columns.targets) == MAX_REMEMBERED_FIELDS
    assert to_row({"A": 1, "a": 2, "Bc": 3, "bc": 4}, columns) == (
        {"a": "2", "a_2": "1", "bc": 4, "bc_2": 3},
        [],
    )


def test_columns__learned_before() -> None:
    """Which fields share a column is known from whatever documents they turned up in."""
    columns = Columns({})
    for document in [{"Bc": 1}, {"bc": 2}, {"BC": 3, "b": 4}]:
        to_row(document, columns)

    assert to_row({"BC": 4, "b": 5, "bc": 6}, columns)[0] == {"bc": 6, "bc_2": 4, "b": 5}
    assert to_row({"BC": 4, "Bc": 5}, columns)[0] == {"bc": 4, "bc_2": 5}


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("FirstName", "first_name"),
        ("MailingPostalCode", "mailing_postal_code"),
        ("NumberOfEmployees", "number_of_employees"),
        ("employeesRange", "employees_range"),
        ("fieldType", "field_type"),
        ("LinkedIn", "linkedin"),  # the published layout has one word
        ("company_priority", "company_priority"),
        ("Unsubscribed", "unsubscribed"),
        ("CRMOwnerID", "crm_owner_id"),  # acronyms are one word
        ("Favourite colour?", "favourite_colour"),
        ("Größe", "größe"),
        ("2ndEmail", "2nd_email"),
        ("_private_", "private"),
        ("", "unnamed"),
        ("?!", "unnamed"),
    ],
)
def test_snake_case__vendor_spelling(field: str, column: str) -> None:
    """Every spelling of the vendor has the column that the table layout gives it."""
    assert snake_case(field) == column


@given(st.text())
def test_snake_case__any_text(field: str) -> None:
    """A column has a name, without spaces or capitals, and is its own column."""
    column = snake_case(field)

    assert column
    assert column == column.lower()
    assert not any(character.isspace() for character in column)
    assert snake_case(column) == column
