"""Tests that docs/autopilot.md says what becomes of each spelling of a value."""

import json
from pathlib import Path
from typing import Any

import pytest

from docs_tests.tables import table_under
from source_autopilot.records.converters import (
    Converter,
    Rejected,
    to_boolean,
    to_integer,
    to_number,
)
from source_autopilot.records.timestamps import to_custom_date, to_timestamp

PAGE = (Path(__file__).parent.parent / "docs" / "autopilot.md").read_text()


def describe(converted: Any) -> str:
    """What became of a value, in the page's words."""
    if isinstance(converted, Rejected):
        return "does not fit"
    if converted is None:
        return "null"
    return f"`{converted if isinstance(converted, str) else json.dumps(converted)}`"


@pytest.mark.parametrize(
    ("section", "converters"),
    [
        ("Spellings of times", [to_timestamp, to_custom_date]),
        ("Spellings of numbers and booleans", [to_boolean, to_integer, to_number]),
    ],
)
def test_page__spellings(section: str, converters: list[Converter]) -> None:
    """Each value of the table becomes what its row says."""
    rows = table_under(section, PAGE)

    assert len(rows) >= 10
    for spelling, *expected in rows:
        value = json.loads(spelling.strip("`"))
        assert [describe(convert(value)) for convert in converters] == expected, spelling
