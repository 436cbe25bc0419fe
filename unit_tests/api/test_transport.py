"""Tests of `transport`.

Where the bounds of time are tested, a connection is one end of a pair of sockets: what the API
sends is in it from the beginning, and the time of each read passes on the test's clock.
"""

import gzip
import io
import socket
import ssl
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

import certifi
import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests_mock import Mocker
from urllib3.poolmanager import PoolManager

from source_autopilot.api import transport
from source_autopilot.api.client import Client
from source_autopilot.api.rate_limiter import MAX_REQUESTS_IN_FLIGHT, RateLimiter
from source_autopilot.api.retry_policy import READ_POLICY
from source_autopilot.api.transport import (
    CHUNK_BYTES,
    MAX_BYTES,
    MAX_SILENCE_SECONDS,
    BoundedResponse,
    Reply,
    fetch,
    open_session,
)
from source_autopilot.errors import InvalidEnvironment, UnreadablePage
from source_autopilot.streams.tables import SmartSegmentsContacts
from unit_tests.support.clock import Clock
from unit_tests.support.constants import URL

PLAIN_URL = "http://127.0.0.1:8080/v1/"
PROXY = "http://proxy.example:3128"


class SlowSocket(socket.socket):
    """One end of a connection, which gives a byte a read, each after some seconds of the clock.

    Attributes:
        seconds_per_byte: of the n-th read; the last one is of all reads that follow.
        timeouts: the seconds that each read had.
        api: the other end, which is the API's.
        answers: what the API sends when a request is sent, beside what it has sent already.
    """

    api: socket.socket
    answers: list[bytes]
    clock: Clock
    seconds_per_byte: list[float]
    timeouts: list[float | None]

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        timeout = self.gettimeout()
        self.timeouts.append(timeout)
        seconds, *others = self.seconds_per_byte
        self.seconds_per_byte = others or [seconds]
        if timeout is not None and seconds > timeout:
            self.clock.sleep(timeout)
            raise TimeoutError("timed out")
        self.clock.sleep(seconds)
        return super().recv_into(memoryview(buffer)[:1], nbytes, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        super().sendall(data, flags)
        if self.answers:
            self.api.sendall(self.answers.pop(0))


Connect = Callable[..., SlowSocket]


@pytest.fixture(autouse=True)
def _monotonic(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(time, "monotonic", clock.now)


@pytest.fixture
def connect(clock: Clock) -> Iterator[Connect]:
    """Make a connection on which the API has sent some bytes already."""
    ends: list[socket.socket] = []

    def make(
        sent: bytes,
        *,
        seconds_per_byte: list[float],
        timeout: float | None = 60,
        closed: bool = False,
    ) -> SlowSocket:
        ours, theirs = socket.socketpair()
        theirs.sendall(sent)
        if closed:
            theirs.shutdown(socket.SHUT_WR)
        slow = SlowSocket(fileno=ours.detach())
        slow.api, slow.answers, slow.clock = theirs, [], clock
        slow.seconds_per_byte, slow.timeouts = seconds_per_byte, []
        slow.settimeout(timeout)
        ends.extend([slow, theirs])
        return slow

    yield make
    for end in ends:
        end.close()


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, connect: Connect) -> Connect:
    """Make the connection that every session gets."""

    def make(sent: bytes, **kwargs: Any) -> SlowSocket:
        connection = connect(sent, **kwargs)
        monkeypatch.setattr(
            "urllib3.util.connection.create_connection", lambda *args, **options: connection
        )
        return connection

    return make


def response(body: bytes, *headers: str, length: int | None = None) -> bytes:
    """An HTTP response as it is sent; a length that is not the body's makes it break off."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def get_plain(answer_seconds: float = 120) -> Reply:
    """What the API answers to a request over plain http."""
    session = open_session(PLAIN_URL, {})
    return fetch(session, PLAIN_URL + "lists", connect_seconds=10, answer_seconds=answer_seconds)


# An answer and its bounds of time.


def test_bounded_response__whole_answer(connect: Connect, clock: Clock) -> None:
    """An answer that is there in time is read as any other, however slowly it comes."""
    sent = response(b"{}")
    connection = connect(sent, seconds_per_byte=[1], timeout=len(sent) + 1)

    with BoundedResponse(connection, method="GET") as answer:
        answer.begin()
        assert (answer.status, answer.read()) == (200, b"{}")

    assert clock.seconds == len(sent)


def test_bounded_response__keeps_coming(connect: Connect, clock: Clock) -> None:
    """The timeout is for the answer as a whole, although there is never a silence."""
    sent = response(b"x" * 1000)
    connection = connect(sent, seconds_per_byte=[0.5], timeout=60)

    with BoundedResponse(connection, method="GET") as answer:
        answer.begin()
        with pytest.raises(TimeoutError):
            answer.read()

    assert clock.seconds == 60


def test_bounded_response__headers_keep_coming(connect: Connect, clock: Clock) -> None:
    """The headers are part of the whole."""
    connection = connect(response(b"x" * 1000), seconds_per_byte=[5], timeout=60)

    with BoundedResponse(connection, method="GET") as answer, pytest.raises(TimeoutError):
        answer.begin()

    assert clock.seconds == 60


@pytest.mark.parametrize("pause_seconds", [60, 100])
def test_bounded_response__pause_between_reads(
    connect: Connect, clock: Clock, pause_seconds: float
) -> None:
    """No read begins when the time is over, also where it passed between two of them."""
    connection = connect(response(b"{}"), seconds_per_byte=[0], timeout=60)

    with BoundedResponse(connection, method="GET") as answer:
        answer.begin()
        clock.sleep(pause_seconds)
        with pytest.raises(TimeoutError, match=r"^the answer took too long$"):
            answer.read()


def test_bounded_response__time_of_its_own(connect: Connect, clock: Clock) -> None:
    """The time of a response begins with it, whatever its connection was used for before."""
    clock.sleep(1000)
    connection = connect(response(b"{}"), seconds_per_byte=[0.5], timeout=60)

    with BoundedResponse(connection, method="GET") as answer:
        answer.begin()
        assert answer.read() == b"{}"


def test_bounded_response__silence(connect: Connect, clock: Clock) -> None:
    """A silence is bounded by MAX_SILENCE_SECONDS, and by what is left for the whole."""
    connection = connect(response(b"{}"), seconds_per_byte=[40, 40, 30, 18], timeout=120)

    with BoundedResponse(connection, method="GET") as answer, pytest.raises(TimeoutError):
        answer.begin()

    assert connection.timeouts == [60, 60, 40, 10]
    assert clock.seconds == 120


def test_bounded_response__silent_from_the_beginning(connect: Connect, clock: Clock) -> None:
    """An answer of which no byte comes is not waited for until the whole timeout is over."""
    connection = connect(b"", seconds_per_byte=[1e9], timeout=120)

    with BoundedResponse(connection, method="GET") as answer, pytest.raises(TimeoutError):
        answer.begin()

    assert clock.seconds == MAX_SILENCE_SECONDS == 60


def test_bounded_response__short_timeout(connect: Connect, clock: Clock) -> None:
    """A timeout that is shorter than MAX_SILENCE_SECONDS bounds a silence, too."""
    connection = connect(b"", seconds_per_byte=[1e9], timeout=12)

    with BoundedResponse(connection, method="GET") as answer, pytest.raises(TimeoutError):
        answer.begin()

    assert clock.seconds == 12


def test_bounded_response__without_a_timeout(connect: Connect) -> None:
    """A connection that was given no time for an answer has none: it never waits for ever."""
    connection = connect(response(b"{}"), seconds_per_byte=[0], timeout=None)

    with BoundedResponse(connection, method="GET") as answer, pytest.raises(TimeoutError):
        answer.begin()


def test_bounded_response__lets_go_of_its_connection(connect: Connect) -> None:
    """A response that is closed keeps no connection open."""
    connection = connect(response(b"{}"), seconds_per_byte=[0])
    answer = BoundedResponse(connection, method="GET")
    answer.begin()

    answer.close()
    connection.close()

    assert connection.fileno() == -1


# The same through a session.


def test_fetch__over_a_connection(answering: Connect) -> None:
    """A reply has the status, the headers and the body of the answer."""
    answering(response(b"{}", "Retry-After: 7"), seconds_per_byte=[0.5])

    reply = get_plain()

    assert (reply.status, reply.body) == (200, b"{}")
    assert dict(reply.headers) == {"Content-Length": "2", "Retry-After": "7"}
    assert reply.headers["retry-after"] == "7"


def test_fetch__keeps_its_connection(answering: Connect) -> None:
    """The next request goes over the same connection, with the whole time for its answer."""
    sent = response(b"first")
    connection = answering(sent, seconds_per_byte=[0.5])
    session = open_session(PLAIN_URL, {})

    first = fetch(session, PLAIN_URL, connect_seconds=10, answer_seconds=25)
    connection.answers = [response(b"second")]
    second = fetch(session, PLAIN_URL, connect_seconds=10, answer_seconds=28)

    assert (first.body, second.body) == (b"first", b"second")
    assert connection.timeouts[0] == 25
    assert connection.timeouts[len(sent)] == 28


def test_fetch__answer_that_keeps_coming(answering: Connect, clock: Clock) -> None:
    """`answer_seconds` bound the whole: a body that comes too slowly is a read timeout."""
    answering(response(b"x" * 1000), seconds_per_byte=[0.5])

    with pytest.raises(requests.ReadTimeout):
        get_plain(answer_seconds=45)

    assert clock.seconds == 45


def test_fetch__silence_in_the_body(answering: Connect, clock: Clock) -> None:
    """A body that stops coming is a read timeout, as soon as the silence is too long."""
    sent = response(b"x" * 10)
    answering(sent, seconds_per_byte=[0.0] * (len(sent) - 3) + [1e9])

    with pytest.raises(requests.ReadTimeout):
        get_plain()

    assert clock.seconds == 60


def test_fetch__silence(answering: Connect, clock: Clock) -> None:
    """An answer of which no byte comes is a read timeout."""
    answering(b"", seconds_per_byte=[1e9])

    with pytest.raises(requests.ReadTimeout):
        get_plain(answer_seconds=20)

    assert clock.seconds == 20


def test_fetch__chunks_that_keep_coming(answering: Connect, clock: Clock) -> None:
    """A body in chunks, whose length nothing says, is bounded like any other."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answering(head + b"1\r\nx\r\n" * 1000, seconds_per_byte=[0.5])

    with pytest.raises(requests.ReadTimeout):
        get_plain()

    assert clock.seconds == 120


@pytest.mark.parametrize(
    "sent",
    [
        response(b"{", length=2),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTT",
        b"",
    ],
    ids=["body", "chunk", "status", "nothing"],
)
def test_fetch__breaks_off(answering: Connect, sent: bytes) -> None:
    """An answer that breaks off is an error and no shorter answer, and no timeout either."""
    answering(sent, seconds_per_byte=[0], closed=True)

    with pytest.raises(requests.RequestException) as raised:
        get_plain()

    assert not isinstance(raised.value, requests.Timeout)


def test_fetch__insecure_body(autopilot: Mocker) -> None:
    """A secure connection that breaks in the body is reported as that, and not as a timeout."""

    class BrokenBody(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ssl.SSLError("decryption failed")

    autopilot.get(URL + "lists", body=BrokenBody())

    with pytest.raises(requests.exceptions.SSLError):
        get_mocked()


def test_fetch__no_gzip(answering: Connect) -> None:
    """A body that is not packed as its header says is an error of requests like the others."""
    answering(response(b"no gzip", "Content-Encoding: gzip"), seconds_per_byte=[0])

    with pytest.raises(requests.exceptions.ContentDecodingError):
        get_plain()


# The size of an answer.


class EndlessBody(io.RawIOBase):
    """A body that never ends, and counts what was read of it."""

    def __init__(self) -> None:
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.size += len(buffer)
        return len(buffer)


def get_mocked() -> Reply:
    """What a mocked API answers."""
    return fetch(open_session(URL, {}), URL + "lists", connect_seconds=10, answer_seconds=60)


def test_fetch__as_large_as_may_be(autopilot: Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body of MAX_BYTES is received as it is."""
    monkeypatch.setattr(transport, "MAX_BYTES", 2**20)
    body = bytes(range(256)) * 2**12
    autopilot.get(URL + "lists", body=io.BytesIO(body))

    assert get_mocked().body == body


def test_fetch__too_large(autopilot: Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte more is too large."""
    monkeypatch.setattr(transport, "MAX_BYTES", 2**20)
    autopilot.get(URL + "lists", body=io.BytesIO(b" " * (2**20 + 1)))

    with pytest.raises(UnreadablePage, match=r"^it has more than 1 MB$"):
        get_mocked()


def test_fetch__too_large_when_unpacked(autopilot: Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is for the unpacked body, of which no more is unpacked than what shows its size."""
    monkeypatch.setattr(transport, "MAX_BYTES", 2**20)
    packed = io.BytesIO(gzip.compress(bytes(2**25), compresslevel=1))
    autopilot.get(URL + "lists", body=packed, headers={"Content-Encoding": "gzip"})

    tracemalloc.start()
    try:
        with pytest.raises(UnreadablePage, match=r"^it has more than 1 MB$"):
            get_mocked()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 2**23


def test_fetch__unpacked(autopilot: Mocker) -> None:
    """A packed body is unpacked."""
    autopilot.get(
        URL + "lists",
        body=io.BytesIO(gzip.compress(b'{"lists":[]}')),
        headers={"Content-Encoding": "gzip"},
    )

    assert get_mocked().body == b'{"lists":[]}'


def test_fetch__endless(autopilot: Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a body that is too large no more is read than what shows that it is."""
    monkeypatch.setattr(transport, "MAX_BYTES", 2**20)
    body = EndlessBody()
    autopilot.get(URL + "lists", body=body)

    with pytest.raises(UnreadablePage):
        get_mocked()

    assert 2**20 < body.size <= 2**20 + CHUNK_BYTES


def test_bounds() -> None:
    """A page of 100 contacts fits hundreds of times, and all workers together into the memory."""
    page_bytes = 200_000

    assert 300 * page_bytes < MAX_BYTES == 64 * 2**20
    assert page_bytes < CHUNK_BYTES <= 2**20


# What is sent.


def test_fetch__request(autopilot: Mocker) -> None:
    """A request has the session's headers and the timeouts, and is a GET."""
    autopilot.get(URL + "lists", text="{}")
    session = open_session(URL, {"autopilotapikey": "key"})

    fetch(session, URL + "lists", connect_seconds=3, answer_seconds=4)

    [request] = autopilot.request_history
    timeout: object = request.timeout
    assert (request.method, request.url, timeout) == ("GET", URL + "lists", (3, 4))
    assert request.headers["autopilotapikey"] == "key"


def test_fetch__redirect(autopilot: Mocker) -> None:
    """A redirect is a reply like any other: its target is not asked."""
    target = "https://elsewhere.example/"
    autopilot.get(URL + "lists", status_code=302, headers={"Location": target}, text="moved")
    autopilot.get(target, text="{}")

    reply = get_mocked()

    assert (reply.status, reply.body, reply.headers["Location"]) == (302, b"moved", target)
    assert autopilot.call_count == 1


def test_fetch__seconds(autopilot: Mocker, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply's seconds are those until its headers, without those of its body."""
    monkeypatch.setattr("requests.sessions.preferred_clock", clock.now)

    class SlowBody(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            clock.sleep(9)
            return super().read(size)

    def answer(request: Any, context: Any) -> SlowBody:
        clock.sleep(3.5)
        return SlowBody(b"{}")

    autopilot.get(URL + "lists", body=answer)

    assert get_mocked().seconds == 3.5
    assert clock.seconds > 9


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@example("contactlist_50% off / north")
@example("contactlist_%2F%2f%41 ~é")
@example("...")
def test_fetch__ids_arrive_as_they_are(name: str) -> None:
    """Nothing between a stream's path and the socket undoes or repeats its percent-encoding."""
    client = Client(PLAIN_URL, SecretStr("key"), RateLimiter(), READ_POLICY)
    path = SmartSegmentsContacts(client).path(
        stream_slice={"segment_id": name}, next_page_token={"bookmark": name}
    )
    ours, theirs = socket.socketpair()
    theirs.sendall(response(b"{}"))

    with theirs, patch("urllib3.util.connection.create_connection", lambda *_, **__: ours):
        fetch(open_session(PLAIN_URL, {}), PLAIN_URL + path, connect_seconds=10, answer_seconds=10)
        method, target, version = theirs.recv(65536).split(b"\r\n")[0].split(b" ")

    assert (method, version) == (b"GET", b"HTTP/1.1")
    assert [unquote(part.decode()) for part in target.split(b"/")] == [
        *("", "v1", "smart_segments", name, "contacts", name)
    ]


# Sessions.


def connections(session: requests.Session, url: str, proxy: str | None = None) -> Any:
    """What makes the connections of a session, straight or through a proxy."""
    adapter = session.get_adapter(url)
    assert isinstance(adapter, HTTPAdapter)
    return adapter.proxy_manager_for(proxy) if proxy else adapter.poolmanager


@pytest.mark.parametrize("url", [URL, PLAIN_URL])
@pytest.mark.parametrize("proxy", [None, PROXY, "https://proxy.example:3128"])
def test_open_session__bounded_connections(url: str, proxy: str | None) -> None:
    """The responses of all connections are bounded, straight or through a proxy."""
    pool = connections(open_session(url, {}), url, proxy).connection_from_url(url)

    assert pool.ConnectionCls.response_class is BoundedResponse


@pytest.mark.parametrize("url", [URL, PLAIN_URL])
def test_open_session__enough_connections(url: str) -> None:
    """There are as many connections as requests may be on their way side by side."""
    pool = connections(open_session(url, {}), url).connection_from_url(url)

    assert pool.pool.maxsize == MAX_REQUESTS_IN_FLIGHT == 80


def test_open_session__socks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy has connections of its own, which are left as they are."""

    class SocksManager(PoolManager):
        """Stands for urllib3's, which needs a package that is not always there."""

    monkeypatch.setattr(
        "requests.adapters.SOCKSProxyManager", lambda *args, **kwargs: SocksManager()
    )

    manager = connections(open_session(URL, {}), URL, "socks5://proxy.example:1080")

    assert manager.pool_classes_by_scheme == PoolManager().pool_classes_by_scheme


def test_open_session__headers() -> None:
    """The session has the headers that it is given, beside those of requests."""
    session = open_session(URL, {"autopilotapikey": "key"})

    assert session.headers == {**requests.Session().headers, "autopilotapikey": "key"}


def test_open_session__plain_environment() -> None:
    """Without settings in the environment there is no proxy, and certificates are verified."""
    session = open_session(URL, {})

    assert (session.proxies, session.verify, session.trust_env) == ({}, True, False)


def test_open_session__environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies and certificates are the environment's, which is read once."""
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())

    session = open_session(URL, {})

    assert (session.proxies, session.verify, session.trust_env) == (
        {"https": PROXY},
        certifi.where(),
        False,
    )


def test_open_session__no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that the environment excepts from its proxies is reached directly."""
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", "autopilot.example")

    assert open_session(URL, {}).proxies == {}


def test_open_session__plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain http passes no proxy of the environment, which could read the key."""
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("ALL_PROXY", PROXY)

    assert open_session(PLAIN_URL, {}).proxies == {}


def test_open_session__netrc(
    autopilot: Mocker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A password of ~/.netrc is not sent along: the key is all that the API gets."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine autopilot.example login person password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    autopilot.get(URL + "lists", text="{}")

    get_mocked()

    [request] = autopilot.request_history
    assert "Authorization" not in request.headers


# Environments in which no request can be sent.


@pytest.fixture
def _no_socks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What requests does without the package PySocks."""

    def missing(*args: Any, **kwargs: Any) -> None:
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", missing)


PROXY_VARIABLES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
UNUSABLE_PROXIES = [
    "http://",
    "http://user:password@:3128",
    "http://proxy.example:99999",
    "http://proxy.example:port",
    "http://[::1",
    "ftp://user:password@proxy.example",
    "our proxy:3128",
    "//",
]


@pytest.mark.parametrize("variable", PROXY_VARIABLES)
@pytest.mark.parametrize("value", UNUSABLE_PROXIES)
def test_open_session__no_proxy_address(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A proxy's address that is none is an error that names the variable, and not its value."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(InvalidEnvironment) as raised:
        open_session(URL, {})

    assert str(raised.value) == (
        f"{variable} is no address of a proxy, such as http://proxy.example:3128"
    )


@pytest.mark.usefixtures("_no_socks")
@pytest.mark.parametrize("variable", PROXY_VARIABLES)
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_open_session__no_package_for_the_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    """A SOCKS proxy without the package for it is an error that names both."""
    monkeypatch.setenv(variable, f"{scheme}://user:password@proxy.example:1080")

    with pytest.raises(InvalidEnvironment) as raised:
        open_session(URL, {})

    assert str(raised.value) == (
        f"{variable} names a SOCKS proxy, and the package PySocks for it is not installed"
    )


@pytest.mark.usefixtures("_no_socks")
@pytest.mark.parametrize(
    ("url", "environment"),
    [
        (URL, {"HTTPS_PROXY": "socks5://proxy.example", "NO_PROXY": "autopilot.example"}),
        (URL, {"all_proxy": "http://", "no_proxy": "*"}),
        (URL, {"HTTP_PROXY": "http://"}),
        (URL, {"HTTPS_PROXY": PROXY, "ALL_PROXY": "http://"}),
        (PLAIN_URL, {"ALL_PROXY": "http://"}),
        (PLAIN_URL, {"REQUESTS_CA_BUNDLE": "/not/there.pem"}),
        (URL, {"REQUESTS_CA_BUNDLE": certifi.where(), "CURL_CA_BUNDLE": "/not/there.pem"}),
    ],
)
def test_open_session__what_is_not_used(
    monkeypatch: pytest.MonkeyPatch, url: str, environment: dict[str, str]
) -> None:
    """A proxy or certificates that the API's requests do not need are nobody's concern."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    open_session(url, {})


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (None, "No such file or directory"),
        ("", "none in it"),
        ("hello", "none in it"),
        ("-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n", "none in it"),
    ],
)
def test_open_session__no_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, content: str | None, seen: str
) -> None:
    """A file of certificates that is missing or is none is an error that names the variable."""
    path = tmp_path / "certificates.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv(variable, str(path))

    with pytest.raises(InvalidEnvironment) as raised:
        open_session(URL, {})

    assert str(raised.value) == f"{variable} names {path} for certificates: {seen}"


def test_open_session__folder_of_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Certificates may be in a folder, too."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))

    assert open_session(URL, {}).verify == str(tmp_path)


@pytest.mark.parametrize("host", [".example", "a" * 64 + ".example"])
def test_fetch__name_that_cannot_be(host: str) -> None:
    """A host's name that cannot be looked up is an error of requests like any other."""
    url = f"https://{host}/"

    with pytest.raises(requests.exceptions.InvalidURL):
        fetch(open_session(url, {}), url, connect_seconds=10, answer_seconds=10)
