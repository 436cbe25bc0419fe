"""A JSON object of the API -> a row with snake_case columns of declared types.

The one place that knows what happens when two fields want the same column. Pure: takes the
columns' types from its caller and never changes the object that it reads.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain, count
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
    rivals: dict[str, list[tuple[str, Any]]] = {}
    for field, value in document.items():
        column = snake_case(field)
        if value is not None and column in converters:
            try:
                value = converters[column](value)
            except Misfit as misfit:
                value = misfit.instead
                misfits.append(column)
        if column in row:
            if column not in rivals:
                first = next(it for it in document if snake_case(it) == column)
                rivals[column] = [(first, row[column])]
            rivals[column].append((field, value))
        else:
            row[column] = value
    for column, claims in rivals.items():
        row.update(_shared(column, claims, taken=set(row)))
    return row, misfits


def _shared(
    column: str, claims: list[tuple[str, Any]], *, taken: Collection[str]
) -> Iterator[tuple[str, Any]]:
    """The columns of fields that all want the same one."""
    claims.sort(key=lambda claim: (claim[0] != column, claim[0]))
    values = {text([value]): value for _, value in claims if value is not None}
    numbered = (name for n in count(2) if (name := f"{column}_{n}") not in taken)
    return zip(chain([column], numbered), list(values.values()) or [None], strict=False)
