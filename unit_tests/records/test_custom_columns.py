"""Tests of `custom_columns`."""

import hashlib
import random
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from source_autopilot.errors import UnreadableFields
from source_autopilot.records.contact import COLUMNS
from source_autopilot.records.custom_columns import (
    BOOLEAN,
    FIELD_TYPES,
    INTEGER,
    MAX_COLUMN_NAME_BYTES,
    NUMBER,
    TEXT,
    TIMESTAMP,
    CustomColumn,
    CustomField,
    find_fields,
    make_columns,
    parse_columns,
    parse_fields,
    parse_known_fields,
    possible_names,
    schema_properties,
)
from unit_tests.support.documents import JSON, odd_contacts

NAMES = st.text(max_size=90) | st.text("Aa1 _-ßẞéB北京東", max_size=6)
TYPES = st.sampled_from(sorted(FIELD_TYPES.values(), key=lambda type_: type_.name))


def names_of(fields: Iterable[str]) -> dict[str, str]:
    """The names of the columns that are made of text fields, by field."""
    columns = make_columns(CustomField(field, TEXT) for field in fields)
    return {column.field: column.name for column in columns if column.field is not None}


def digits_of(field: str, count: int = 8) -> str:
    """The digits that mark a field."""
    return hashlib.sha256(field.encode()).hexdigest()[:count]


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
def test_make_columns__of_one_field(field: str, column: str) -> None:
    """A field alone has its plain name, or a marked one if that is no name for a column."""
    assert names_of([field]) == {field: column}


def test_make_columns__alike() -> None:
    """Where two fields want a column neither gets it: it might change its meaning later on."""
    assert names_of(["NPS score", "NPS-Score", "Score"]) == {
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
        ("é北x", "e x"),  # an accent and another script
    ],
)
def test_make_columns__alike_in_a_destination(one: str, other: str) -> None:
    """Letters of any script stay, but no destination gets two columns that it cannot tell apart."""
    assert names_of([one, other]) == {
        field: f"custom_{field.lower().replace(' ', '_')}_{digits_of(field)}"
        for field in (one, other)
    }


def test_make_columns__called_like_a_marked_one() -> None:
    """A field whose plain name is another's marked name gives way."""
    other = "Fields 616f48c1"

    assert names_of(["Fields", other]) == {
        "Fields": "custom_fields_616f48c1",
        other: f"custom_fields_616f48c1_{digits_of(other)}",
    }


def test_make_columns__equal_marks() -> None:
    """Two names that the digits cannot tell apart get more digits."""
    first, second = "NPS.!/,:score", "NPS :?+!.score"  # found by trying

    assert digits_of(first) == digits_of(second)
    assert names_of([first, second]) == {
        field: f"custom_nps_score_{digits_of(field, 16)}" for field in (first, second)
    }


def test_make_columns__cut_between_words() -> None:
    """A name that is cut off ends with a word, and its digits follow after one underscore."""
    field = "x" * 46 + " " + "y" * 20

    assert names_of([field]) == {field: f"custom_{'x' * 46}_{digits_of(field)}"}


def destinations(names: list[str]) -> Iterator[list[str]]:
    """The names as different destinations write them."""
    yield [name.casefold() for name in names]
    yield [re.sub("[^a-z0-9]", "_", name.lower()) for name in names]  # PyAirbyte
    plain = [unicodedata.normalize("NFKD", name) for name in names]
    letters = [
        "".join(char for char in name if unicodedata.category(char)[0] != "M") for name in plain
    ]
    yield [re.sub("[^A-Za-z0-9_]", "_", name).lower() for name in letters]  # Airbyte


@given(st.lists(NAMES, max_size=12), st.randoms(use_true_random=False))
def test_make_columns__any_fields(fields: list[str], chance: random.Random) -> None:
    """Names are valid, no two are alike, none is a contact's own, and the order does not matter."""
    names = names_of(fields)

    assert set(names) == set(fields)
    for folded in map(sorted, destinations([*names.values(), *COLUMNS.converters])):
        assert sorted(set(folded)) == folded
    for name in names.values():
        assert re.fullmatch(r"custom(_[^\W_]+)+", name)
        assert name == name.lower()
        assert len(name.encode()) <= MAX_COLUMN_NAME_BYTES
    chance.shuffle(fields)
    assert names_of(fields) == names


@given(st.sets(NAMES, max_size=8), NAMES)
def test_make_columns__a_field_more(fields: set[str], another: str) -> None:
    """With a field more a column keeps its meaning or is gone, and is never another field's."""
    before = {column: field for field, column in names_of(fields).items()}
    after = {column: field for field, column in names_of({*fields, another}).items()}

    for column in before.keys() & after.keys():
        assert before[column] == after[column]


def test_make_columns__sorted() -> None:
    """Columns come by name, in whatever order the API lists the fields."""
    fields = [CustomField("b", TEXT), CustomField("C", NUMBER), CustomField("A", TIMESTAMP)]
    expected = [
        CustomColumn("custom_a", "A", TIMESTAMP),
        CustomColumn("custom_b", "b", TEXT),
        CustomColumn("custom_c", "C", NUMBER),
    ]

    assert make_columns(fields) == make_columns(reversed(fields)) == expected


def test_schema_properties__types() -> None:
    """A column says its type, its field's name as Autopilot has it, and that null is possible."""
    properties = schema_properties(
        make_columns(CustomField(f"A {name}", type_) for name, type_ in FIELD_TYPES.items())
    )

    titles = {name: column.pop("title") for name, column in properties.items()}
    assert titles["custom_a_string"] == "A string"
    described = {name: column.pop("description") for name, column in properties.items()}
    assert described["custom_a_string"] == 'The custom field "A string" of Autopilot.'
    assert properties == {
        "custom_a_boolean": {"type": ["null", "boolean"]},
        "custom_a_integer": {"type": ["null", "integer"]},
        "custom_a_date": {
            "type": ["null", "string"],
            "format": "date-time",
            "airbyte_type": "timestamp_with_timezone",
        },
        "custom_a_float": {"type": ["null", "number"]},
        "custom_a_string": {"type": ["null", "string"]},
    }


FIELDS = st.lists(st.builds(CustomField, NAMES, TYPES), unique_by=lambda field: field.name)


@given(FIELDS)
def test_parse_columns__there_and_back(fields: list[CustomField]) -> None:
    """`read` finds in the schema the columns that discover has put there."""
    columns = make_columns(fields)
    schema = {"properties": {"name": {"type": "string"}, **schema_properties(columns)}}

    Draft7Validator.check_schema(schema)
    assert parse_columns(schema) == columns


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"type": ["null", "integer"]}, CustomColumn("custom_a", None, INTEGER)),
        ({"type": "number", "title": 7}, CustomColumn("custom_a", None, NUMBER)),
        ({"type": "boolean", "title": ""}, CustomColumn("custom_a", "", BOOLEAN)),
        ({"type": ["string", "integer"], "title": "A"}, CustomColumn("custom_a", "A", TEXT)),
        ({"title": "A"}, CustomColumn("custom_a", "A", TEXT)),
        ({"type": "string", "format": "date-time"}, CustomColumn("custom_a", None, TIMESTAMP)),
        ({"type": {"a": 1}}, CustomColumn("custom_a", None, TEXT)),
        ({"type": [["integer"], "null"]}, CustomColumn("custom_a", None, TEXT)),
    ],
)
def test_parse_columns__written_by_others(column: Any, expected: CustomColumn) -> None:
    """A schema that a platform or a person has changed is read as far as it goes."""
    assert parse_columns({"properties": {"custom_a": column}}) == [expected]


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
def test_parse_columns__none(schema: dict[str, Any]) -> None:
    """A contact's own columns are no custom ones, nor is what is no column at all."""
    assert parse_columns(schema) == []


@pytest.mark.parametrize(
    ("field_type", "expected"),
    [
        ("string", TEXT),
        ("integer", INTEGER),
        ("float", NUMBER),
        ("boolean", BOOLEAN),
        ("date", TIMESTAMP),
        ("Date", TIMESTAMP),
        ("list", TEXT),  # any other type
        ("", TEXT),
        (None, TEXT),
        (["date"], TEXT),
    ],
)
def test_parse_fields__types(field_type: Any, expected: Any) -> None:
    """Each type of the API has its column type, and what is unknown is text."""
    answer = [{"name": "Test Field", "fieldType": field_type}]

    assert parse_fields(answer) == [CustomField("Test Field", expected)]


SEATS = [CustomField("Seats", INTEGER)]


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
        [{"name": "Seats", "fieldType": "integer"}, {"deleted": "true"}, {"deleted": "True"}],
    ],
)
def test_parse_fields__shapes(answer: Any) -> None:
    """The list is known from clients only, so what looks much like it is taken for it."""
    assert parse_fields(answer) == SEATS


@pytest.mark.parametrize("answer", [[], {"custom_fields": []}])
def test_parse_fields__none(answer: Any) -> None:
    """An account without custom fields is no error."""
    assert parse_fields(answer) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"error": "Not Found"}, "its answer is something else"),
        ("custom fields", "its answer is not a list of fields"),
        ([{"fieldType": "integer"}], "an entry of its list has no name"),
    ],
)
def test_parse_fields__reason(answer: Any, reason: str) -> None:
    """The error says why the answer is none, for a sentence in the log."""
    with pytest.raises(UnreadableFields, match=f"^{reason}$"):
        parse_fields(answer)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "custom fields",
        7,
        {},
        {"error": "Not Found", "message": "Bookmark not found."},
        {"a": [], "b": []},  # ambiguous
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
def test_parse_fields__another_shape(answer: Any) -> None:
    """What cannot be a list of fields is an error, not an account without fields."""
    with pytest.raises(UnreadableFields):
        parse_fields(answer)


@given(JSON)
def test_parse_fields__any_json(answer: Any) -> None:
    """Whatever the API sends, it is fields, each name once, or the error that says it is none."""
    fields = []
    with suppress(UnreadableFields):
        fields = parse_fields(answer)

    assert [field.name for field in fields] == sorted({field.name for field in fields})


def test_parse_fields__a_name_twice() -> None:
    """A field that is there twice is one; with two types it is text, which holds both."""
    answer = [
        {"name": "Seats", "fieldType": "integer"},
        {"name": "Score", "fieldType": "float"},
        {"name": "Seats", "fieldType": "integer"},
        {"name": "Score", "fieldType": "date"},
    ]
    expected = [CustomField("Score", TEXT), CustomField("Seats", INTEGER)]

    for seed in range(5):
        random.Random(seed).shuffle(answer)  # noqa: S311 - no secret
        assert parse_fields(answer) == expected


def entry(kind: Any, field_type: Any = "string", **more: Any) -> dict[str, Any]:
    """An entry in a contact's custom_fields."""
    return {"kind": kind, "value": "x", "fieldType": field_type, **more}


def test_find_fields__those_that_are_there() -> None:
    """The fields of some contacts, each once, and without those that were deleted."""
    documents: list[dict[str, Any]] = [
        {"contact_id": "p1", "custom_fields": [entry("Seats", "integer"), entry("Old", deleted=1)]},
        {"contact_id": "p2"},
        {"contact_id": "p3", "custom_fields": None},
        {"contact_id": "p4", "custom_fields": [entry("Test Field"), entry("Seats", "integer")]},
        {"contact_id": "p5", "customFields": [entry("Score", "float")]},
    ]

    assert find_fields(documents) == [
        CustomField("Score", NUMBER),
        CustomField("Seats", INTEGER),
        CustomField("Test Field", TEXT),
    ]


@given(st.lists(odd_contacts(), max_size=3))
def test_find_fields__any_documents(documents: list[dict[str, Any]]) -> None:
    """Entries that are no custom fields are none, and never an error."""
    fields = find_fields(documents)

    assert [field.name for field in fields] == sorted({field.name for field in fields})


@given(st.lists(odd_contacts(), max_size=3), st.randoms(use_true_random=False))
def test_find_fields__order_of_contacts(
    documents: list[dict[str, Any]], chance: random.Random
) -> None:
    """The order of the contacts does not matter."""
    fields = find_fields(documents)
    chance.shuffle(documents)

    assert find_fields(documents) == fields


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("Test Field", ["custom_test_field", f"custom_test_field_{digits_of('Test Field')}"]),
        ("!!!", ["custom_unnamed_e84c538e"]),
    ],
)
def test_possible_names__in_order(field: str, names: list[str]) -> None:
    """The plain name comes first, where the field has one."""
    assert possible_names(field) == names


@given(st.sets(NAMES, max_size=6))
def test_possible_names__all_of_them(fields: set[str]) -> None:
    """A column has one of its field's possible names, whichever other fields there are."""
    for field, name in names_of(fields).items():
        assert name in possible_names(field)


@pytest.mark.parametrize(
    ("schema", "known"),
    [
        ({}, set()),  # of 0.2.0
        ({"x-custom-fields": ["Seats", 7, None]}, {"Seats"}),
        ({"x-custom-fields": "Seats"}, set()),
    ],
)
def test_parse_known_fields(schema: dict[str, Any], known: set[str]) -> None:
    """What discover knew, whatever became of it on its way."""
    assert parse_known_fields(schema) == known
