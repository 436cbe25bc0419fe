"""Sends a request and receives its whole answer, within bounds of time and size.

requests bounds the silence between two bytes, not the whole: a server that sends a byte now and
then holds a worker for ever, and a small compressed body can fill the memory.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from airbyte_cdk.sources.http_config import MAX_CONNECTION_POOL_SIZE
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import ProxyManager

MAX_BYTES = 64 * 1024 * 1024  # unpacked; a page of 100 contacts has some 200 kB
CHUNK_BYTES = 256 * 1024
SECONDS_BETWEEN_LOOKS = 0.5

_of_thread = threading.local()


class BoundedAdapter(HTTPAdapter):
    """The connections of one session; all workers of a stream share it.

    `whole_seconds` bound an answer from its request to its last byte.
    """

    def __init__(self, whole_seconds: float) -> None:
        super().__init__(pool_maxsize=MAX_CONNECTION_POOL_SIZE)
        self._whole_seconds = whole_seconds

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        if type(manager) is ProxyManager:  # a SOCKS proxy has connections of its own
            manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """The response with its whole body.

        A body of more than MAX_BYTES is not kept: `is_oversized` says so. Raises
        requests.ReadTimeout when the answer is not there in time, and what requests raises.
        """
        try:
            with _deadlines.watched(self._whole_seconds):
                response = super().send(request, *args, **kwargs)
                _receive(response)
        except TimeoutError as too_slow:
            raise requests.ReadTimeout(str(too_slow), request=request) from None
        return response


def is_oversized(response: requests.Response) -> bool:
    """Whether the body was too large to keep."""
    return bool(vars(response).get("is_oversized"))


def _receive(response: requests.Response) -> None:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_BYTES:
            vars(response)["is_oversized"] = True
            chunks = []
            response.close()
            break
        chunks.append(chunk)
    response._content = b"".join(chunks)
    response._content_consumed = True  # type: ignore[attr-defined]


class _Attempt:
    """One request and its answer, on the connection that it has taken."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.connection: HTTPConnection | None = None
        self.cut_off = False

    def end(self) -> None:
        """Close the connection under the thread that waits for it."""
        self.cut_off = True
        with suppress(OSError, AttributeError):  # not connected yet, or not any more
            self.connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


class _Deadlines:
    """Ends what takes too long; one thread looks after all attempts of the process."""

    def __init__(self) -> None:
        self._under_way: set[_Attempt] = set()
        self._start = threading.Lock()
        self._watchman: threading.Thread | None = None

    @contextmanager
    def watched(self, seconds: float) -> Iterator[None]:
        """Have this thread's request ended when it takes longer than that.

        Raises TimeoutError then, in place of whatever the ending led to.
        """
        with self._start:
            if not self._watchman:
                self._watchman = threading.Thread(target=self._watch, daemon=True)
                self._watchman.start()
        attempt = _of_thread.attempt = _Attempt(time.monotonic() + seconds)
        self._under_way.add(attempt)
        try:
            yield
        finally:
            self._under_way.discard(attempt)
            if attempt.cut_off:
                raise TimeoutError(f"no complete answer within {seconds:.0f} s")

    def _watch(self) -> None:
        never = threading.Event()
        while not never.wait(SECONDS_BETWEEN_LOOKS):
            now = time.monotonic()
            for attempt in self._under_way.copy():
                if attempt.deadline <= now:
                    attempt.end()


_deadlines = _Deadlines()


class _Connection(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _of_thread.attempt.connection = self
        super().request(*args, **kwargs)


class _SecureConnection(HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _of_thread.attempt.connection = self
        super().request(*args, **kwargs)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
