"""Sends a request and receives its whole answer, within bounds of time and size.

requests and urllib3 bound the silence between two bytes, not the whole: a server that sends a byte
now and then holds a worker for ever, and a small compressed body can fill the memory.
"""

import http.client
import io
import os
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import LocationValueError, ReadTimeoutError
from urllib3.poolmanager import ProxyManager

from source_autopilot.api.memory import Lease
from source_autopilot.api.rate_limiter import MAX_REQUESTS_IN_FLIGHT
from source_autopilot.errors import InvalidEnvironment, UnreadablePage
from source_autopilot.text import join_names

MAX_BYTES = 64 * 1024 * 1024  # unpacked; a page of 100 contacts had 98 kB [seen]
MAX_SILENCE_SECONDS = 60.0  # between two bytes: the least that clients wait [client]
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

    Proxies and certificates are those of the environment. Raises InvalidEnvironment if no request
    can be sent with them.
    """
    session = requests.Session()
    session.headers.update(headers)
    adapter = _BoundedAdapter(pool_maxsize=MAX_REQUESTS_IN_FLIGHT)
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    # Read once: requests reads the environment for every request, a fifth of the time of sending.
    found = session.merge_environment_settings(base_url, {}, None, None, None)
    session.trust_env = False
    session.verify = found["verify"]
    # Plain http is for this machine: a proxy of the environment must not see the key.
    session.proxies = {} if base_url.startswith("http:") else dict(found["proxies"])
    _require_usable_proxy(session, adapter, base_url)
    if base_url.startswith("https:") and isinstance(session.verify, str):
        _require_usable_certificates(session.verify)
    return session


def _require_usable_proxy(session: requests.Session, adapter: HTTPAdapter, url: str) -> None:
    request = session.prepare_request(requests.Request("GET", url))
    try:
        adapter.get_connection_with_tls_context(request, verify=None, proxies=session.proxies)
        return
    except requests.exceptions.InvalidSchema:
        problem = "names a SOCKS proxy, and the package PySocks for it is not installed"
    except ValueError:  # requests.exceptions.InvalidURL is one
        problem = "is no address of a proxy, such as http://proxy.example:3128"
    # Not its value, which may have a password in it.
    proxy = requests.utils.select_proxy(url, session.proxies)
    raise InvalidEnvironment(
        f"{_name_variables(['HTTPS_PROXY', 'ALL_PROXY'], proxy)} {problem}"
    ) from None


@cache  # it takes 60 ms, and sessions come in threes
def _require_usable_certificates(path: str) -> None:
    where = {"capath": path} if os.path.isdir(path) else {"cafile": path}
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(**where)
    except OSError as error:
        variables = _name_variables(["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"], path)
        # OpenSSL's own reasons are for programmers.
        seen = "none in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise InvalidEnvironment(f"{variables} names {path} for certificates: {seen}") from None


def _name_variables(names: list[str], value: str | None) -> str:
    """Those variables that have the value; all if none has, as on systems with other settings."""
    found = [name for name in os.environ if name.upper() in names and os.environ[name] == value]
    return join_names(found or names)


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
    OSError, which is mostly a requests.RequestException, UnreadablePage for a body of more than
    MAX_BYTES, and NoRoom for one that the lease has no room for.
    """
    timeout = (connect_seconds, answer_seconds)
    try:
        # A redirect is not followed: requests would send the key on to whatever host it names.
        with session.get(url, timeout=timeout, allow_redirects=False, stream=True) as response:
            body = _receive(response, lease)
    except LocationValueError as error:  # a host's name that no look-up can find
        raise requests.exceptions.InvalidURL(error) from None
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
