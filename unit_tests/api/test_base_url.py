"""Tests of `base_url`."""

import pytest

from source_autopilot.api.base_url import find_base_url
from source_autopilot.errors import InvalidConfig


@pytest.mark.parametrize("environment", [{}, {"AUTOPILOT_API_URL": ""}, {"AUTOPILOT_API_URL": " "}])
def test_find_base_url__default(environment: dict[str, str]) -> None:
    """Without an override the key goes to the vendor, over https."""
    assert find_base_url(environment) == "https://api2.autopilothq.com/v1/"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/"),
        ("http://127.9.9.9/", "http://127.9.9.9/"),
        ("http://localhost:1/v1/", "http://localhost:1/v1/"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/"),
        ("https://proxy.example/autopilot", "https://proxy.example/autopilot/"),
        ("https://proxy.example/autopilot//", "https://proxy.example/autopilot/"),
        (" https://proxy.example/ ", "https://proxy.example/"),
    ],
)
def test_find_base_url__override(given: str, expected: str) -> None:
    """Plain http is for this machine only; any other host is reached over https."""
    assert find_base_url({"AUTOPILOT_API_URL": given}) == expected


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
        "https://user@autopilot.example/",
        "https://:password@autopilot.example/",
        "https://autopilot.example/?to=",
        "https://autopilot.example/?to=elsewhere",
        "https://autopilot.example/#v1",
        "ftp://127.0.0.1/",
        "127.0.0.1:8080",
        "https://",
        "http://[::1/",
    ],
)
def test_find_base_url__unsafe_for_the_key(given: str) -> None:
    """An address is refused that would send the key in plain, or elsewhere than it seems."""
    with pytest.raises(InvalidConfig) as raised:
        find_base_url({"AUTOPILOT_API_URL": given})

    assert str(raised.value) == (
        "The environment variable AUTOPILOT_API_URL is no address to send the API key to: expected"
        " an https:// URL, or http:// to this machine such as http://127.0.0.1:8080/v1."
    )


@pytest.mark.parametrize(
    "given",
    [
        "http://127.0.0.1:8080/v1",
        "http://localhost/",
        "ftp://proxy.example/",
        "https://a@b.example",
    ],
)
@pytest.mark.parametrize("mode", ["cloud", "CLOUD"])
def test_find_base_url__in_the_cloud(given: str, mode: str) -> None:
    """In Airbyte's cloud plain http is refused even to this machine, which is not the user's."""
    with pytest.raises(InvalidConfig) as raised:
        find_base_url({"AUTOPILOT_API_URL": given, "DEPLOYMENT_MODE": mode})

    assert str(raised.value) == (
        "The environment variable AUTOPILOT_API_URL is no address to send the API key to: in"
        " Airbyte's cloud it has to be an https:// URL."
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "https://api2.autopilothq.com/v1/"),
        ("https://proxy.example/autopilot", "https://proxy.example/autopilot/"),
    ],
)
def test_find_base_url__https_in_the_cloud(given: str, expected: str) -> None:
    """An address that is safe is taken in Airbyte's cloud, too."""
    environment = {"AUTOPILOT_API_URL": given, "DEPLOYMENT_MODE": "cloud"}

    assert find_base_url(environment) == expected


def test_find_base_url__in_a_deployment_of_ones_own() -> None:
    """Airbyte outside of its cloud may set DEPLOYMENT_MODE, too: this machine is allowed there."""
    environment = {"AUTOPILOT_API_URL": "http://127.0.0.1:8080", "DEPLOYMENT_MODE": "oss"}

    assert find_base_url(environment) == "http://127.0.0.1:8080/"


def test_find_base_url__scheme_in_lower_case() -> None:
    """Plain http is kept off proxies, however it is spelled: the key travels in a header."""
    environment = {"AUTOPILOT_API_URL": "HTTP://127.0.0.1:8080/v1"}

    assert find_base_url(environment) == "http://127.0.0.1:8080/v1/"
