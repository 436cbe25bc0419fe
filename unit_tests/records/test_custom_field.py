"""Tests of `custom_field`."""

import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.custom_field import (
    CustomField,
    UnreadableFields,
    fields_of_answer,
    fields_of_contacts,
)
from unit_tests.support.documents import JSON, odd_contacts


@pytest.mark.parametrize(
    ("field_type", "expected"),
    [
        ("string", "text"),
        ("integer", "integer"),
        ("float", "number"),
        ("boolean", "boolean"),
        ("date", "moment"),
        ("Date", "moment"),
        ("list", "text"),  # any other type
        ("", "text"),
        (None, "text"),
        (["date"], "text"),
    ],
)
def test_fields_of_answer__types(field_type: Any, expected: Any) -> None:
    """Each type of the API has its column type, and what is unknown is text."""
    answer = [{"name": "Test Field", "fieldType": field_type}]

    assert fields_of_answer(answer) == [CustomField("Test Field", expected)]


SEATS = [CustomField("Seats", "integer")]


@pytest.mark.parametrize(
    "answer",
    [
        [{"name": "Seats", "fieldType": "integer"}],
        [{"name": "Seats", "field_type": "integer", "id": 7}],
        [{"kind": "Seats", "fieldType": "integer", "deleted": False}],
        [{"name": "Seats", "type": "integer"}],
        {"custom_fields": [{"name": "Seats", "fieldType": "integer"}], "total": 1},
        {"customFields": [{"name": "Seats", "fieldType": "integer"}]},
        [{"name": "Seats", "fieldType": "integer"}, {"name": "Old", "deleted": True}],
        [{"name": "Seats", "fieldType": "integer"}, {"deleted": "true"}],
    ],
)
def test_fields_of_answer__shapes(answer: Any) -> None:
    """The list is known from clients only, so what looks much like it is taken for it."""
    assert fields_of_answer(answer) == SEATS


@pytest.mark.parametrize("answer", [[], {"custom_fields": []}])
def test_fields_of_answer__none(answer: Any) -> None:
    """An account without custom fields is no trouble."""
    assert fields_of_answer(answer) == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "custom fields",
        7,
        {},
        {"error": "Not Found", "message": "Bookmark not found."},
        {"a": [], "b": []},  # which of them?
        ["Seats"],
        [{"fieldType": "integer"}],
        [{"name": 7, "fieldType": "integer"}],
        [{"name": "Seats", "fieldType": "integer"}, {}],
        # An API that knows no custom fields may take "custom_fields" for a bookmark.
        {"contacts": [{"contact_id": "person_1", "Name": "Ann"}], "total_contacts": 1},
        {"contacts": [{"contact_id": "person_1", "name": "Ann"}], "total_contacts": 1},
        {"contacts": [], "total_contacts": 0},
        {"error": "Bad Request", "details": []},
    ],
)
def test_fields_of_answer__another_shape(answer: Any) -> None:
    """What cannot be a list of fields is an error, not an account without fields."""
    with pytest.raises(UnreadableFields):
        fields_of_answer(answer)


@given(JSON)
def test_fields_of_answer__any_json(answer: Any) -> None:
    """Whatever the API sends, it is fields, each name once, or the error that says it is none."""
    fields = []
    with suppress(UnreadableFields):
        fields = fields_of_answer(answer)

    assert [field.name for field in fields] == sorted({field.name for field in fields})


def test_fields_of_answer__a_name_twice() -> None:
    """A field that is there twice is one; with two types it is text, which holds both."""
    answer = [
        {"name": "Seats", "fieldType": "integer"},
        {"name": "Score", "fieldType": "float"},
        {"name": "Seats", "fieldType": "integer"},
        {"name": "Score", "fieldType": "date"},
    ]
    expected = [CustomField("Score", "text"), CustomField("Seats", "integer")]

    for seed in range(5):
        random.Random(seed).shuffle(answer)  # noqa: S311 - no secret
        assert fields_of_answer(answer) == expected


def entry(kind: Any, field_type: Any = "string", **more: Any) -> dict[str, Any]:
    """An entry in a contact's custom_fields."""
    return {"kind": kind, "value": "x", "fieldType": field_type, **more}


def test_fields_of_contacts__those_that_are_there() -> None:
    """The fields of some contacts, each once, and without those that were deleted."""
    documents: list[dict[str, Any]] = [
        {"contact_id": "p1", "custom_fields": [entry("Seats", "integer"), entry("Old", deleted=1)]},
        {"contact_id": "p2"},
        {"contact_id": "p3", "custom_fields": None},
        {"contact_id": "p4", "custom_fields": [entry("Test Field"), entry("Seats", "integer")]},
        {"contact_id": "p5", "customFields": [entry("Score", "float")]},
    ]

    assert fields_of_contacts(documents) == [
        CustomField("Score", "number"),
        CustomField("Seats", "integer"),
        CustomField("Test Field", "text"),
    ]


@given(st.lists(odd_contacts(), max_size=3))
def test_fields_of_contacts__any_documents(documents: list[dict[str, Any]]) -> None:
    """Entries that are no custom fields are none, and never an error."""
    fields = fields_of_contacts(documents)

    assert [field.name for field in fields] == sorted({field.name for field in fields})
