"""A JSON object of the API -> a row with snake_case columns of declared types.

The one place that knows what happens when two fields want the same column. Pure: takes the
columns' types from its caller and never changes the object that it reads.
"""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from source_autopilot.records.converters import UNCHANGED, Misfit, text
from source_autopilot.records.naming import snake_case

Row = dict[str, Any]
Converter = Callable[[Any], Any]
MOST_FIELDS = 10_000  # whose columns are remembered; accounts have dozens


# Where a field's values go: the column; null, and those of this type, as they are; the others
# converted. No named tuple, which takes three times as long to unpack.
Target = tuple[str, type | None, Converter]


def target(column: str, convert: Converter) -> Target:
    """The target of a field whose values `convert` makes fit for the column."""
    return column, UNCHANGED.get(convert), convert


class Columns(dict[str, Target]):
    """Field -> where its values go: learned from the columns' converters as fields turn up.

    A field whose column has no converter keeps what comes.

    Attributes:
        contested: the fields whose column another field has too, of those that are remembered;
            some more than once. Workers add to it while others go through it.
    """

    def __init__(self, converters: Mapping[str, Converter]) -> None:
        super().__init__()
        self.converters = converters
        self.contested: list[str] = []
        self._first_fields: dict[str, str] = {}

    def __missing__(self, field: str) -> Target:
        column = snake_case(field)
        learned = target(column, self.converters.get(column, _as_it_is))
        if self.remembers_all:
            first = self._first_fields.setdefault(column, field)
            if first != field:
                self.contested.extend([first, field])
            self[field] = learned
        return learned

    @property
    def remembers_all(self) -> bool:
        """Whether all fields that turned up are remembered."""
        return len(self) < MOST_FIELDS


def to_row(document: Mapping[str, Any], columns: Columns) -> tuple[Row, list[str]]:
    """The row of a document, and the columns in it whose value did not fit their type.

    A field without a converter keeps its value under its snake_case name. When several fields
    have the same snake_case name (`Unsubscribed`, `unsubscribed`), nulls and repeated values give
    way; the field that is spelled like the column gets it, else the first in spelling order; the
    others follow as `unsubscribed_2`, `unsubscribed_3`. The order of the fields does not matter.
    """
    row: Row = {}
    misfits: list[str] = []
    for field, value in document.items():
        column, unchanged, convert = columns[field]
        if type(value) is not unchanged and value is not None:
            try:
                value = convert(value)
            except Misfit as misfit:
                value = misfit.instead
                misfits.append(column)
        row[column] = value
    if len(row) < len(document):
        _settle_rivals(row, document, columns)
    return row, misfits


def _as_it_is(value: Any) -> Any:
    return value


def _settle_rivals(row: Row, document: Mapping[str, Any], columns: Columns) -> None:
    """Give every field of those that share a column its place in the row."""
    rivals: dict[str, set[str]] = {}
    for field in columns.contested if columns.remembers_all else document:
        if field in document:
            rivals.setdefault(columns[field][0], set()).add(field)
    for column, fields in rivals.items():
        if len(fields) > 1:
            ranked = sorted(fields, key=lambda field: (field != column, field))
            # Each on its own: a field that is alone in its document has no rival.
            claims = [to_row({field: document[field]}, columns)[0][column] for field in ranked]
            _share(row, column, claims)


def _share(row: Row, column: str, claims: list[Any]) -> None:
    """Put the values of fields that all want the same column into the row, the first one there."""
    values = {text([value]): value for value in claims if value is not None}
    row[column], *others = values.values() or [None]
    for value in others:
        row[next(name for n in count(2) if (name := f"{column}_{n}") not in row)] = value
