"""Tests of `custom_columns`."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from source_autopilot.records.contact import COLUMNS
from source_autopilot.records.custom_columns import (
    LONGEST_BYTES,
    CustomColumn,
    column_names,
    columns_of,
    columns_of_schema,
    marked_name,
    schema_properties,
)
from source_autopilot.records.custom_field import CustomField, Type

NAMES = st.text(max_size=90) | st.text("Aa1 _-ßẞéB北京東", max_size=6)
TYPES: list[Type] = ["text", "integer", "number", "boolean", "moment"]


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("Test Field", "custom_test_field"),
        ("testField", "custom_test_field"),
        ("Répondu à l'enquête", "custom_répondu_à_l_enquête"),
        ("北京", "custom_北京"),
        ("2nd e-mail", "custom_2nd_e_mail"),  # the prefix makes it a name
        ("custom score", "custom_custom_score"),
        ("x" * 56, "custom_" + "x" * 56),  # 63 bytes
        ("é" * 28, "custom_" + "é" * 28),  # 63 bytes as well
        # Taken, empty, too long: the digits are those of `printf '%s' "Fields" | sha256sum`.
        ("Fields", "custom_fields_616f48c1"),
        ("!!!", "custom_unnamed_e84c538e"),
        ("", "custom_unnamed_e3b0c442"),
        ("x" * 57, "custom_" + "x" * 47 + "_ae14a256"),
        ("é" * 29, "custom_" + "é" * 23 + "_0461d375"),
    ],
)
def test_column_names__of_one_field(field: str, column: str) -> None:
    """A field alone has its plain name, or a marked one if that is no name for a column."""
    assert column_names([field]) == {field: column}


def test_column_names__alike() -> None:
    """Where two fields want a column neither gets it: it might change its meaning later on."""
    assert column_names(["NPS score", "NPS-Score", "Score"]) == {
        "NPS score": "custom_nps_score_6441a1dc",
        "NPS-Score": "custom_nps_score_ecd41aee",
        "Score": "custom_score",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("北京", "東京"),  # PyAirbyte writes both as custom___
        ("Répondu", "R pondu"),  # and these as custom_r_pondu
        ("Résumé", "Resume"),  # Airbyte's destinations take accents off
        ("Straße", "Strasse"),  # one in capitals
    ],
)
def test_column_names__alike_in_a_destination(one: str, other: str) -> None:
    """Letters of any script stay, but no destination gets two columns that it cannot tell apart."""
    assert column_names([one, other]) == {one: marked_name(one), other: marked_name(other)}


def test_column_names__called_like_a_marked_one() -> None:
    """A field whose plain name is another's marked name gives way."""
    rival = "Fields " + hashlib.sha256(b"Fields").hexdigest()[:8]

    assert column_names(["Fields", rival]) == {
        "Fields": "custom_fields_616f48c1",
        rival: marked_name(rival),
    }


def test_column_names__equal_marks() -> None:
    """Two names that the digits cannot tell apart get more digits."""
    first, second = "NPS.!/,:score", "NPS :?+!.score"  # found by trying

    assert marked_name(first) == marked_name(second)
    assert column_names([first, second]) == {
        first: marked_name(first, 16),
        second: marked_name(second, 16),
    }


def destinations(names: list[str]) -> Iterator[list[str]]:
    """The names as different destinations write them."""
    yield [name.casefold() for name in names]
    yield [re.sub("[^a-z0-9]", "_", name.lower()) for name in names]  # PyAirbyte
    plain = [unicodedata.normalize("NFKD", name) for name in names]
    letters = ["".join(it for it in name if unicodedata.category(it)[0] != "M") for name in plain]
    yield [re.sub("[^A-Za-z0-9_]", "_", name).lower() for name in letters]  # Airbyte


@given(st.lists(NAMES, max_size=12), st.randoms())
def test_column_names__any_fields(fields: list[str], chance: Any) -> None:
    """Names are valid, no two are alike, none is a contact's own, and the order does not matter."""
    names = column_names(fields)

    assert set(names) == set(fields)
    for folded in map(sorted, destinations([*names.values(), *COLUMNS.converters])):
        assert sorted(set(folded)) == folded
    for name in names.values():
        assert re.fullmatch(r"custom(_[^\W_]+)+", name)
        assert name == name.lower()
        assert len(name.encode()) <= LONGEST_BYTES
    chance.shuffle(fields)
    assert column_names(fields) == names


@given(st.sets(NAMES, max_size=8), NAMES)
def test_column_names__a_field_more(fields: set[str], another: str) -> None:
    """With a field more a column keeps its meaning or is gone, and is never another field's."""
    before = {column: field for field, column in column_names(fields).items()}
    after = {column: field for field, column in column_names({*fields, another}).items()}

    for column in before.keys() & after.keys():
        assert before[column] == after[column]


def test_columns_of__sorted() -> None:
    """Columns come by name, in whatever order the API lists the fields."""
    fields = [CustomField("b", "text"), CustomField("C", "number"), CustomField("A", "moment")]
    expected = [
        CustomColumn("custom_a", "A", "moment"),
        CustomColumn("custom_b", "b", "text"),
        CustomColumn("custom_c", "C", "number"),
    ]

    assert columns_of(fields) == columns_of(reversed(fields)) == expected


def test_schema_properties__types() -> None:
    """A column says its type, its field's name as Autopilot has it, and that null is possible."""
    properties = schema_properties(columns_of([CustomField(f"A {it}", it) for it in TYPES]))

    titles = {name: column.pop("title") for name, column in properties.items()}
    assert titles["custom_a_text"] == "A text"
    described = {name: column.pop("description") for name, column in properties.items()}
    assert described["custom_a_text"] == 'The custom field "A text" of Autopilot.'
    assert properties == {
        "custom_a_boolean": {"type": ["null", "boolean"]},
        "custom_a_integer": {"type": ["null", "integer"]},
        "custom_a_moment": {
            "type": ["null", "string"],
            "format": "date-time",
            "airbyte_type": "timestamp_with_timezone",
        },
        "custom_a_number": {"type": ["null", "number"]},
        "custom_a_text": {"type": ["null", "string"]},
    }


FIELDS = st.lists(
    st.builds(CustomField, NAMES, st.sampled_from(TYPES)), unique_by=lambda field: field.name
)


@given(FIELDS)
def test_columns_of_schema__there_and_back(fields: list[CustomField]) -> None:
    """`read` finds in the schema the columns that discover has put there."""
    columns = columns_of(fields)
    schema = {"properties": {"name": {"type": "string"}, **schema_properties(columns)}}

    Draft7Validator.check_schema(schema)
    assert columns_of_schema(schema) == columns


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"type": ["null", "integer"]}, CustomColumn("custom_a", None, "integer")),
        ({"type": "number", "title": 7}, CustomColumn("custom_a", None, "number")),
        ({"type": "boolean", "title": ""}, CustomColumn("custom_a", "", "boolean")),
        ({"type": ["string", "integer"], "title": "A"}, CustomColumn("custom_a", "A", "text")),
        ({"title": "A"}, CustomColumn("custom_a", "A", "text")),
        ({"type": "string", "format": "date-time"}, CustomColumn("custom_a", None, "moment")),
    ],
)
def test_columns_of_schema__written_by_others(column: Any, expected: CustomColumn) -> None:
    """A schema that a platform or a person has changed is read as far as it goes."""
    assert columns_of_schema({"properties": {"custom_a": column}}) == [expected]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": None},
        {"properties": {}},
        {"properties": {"custom_fields": {"type": "array"}, "customer": {"type": "string"}}},
        {"properties": {"custom_a": True}},
    ],
)
def test_columns_of_schema__none(schema: dict[str, Any]) -> None:
    """A contact's own columns are no custom ones, nor is what is no column at all."""
    assert columns_of_schema(schema) == []
