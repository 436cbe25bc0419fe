"""Tests of `api_url`."""

import pytest

from source_autopilot.api.base_url import api_url
from source_autopilot.config import InvalidConfig


@pytest.mark.parametrize("environment", [{}, {"AUTOPILOT_API_URL": ""}])
def test_api_url__default(environment: dict[str, str]) -> None:
    """Without an override the key goes to the vendor, over https."""
    assert api_url(environment) == "https://api2.autopilothq.com/v1/"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/"),
        ("http://127.9.9.9/", "http://127.9.9.9/"),
        ("http://localhost:1/v1/", "http://localhost:1/v1/"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/"),
        ("https://proxy.example/autopilot", "https://proxy.example/autopilot/"),
    ],
)
def test_api_url__override(given: str, expected: str) -> None:
    """The machine itself may be reached in plain, any other host over https."""
    assert api_url({"AUTOPILOT_API_URL": given}) == expected


@pytest.mark.parametrize(
    "given",
    [
        "http://autopilot.example/v1",
        "http://10.0.0.1/",
        "http://localhost.example/",
        "http://127.0.0.1@autopilot.example/",
        "http://127.0.0.1\\@autopilot.example/",
        "http://127.0.0.1:99999/",
        "http://0.0.0.0/",
        "https://user:password@autopilot.example/",
        "https://autopilot.example/?to=",
        "ftp://127.0.0.1/",
        "127.0.0.1:8080",
        "https://",
        "http://[::1/",
    ],
)
def test_api_url__would_give_the_key_away(given: str) -> None:
    """No address that would send the key in plain, or somewhere else than it seems."""
    with pytest.raises(InvalidConfig, match="AUTOPILOT_API_URL"):
        api_url({"AUTOPILOT_API_URL": given})


@pytest.mark.parametrize("given", ["http://127.0.0.1:8080/v1", "http://localhost/", "ftp://x/"])
@pytest.mark.parametrize("mode", ["cloud", "CLOUD"])
def test_api_url__nothing_in_plain_in_the_cloud(given: str, mode: str) -> None:
    """There, this machine is somebody else's."""
    with pytest.raises(InvalidConfig, match="https"):
        api_url({"AUTOPILOT_API_URL": given, "DEPLOYMENT_MODE": mode})


@pytest.mark.parametrize("given", ["", "https://proxy.example/autopilot"])
def test_api_url__https_in_the_cloud(given: str) -> None:
    """An address that is safe is taken there, too."""
    assert api_url({"AUTOPILOT_API_URL": given, "DEPLOYMENT_MODE": "cloud"}).startswith("https://")
