"""A response body -> a page: rows, the bookmark of the next page, and the vendor's total.

Pure: takes bytes or decoded JSON, knows no HTTP. A page that cannot be read, or that has a row
without its key, is an error and never an empty page.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from source_autopilot.records.sanitize import decode_leniently, needs_mending

MOST_ROWS = 10**12  # that anybody believes in; arithmetic with far more of them fails


class UnreadableBody(ValueError):
    """A body that is no JSON. The text says what is wrong with it, for a person."""


class UnreadablePage(ValueError):
    """JSON that is not a page of the API. The text says what is wrong with it, for a person."""


@dataclass(frozen=True)
class Body:
    """A decoded body.

    Attributes:
        value: any JSON value.
        mended: how many values of a field had to be replaced because nothing can store them.
    """

    value: Any
    mended: Mapping[str, int]


@dataclass(frozen=True)
class Page:
    """One page of rows.

    Attributes:
        rows: the documents as they came, each with its key.
        bookmark: where the next page begins; None on the last page.
        total: how many rows the vendor counts in the whole chain; None if it says nothing credible.
        keys: a hash of the rows' keys.
        mended: how many values of a field had to be replaced because nothing can store them.
    """

    rows: list[dict[str, Any]]
    bookmark: str | None
    total: int | None
    keys: int
    mended: Mapping[str, int] = field(default_factory=dict)


def decode(body: bytes) -> Body:
    """The JSON value of a body. Raises UnreadableBody."""
    if not needs_mending(body):
        with suppress(orjson.JSONDecodeError):
            return Body(orjson.loads(body), {})
    try:
        return Body(*decode_leniently(body))
    except ValueError as error:
        raise UnreadableBody(f"{len(body)} bytes that are not JSON ({error})") from None


def parse_page(decoded: Body, *, rows_field: str, key: str) -> Page:
    """The page in a decoded body.

    Args:
        decoded: an object with the rows in `rows_field`, and perhaps `bookmark`, `total_contacts`.
        rows_field: "contacts", "lists" or "segments".
        key: the field that every row has, a text that is not empty.

    Raises UnreadablePage, which names what is missing but repeats no contact's data.
    """
    body = decoded.value
    if not isinstance(body, Mapping):
        raise UnreadablePage(f"it is {_kind(body)} instead of an object")
    rows = body.get(rows_field)
    if not isinstance(rows, list):
        raise UnreadablePage(f'its "{rows_field}" is {_kind(rows)} instead of an array')
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise UnreadablePage(f"row {number} is {_kind(row)} instead of an object")
        if not isinstance(row.get(key), str) or not row[key]:
            raise UnreadablePage(f'row {number} has no "{key}" ({_kind(row.get(key))})')
    return Page(
        rows,
        bookmark=_bookmark(body.get("bookmark")),
        total=_total(body.get("total_contacts")),
        keys=hash(tuple([row[key] for row in rows])),
        mended=decoded.mended,
    )


def path_part(name: str) -> str:
    """A bookmark or id as one part of a URL path, percent-encoded.

    Raises UnreadablePage for "." and "..", which no encoding can carry: every client on the way
    would walk up the path.
    """
    if name in (".", ".."):
        raise UnreadablePage(f'it has "{name}" for a bookmark or an id')
    return quote(name, safe="")


def _bookmark(value: Any) -> str | None:
    # Absent on the last page [client]; null and "" mean the same.
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UnreadablePage(f"its bookmark is {_kind(value)} instead of a text")
    return value


def _total(value: Any) -> int | None:
    try:
        total = max(int(value), 0)
    except (TypeError, ValueError, OverflowError):
        return None
    return total if total <= MOST_ROWS else None


def _kind(value: Any) -> str:
    names = {str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    if value is None:
        return "null or missing"
    return names.get(type(value), "an array" if isinstance(value, list) else "an object")
