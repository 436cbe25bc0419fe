"""The simulator as a server: connections, compression, starting and refusing to start."""

from __future__ import annotations

import gzip
import http.client
from contextlib import closing
from email.utils import parsedate_to_datetime

import pytest
import requests

from simulator import Account, Simulator


def test_connection__is_kept_alive() -> None:
    """A client may use its connection again: benchmarks depend on it."""
    with Simulator(Account(), transport="steady") as autopilot:
        connection = http.client.HTTPConnection(*autopilot.address, timeout=60)
        connection.connect()
        with closing(connection), connection.sock as only_socket:
            for _ in range(3):
                connection.request("GET", "/v1/lists", headers={"autopilotapikey": autopilot.key})
                assert connection.getresponse().read()
                assert connection.sock is only_socket


def test_transport__is_a_mixture_that_repeats() -> None:
    """Answers come in chunks and with a length, on connections that stay and that are closed."""
    with Simulator(Account(contacts=1)) as autopilot, requests.Session() as session:
        session.headers["autopilotapikey"] = autopilot.key
        answers = [session.get(autopilot.url + "/lists", timeout=60) for _ in range(20)]

    seen = [
        (answer.headers.get("Transfer-Encoding"), answer.headers.get("Connection"))
        for answer in answers
    ]
    assert set(seen) == {
        (None, None), ("chunked", None), ("chunked", "close"), (None, "close")
    }  # fmt: skip
    assert seen[:10] == seen[10:]
    assert len({answer.content for answer in answers}) == 1


def test_answer__says_when_it_was_begun() -> None:
    """Last-Modified is when the request came, Date when the answer left; no type has a charset."""
    with Simulator(Account(contacts=1)) as autopilot:
        headers = {"autopilotapikey": autopilot.key}
        answer = requests.get(autopilot.url + "/lists", headers=headers, timeout=60)

    [request] = autopilot.log.requests()
    begun = parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp()
    assert begun == int(request.time)
    assert begun <= parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("compress", "accepted", "encoding"),
    [
        (True, "gzip", "gzip"),
        (True, "identity", None),
        (False, "gzip", None),
    ],
)
def test_compress__needs_the_option_and_the_client(
    compress: bool, accepted: str, encoding: str | None
) -> None:
    """An answer is compressed if the option is set and the client accepts it."""
    with Simulator(Account(contacts=1), compress=compress) as autopilot:
        headers = {"autopilotapikey": autopilot.key, "Accept-Encoding": accepted}
        with requests.get(
            autopilot.url + "/lists", headers=headers, stream=True, timeout=60
        ) as answer:
            raw = answer.raw.read(decode_content=False)

    assert answer.headers.get("Content-Encoding") == encoding
    assert (gzip.decompress(raw) if encoding else raw).startswith(b'{"lists":')


def test_simulator__says_why_it_cannot_start() -> None:
    """A port that is taken is an error of `with`, not a silent thread."""
    with Simulator(Account()) as first:
        second = Simulator(Account(), port=first.address[1])
        with pytest.raises(OSError, match="address already in use"), second:
            pass


@pytest.mark.parametrize(
    "options",
    [{"rate_limit": 0}, {"page_size": 1}, {"retry_after": "tomorrow"}, {"transport": "pigeon"}],
)
def test_simulator__refuses_unusable_options(options: dict[str, object]) -> None:
    """A misspelt option is an error at once, not a test of something else."""
    with pytest.raises(ValueError, match=next(iter(options))):
        Simulator(Account(), **options)  # type: ignore[arg-type]
