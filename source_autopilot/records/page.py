"""A response body -> a page: its rows, the bookmark of the next page, and the total.

A page that cannot be read, or that has a row without its key, is an error and never an empty page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

import msgspec
import orjson

from source_autopilot.errors import UnreadableBody, UnreadablePage
from source_autopilot.records.sanitize import decode_sanitized, has_nul, needs_sanitizing
from source_autopilot.text import describe_kind

MAX_CREDIBLE_TOTAL = 10**12  # arithmetic with much larger numbers fails


@dataclass(frozen=True)
class Body:
    """A decoded body.

    Attributes:
        value: any JSON value.
        sanitized: how many values of a field were replaced because nothing can store them.
    """

    value: Any
    sanitized: Mapping[str, int]


@dataclass(frozen=True)
class Page:
    """One page of rows.

    Attributes:
        rows: the documents as they came, each with its key.
        bookmark: where the next page begins; None on the last page.
        total: how many rows all pages have together; None if the API says nothing credible.
        keys: the rows' keys, in order.
        sanitized: how many values of a field were replaced because nothing can store them.
        repeated: how many rows `without_repeated` has left out.
        sent: the keys of all rows as they came, also of those that were left out since.
        known: those of them that were on the page before.
    """

    rows: list[dict[str, Any]]
    bookmark: str | None
    total: int | None
    keys: tuple[str, ...]
    sanitized: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    sent: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "sent", self.sent or self.keys)

    def select(self, keep: Callable[[str], bool]) -> Page:
        """The page with those of its rows whose key is to be kept."""
        if all(map(keep, self.keys)):
            return self
        kept = [pair for pair in zip(self.keys, self.rows, strict=True) if keep(pair[0])]
        return replace(self, rows=[row for _, row in kept], keys=tuple([key for key, _ in kept]))

    def without_repeated(self, before: PackedPage) -> Page:
        """The page without the rows that the page before it has with the same content.

        Neighbouring pages may share rows [seen, blog of 2015-06-23; not certain].
        """
        shared = set(self.keys).intersection(before.keys)
        if not shared:
            return self
        earlier = {
            key: row for key, row in zip(before.keys, before.unpack(), strict=True) if key in shared
        }
        new = [
            (key, row)
            for key, row in zip(self.keys, self.rows, strict=True)
            if earlier.get(key) != row
        ]
        return replace(
            self,
            rows=[row for _, row in new],
            keys=tuple([key for key, _ in new]),
            repeated=len(self.rows) - len(new),
            known=frozenset(shared),
        )


class PackedPage:
    """The rows of a page to compare others with, in a quarter of the memory."""

    def __init__(self, page: Page) -> None:
        self.keys = page.keys
        self._rows: bytes | list[dict[str, Any]] = page.rows
        with suppress(TypeError):  # integers of more than 64 bits, or nested too deeply
            self._rows = orjson.dumps(page.rows)

    def unpack(self) -> list[dict[str, Any]]:
        """The rows."""
        rows: list[dict[str, Any]] = (
            orjson.loads(self._rows) if isinstance(self._rows, bytes) else self._rows
        )
        return rows


class _Member(TypedDict):
    contact_id: str


class _PageOfMembers(TypedDict, total=False):
    contacts: list[_Member]
    bookmark: Any
    total_contacts: Any


_MEMBERS_DECODER = msgspec.json.Decoder(_PageOfMembers)


def decode(body: bytes) -> Body:
    """The JSON value of a body, without anything that no destination can store.

    Raises UnreadableBody.
    """
    if not needs_sanitizing(body):
        with suppress(orjson.JSONDecodeError):  # NaN or an unpaired surrogate, or no JSON at all
            return Body(orjson.loads(body), {})
    try:
        return Body(*decode_sanitized(body))
    except ValueError as error:
        raise UnreadableBody(f"{len(body)} bytes that are not JSON ({error})") from None


def decode_members(body: bytes) -> Body:
    """What `decode` returns for a page of a segment's members, but of its contacts only the ids.

    The API sends whole contacts [doc]; to leave out the rest of them saves 4.6 us a member, three
    quarters of the time. Raises UnreadableBody.
    """
    if not has_nul(body):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Body(_MEMBERS_DECODER.decode(body), {})
    return _leave_only_ids(decode(body))


def _leave_only_ids(body: Body) -> Body:
    page = body.value
    members = page.get("contacts") if isinstance(page, dict) else None
    if not isinstance(members, list):
        return body
    ids = [
        {"contact_id": member.get("contact_id")} if isinstance(member, dict) else member
        for member in members
    ]
    # No warning of what is not delivered.
    sanitized = {field: number for field, number in body.sanitized.items() if field == "contact_id"}
    return Body({**page, "contacts": ids}, sanitized)


def parse_page(body: Body, *, rows_field: str, key: str) -> Page:
    """The page in a decoded body.

    Args:
        body: an object with the rows in `rows_field`, and perhaps `bookmark`, `total_contacts`.
        rows_field: "contacts", "lists" or "segments".
        key: the field that every row has, a text that is not empty.

    Raises UnreadablePage, which names what is missing but repeats nothing of a contact.
    """
    page = body.value
    if not isinstance(page, Mapping):
        raise UnreadablePage(f"it is {_kind_of(page)} instead of an object")
    rows = page.get(rows_field)
    if not isinstance(rows, list):
        raise UnreadablePage(f'its "{rows_field}" is {_kind_of(rows)} instead of an array')
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise UnreadablePage(f"row {number} is {_kind_of(row)} instead of an object")
        if not isinstance(row.get(key), str) or not row[key]:
            raise UnreadablePage(f'row {number} has no "{key}" ({_kind_of(row.get(key))})')
    return Page(
        rows,
        bookmark=_parse_bookmark(page.get("bookmark")),
        total=_parse_total(page.get("total_contacts")),
        keys=tuple([row[key] for row in rows]),
        sanitized=body.sanitized,
    )


def _parse_bookmark(value: Any) -> str | None:
    # The last page has none [seen A]; clients take null and "" for the same [client].
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UnreadablePage(f"its bookmark is {_kind_of(value)} instead of a text")
    return value


def _parse_total(value: Any) -> int | None:
    try:
        total = max(int(value), 0)
    except (TypeError, ValueError, OverflowError):
        return None
    return total if total <= MAX_CREDIBLE_TOTAL else None


def _kind_of(value: Any) -> str:
    return "null or missing" if value is None else describe_kind(value)
