"""One attribute of a contact: as the API sends it, and as a row must show it.

Both are made from the same meaning (a time, a set of URLs), never one from the other: the expected
rows are a second opinion about the connector, not a copy of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

ISO, EPOCH_MS, EMPTY = "iso", "epoch_ms", "empty"
"""The ways in which the API writes a point in time."""


class Field(NamedTuple):
    """`key` and `sent` are the API's; `column` and `expected` are the product's.

    A column that is made of parts of other attributes has no key of its own, and an attribute that
    is only such a part no column.
    """

    key: str | None
    sent: object
    column: str | None
    expected: object


def plain(key: str, column: str, value: object) -> Field:
    """A value that arrives as it is: only its name changes."""
    return Field(key, value, column, value)


def timestamp(key: str, column: str, at_ms: int, written_as: str = ISO) -> Field:
    """A point in time, sent as ISO text, as an integer or as "" and always expected as ISO text."""
    if written_as == EMPTY:
        return Field(key, "", column, None)
    text = iso(at_ms)
    return Field(key, at_ms if written_as == EPOCH_MS else text, column, text)


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
    whole_seconds = datetime.fromtimestamp(at_ms // 1000, timezone.utc)
    return f"{whole_seconds.isoformat()[:19]}.{at_ms % 1000:03d}Z"
