"""A response body -> a page: its rows, the bookmark of the next page, and the total.

A page that cannot be read, or that has a row without its key, is an error and never an empty page.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypedDict

import msgspec
import orjson

from source_autopilot.errors import UnreadableBody, UnreadablePage
from source_autopilot.records.sanitize import decode_sanitized, has_nul, needs_sanitizing

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
        keys: a hash of the rows' keys, by which a repeated page is known.
        sanitized: how many values of a field were replaced because nothing can store them.
    """

    rows: list[dict[str, Any]]
    bookmark: str | None
    total: int | None
    keys: int
    sanitized: Mapping[str, int] = field(default_factory=dict)


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
    whole = decode(body)
    sanitized = {field: n for field, n in whole.sanitized.items() if field == "contact_id"}
    return Body(whole.value, sanitized)  # no warning of what is not delivered


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
        keys=hash(tuple([row[key] for row in rows])),
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
    kinds = {
        type(None): "null or missing",
        str: "a text",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "an array",
    }
    return kinds.get(type(value), "an object")
