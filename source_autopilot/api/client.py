"""Access to the API: where, as whom and how patiently to ask."""

from dataclasses import dataclass
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.requests_native_auth.abstract_token import (
    AbstractHeaderAuthenticator,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from pydantic import SecretStr

from source_autopilot.api.rate_limiter import RequestBudget
from source_autopilot.api.retry_policy import Patience


@dataclass(frozen=True)
class Api:
    """What all streams of a sync share.

    Attributes:
        url: the base URL with a slash at its end, as `api_url` gives it.
    """

    url: str
    key: SecretStr
    budget: RequestBudget
    patience: Patience

    def request_options(self) -> dict[str, Any]:
        """What every request is sent with, as arguments of requests' `send`."""
        options: dict[str, Any] = {
            "timeout": (self.patience.connect_seconds, self.patience.read_seconds),
            # requests would send the key's header on to whatever host a redirect names.
            "allow_redirects": False,
        }
        if self.url.startswith("http:"):
            # Plain http is for this machine; a proxy in the environment must not see the key.
            options["proxies"] = {"http": None, "all": None}
        return options

    def told_of(self, failure: AirbyteTracedException) -> AirbyteTracedException:
        """The failure; after a config error nothing is asked any more.

        A key that one request is refused for is refused for all.
        """
        if failure.failure_type == FailureType.config_error:
            self.budget.close(failure)
        return failure


class ApiKeyHeader(AbstractHeaderAuthenticator):
    """Puts the key into the header that Autopilot asks for [doc]."""

    auth_header = "autopilotapikey"

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    @property
    def token(self) -> str:
        return self._key.get_secret_value()
