"""A JSON object of the API -> a row with snake_case columns of declared types.

The one place that knows what happens when several fields want the same column.
"""

import re
from collections.abc import Container, Iterable, Mapping
from typing import Any

from source_autopilot.records.converters import Converter, convert_value, to_boolean, to_text

Row = dict[str, Any]

MAX_REMEMBERED_FIELDS = 10_000  # an account has dozens

# The published table layout has one word where the field has two capitals.
_AS_ONE_WORD = {"LinkedIn": "linkedin"}
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


# The column of a field, the type of the values that it keeps as they are, and its converter.
Target = tuple[str, type | None, Converter]

# What the converter would return unchanged: not to call it saves ?? of a page.
_KEPT_TYPES: Mapping[Converter, type] = {to_text: str, to_boolean: bool}


class Columns:
    """The columns of a table: how their values are converted, and which fields go into them.

    Attributes:
        converters: by column. A column without one keeps its values as they come.
        targets: of the fields that were looked up so far.
    """

    def __init__(self, converters: Mapping[str, Converter]) -> None:
        self.converters = converters
        self.targets: dict[str, Target] = {}

    def find(self, field: str) -> Target:
        """Where the values of a field go."""
        return self.targets.get(field) or self._look_up(field)

    def _look_up(self, field: str) -> Target:
        column = snake_case(field)
        convert = self.converters.get(column, _keep)
        target = column, _KEPT_TYPES.get(convert), convert
        if len(self.targets) < MAX_REMEMBERED_FIELDS:
            self.targets[field] = target
        return target


def to_row(document: Mapping[str, Any], columns: Columns) -> tuple[Row, list[str]]:
    """The row of a document, and the columns in it that rejected a value.

    A field without a converter keeps its value under its snake_case name. When several fields have
    the same snake_case name (`Unsubscribed`, `unsubscribed` [seen]), nulls and repeated values give
    way; the field that is spelled like the column gets it, else the first in spelling order; the
    others follow as `unsubscribed_2`, `unsubscribed_3`. The order of the fields does not matter.
    """
    row: Row = {}
    rejected: list[str] = []
    targets = columns.targets
    for field, value in document.items():
        try:  # to look here first saves ?? of a page
            column, kept_type, convert = targets[field]
        except KeyError:
            column, kept_type, convert = columns.find(field)
        if type(value) is not kept_type:
            value = convert_value(value, convert, column, rejected)
        row[column] = value
    if len(row) < len(document):
        _share_columns(row, document, columns)
    return row, rejected


def snake_case(field: str) -> str:
    """The column of a field: `MailingPostalCode` -> `mailing_postal_code`.

    Letters of any script and digits stay, everything else separates words. A field without any
    of them is called `unnamed`, because a column needs a name.
    """
    if field in _AS_ONE_WORD:
        return _AS_ONE_WORD[field]
    words = _WORD_STARTS.sub("_", field).lower()
    return _BETWEEN_WORDS.sub("_", words).strip("_") or "unnamed"


def free_name(column: str, taken: Container[str]) -> str:
    """`column_2`, or with the first number from there on that makes a name which is not taken."""
    number = 2
    while f"{column}_{number}" in taken:
        number += 1
    return f"{column}_{number}"


def _keep(value: Any) -> Any:
    return value


def _share_columns(row: Row, document: Mapping[str, Any], columns: Columns) -> None:
    """Give each of the fields that want the same column a column of the row."""
    fields: dict[str, str] = {}
    shared: dict[str, list[str]] = {}
    for field in document:
        column, _, _ = columns.find(field)
        if column in fields:
            shared.setdefault(column, [fields[column]]).append(field)
        else:
            fields[column] = field
    for column, rivals in shared.items():
        convert = columns.converters.get(column, _keep)
        by_rank = sorted((field != column, field) for field in rivals)
        # What is rejected has been counted by `to_row`.
        values = [convert_value(document[field], convert, column, []) for _, field in by_rank]
        _place_values(row, column, values)


def _place_values(row: Row, column: str, values: Iterable[Any]) -> None:
    """Put each value once into the row, the first one into the column."""
    row[column] = None
    placed = set()
    for value in values:
        as_text = to_text([value])
        if value is not None and as_text not in placed:
            placed.add(as_text)
            row[column if row[column] is None else free_name(column, row)] = value
