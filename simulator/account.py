"""A made-up Autopilot account: its contacts, lists and segments, and the members of each segment.

Everything follows from the arguments alone, on every machine. The account answers two questions:
what does the API send (`document`, `lists`, `segments`), and which rows must come out of it (`row`,
`rows`, `pairs`, and again `lists` and `segments`, whose rows are what the API sends).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from .contact import Contacts
from .custom_fields import DEFINITIONS, CustomField
from .seed import Identities, make_dice
from .segments import Members, divide, vary_sizes
from .vocabulary import LIST_TITLES, SEGMENT_TITLES

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
"""The account's today: contacts were updated in the three years before it."""

_FIRST_SEGMENT_NUMBER = 1456891025207
_SEGMENT_NUMBER_STEP = 86400123


class Account:
    """An account of `contacts` contacts, `lists` lists and `segments` smart segments (10 if unset).

    `pairs` spreads that many memberships over the segments; `segment_sizes` sets each segment's
    size, and with it their number. Without either the sizes cover the edges of paging.
    `custom_fields` are defined at first; `define` and `delete_field` change that.
    """

    def __init__(
        self,
        seed: int = 1,
        contacts: int = 550,
        *,
        lists: int = 10,
        segments: int | None = None,
        pairs: int | None = None,
        segment_sizes: Sequence[int] | None = None,
        custom_fields: Sequence[CustomField] = DEFINITIONS,
        now: datetime = NOW,
    ) -> None:
        if min(contacts, lists, segments or 0) < 0:
            raise ValueError("an account can't have fewer than 0 contacts, lists or segments")
        self.seed = seed
        self.contact_count = contacts
        sizes = _sizes(seed, contacts, segments, pairs, segment_sizes)
        ids = Identities(seed, "list")
        self._lists = [
            (f"contactlist_{ids.uuid(number)}", _title(LIST_TITLES, number))
            for number in range(lists)
        ]
        self._segments = _segments(seed, contacts, sizes)
        self._now_ms = round(now.timestamp() * 1000)
        self._set_custom_fields(custom_fields)

    @property
    def segment_ids(self) -> list[str]:
        """The segments' ids, in the order in which the API lists them."""
        return list(self._segments)

    @property
    def pair_count(self) -> int:
        """How many segment memberships there are."""
        return sum(len(members) for members in self._segments.values())

    def contact_id(self, index: int) -> str:
        """The id of the contact with this number."""
        return self._contacts.contact_id(index)

    def index_of(self, contact_id: str) -> int | None:
        """The number of the contact with this id, or None if the account doesn't have it."""
        index = self._contacts.index_of(contact_id)
        return index if index is not None and index < self.contact_count else None

    def contact_json(self, index: int) -> bytes:
        """The contact as the API sends it, ready for the wire."""
        return self._contacts.document(index)

    def document(self, index: int) -> dict[str, Any]:
        """The contact as the API sends it."""
        document: dict[str, Any] = json.loads(self._contacts.document(index))
        return document

    def row(self, index: int, *, without: Collection[str] = ()) -> dict[str, Any]:
        """The row of `contacts` that must come out of `document(index)`.

        It has a column for each custom field that is defined, except those in `without`.
        """
        row: dict[str, Any] = json.loads(self._contacts.row(index))
        return {column: value for column, value in row.items() if column not in without}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row of `contacts`, in the API's order."""
        return map(self.row, range(self.contact_count))

    def lists(self) -> list[dict[str, str]]:
        """The lists as the API sends them, which are also the rows of `lists`."""
        return [{"list_id": list_id, "title": title} for list_id, title in self._lists]

    def segments(self) -> list[dict[str, str]]:
        """The segments as the API sends them, which are also the rows of `smart_segments`."""
        return [
            {"segment_id": segment_id, "title": _title(SEGMENT_TITLES, number)}
            for number, segment_id in enumerate(self._segments)
        ]

    def all_contacts(self) -> Members:
        """The numbers of all contacts: the chain that `GET /contacts` walks."""
        return Members(self.contact_count, self.contact_count)

    def members(self, segment_id: str) -> Members:
        """The numbers of the segment's contacts, in order; KeyError for a foreign segment."""
        return self._segments[segment_id]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every (segment_id, contact_id): the rows of `smart_segments_contacts`."""
        for segment_id, members in self._segments.items():
            for index in members:
                yield segment_id, self.contact_id(index)

    def custom_fields(self) -> list[dict[str, str]]:
        """The definitions of the custom fields, as the API sends them."""
        return [
            {"name": field.name, "fieldType": field.field_type}
            for field in self._custom_fields
            if not field.deleted
        ]

    @property
    def custom_columns(self) -> list[str]:
        """The columns that a discover must add for the custom fields, in their order."""
        return sorted(field.column for field in self._custom_fields if not field.deleted)

    def define(self, field: CustomField) -> None:
        """Add a custom field in which contacts have values."""
        self._set_custom_fields([*self._custom_fields, field])

    def delete_field(self, name: str) -> None:
        """Delete a custom field; contacts keep their values, marked as deleted."""
        self._set_custom_fields(
            [
                field._replace(deleted=field.deleted or field.name == name)
                for field in self._custom_fields
            ]
        )

    def _set_custom_fields(self, fields: Sequence[CustomField]) -> None:
        self._custom_fields = list(fields)
        self._contacts = Contacts(
            seed=self.seed,
            list_ids=[list_id for list_id, _ in self._lists],
            custom_fields=self._custom_fields,
            now_ms=self._now_ms,
        )


def _sizes(
    seed: int,
    contacts: int,
    count: int | None,
    pairs: int | None,
    sizes: Sequence[int] | None,
) -> list[int]:
    """How large each segment is; ValueError if the arguments contradict each other."""
    if sizes is None:
        wanted = 10 if count is None else count
        if pairs is not None:
            return divide(pairs, wanted, contacts)
        return vary_sizes(wanted, contacts, make_dice(seed, "segment sizes"))
    if pairs is not None or count not in (None, len(sizes)):
        raise ValueError("segment_sizes already says how many segments and pairs there are")
    if any(not 0 <= size <= contacts for size in sizes):
        raise ValueError(f"segment_sizes {list(sizes)} don't fit an account of {contacts} contacts")
    return list(sizes)


def _segments(seed: int, contacts: int, sizes: Sequence[int]) -> dict[str, Members]:
    """Segment id -> its members, in the API's order."""
    dice = make_dice(seed, "segment members")
    first = _FIRST_SEGMENT_NUMBER + dice.randrange(_SEGMENT_NUMBER_STEP)
    return {
        f"contactlist_sseg{first + number * _SEGMENT_NUMBER_STEP}": Members(
            contacts, size, dice.randrange(contacts or 1)
        )
        for number, size in enumerate(sizes)
    }


def _title(titles: Sequence[str], number: int) -> str:
    """A title for every number: `Ladies`, and when the words run out `Ladies 2`."""
    rounds, word = divmod(number, len(titles))
    return titles[word] if not rounds else f"{titles[word]} {rounds + 1}"
