"""A JSON object of the API -> a row with snake_case columns of declared types.

The one place that knows what happens when several fields want the same column.
"""

import re
import threading
from collections.abc import Container, Iterable, Mapping
from typing import Any

from source_autopilot.records.converters import Converter, convert_value, to_boolean, to_text

Row = dict[str, Any]

MAX_REMEMBERED_FIELDS = 10_000  # an account has dozens

# The published table layout has one word where the field has two capitals.
_AS_ONE_WORD = {"LinkedIn": "linkedin"}
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN_WORDS = re.compile(r"[\W_]+")

# A column, the type of values that it takes as they are, and the converter of all others.
Target = tuple[str, type | None, Converter]

# A converter returns these unchanged; not to call it for them saves 11 % of a page.
_KEPT_TYPES: Mapping[Converter, type] = {to_text: str, to_boolean: bool}


def make_target(column: str, convert: Converter) -> Target:
    """A column as the target of values that `convert` makes fit for it."""
    return column, _KEPT_TYPES.get(convert), convert


class Columns:
    """The columns of a table: how their values are converted, and which fields go into them.

    Attributes:
        converters: by column. A column without one keeps its values as they come.
        targets: of the fields that were looked up so far, while there are not too many.
        alike: those of these fields whose column another of them has, too.
    """

    def __init__(self, converters: Mapping[str, Converter]) -> None:
        self.converters = converters
        self.targets: dict[str, Target] = {}
        self.alike: frozenset[str] = frozenset()
        self._first_fields: dict[str, str] = {}
        self._lock = threading.Lock()

    def find(self, field: str) -> Target:
        """Where the values of a field go."""
        if field in self.targets:
            return self.targets[field]
        column = snake_case(field)
        target = make_target(column, self.converters.get(column, _keep))
        with self._lock:
            if not self.is_full:
                first = self._first_fields.setdefault(column, field)
                if first != field:
                    self.alike |= {first, field}
                self.targets[field] = target
        return target

    @property
    def is_full(self) -> bool:
        """Whether a field that turns up now is not remembered."""
        return len(self.targets) >= MAX_REMEMBERED_FIELDS


def to_row(document: Mapping[str, Any], columns: Columns) -> tuple[Row, list[str]]:
    """The row of a document, and the columns in it that rejected a value.

    A field without a converter keeps its value under its snake_case name. When several fields have
    the same snake_case name (`Unsubscribed`, `unsubscribed` [seen]), nulls and repeated values give
    way; the field that is spelled like the column gets it, else the first in spelling order; the
    others follow as `unsubscribed_2`, `unsubscribed_3`. The order of the fields does not matter.
    """
    rejected: list[str] = []
    return make_row(document, columns, rejected), rejected


def make_row(document: Mapping[str, Any], columns: Columns, rejected: list[str]) -> Row:
    """The row that `to_row` returns; `rejected` gets the columns in it that rejected a value."""
    row: Row = {}
    targets = columns.targets
    for field, value in document.items():
        try:  # to look here before `find` is called saves 9 % of a page
            column, kept_type, convert = targets[field]
        except KeyError:
            column, kept_type, convert = columns.find(field)
        if type(value) is not kept_type:
            value = convert_value(value, convert, column, rejected)
        row[column] = value
    if len(row) < len(document):
        _share_columns(row, document, columns)
    return row


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
    # To look only at these fields saves 4 % of a page.
    candidates = document.keys() if columns.is_full else document.keys() & columns.alike
    shared: dict[str, list[str]] = {}
    for field in candidates:
        column, _, _ = columns.find(field)
        shared.setdefault(column, []).append(field)
    for column, fields in shared.items():
        if len(fields) == 1:
            continue
        convert = columns.converters.get(column, _keep)
        ranked = sorted((field != column, field) for field in fields)
        # What is rejected has been counted by `to_row`.
        values = [convert_value(document[field], convert, column, []) for _, field in ranked]
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
