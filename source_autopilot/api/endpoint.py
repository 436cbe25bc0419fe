"""An endpoint of Autopilot as the CDK's HTTP client asks it: path, key, timeouts, verdict.

What an answer means is decided in `errors`. Knows no pages and no rows: `http_stream` does.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import requests
from airbyte_cdk.sources.streams.http import HttpStream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.backoff import RetryAfter
from source_autopilot.api.client import Api, ApiKeyHeader
from source_autopilot.api.error_mapping import AutopilotErrorHandler
from source_autopilot.api.transport import BoundedAdapter
from source_autopilot.failures import explained, given_up
from source_autopilot.records.page import decode, path_part
from source_autopilot.streams.pagination import Chain

JsonObject = Mapping[str, Any]


class AutopilotEndpoint(HttpStream, ABC):
    """Asks one endpoint, or one for every slice.

    Subclasses may `decode` less of a body than all of it.
    """

    decode = staticmethod(decode)

    def __init__(self, api: Api) -> None:
        self.api = api
        super().__init__(authenticator=ApiKeyHeader(api.key), api_budget=api.budget)
        session = self._http_client._session
        for scheme in ("https://", "http://"):
            session.mount(scheme, BoundedAdapter(api.patience.whole_seconds))
        _read_environment_once(session, api.url)

    @property
    def url_base(self) -> str:
        return self.api.url

    @abstractmethod
    def path_parts(self, stream_slice: JsonObject) -> list[str]:
        """The path of a slice's first page below the base URL, not yet percent-encoded."""

    def path(
        self,
        *,
        stream_state: JsonObject | None = None,
        stream_slice: JsonObject | None = None,
        next_page_token: JsonObject | None = None,
    ) -> str:
        """The path of a page; the bookmark of `next_page_token` is its last part [client]."""
        bookmark = [next_page_token["bookmark"]] if next_page_token else []
        return "/".join(map(path_part, [*self.path_parts(stream_slice or {}), *bookmark]))

    def request_kwargs(self, *args: Any, **kwargs: Any) -> JsonObject:
        return self.api.request_options()

    def get_error_handler(self) -> AutopilotErrorHandler:
        failed = self.api.budget.waits.of(self.name)
        return AutopilotErrorHandler(self.api.patience, failed, self.decode)

    def get_backoff_strategy(self) -> RetryAfter:
        return RetryAfter()

    def fetch(self, stream_slice: JsonObject, chain: Chain) -> requests.Response:
        """The answer for the page where the chain has come: a page, or a refusal of it (4xx).

        Raises AirbyteTracedException, and UnreadablePage for a bookmark that no URL can carry.
        """
        self.api.budget.about_to_ask(pages_left=chain.pages_left)
        token = {"bookmark": chain.bookmark} if chain.bookmark else None
        try:
            _, response = self._fetch_next_page(stream_slice, None, token)
        except AirbyteTracedException as failure:
            raise self.api.told_of(explained(failure)) from None
        failed = given_up(self.get_error_handler().verdict(response))
        if failed:
            raise self.api.told_of(failed)
        return response


def _read_environment_once(session: requests.Session, url: str) -> None:
    """Proxies and certificates, which requests looks for in the environment at every request.

    That takes a fifth of what sending one takes.
    """
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies = dict(found["proxies"])
    session.verify = found["verify"]
    session.trust_env = False
