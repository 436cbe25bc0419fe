"""Tests that docs/custom-fields.md says what the code does."""

import re
from pathlib import Path
from typing import Any

from docs_tests.tables import table_under
from source_autopilot.records.custom_columns import (
    TEXT,
    CustomField,
    make_columns,
    parse_fields,
    schema_properties,
)

PAGE = (Path(__file__).parent.parent / "docs" / "custom-fields.md").read_text()
WORDS: dict[str, dict[str, Any]] = {
    "text": {"type": ["null", "string"]},
    "integer of 64 bits": {"type": ["null", "integer"]},
    "number": {"type": ["null", "number"]},
    "boolean": {"type": ["null", "boolean"]},
    "timestamp with time zone": {
        "type": ["null", "string"],
        "format": "date-time",
        "airbyte_type": "timestamp_with_timezone",
    },
}


def test_names__as_the_page_says() -> None:
    """Every example of a name is what discover makes of these fields."""
    rows = table_under("Names", PAGE)
    assert len(rows) > 5
    for fields, names, _ in rows:
        quoted = re.findall("`(.+?)`", fields)
        columns = make_columns(CustomField(field, TEXT) for field in quoted)
        expected = dict(zip(quoted, re.findall("`(.+?)`", names), strict=True))
        assert {column.field: column.name for column in columns} == expected


def test_types__as_the_page_says() -> None:
    """Every type of Autopilot's has the column that the page says."""
    rows = table_under("Types", PAGE)
    assert [row[0] for row in rows] == [
        "`string`", "`integer`", "`float`", "`boolean`", "`date`", "any other"
    ]  # fmt: skip
    for field_type, words, _ in rows:
        answer = [{"name": "A", "fieldType": field_type.strip("`")}]
        [property_] = schema_properties(make_columns(parse_fields(answer))).values()
        assert {name: property_.get(name) for name in WORDS[words]} == WORDS[words]
        assert property_.get("format") == WORDS[words].get("format")
