"""Where the API is: the vendor's address, or a simulator on this machine. Pure."""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from source_autopilot.errors import InvalidConfig

VENDOR_URL = "https://api2.autopilothq.com/v1/"  # [doc]
VARIABLE = "AUTOPILOT_API_URL"


def find_base_url(environment: Mapping[str, str]) -> str:
    """The base URL of the API, with a slash at its end.

    AUTOPILOT_API_URL in the environment replaces the vendor's, for tests and demos. The key
    travels in a header, so plain http is taken for this machine only, and not at all in Airbyte's
    cloud, which sets DEPLOYMENT_MODE. Raises InvalidConfig.
    """
    url = environment.get(VARIABLE, "").strip() or VENDOR_URL
    if environment.get("DEPLOYMENT_MODE", "").casefold() == "cloud":
        if not (url.startswith("https://") and _is_safe_for_key(url)):
            raise InvalidConfig(
                f"The environment variable {VARIABLE} is no address to send the API key to: in"
                " Airbyte's cloud it has to be an https:// URL."
            )
    elif not _is_safe_for_key(url):
        raise InvalidConfig(
            f"The environment variable {VARIABLE} is no address to send the API key to: expected"
            " an https:// URL, or http:// to this machine such as http://127.0.0.1:8080/v1."
        )
    # The scheme in lower case: others ask whether it is http, and keep such requests off proxies.
    return urlsplit(url).geturl().rstrip("/") + "/"


def _is_safe_for_key(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    secure = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts))
    return bool(parts.hostname) and "\\" not in url and plain and secure


def _is_loopback(parts: SplitResult) -> bool:
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"
