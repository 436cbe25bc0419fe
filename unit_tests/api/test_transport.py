"""Tests of `transport`; its bounds of time and size are tested with real sockets in test_faults."""

import pytest
from urllib3.connection import HTTPConnection

from source_autopilot.api.transport import BoundedAdapter


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_adapter__through_a_proxy(scheme: str) -> None:
    """Behind a proxy the connections are the same ones: those that can be cut off."""
    adapter = BoundedAdapter(whole_seconds=60)
    straight = adapter.poolmanager.connection_from_url(f"{scheme}://autopilot.example/")

    proxied = adapter.proxy_manager_for("http://proxy.example:3128").connection_from_url(
        f"{scheme}://autopilot.example/"
    )

    assert proxied.ConnectionCls is straight.ConnectionCls
    assert issubclass(proxied.ConnectionCls, HTTPConnection)
