"""Access to the API: where, as whom and how patiently to ask."""

from dataclasses import dataclass

from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.http.requests_native_auth.abstract_token import (
    AbstractHeaderAuthenticator,
)
from pydantic import SecretStr

from source_autopilot.patience import Patience


@dataclass(frozen=True)
class Api:
    """What all streams of a sync share.

    Attributes:
        url: the base URL with a slash at its end, as `api_url` gives it.
    """

    url: str
    key: SecretStr
    budget: APIBudget
    patience: Patience


class ApiKeyHeader(AbstractHeaderAuthenticator):
    """Puts the key into the header that Autopilot asks for [doc]."""

    auth_header = "autopilotapikey"

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    @property
    def token(self) -> str:
        return self._key.get_secret_value()
