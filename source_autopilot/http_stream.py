"""The base of the streams: paths, timeouts, and the walk from page to page.

One request at a time and one page in memory. What an answer means is decided in `errors` (not a
page) and `responses` (a page); which rows a page becomes is decided in `streams`.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import requests
from airbyte_cdk.models import FailureType, SyncMode
from airbyte_cdk.sources.streams.http import HttpStream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api import Api, ApiKeyHeader
from source_autopilot.errors import (
    TRY_LATER,
    AutopilotErrorHandler,
    RetryAfter,
    explained,
    json_body,
)
from source_autopilot.responses import Page, UnreadablePage, parse_page, path_part
from source_autopilot.row import Converters, Row, to_row
from source_autopilot.values import text

JsonObject = Mapping[str, Any]


class AutopilotStream(HttpStream, ABC):
    """A table of Autopilot, read from the first page to the last.

    Subclasses declare where their rows are and, where it isn't one row per document, what becomes
    of a document.
    """

    rows_field: ClassVar[str]
    document_key: ClassVar[str]
    converters: ClassVar[Converters] = {"title": text}

    # HttpStream calls every stream with state resumable; this one starts over.
    is_resumable = False

    def __init__(self, api: Api) -> None:
        self._api = api
        self._misfits: Counter[str] = Counter()
        super().__init__(authenticator=ApiKeyHeader(api.key), api_budget=api.budget)

    @property
    def primary_key(self) -> str | list[str]:
        return self.document_key

    @property
    def url_base(self) -> str:
        return self._api.url

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
        """Timeouts, and no redirects: requests would send the key's header on to any host."""
        options: dict[str, Any] = {
            "timeout": (self._api.patience.connect_seconds, self._api.patience.read_seconds),
            "allow_redirects": False,
        }
        if self._api.url.startswith("http:"):
            # Plain http is for this machine; a proxy in the environment must not see the key.
            options["proxies"] = {"http": None, "all": None}
        return options

    def get_error_handler(self) -> AutopilotErrorHandler:
        return AutopilotErrorHandler(self._api.patience)

    def get_backoff_strategy(self) -> RetryAfter:
        return RetryAfter()

    def read_records(
        self,
        sync_mode: SyncMode,
        cursor_field: list[str] | None = None,
        stream_slice: JsonObject | None = None,
        stream_state: JsonObject | None = None,
    ) -> Iterator[Row]:
        """Every row of a slice, page by page.

        Raises AirbyteTracedException when a page cannot be had or read: rows are never skipped.
        """
        token: JsonObject | None = None
        seen: set[str] = set()
        while True:
            try:
                response = self._fetch(stream_slice or {}, token)
                if response.status_code == requests.codes.not_found:
                    self.on_not_found(stream_slice or {}, token)
                    return
                rows = list(self.parse_response(response, stream_slice=stream_slice))
                token = self.next_page_token(response)
                if token and token["bookmark"] in seen:
                    raise UnreadablePage(f"it leads back to the bookmark {token['bookmark']}")
            except UnreadablePage as unreadable:
                raise self._unusable(unreadable, page_number=len(seen) + 1) from None
            yield from rows
            if token is None:
                self.report()
                return
            seen.add(token["bookmark"])

    def parse_response(self, response: requests.Response, **kwargs: Any) -> Iterator[Row]:
        """The rows of a page. Raises UnreadablePage."""
        stream_slice = kwargs.get("stream_slice") or {}
        for document in self._page(response).rows:
            yield from self.records(document, stream_slice)

    def next_page_token(self, response: requests.Response) -> JsonObject | None:
        """The bookmark of the next page; None on the last one. Raises UnreadablePage."""
        bookmark = self._page(response).bookmark
        return {"bookmark": bookmark} if bookmark else None

    def records(self, document: JsonObject, stream_slice: JsonObject) -> Iterable[Row]:
        """The records of one document: itself, as a row."""
        row, misfits = to_row(document, self.converters)
        self._misfits.update(misfits)
        return [row]

    def on_not_found(self, stream_slice: JsonObject, token: JsonObject | None) -> None:
        """What a 404 means for this stream: the sync cannot go on, unless a subclass knows better.

        Raises AirbyteTracedException.
        """
        where = f"the page at bookmark {token['bookmark']}" if token else "the first page"
        raise AirbyteTracedException(
            message=f"{self.name}: Autopilot does not find {where} (404). What the bookmark points"
            f" at may have been deleted during the sync. {TRY_LATER}",
            failure_type=FailureType.transient_error,
        )

    def report(self) -> None:
        """Log what a person should know of the rows that were read."""
        for column, number in sorted(self._misfits.items()):
            self.logger.warning(
                f"{self.name}: {number} values do not fit the type of column {column};"
                " what does not fit is null in its place."
            )

    def _fetch(self, stream_slice: JsonObject, token: JsonObject | None) -> requests.Response:
        try:
            _, response = self._fetch_next_page(stream_slice, None, token)
        except AirbyteTracedException as failure:
            raise explained(failure) from None
        return response

    def _page(self, response: requests.Response) -> Page:
        return parse_page(json_body(response), rows_field=self.rows_field, key=self.document_key)

    def _unusable(self, unreadable: UnreadablePage, *, page_number: int) -> AirbyteTracedException:
        return AirbyteTracedException(
            message=f"{self.name}: page {page_number} from Autopilot cannot be used: {unreadable}."
            f" The sync stops here so that no rows are lost. {TRY_LATER}",
            failure_type=FailureType.transient_error,
        )
