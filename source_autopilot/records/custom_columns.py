"""Custom fields <-> columns of `contacts`: their names, and their properties in the schema. Pure.

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

from source_autopilot.records.contact import COLUMNS
from source_autopilot.records.custom_field import CustomField, Type
from source_autopilot.records.naming import snake_case

PREFIX = "custom_"
LONGEST_BYTES = 63  # of a column name in PostgreSQL, which cuts off the rest

_NOT_ASCII = re.compile(r"[^a-z0-9_]")
_PROPERTIES: Mapping[Type, Mapping[str, Any]] = {
    "text": {"type": ["null", "string"]},
    "integer": {"type": ["null", "integer"]},
    "number": {"type": ["null", "number"]},
    "boolean": {"type": ["null", "boolean"]},
    "moment": {
        "type": ["null", "string"],
        "format": "date-time",
        "airbyte_type": "timestamp_with_timezone",
    },
}


@dataclass(frozen=True)
class CustomColumn:
    """A column and the custom field whose values it holds; None if the schema does not say it."""

    name: str
    field: str | None
    type: Type


def columns_of(fields: Iterable[CustomField]) -> list[CustomColumn]:
    """The columns of the fields, each of which has another name, sorted by column name."""
    types = {field.name: field.type for field in fields}
    names = column_names(types)
    return sorted(
        (CustomColumn(names[field], field, type_) for field, type_ in types.items()),
        key=lambda column: column.name,
    )


def column_names(fields: Iterable[str]) -> dict[str, str]:
    """Field name -> column name: no two alike, nor after what destinations do to letters.

    A field has its plain name, unless that is unfit or another column wants it as well: then each
    of them has its marked name. The order of the fields does not matter.
    """
    fields = set(fields)
    for digits in (8, 16, 32):  # 8, unless two marks are equal
        names = _names(fields, digits)
        if max(_wanted(names.values()).values(), default=1) == 1:
            break
    return names


def plain_name(field: str) -> str | None:
    """`Test Field` -> `custom_test_field`; None without a letter or digit, or if it is too long."""
    name = PREFIX + snake_case(field)
    is_empty = not any(character.isalnum() for character in field)
    return None if is_empty or len(_utf8(name)) > LONGEST_BYTES else name


def marked_name(field: str, digits: int = 8) -> str:
    """`Test Field` -> `custom_test_field_` and hexadecimal digits that depend on the field alone.

    The digits are the first of the SHA-256 of the field's name; what is too long before them is cut
    off.
    """
    mark = "_" + hashlib.sha256(_utf8(field)).hexdigest()[:digits]
    stem = _utf8(PREFIX + snake_case(field))[: LONGEST_BYTES - len(mark)]
    return stem.decode(errors="ignore").rstrip("_") + mark


def schema_properties(columns: Iterable[CustomColumn]) -> dict[str, Any]:
    """The columns' properties in a JSON schema; the title is the field's name, letter by letter."""
    return {
        column.name: {
            "title": column.field,
            "description": f'The custom field "{column.field}" of Autopilot.',
            **_PROPERTIES[column.type],
        }
        for column in columns
    }


def columns_of_schema(schema: Mapping[str, Any]) -> list[CustomColumn]:
    """The custom columns in a schema that `schema_properties` is part of, as a catalog has it."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return []
    return [
        CustomColumn(name, _title(column), _type(column))
        for name, column in properties.items()
        if name.startswith(PREFIX)
        and name not in COLUMNS.converters
        and isinstance(column, Mapping)
    ]


def _names(fields: set[str], digits: int) -> dict[str, str]:
    plain = {field: name for field in fields if (name := plain_name(field))}
    marked = {field: marked_name(field, digits) for field in fields}
    wanted = _wanted([*plain.values(), *marked.values(), *COLUMNS.converters])
    free = {
        field: name
        for field, name in plain.items()
        if all(wanted[spelling] == 1 for spelling in _spellings(name))
    }
    return marked | free


def _wanted(names: Iterable[str]) -> Counter[str]:
    """How many columns may come under each spelling."""
    return Counter(spelling for name in names for spelling in _spellings(name))


def _spellings(name: str) -> set[str]:
    """The name as a destination may write it.

    PyAirbyte replaces what is not ASCII by an underscore, so that `custom_北京` and `custom_東京`
    would be one column; Airbyte's SQL destinations take accents off first; some ignore capitals.
    """
    bare = "".join(it for it in normalize("NFKD", name) if not combining(it))
    return {name.casefold(), _NOT_ASCII.sub("_", name), _NOT_ASCII.sub("_", bare.lower())}


def _title(column: Mapping[str, Any]) -> str | None:
    title = column.get("title")
    return title if isinstance(title, str) else None


def _type(column: Mapping[str, Any]) -> Type:
    declared = column.get("type")
    types = set(declared) if isinstance(declared, list) else {declared}
    if column.get("format") == "date-time":
        return "moment"
    for type_ in ("integer", "number", "boolean"):
        if types - {"null"} == {type_}:
            return type_
    return "text"


def _utf8(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
