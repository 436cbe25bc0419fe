"""A JSON object of the API -> a row with snake_case columns of declared types.

The one place that knows what happens when two fields want the same column. Pure: takes the
columns' types from its caller and never changes the object that it reads.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import count
from typing import Any

from source_autopilot.naming import snake_case
from source_autopilot.values import Misfit, text

Row = dict[str, Any]
Converters = Mapping[str, Callable[[Any], Any]]


def to_row(document: Mapping[str, Any], converters: Converters) -> tuple[Row, list[str]]:
    """The row of a document, and the columns in it whose value did not fit their type.

    A field without a converter keeps its value under its snake_case name. When several fields
    have the same snake_case name (`Unsubscribed`, `unsubscribed`), nulls and repeated values give
    way; the field that is spelled like the column gets it, else the first in spelling order; the
    others follow as `unsubscribed_2`, `unsubscribed_3`. The order of the fields does not matter.
    """
    row: Row = {}
    misfits: list[str] = []
    for field, value in document.items():
        column = snake_case(field)
        if column in row:
            return _row_of_rivals(document, converters)
        row[column] = _fitted(value, column, converters, misfits)
    return row, misfits


def _fitted(value: Any, column: str, converters: Converters, misfits: list[str]) -> Any:
    convert = converters.get(column)
    if convert is None or value is None:
        return value
    try:
        return convert(value)
    except Misfit as misfit:
        misfits.append(column)
        return misfit.instead


def _row_of_rivals(document: Mapping[str, Any], converters: Converters) -> tuple[Row, list[str]]:
    rivals: dict[str, list[str]] = {}
    for field in sorted(document):
        rivals.setdefault(snake_case(field), []).append(field)
    row: Row = {}
    misfits: list[str] = []
    for column, fields in rivals.items():
        fields.sort(key=column.__ne__)
        values = [_fitted(document[field], column, converters, misfits) for field in fields]
        row.update(zip(_names(column, taken=rivals), _distinct(values), strict=False))
    return row, misfits


def _names(column: str, *, taken: Collection[str]) -> Iterator[str]:
    yield column
    yield from (name for n in count(2) if (name := f"{column}_{n}") not in taken)


def _distinct(values: list[Any]) -> list[Any]:
    """The values without nulls and repetitions, but at least one."""
    by_spelling = {text([value]): value for value in values if value is not None}
    return list(by_spelling.values()) or [None]
