"""A made-up Autopilot account: its contacts, lists and segments, and the members of each segment.

Everything follows from the arguments alone, on every machine. The account answers two questions:
what does the API send (`document`, `lists`, `segments`), and which rows must come out of it (`row`,
`rows`, `pairs`, and again `lists` and `segments`, whose rows are what the API sends).

Contacts have numbers. Those of the beginning are numbered by their ids, which ascend; a contact
that is created later gets the next number, and an id of any place among the others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from .contact import Contacts
from .custom_fields import DEFINITIONS, CustomField
from .ids import id_in_front_of, make_contact_ids, make_dice, make_uuid
from .segments import Members, divide, vary_sizes
from .vocabulary import LIST_TITLES, SEGMENT_TITLES

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
"""The account's today: contacts were updated in the three years before it."""

NEWER_SHARE = 0.2
"""How many contact ids are `person_AP2-<uuid>` unless an account says otherwise."""

_FIRST_SEGMENT_NUMBER = 1456891025207
_SEGMENT_NUMBER_STEP = 86400123


class Account:
    """An account of `contacts` contacts, `lists` lists and `segments` smart segments (10 if unset).

    `pairs` spreads that many memberships over the segments; `segment_sizes` sets each segment's
    size, and with it their number. Without either the sizes cover the edges of paging.
    `custom_fields` are defined at first; `define` and `delete_field` change that. Of the contact
    ids a share of `newer_ids` is `person_AP2-<uuid>`; of the rest one of `lower_case_ids` is in
    lower case, and one of `numbered_ids` has a number instead of a UUID.

    Attributes:
        version: grows with each contact that is created, deleted or edited.
        deleted_ids: those of the contacts that are gone.
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
        newer_ids: float = NEWER_SHARE,
        lower_case_ids: float = 0.0,
        numbered_ids: float = 0.0,
        now: datetime = NOW,
    ) -> None:
        shares = newer_ids, lower_case_ids, numbered_ids
        if not 0 <= min(shares) <= max(shares) <= 1:
            raise ValueError(f"shares of ids are {shares}: expected 0 to 1")
        if min(contacts, lists, segments or 0) < 0:
            raise ValueError("an account can't have fewer than 0 contacts, lists or segments")
        self.seed = seed
        self.version = 0
        self.deleted_ids: set[str] = set()
        self._first_count = contacts
        self._ids = make_contact_ids(
            seed, contacts, newer=newer_ids, lower_case=lower_case_ids, numbered=numbered_ids
        )
        self._edits: Counter[int] = Counter()
        sizes = _sizes(seed, contacts, segments, pairs, segment_sizes)
        self._lists = _lists(seed, lists)
        self._segments = _segments(seed, contacts, sizes)
        self._joined: dict[str | None, list[int]] = {}
        self._now_ms = round(now.timestamp() * 1000)
        self._set_custom_fields(custom_fields)

    @property
    def contact_count(self) -> int:
        """How many contacts there are."""
        return len(self.members(None))

    @property
    def segment_ids(self) -> list[str]:
        """The segments' ids, in the order in which the API lists them."""
        return list(self._segments)

    @property
    def pair_count(self) -> int:
        """How many segment memberships there are."""
        return sum(len(self.members(segment_id)) for segment_id in self._segments)

    def contact_id(self, number: int) -> str:
        """The id of the contact with this number."""
        return self._ids[number]

    def contact_json(self, number: int) -> bytes:
        """The contact as the API sends it, ready for the wire."""
        return self._contacts.document(number, self._ids[number], edits=self._edits[number])

    def document(self, number: int) -> dict[str, Any]:
        """The contact as the API sends it."""
        document: dict[str, Any] = json.loads(self.contact_json(number))
        return document

    def row(self, number: int, *, without: Collection[str] = ()) -> dict[str, Any]:
        """The row of `contacts` that must come out of `document(number)`.

        It has a column for each custom field that is defined, except those in `without`.
        """
        contact_id, edits = self._ids[number], self._edits[number]
        row: dict[str, Any] = json.loads(self._contacts.row(number, contact_id, edits=edits))
        return {column: value for column, value in row.items() if column not in without}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row of `contacts`, by its id in byte order."""
        return map(self.row, sorted(self.members(None), key=self.contact_id))

    def lists(self) -> list[dict[str, str]]:
        """The lists as the API sends them, which are also the rows of `lists`."""
        return [{"list_id": list_id, "title": title} for list_id, title in self._lists]

    def segments(self) -> list[dict[str, str]]:
        """The segments as the API sends them, which are also the rows of `smart_segments`."""
        return [
            {"segment_id": segment_id, "title": _title(SEGMENT_TITLES, number)}
            for number, segment_id in enumerate(self._segments)
        ]

    def members(self, segment_id: str | None) -> Sequence[int]:
        """The numbers of a segment's contacts or, for None, of all: those of later are the last.

        KeyError for a foreign segment.
        """
        everybody = Members(self._first_count, self._first_count)
        first = everybody if segment_id is None else self._segments[segment_id]
        if not self.version:
            return first
        numbers = *first, *self._joined.get(segment_id, [])
        return [number for number in numbers if self._ids[number] not in self.deleted_ids]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every (segment_id, contact_id): the rows of `smart_segments_contacts`."""
        for segment_id in self._segments:
            for number in self.members(segment_id):
                yield segment_id, self.contact_id(number)

    def create(self, in_front_of: int, *, segment_id: str | None = None) -> None:
        """Add a contact whose id comes directly in front of another's, perhaps to a segment."""
        contact_id = id_in_front_of(self._ids[in_front_of])
        while contact_id in self._ids:
            contact_id = id_in_front_of(contact_id)
        for joined in {None, segment_id}:
            self._joined.setdefault(joined, []).append(len(self._ids))
        self._ids.append(contact_id)
        self.version += 1

    def delete(self, number: int) -> None:
        """Remove a contact, also from its segments."""
        self.deleted_ids.add(self._ids[number])
        self.version += 1

    def edit(self, number: int) -> None:
        """Give a contact another name and other times; it keeps its id and its segments."""
        self._edits[number] += 1
        self.version += 1

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


def _lists(seed: int, count: int) -> list[tuple[str, str]]:
    """The ids and titles of lists; every fifth id is free text with spaces [client]."""
    dice = make_dice(seed, "list ids")
    titles = [_title(LIST_TITLES, number) for number in range(count)]
    names = [make_uuid(dice) if number % 5 != 2 else title for number, title in enumerate(titles)]
    return [(f"contactlist_{name}", title) for name, title in zip(names, titles, strict=True)]


def _segments(seed: int, contacts: int, sizes: Sequence[int]) -> dict[str, Members]:
    """Segment id -> its members, in the API's order. Every fifth id has spaces [guess]."""
    dice = make_dice(seed, "segment members")
    first = _FIRST_SEGMENT_NUMBER + dice.randrange(_SEGMENT_NUMBER_STEP)
    segments = {}
    for number, size in enumerate(sizes):
        segment_id = f"contactlist_sseg{first + number * _SEGMENT_NUMBER_STEP}"
        segment_id += " copy of a segment" if number % 5 == 2 else ""
        segments[segment_id] = Members(contacts, size, dice.randrange(contacts or 1))
    return segments


def _title(titles: Sequence[str], number: int) -> str:
    """A title for every number: `Ladies`, and when the words run out `Ladies 2`."""
    rounds, word = divmod(number, len(titles))
    return titles[word] if not rounds else f"{titles[word]} {rounds + 1}"
