"""Faults of the connection itself, as a client meets them on a real socket."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from itertools import islice

import pytest
import requests

from simulator import Account, Fault, Simulator

ACCOUNT = Account(contacts=250, segment_sizes=[50])
SOON_SECONDS = 0.1


def get(autopilot: Simulator, path: str) -> requests.Response:
    """GET a path below /v1 with the right key, without following redirects."""
    headers = {"autopilotapikey": autopilot.key}
    return requests.get(autopilot.url + path, headers=headers, timeout=60, allow_redirects=False)


def connection(autopilot: Simulator) -> socket.socket:
    """A socket on which GET /v1/contacts has been sent."""
    opened = socket.create_connection(autopilot.address, timeout=60)
    head = f"GET /v1/contacts HTTP/1.1\r\nHost: x\r\nautopilotapikey: {autopilot.key}\r\n\r\n"
    opened.sendall(head.encode())
    return opened


def test_reset__breaks_a_promised_body() -> None:
    """The head promises a length, half of it arrives, then the connection is reset."""
    received = b""
    with Simulator(ACCOUNT, faults=[Fault("reset")]) as autopilot:
        with connection(autopilot) as client, pytest.raises(ConnectionResetError):  # noqa: PT012
            while chunk := client.recv(65536):  # which of the calls will raise is up to chance
                received += chunk
        assert get(autopilot, "/lists").status_code == 200

    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert len(body) == promised // 2
    assert autopilot.log.requests()[0].status is None


def test_close__gives_not_a_byte() -> None:
    """The connection ends politely, and empty."""
    with Simulator(ACCOUNT, faults=[Fault("close")]) as autopilot:
        with connection(autopilot) as client:
            assert client.recv(1) == b""
        assert get(autopilot, "/lists").status_code == 200

    assert [request.status for request in autopilot.log.requests()] == [None, 200]


def test_silence__lasts_until_the_simulator_stops() -> None:
    """Nothing is sent to the one who waits; others are served, and it can be stopped."""
    with ExitStack() as after_the_simulator:
        with Simulator(ACCOUNT, faults=[Fault("silence")]) as autopilot:
            client = after_the_simulator.enter_context(connection(autopilot))
            client.settimeout(SOON_SECONDS)
            with pytest.raises(TimeoutError):
                client.recv(1)
            assert get(autopilot, "/lists").status_code == 200
        client.settimeout(60)
        assert client.recv(1) == b""

    assert [request.status for request in autopilot.log.requests()] == [None, 200]


def test_drip__sends_byte_after_byte() -> None:
    """A body that is always about to begin: no read times out, and none is the last."""
    fault = Fault("drip", interval_seconds=0.001)

    with Simulator(ACCOUNT, faults=[fault]) as autopilot:
        headers = {"autopilotapikey": autopilot.key}
        with requests.get(
            autopilot.url + "/contacts", headers=headers, stream=True, timeout=60
        ) as response:
            dripped = list(islice(response.iter_content(1), 20))
            assert autopilot.log.count(status=200) == 1

    assert dripped == [b" "] * 20
