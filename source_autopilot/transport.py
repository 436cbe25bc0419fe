"""Sends a request and receives its whole answer, within bounds of time and size.

requests bounds the silence between two bytes, not the whole: a server that sends a byte now and
then holds a worker for ever, and a small compressed body can fill the memory.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from airbyte_cdk.sources.http_config import MAX_CONNECTION_POOL_SIZE
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

MAX_BYTES = 64 * 1024 * 1024  # unpacked; a page of 100 contacts has some 200 kB
CHUNK_BYTES = 256 * 1024

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

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """The response with its whole body.

        A body of more than MAX_BYTES is not kept: `is_oversized` says so. Raises
        requests.ReadTimeout when the answer is not there in time, and what requests raises.
        """
        try:
            with _cut_off_after(self._whole_seconds):
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


@contextmanager
def _cut_off_after(seconds: float) -> Iterator[None]:
    """Close the connection that this thread's request uses when it takes too long.

    Raises TimeoutError then, in place of whatever the closing led to.
    """
    cut_off = threading.Event()
    connection: list[HTTPConnection] = []
    _of_thread.connection = connection

    def close() -> None:
        cut_off.set()
        for it in connection:
            with suppress(OSError, AttributeError):  # not connected yet, or not any more
                it.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if cut_off.is_set():
            raise TimeoutError(f"no complete answer within {seconds:.0f} s")


class _Connection(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _of_thread.connection[:] = [self]
        super().request(*args, **kwargs)


class _SecureConnection(HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _of_thread.connection[:] = [self]
        super().request(*args, **kwargs)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
