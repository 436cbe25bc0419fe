"""Sends a request and receives its whole answer, within bounds of time and size.

requests and urllib3 bound the silence between two bytes, not the whole: a server that sends a byte
now and then holds a worker for ever, and a small compressed body can fill the memory.
"""

import http.client
import io
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ReadTimeoutError
from urllib3.poolmanager import ProxyManager

from source_autopilot.api.memory import Lease
from source_autopilot.api.rate_limiter import MAX_REQUESTS_IN_FLIGHT
from source_autopilot.errors import UnreadablePage

MAX_BYTES = 64 * 1024 * 1024  # unpacked; a page of 100 contacts had 98 kB [seen]
MAX_SILENCE_SECONDS = 30.0  # between two bytes
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Reply:
    """An HTTP response with its whole body.

    Attributes:
        seconds: until the headers of the response came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


def open_session(base_url: str, headers: Mapping[str, str]) -> requests.Session:
    """A session for the API at `base_url`, whose answers are bounded by their read timeout.

    Proxies and certificates are those of the environment.
    """
    session = requests.Session()
    session.headers.update(headers)
    for scheme in ("https://", "http://"):
        session.mount(scheme, _BoundedAdapter(pool_maxsize=MAX_REQUESTS_IN_FLIGHT))
    # Read once: requests reads the environment for every request, a fifth of the time of sending.
    found = session.merge_environment_settings(base_url, {}, None, None, None)
    session.trust_env = False
    session.verify = found["verify"]
    # Plain http is for this machine: a proxy of the environment must not see the key.
    session.proxies = {} if base_url.startswith("http:") else dict(found["proxies"])
    return session


def fetch(
    session: requests.Session,
    url: str,
    *,
    connect_seconds: float,
    answer_seconds: float,
    lease: Lease | None = None,
) -> Reply:
    """Send a GET request and receive all of its answer.

    `answer_seconds` bound the answer as a whole, and MAX_SILENCE_SECONDS the silence in it. Raises
    requests.RequestException, UnreadablePage for a body of more than MAX_BYTES, and NoRoom for one
    that the lease has no room for.
    """
    timeout = (connect_seconds, answer_seconds)
    # A redirect is not followed: requests would send the key on to whatever host it names.
    with session.get(url, timeout=timeout, allow_redirects=False, stream=True) as response:
        try:
            body = _receive(response, lease)
        except requests.ConnectionError as error:
            if error.args and isinstance(error.args[0], ReadTimeoutError):
                raise requests.ReadTimeout(error.args[0]) from None
            raise
    seconds = response.elapsed.total_seconds()
    return Reply(response.status_code, response.headers, body, seconds)


def _receive(response: requests.Response, lease: Lease | None) -> bytes:
    if lease:
        lease.restart()
    body = io.BytesIO()  # what it holds becomes the body without a copy
    for chunk in response.iter_content(CHUNK_BYTES):
        if body.tell() + len(chunk) > MAX_BYTES:
            raise UnreadablePage(f"it has more than {MAX_BYTES // 2**20} MB")
        if lease:
            lease.take(len(chunk))
        body.write(chunk)
    return body.getvalue()


class BoundedResponse(http.client.HTTPResponse):
    """An HTTP response that has to be there when the socket's timeout is over, as a whole.

    Python applies that timeout to each read, so that a byte now and then keeps a read alive.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_BoundedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _BoundedSocket:
    """The one method of a socket that http.client's response calls."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedFile(self._socket))


class _BoundedFile(io.RawIOBase):
    """Reads from a socket until the deadline that its timeout sets at the beginning."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._file = sock.makefile("rb", buffering=0)
        self._ends_at = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds_left = self._ends_at - time.monotonic()
        if seconds_left <= 0:
            raise TimeoutError("the answer took too long")
        self._socket.settimeout(min(seconds_left, MAX_SILENCE_SECONDS))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Connection(HTTPConnection):
    response_class = BoundedResponse


class _SecureConnection(HTTPSConnection):
    response_class = BoundedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _BoundedAdapter(HTTPAdapter):
    """Makes connections whose responses are bounded."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        if type(manager) is ProxyManager:  # a SOCKS proxy has connections of its own
            manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
