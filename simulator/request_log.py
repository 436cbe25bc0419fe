"""What was asked and what was answered, for tests that count requests.

A request is entered when it arrives, and its status before the first byte of the answer leaves:
whoever has read an answer finds it in the log. Keys are judged here and never kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from . import target

Key = Literal["right", "wrong", "missing"]


class Request(NamedTuple):
    """One request; `status` is None if no answer was given: silence, a reset, a closed connection.

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
        return target.path(self.raw_path)


class RequestLog:
    """Every request in order of arrival; written by the server, read from any thread."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    def arrived(self, request: Request) -> Callable[[int], None]:
        """Enter a request; the returned function adds the status of its answer."""
        with self._lock:
            number = len(self._requests)
            self._requests.append(request)

        def answered(status: int) -> None:
            with self._lock:
                self._requests[number] = request._replace(status=status)

        return answered

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
