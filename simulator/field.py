"""One attribute of a contact: as the API sends it, and as a row must show it.

Both are made from the same meaning (a time, a set of URLs), never one from the other: the expected
rows are a second opinion about the connector, not a copy of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from typing import Any, NamedTuple

OTHER_FIELDS = "other_fields"
"""The column of the fields that have none: an object of them as they were sent."""

ISO, RFC_1123, NANOSECONDS, EPOCH_MS, EMPTY = "iso", "rfc_1123", "nanoseconds", "epoch_ms", "empty"
"""The ways in which the API writes a point in time."""


class Field(NamedTuple):
    """`key` and `sent` are the API's; `column` and `expected` are the product's.

    A column that is made of a part of another attribute has no key of its own, and an attribute
    that no row shows has no column.
    """

    key: str | None
    sent: object
    column: str | None
    expected: object


def make_document(fields: Iterable[Field]) -> dict[str, Any]:
    """What the API sends."""
    return {field.key: field.sent for field in fields if field.key}


def make_row(fields: Iterable[Field]) -> dict[str, Any]:
    """The row that must come of it."""
    row: dict[str, Any] = {}
    for field in fields:
        if field.column == OTHER_FIELDS:
            row.setdefault(OTHER_FIELDS, {})[field.key] = field.expected
        elif field.column:
            row[field.column] = field.expected
    return row


def plain(key: str, column: str, value: object) -> Field:
    """A value that arrives as it is: only its name changes."""
    return Field(key, value, column, value)


def other(key: str, value: object) -> Field:
    """An attribute without a column of its own."""
    return Field(key, value, OTHER_FIELDS, value)


def internal(key: str, value: object) -> Field:
    """An attribute of the store behind the API, which no row shows."""
    return Field(key, value, None, None)


def timestamp(key: str, column: str, at_ms: int, written_as: str = ISO) -> Field:
    """A point in time, sent in one of the spellings and always expected as RFC 3339 in UTC."""
    sent, expected = _SPELLINGS[written_as](at_ms)
    return Field(key, sent, column, expected)


def url_map(key: str, column: str, urls: Sequence[str], *, empty: object) -> Field:
    """A set of URLs: `{url: true}` in the API. `empty` is how it writes none: `{}` or `[]`."""
    sent = dict.fromkeys(urls, True) or empty
    return Field(key, sent, column, [{"url": url, "value": True} for url in urls])


def mail_map(key: str, column: str, mails: Mapping[str, int], *, empty: object) -> Field:
    """Messages and when something happened to them: `{message id: epoch milliseconds}`."""
    sent = dict(mails) or empty
    rows = [{"id": message_id, "timestamp": iso(at_ms)} for message_id, at_ms in mails.items()]
    return Field(key, sent, column, rows)


def iso(at_ms: int) -> str:
    """Epoch milliseconds -> `2017-02-03T16:26:54.000Z`."""
    return f"{_date_and_time(at_ms // 1000)}.{at_ms % 1000:03d}Z"


def _rfc_1123(at_ms: int) -> tuple[str, str]:
    """`Tue, 12 May 2015 21:41:31 GMT`: whole seconds."""
    seconds = at_ms // 1000
    return formatdate(seconds, usegmt=True), iso(seconds * 1000)


def _nanoseconds(at_ms: int) -> tuple[str, str]:
    """`2020-04-26T19:36:31.386736701-04:00`; a row shows microseconds, cut off."""
    seconds, nanoseconds = at_ms // 1000, at_ms % 1000 * 10**6 + at_ms * 7919 % 999_000 + 1000
    hours = at_ms % 25 - 12
    local = _date_and_time(seconds + hours * 60 * 60)
    sent = f"{local}.{nanoseconds:09d}{'-' if hours < 0 else '+'}{abs(hours):02d}:00"
    return sent, f"{_date_and_time(seconds)}.{nanoseconds // 1000:06d}Z"


def _date_and_time(seconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    return moment.isoformat()[:19]


_SPELLINGS: dict[str, Callable[[int], tuple[object, str | None]]] = {
    ISO: lambda at_ms: (iso(at_ms), iso(at_ms)),  # [seen A, B]
    RFC_1123: _rfc_1123,  # [seen, blog of 2015-06-23, and once in 2017]
    NANOSECONDS: _nanoseconds,  # [doc E, client J] of lastEngagement
    EPOCH_MS: lambda at_ms: (at_ms, iso(at_ms)),  # [client]
    EMPTY: lambda at_ms: ("", None),  # [seen]
}
"""Spelling -> what is sent, and what is expected in a row."""
