"""The path of a request, decoded exactly once from what the client really sent.

A web framework's own idea of the path is already normalised and would hide a client that forgets
to encode a bookmark, or that encodes it twice.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_ROOT = "v1"


def segments(raw_target: str) -> tuple[str, ...]:
    """`/v1/contacts/a%2Fb?x=1` -> `("contacts", "a/b")`.

    What isn't below /v1 starts with "..", as it would in a relative path.
    """
    path = re.split("[?#]", raw_target, maxsplit=1)[0]
    raw_segments = path.removeprefix("/").split("/")
    below = tuple(_decoded(segment) for segment in raw_segments)
    return below[1:] if below[0] == _ROOT else ("..", *below)


def path(raw_target: str) -> str:
    """The decoded path below /v1, as the globs of faults and of the request log see it."""
    return "/" + "/".join(segments(raw_target))


def _decoded(raw: str) -> str:
    """One percent-decoding. What isn't ASCII or UTF-8 matches nothing, and is shown escaped."""
    try:
        return unquote(raw.encode("ascii").decode(), errors="strict")
    except UnicodeError:
        return ascii(raw)
