"""A JSON object of the API -> a row with snake_case columns of declared types.

The one place that knows what happens to a field that has no column, whose value does not fit its
column, or whose column another field has: docs/decisions/0012-no-field-is-lost.md.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from source_autopilot.records.converters import Converter, Rejected, to_boolean, to_text

Row = dict[str, Any]
Misfit = tuple[str, Any]
"""A column, and a value that did not fit its type."""

OTHER_FIELDS = "other_fields"
MAX_REMEMBERED_FIELDS = 10_000  # an account has dozens

_LEFT_OUT = frozenset({"_id", "_rev"})  # the store's own
# The published table layout has one word where the field has two capitals.
_AS_ONE_WORD = {"LinkedIn": "linkedin"}
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN_WORDS = re.compile(r"[\W_]+")

# A column, the type of values that it takes as they are, and the converter of all others.
Target = tuple[str, type | None, Converter]
NoTarget = tuple[None, None, Converter]

# A converter returns these unchanged; not to call it for them saves 11 % of a page.
_KEPT_TYPES: Mapping[Converter, type] = {to_text: str, to_boolean: bool}


def make_target(column: str, convert: Converter) -> Target:
    """A column as the target of values that `convert` makes fit for it."""
    return column, _KEPT_TYPES.get(convert), convert


_NO_TARGET: NoTarget = (None, None, to_text)


class Columns:
    """The columns of a table: how their values are converted, and which fields go into them.

    Attributes:
        converters: by column.
        targets: of the fields that were looked up so far, while there are not too many.
    """

    def __init__(self, converters: Mapping[str, Converter]) -> None:
        self.converters = converters
        self.targets: dict[str, Target | NoTarget] = {}

    def find(self, field: str) -> Target | NoTarget:
        """Where the values of a field go."""
        if field in self.targets:
            return self.targets[field]
        column = snake_case(field)
        convert = self.converters.get(column)
        target = make_target(column, convert) if convert else _NO_TARGET
        if len(self.targets) < MAX_REMEMBERED_FIELDS:
            self.targets[field] = target
        return target

    def name_column(self, field: str) -> str:
        """The column that has the values of a field."""
        return self.find(field)[0] or OTHER_FIELDS


def to_row(document: Mapping[str, Any], columns: Columns) -> tuple[Row, list[Misfit]]:
    """The row of a document, and what did not fit its column: it is null there.

    `other_fields` has what no column has, as it came: fields without a column, values that did not
    fit, and the values of fields that have to share a column (`Unsubscribed`, `unsubscribed`
    [seen]). Of these, nulls give way; the field that is spelled like the column gets it, else the
    first in spelling order. The order of the fields in the document does not matter.
    """
    row, other, misfits = fill_columns(document, columns)
    if other:
        row[OTHER_FIELDS] = other
    return row, list(misfits)


def fill_columns(
    document: Mapping[str, Any], columns: Columns
) -> tuple[Row, dict[str, Any], Sequence[Misfit]]:
    """The columns of a document, its other fields, and what did not fit, as for `to_row`."""
    row: Row = {}
    aside: dict[str, Any] = {}
    unknown = 0
    targets = columns.targets
    for field, value in document.items():
        try:  # to look here before `find` is called saves 9 % of a page
            column, kept_type, convert = targets[field]
        except KeyError:
            column, kept_type, convert = columns.find(field)
        if column is None:
            aside[field] = value
            unknown += 1
            continue
        if type(value) is not kept_type and value is not None:
            value = convert(value)
            if type(value) is Rejected:
                aside[field] = value
                value = value.replacement
        row[column] = value
    if len(row) + unknown < len(document):
        aside = _settle_rivals(row, document, columns) | aside
    return (row, *_sort_out(aside, document, columns)) if aside else (row, aside, ())


def snake_case(field: str) -> str:
    """The column of a field: `MailingPostalCode` -> `mailing_postal_code`.

    Letters of any script and digits stay, everything else separates words. A field without any
    of them is called `unnamed`, because a column needs a name.
    """
    if field in _AS_ONE_WORD:
        return _AS_ONE_WORD[field]
    words = _WORD_STARTS.sub("_", field).lower()
    return _BETWEEN_WORDS.sub("_", words).strip("_") or "unnamed"


def _settle_rivals(row: Row, document: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Give each column that several fields want to one of them; returns what the others have."""
    rivals: dict[str, list[str]] = {}
    for field in document:
        column = columns.find(field)[0]
        if column:
            rivals.setdefault(column, []).append(field)
    losers = {}
    for column, fields in rivals.items():
        if len(fields) == 1:
            continue
        row[column] = None
        for _, field in sorted((field != column, field) for field in fields):
            value = _convert(document[field], columns.converters[column])
            if row[column] is None:
                row[column] = value
            elif value is not None and value != row[column]:
                losers[field] = document[field]
    return losers


def _sort_out(
    aside: Mapping[str, Any], document: Mapping[str, Any], columns: Columns
) -> tuple[dict[str, Any], list[Misfit]]:
    """The fields of a document that are worth keeping aside, and those values that did not fit."""
    kept = {
        field: document[field]
        for field in aside
        if document[field] is not None and field not in _LEFT_OUT
    }
    misfits = [
        (columns.name_column(field), rejection.example)
        for field, rejection in aside.items()
        if isinstance(rejection, Rejected) and rejection.example is not None
    ]
    return kept, misfits


def _convert(value: Any, convert: Converter) -> Any:
    converted = None if value is None else convert(value)
    return converted.replacement if isinstance(converted, Rejected) else converted
