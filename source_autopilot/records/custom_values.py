"""A contact's `custom_fields` -> the values of its custom columns. Pure.

Counts what finds no place, so that the stream can say it once at its end. For one worker at a time.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from source_autopilot.records.converters import Misfit, boolean, integer, number, text
from source_autopilot.records.custom_columns import CustomColumn, marked_name, plain_name
from source_autopilot.records.custom_field import Type, entries_of, is_deleted
from source_autopilot.records.rows import Converter, Row, Target, target
from source_autopilot.records.timestamps import moment

MOST_FIELDS = 1000  # that are remembered for having no column
NAMED_FIELDS = 10  # of these, in the log
LONGEST_NAME = 80

_CONVERTERS: Mapping[Type, Converter] = {
    "text": text,
    "integer": integer,
    "number": number,
    "boolean": boolean,
    "moment": moment,
}


class CustomValues:
    """Fills the custom columns of one stream's rows."""

    def __init__(self, columns: Iterable[CustomColumn]) -> None:
        columns = list(columns)
        self._columns = frozenset(column.name for column in columns)
        slots = {it: target(it.name, _CONVERTERS[it.type]) for it in columns}
        # None stands for a field that was met and has no column.
        self._slots: dict[str, Target | None] = {
            it.field: slots[it] for it in columns if it.field is not None
        }
        self._nameless = {it.name: slots[it] for it in columns if it.field is None}
        self._repeated = 0

    def fill(self, row: Row, document: Mapping[str, Any]) -> list[str]:
        """Put the values of a contact's document into its row.

        Returns the columns whose value did not fit their type; they are null. A deleted entry fills
        no column. Of several values for one column the first that is not null is in it.
        """
        if not self._columns.isdisjoint(row):
            self._make_room(row)
        misfits: list[str] = []
        for entry in entries_of(document):
            try:
                slot = self._slots[entry["kind"]]
            except (KeyError, TypeError):  # a TypeError for what is no object, or has no text there
                slot = self._met(entry)
            if slot is None or (entry.get("deleted") and is_deleted(entry)):
                continue
            column, as_it_is, converted = slot
            value = entry.get("value")
            if type(value) is not as_it_is and value is not None:
                try:
                    value = converted(value)
                except Misfit:
                    value = None
                    misfits.append(column)
            if column in row:
                self._again(row, column, value)
            else:
                row[column] = value
        return misfits

    def told(self) -> Iterator[str]:
        """What a person should know of the contacts so far, in sentences; counting begins again."""
        slots = dict(self._slots)  # a worker may still add to them when the sync is stopped
        missing = sorted(field for field, slot in slots.items() if slot is None)
        if missing:
            yield (
                f"custom fields without a column of their own: {_listed(missing)}. Their values are"
                " in the column custom_fields only; refresh the source's schema to get columns for"
                " them."
            )
        if self._repeated:
            yield (
                f"{self._repeated} values are in the column custom_fields only, because the contact"
                " has another value before them in the same custom field."
            )
        self._slots = {field: slot for field, slot in slots.items() if slot}
        self._repeated = 0

    def _met(self, entry: Any) -> Target | None:
        """The column of a field that the schema does not name: one that is called like it."""
        field = entry.get("kind") if isinstance(entry, dict) else None
        if not isinstance(field, str) or is_deleted(entry):
            return None
        slot = None
        for name in (plain_name(field), marked_name(field)) if self._nameless else ():
            slot = slot or self._nameless.pop(name or "", None)
        if slot or len(self._slots) < MOST_FIELDS + len(self._columns):
            self._slots[field] = slot
        return slot

    def _again(self, row: Row, column: str, value: Any) -> None:
        """Another value for a column that the row has."""
        if row[column] is None:
            row[column] = value
        elif value is not None and value != row[column]:
            self._repeated += 1

    def _make_room(self, row: Row) -> None:
        """Rename attributes of the contact itself that are called like a custom column."""
        for column in self._columns & row.keys():
            numbered = (f"{column}_{n}" for n in count(2))
            free = next(it for it in numbered if it not in row and it not in self._columns)
            row[free] = row.pop(column)


def _listed(fields: list[str]) -> str:
    """The first names, each on one line and not too long, and how many more there are."""
    names = [json.dumps(it[:LONGEST_NAME], ensure_ascii=False) for it in fields[:NAMED_FIELDS]]
    more = len(fields) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
