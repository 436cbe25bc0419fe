"""A contact's `custom_fields` -> the values of its custom columns.

Counts what finds no column, so that the stream can say it once at its end.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from source_autopilot.records.converters import Rejected
from source_autopilot.records.custom_columns import (
    DELETED,
    CustomColumn,
    find_entries,
    is_deleted,
    possible_names,
)
from source_autopilot.records.rows import Misfit, Row, Target, make_target

MAX_UNMAPPED_FIELDS = 1000
MAX_NAMES_IN_LOG = 10
MAX_NAME_LENGTH_IN_LOG = 80


class CustomValues:
    """Fills the custom columns of one stream's rows. For one worker at a time.

    A field without a column is no news if it is one of `known`: then it was left out on purpose.
    """

    def __init__(
        self, columns: Iterable[CustomColumn], *, known: Collection[str] = frozenset()
    ) -> None:
        columns = list(columns)
        self._known = known
        # None for a field that was met and has no column: to find that out takes 7 us.
        self._targets: dict[str, Target | None] = {
            column.field: make_target(column.name, column.type.convert)
            for column in columns
            if column.field is not None
        }
        self._untitled = {
            column.name: make_target(column.name, column.type.convert)
            for column in columns
            if column.field is None
        }
        self._unmapped: set[str] = set()
        self._repeated = 0

    def fill(self, row: Row, document: Mapping[str, Any]) -> list[Misfit]:
        """Put the values of a contact's document into its row.

        Returns the values that did not fit their column; it is null then. A deleted entry fills no
        column. Of several values for one column the first that is not null is in it.
        """
        misfits: list[Misfit] = []
        target: Target | None
        for entry in find_entries(document):
            try:
                target = self._targets[entry["kind"]]
            except (KeyError, TypeError):  # a field that was not met before, or no entry at all
                target = self._find_target(entry)
            if target is None or entry.get("deleted") in DELETED:
                continue
            column, kept_type, convert = target
            value = entry.get("value")
            if type(value) is not kept_type and value is not None:
                value = convert(value)
                if type(value) is Rejected:
                    misfits.append((column, value.example))
                    value = value.replacement
            if row.get(column) is None:
                row[column] = value
            elif value is not None and value != row[column]:
                self._repeated += 1
        return misfits

    def notes(self) -> Iterator[str]:
        """What a person should know of the contacts so far, in sentences; counting begins again."""
        # A worker may still be filling rows when the sync is stopped.
        unmapped, self._unmapped = self._unmapped, set()
        for field in unmapped:
            self._targets.pop(field, None)
        repeated, self._repeated = self._repeated, 0
        if unmapped:
            yield (
                f"custom fields without a column of their own: {_list_names(sorted(unmapped))}."
                " Their values are in the column custom_fields only; refresh the source's schema"
                " to get columns for them."
            )
        if repeated:
            yield (
                f"{repeated} values are in the column custom_fields only, because the contact has"
                " another value before them in the same custom field."
            )

    def _find_target(self, entry: Any) -> Target | None:
        """A column without a title for an entry's field; counts the field if there is none."""
        field = entry.get("kind") if isinstance(entry, dict) else None
        if not isinstance(field, str) or is_deleted(entry):
            return None
        names = (name for name in possible_names(field) if name in self._untitled)
        target = next(map(self._untitled.pop, names), None)
        if target is None and field not in self._known:
            if len(self._unmapped) >= MAX_UNMAPPED_FIELDS:
                return None
            self._unmapped.add(field)
        self._targets[field] = target
        return target


def _list_names(fields: list[str]) -> str:
    """The first names, each on one line and not too long, and how many more there are."""
    names = [
        json.dumps(field[:MAX_NAME_LENGTH_IN_LOG], ensure_ascii=False)
        for field in fields[:MAX_NAMES_IN_LOG]
    ]
    more = len(fields) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
