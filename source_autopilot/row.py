"""A JSON object of the API -> a row with snake_case columns of declared types.

The one place that knows what happens when two fields want the same column. Pure: takes the
columns' types from its caller and never changes the object that it reads.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain, count
from typing import Any, NamedTuple

from source_autopilot.naming import snake_case
from source_autopilot.values import UNCHANGED, Misfit, text

Row = dict[str, Any]
Converter = Callable[[Any], Any]
MOST_FIELDS = 10_000  # whose columns are remembered; accounts have dozens


class _Target(NamedTuple):
    """Where a field's values go: null, and those of the type `unchanged`, as they are."""

    column: str
    unchanged: type | None
    convert: Converter


class Columns(dict[str, _Target]):
    """Field -> where its values go: learned from the columns' converters as fields turn up.

    A field whose column has no converter keeps what comes.
    """

    def __init__(self, converters: Mapping[str, Converter]) -> None:
        super().__init__()
        self.converters = converters

    def __missing__(self, field: str) -> _Target:
        column = snake_case(field)
        convert = self.converters.get(column, _as_it_is)
        target = _Target(column, UNCHANGED.get(convert), convert)
        if len(self) < MOST_FIELDS:
            self[field] = target
        return target


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
    firsts: dict[str, str] = {}
    rivals: dict[str, list[str]] = {}
    for field in document:
        column = columns[field].column
        first = firsts.setdefault(column, field)
        if first is not field:
            rivals.setdefault(column, [first]).append(field)
    for column, fields in rivals.items():
        # Each on its own: a field that is alone in its document has no rival.
        claims = [(it, to_row({it: document[it]}, columns)[0][column]) for it in fields]
        row.update(_shared(column, claims, taken=set(row)))


def _shared(
    column: str, claims: list[tuple[str, Any]], *, taken: Collection[str]
) -> Iterator[tuple[str, Any]]:
    """The columns of fields that all want the same one."""
    claims.sort(key=lambda claim: (claim[0] != column, claim[0]))
    values = {text([value]): value for _, value in claims if value is not None}
    numbered = (name for n in count(2) if (name := f"{column}_{n}") not in taken)
    return zip(chain([column], numbered), list(values.values()) or [None], strict=False)
