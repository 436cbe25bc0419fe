"""Tests of `rows`."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.converters import to_boolean, to_text
from source_autopilot.records.rows import MAX_REMEMBERED_FIELDS, Columns, snake_case, to_row
from unit_tests.support.documents import JSON

FLAGS = {"unsubscribed": to_boolean}
TEXTS = dict.fromkeys(["a", "bc"], to_text)


def test_to_row__plain() -> None:
    """A field whose name leads to a column is in it, as the column's type."""
    document = {"FirstName": 5, "unsubscribed": "true", "last_name": None}
    columns = Columns({"first_name": to_text, "last_name": to_text, "unsubscribed": to_boolean})

    assert to_row(document, columns) == (
        {"first_name": "5", "unsubscribed": True, "last_name": None},
        [],
    )


@pytest.mark.parametrize("field", ["leadScore", "会社", "custom_seats", "OtherFields", "", "\n"])
@pytest.mark.parametrize("value", [0, "", {"Deep": [1]}, [None]])
def test_to_row__field_without_a_column(field: str, value: Any) -> None:
    """What no column is made for is in other_fields, as the API spells and sends it."""
    assert to_row({"Unsubscribed": True, field: value}, Columns(FLAGS)) == (
        {"unsubscribed": True, "other_fields": {field: value}},
        [],
    )


@pytest.mark.parametrize("document", [{}, {"leadScore": None}, {"_id": "p1", "_rev": "3-5f"}])
def test_to_row__nothing_worth_a_column(document: dict[str, Any]) -> None:
    """Nulls say nothing, and what the store adds for itself is of no use: no other_fields."""
    assert to_row(document, Columns(FLAGS)) == ({}, [])


def test_to_row__rejected() -> None:
    """A value that does not fit is null, named with its column, and kept as it came."""
    assert to_row({"Unsubscribed": "maybe"}, Columns(FLAGS)) == (
        {"unsubscribed": None, "other_fields": {"Unsubscribed": "maybe"}},
        [("unsubscribed", "maybe")],
    )


@pytest.mark.parametrize(
    ("document", "column", "other"),
    [
        # The field that is spelled like the column gets it.
        ({"Unsubscribed": True, "unsubscribed": False}, False, {"Unsubscribed": True}),
        # A null gives way: it says nothing.
        ({"Unsubscribed": True, "unsubscribed": None}, True, None),
        ({"Unsubscribed": True, "unsubscribed": ""}, True, None),
        ({"Unsubscribed": "", "unsubscribed": False}, False, None),
        ({"Unsubscribed": None, "unsubscribed": None}, None, None),
        # So does what does not fit, which is kept all the same.
        ({"Unsubscribed": True, "unsubscribed": "maybe"}, True, {"unsubscribed": "maybe"}),
        ({"Unsubscribed": "?", "unsubscribed": False}, False, {"Unsubscribed": "?"}),
        # The same value once is enough, however it is written.
        ({"Unsubscribed": True, "unsubscribed": True}, True, None),
        ({"Unsubscribed": "TRUE", "unsubscribed": 1}, True, None),
        # Without a field of the column's spelling, the first in spelling order gets it.
        ({"unsubscribed ": "0", "Unsubscribed": True}, True, {"unsubscribed ": "0"}),
        # Others are not taken for rivals.
        (
            {"Unsubscribed": True, "unsubscribed": False, "unsubscribed_2": 1, "_rev": 2},
            False,
            {"Unsubscribed": True, "unsubscribed_2": 1},
        ),
    ],
)
def test_to_row__shared_column(
    document: dict[str, Any], column: bool | None, other: dict[str, Any] | None
) -> None:
    """Two fields with one column: the documented rule, in either order of the fields."""
    backwards = dict(reversed(document.items()))
    expected = {"unsubscribed": column, **({"other_fields": other} if other else {})}

    assert to_row(document, Columns(FLAGS))[0] == expected
    assert to_row(backwards, Columns(FLAGS))[0] == expected


ALIKE = st.dictionaries(st.sampled_from(["Ab", "ab", "AB", "ab_2", "Ab 2", "aB", "a_b"]), JSON)


@given(ALIKE)
def test_to_row__loses_nothing(document: dict[str, Any]) -> None:
    """Every value that is not null is in the row, however many fields share a column."""
    before = copy.deepcopy(document)

    row, _ = to_row(document, Columns({"ab": to_text, "a_b": to_text}))

    other = row.pop("other_fields", {})
    assert set(map(to_text, document.values())) - {None} == (
        {*row.values(), *map(to_text, other.values())} - {None}
    )
    assert other.items() <= document.items()
    assert document == before


def test_columns__remember_only_so_many() -> None:
    """Documents whose fields are all different do not fill the memory, and lose nothing."""
    columns = Columns(TEXTS)

    for number in range(MAX_REMEMBERED_FIELDS + 10):
        row, _ = to_row({f"f{number}": 1, "A": 2}, columns)
        assert row == {"a": "2", "other_fields": {f"f{number}": 1}}

    assert len(columns.targets) == MAX_REMEMBERED_FIELDS
    assert to_row({"A": 1, "a": 2, "Bc": 3, "bc": 4}, columns)[0] == {
        "a": "2",
        "bc": "4",
        "other_fields": {"A": 1, "Bc": 3},
    }


def test_name_column__of_any_field() -> None:
    """A field's values are in its column, or in other_fields if it has none."""
    assert Columns(TEXTS).name_column("A") == "a"
    assert Columns(TEXTS).name_column("lead score") == "other_fields"


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
