"""What the tests ask the simulator with."""

from __future__ import annotations

import socket

import requests

from simulator import Simulator

TIMEOUT_SECONDS = 60


def get(autopilot: Simulator, path: str, *, key: str | None = "") -> requests.Response:
    """GET a path below /v1 without following redirects; with the right key, another, or None."""
    sent_key = autopilot.key if key == "" else key
    headers = {} if sent_key is None else {"autopilotapikey": sent_key}
    return requests.get(
        autopilot.url + path, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
    )


def send_get(address: tuple[str, int], key: str, path: str) -> socket.socket:
    """A socket on which GET of a path below /v1 has been sent, and nothing received."""
    connection = socket.create_connection(address, timeout=TIMEOUT_SECONDS)
    head = f"GET /v1{path} HTTP/1.1\r\nHost: x\r\nautopilotapikey: {key}\r\n\r\n"
    connection.sendall(head.encode())
    return connection
