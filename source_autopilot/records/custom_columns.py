"""Custom fields <-> columns of `contacts`: which fields there are, and the columns made of them.

A column that discover has named keeps its meaning: the schema says whose values it holds, and
`read` believes the schema. Why the names are as they are: docs/decisions/0007.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import combining, normalize

from source_autopilot.errors import UnreadableFields
from source_autopilot.records.contact import COLUMNS
from source_autopilot.records.converters import (
    Converter,
    to_boolean,
    to_integer,
    to_number,
    to_text,
)
from source_autopilot.records.rows import snake_case
from source_autopilot.records.timestamps import to_custom_date

PREFIX = "custom_"
# In a schema of contacts: the fields that discover knew. A platform takes the columns that a person
# left out from the schema's properties, and leaves the rest of the schema as it is.
KNOWN_FIELDS = "x-custom-fields"
MAX_COLUMN_NAME_BYTES = 63  # PostgreSQL cuts off the rest
# What deleted fields have in `deleted`: true [doc], perhaps as text [guess].
DELETED = (True, "true", "True")

_NOT_IN_ASCII_NAMES = re.compile(r"[^a-z0-9_]")
_NAME_KEYS = ("name", "kind")
_TYPE_KEYS = ("fieldType", "field_type", "type")


@dataclass(frozen=True, eq=False)
class FieldType:
    """A type of custom fields.

    Attributes:
        name: what Autopilot calls it.
        json_schema: of a column of this type.
        convert: makes a value fit for the column.
    """

    name: str
    json_schema: Mapping[str, Any]
    convert: Converter


# string, integer, boolean, date [seen]; float [client]. A field of any other type is TEXT.
TEXT = FieldType("string", {"type": ["null", "string"]}, to_text)
INTEGER = FieldType("integer", {"type": ["null", "integer"]}, to_integer)
NUMBER = FieldType("float", {"type": ["null", "number"]}, to_number)
BOOLEAN = FieldType("boolean", {"type": ["null", "boolean"]}, to_boolean)
TIMESTAMP = FieldType(
    "date",
    {
        "type": ["null", "string"],
        "format": "date-time",
        "airbyte_type": "timestamp_with_timezone",
    },
    to_custom_date,
)
FIELD_TYPES = {type_.name: type_ for type_ in (TEXT, INTEGER, NUMBER, BOOLEAN, TIMESTAMP)}


@dataclass(frozen=True)
class CustomField:
    """A custom field: its name, exactly as Autopilot has it, and its type."""

    name: str
    type: FieldType


@dataclass(frozen=True)
class CustomColumn:
    """A column and the custom field whose values it holds; None if the schema does not say it."""

    name: str
    field: str | None
    type: FieldType


def parse_fields(answer: Any) -> list[CustomField]:
    """The fields in the decoded answer of `GET /contacts/custom_fields`, each name once.

    Args:
        answer: `[{"name": "Test Field", "fieldType": "string"}]` [client F, L], or an object that
            holds one such array [guess]. Fields that are marked as deleted, as in contacts, are
            left out [guess]; a field without a type is text.

    Raises UnreadableFields.
    """
    fields = [_parse_field(entry) for entry in _find_list(answer) if not is_deleted(entry)]
    if None in fields:
        raise UnreadableFields("an entry of its list has no name")
    return _merge_fields(fields)


def find_fields(documents: Iterable[Mapping[str, Any]]) -> list[CustomField]:
    """The fields in the `custom_fields` of contacts, each name once, without the deleted ones."""
    entries = [entry for document in documents for entry in find_entries(document)]
    fields = [_parse_field(entry) for entry in entries if not is_deleted(entry)]
    return _merge_fields(fields)


def find_entries(document: Mapping[str, Any]) -> list[Any]:
    """The entries of a contact's `custom_fields`, however that field is spelled."""
    entries = document.get("custom_fields")
    if entries is None:
        held = [field for field, value in document.items() if value is not None]
        alike = [field for field in held if COLUMNS.name_column(field) == "custom_fields"]
        entries = document[min(alike)] if alike else None
    return entries if isinstance(entries, list) else []


def is_deleted(entry: Any) -> bool:
    """Whether an entry's field has been deleted in Autopilot."""
    return isinstance(entry, dict) and entry.get("deleted") in DELETED


def make_columns(fields: Iterable[CustomField]) -> list[CustomColumn]:
    """The columns of fields, sorted by name.

    No two names are alike, nor after what destinations do to letters. A field has its plain name,
    such as `custom_test_field`, unless that is unfit or another column wants it as well: then each
    of them has its marked name, such as `custom_test_field_9c2e0d1b`, whose digits depend on the
    field alone. The order of the fields does not matter.
    """
    types = {field.name: field.type for field in fields}
    names = sorted((name, field) for field, name in _name_columns(types).items())
    return [CustomColumn(name, field, types[field]) for name, field in names]


def possible_names(field: str) -> list[str]:
    """The names that a column of the field may have."""
    return [name for name in (_plain_name(field), _marked_name(field)) if name]


def schema_properties(columns: Iterable[CustomColumn]) -> dict[str, Any]:
    """The columns' properties in a JSON schema; the title is the field's name, letter by letter."""
    return {
        column.name: {
            "title": column.field,
            "description": f'The custom field "{column.field}" of Autopilot.',
            **column.type.json_schema,
        }
        for column in columns
    }


def parse_columns(schema: Mapping[str, Any]) -> list[CustomColumn]:
    """The custom columns in a JSON schema of contacts, as a catalog has it."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return []
    columns = []
    for name, column in properties.items():
        is_custom = name.startswith(PREFIX) and name not in COLUMNS.converters
        if is_custom and isinstance(column, Mapping):
            title = column.get("title")
            field = title if isinstance(title, str) else None
            columns.append(CustomColumn(name, field, _parse_type(column)))
    return columns


def parse_known_fields(schema: Mapping[str, Any]) -> frozenset[str]:
    """The fields that discover knew, in a JSON schema of contacts; none in one of 0.2.0."""
    known = schema.get(KNOWN_FIELDS)
    fields = known if isinstance(known, list) else []
    return frozenset(field for field in fields if isinstance(field, str))


def _find_list(answer: Any) -> list[Any]:
    """The list of fields in an answer. Raises UnreadableFields."""
    if isinstance(answer, dict):
        # An API that has no such endpoint may take "custom_fields" for a bookmark of contacts.
        if "contacts" in answer or "error" in answer:
            raise UnreadableFields("its answer is something else")
        arrays = [value for value in answer.values() if isinstance(value, list)]
        answer = arrays[0] if len(arrays) == 1 else None
    if not isinstance(answer, list):
        raise UnreadableFields("its answer is not a list of fields")
    return answer


def _parse_field(entry: Any) -> CustomField | None:
    """The field of an entry, in the list of fields or in a contact; None if it has no name."""
    if not isinstance(entry, dict):
        return None
    name = next((entry[key] for key in _NAME_KEYS if key in entry), None)
    if not isinstance(name, str):
        return None
    type_name = next((entry[key] for key in _TYPE_KEYS if key in entry), None)
    return CustomField(name, FIELD_TYPES.get(str(type_name).lower(), TEXT))


def _merge_fields(fields: Iterable[CustomField | None]) -> list[CustomField]:
    """Each field once, by name; one that comes with several types is TEXT, which holds all."""
    types: dict[str, FieldType] = {}
    for field in fields:
        if field and types.setdefault(field.name, field.type) is not field.type:
            types[field.name] = TEXT
    return [CustomField(name, type_) for name, type_ in sorted(types.items())]


def _name_columns(fields: Iterable[str]) -> dict[str, str]:
    """Field name -> column name."""
    marked = {field: _marked_name(field) for field in fields}
    if max(_count_spellings(marked.values()).values(), default=0) > 1:  # hashes that begin alike
        marked = {field: _marked_name(field, digits=16) for field in fields}
    plain = {field: name for field in fields if (name := _plain_name(field))}
    count = _count_spellings([*plain.values(), *marked.values(), *COLUMNS.converters])
    unique = {
        field: name
        for field, name in plain.items()
        if all(count[spelling] == 1 for spelling in _spellings(name))
    }
    return marked | unique


def _plain_name(field: str) -> str | None:
    """`Test Field` -> `custom_test_field`; None without a letter or digit, or if it is too long."""
    name = PREFIX + snake_case(field)
    is_empty = not any(character.isalnum() for character in field)
    return None if is_empty or len(name.encode()) > MAX_COLUMN_NAME_BYTES else name


def _marked_name(field: str, digits: int = 8) -> str:
    """`Test Field` -> `custom_test_field_` and the first digits of the SHA-256 of `Test Field`.

    What is too long before the digits is cut off.
    """
    mark = "_" + hashlib.sha256(field.encode()).hexdigest()[:digits]
    stem = (PREFIX + snake_case(field)).encode()[: MAX_COLUMN_NAME_BYTES - len(mark)]
    return stem.decode(errors="ignore").rstrip("_") + mark


def _count_spellings(names: Iterable[str]) -> Counter[str]:
    return Counter(spelling for name in names for spelling in _spellings(name))


def _spellings(name: str) -> set[str]:
    """The name as destinations may write it.

    PyAirbyte replaces what is not ASCII by an underscore, so that `custom_北京` and `custom_東京`
    would be one column; Airbyte's SQL destinations take accents off first; some ignore capitals.
    """
    letters = [letter for letter in normalize("NFKD", name) if not combining(letter)]
    without_accents = "".join(letters).lower()
    return {
        name.casefold(),
        _NOT_IN_ASCII_NAMES.sub("_", name),
        _NOT_IN_ASCII_NAMES.sub("_", without_accents),
    }


def _parse_type(column: Mapping[str, Any]) -> FieldType:
    """The type of a column as a platform or a person may have written it."""
    if column.get("format") == "date-time":
        return TIMESTAMP
    declared = column.get("type")
    json_types = declared if isinstance(declared, list) else [declared]
    not_null = [json_type for json_type in json_types if json_type != "null"]
    types = [type_ for type_ in FIELD_TYPES.values() if type_.json_schema["type"][1:] == not_null]
    return types[0] if types else TEXT
