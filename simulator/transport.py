"""How an answer travels: in chunks or with its length, on a connection that stays or is closed.

All four were recorded [seen A]; which of them when is unknown.
"""

from __future__ import annotations

from typing import NamedTuple


class Transport(NamedTuple):
    """How one answer is sent."""

    chunked: bool = False
    closes: bool = False


TRANSPORTS: dict[str, tuple[Transport, ...]] = {
    "mixed": (
        Transport(),
        Transport(chunked=True),
        Transport(),
        Transport(chunked=True),
        Transport(),
        Transport(chunked=True, closes=True),
        Transport(),
        Transport(chunked=True),
        Transport(closes=True),
        Transport(chunked=True),
    ),
    "steady": (Transport(),),
}
"""Name -> what the answers do in turn."""
