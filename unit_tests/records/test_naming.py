"""Tests of `naming`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.naming import snake_case


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
