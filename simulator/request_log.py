"""What was asked and what was answered, for tests that count requests.

A request is logged when it arrives, and its status before the first byte of the answer leaves: a
client that has read an answer finds it in the log. Keys are judged here and never kept.

Paths are decoded exactly once from what the client really sent. A web framework has normalised its
own by then, and would hide a client that doesn't encode a bookmark, or encodes it twice.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple
from urllib.parse import unquote

_ROOT = "v1"

Key = Literal["right", "wrong", "missing"]


class Request(NamedTuple):
    """One request; `status` is None without an answer: silence, a reset, a closed connection.

    `raw_path` is what the client sent, `time` the Unix time of its arrival.
    """

    time: float
    method: str
    raw_path: str
    status: int | None
    key: Key

    @property
    def path(self) -> str:
        """The decoded path below /v1, e.g. `/contacts/person_9EAF39E4-...`."""
        return decode_path(self.raw_path)


class RequestLog:
    """Every request in order of arrival; written by the server, read from any thread."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    def add(self, request: Request) -> Callable[[int], None]:
        """Log a request; the returned function adds the status of its answer."""
        with self._lock:
            number = len(self._requests)
            self._requests.append(request)

        def set_status(status: int) -> None:
            with self._lock:
                self._requests[number] = request._replace(status=status)

        return set_status

    def requests(self) -> list[Request]:
        """All requests so far."""
        with self._lock:
            return list(self._requests)

    def count(self, path_glob: str = "*", *, status: int | None = None) -> int:
        """How many requests went to such a path (below /v1, decoded), answered with that status."""
        return sum(
            fnmatchcase(request.path, path_glob) and status in (None, request.status)
            for request in self.requests()
        )

    def paths(self) -> list[str]:
        """The decoded paths below /v1, in order of arrival."""
        return [request.path for request in self.requests()]


def split_path(raw_target: str) -> tuple[str, ...]:
    """`/v1/contacts/a%2Fb?x=1` -> `("contacts", "a/b")`.

    A path that isn't below /v1 starts with "..", as a relative path would.
    """
    path = re.split("[?#]", raw_target, maxsplit=1)[0]
    raw_segments = path.removeprefix("/").split("/")
    below = tuple(_decode(segment) for segment in raw_segments)
    return below[1:] if below[0] == _ROOT else ("..", *below)


def decode_path(raw_target: str) -> str:
    """The decoded path below /v1, as the globs of faults and of the request log see it."""
    return "/" + "/".join(split_path(raw_target))


def _decode(raw: str) -> str:
    """Decode percent signs once. What isn't ASCII or UTF-8 is escaped, and so matches nothing."""
    try:
        return unquote(raw.encode("ascii").decode(), errors="strict")
    except UnicodeError:
        return ascii(raw)
