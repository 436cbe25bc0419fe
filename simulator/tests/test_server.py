"""The simulator as a server: connections, compression, starting and refusing to start."""

from __future__ import annotations

import gzip
import http.client
from contextlib import closing

import pytest
import requests

from simulator import Account, Simulator


def test_connection__is_kept_alive() -> None:
    """A client may use its connection again: benchmarks depend on it."""
    with Simulator(Account()) as autopilot:
        connection = http.client.HTTPConnection(*autopilot.address, timeout=60)
        connection.connect()
        with closing(connection), connection.sock as only_socket:
            for _ in range(3):
                connection.request("GET", "/v1/lists", headers={"autopilotapikey": autopilot.key})
                assert connection.getresponse().read()
                assert connection.sock is only_socket


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
    "options", [{"rate_limit": 0}, {"page_size": 0}, {"retry_after": "tomorrow"}]
)
def test_simulator__refuses_unusable_options(options: dict[str, object]) -> None:
    """A misspelt option is an error at once, not a test of something else."""
    with pytest.raises(ValueError, match=next(iter(options))):
        Simulator(Account(), **options)  # type: ignore[arg-type]
