"""The base of the streams: paths, timeouts, and the walk from page to page.

One page of a partition in memory at a time. What an answer means is decided in `errors` (not a
page) and `responses` (a page); which rows a page becomes is decided in `streams`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import requests
from airbyte_cdk.models import SyncMode
from airbyte_cdk.sources.streams.http import HttpStream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api import Api, ApiKeyHeader
from source_autopilot.chain import Chain
from source_autopilot.checkpoint import Checkpoint
from source_autopilot.errors import AutopilotErrorHandler, RetryAfter, json_body
from source_autopilot.failures import explained, given_up, page_refused, unusable_page
from source_autopilot.progress import Progress
from source_autopilot.responses import Page, UnreadablePage, parse_page, path_part
from source_autopilot.row import Converters, Row, to_row
from source_autopilot.state import Partition
from source_autopilot.tally import Tally
from source_autopilot.transport import BoundedAdapter
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

    # The CDK says no for a stream with slices. Nothing here is read in the CDK's synchronous way,
    # which would read a resumable stream over and over.
    is_resumable = True

    def __init__(self, api: Api) -> None:
        self.api = api
        self.checkpoint: Checkpoint | None = None
        self.progress: Progress | None = None
        self.tally = Tally()
        super().__init__(authenticator=ApiKeyHeader(api.key), api_budget=api.budget)
        for scheme in ("https://", "http://"):
            self._http_client._session.mount(scheme, BoundedAdapter(api.patience.whole_seconds))

    @property
    def primary_key(self) -> str | list[str]:
        return self.document_key

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
        return AutopilotErrorHandler(self.api.patience, self.api.budget.waits.of(self.name))

    def get_backoff_strategy(self) -> RetryAfter:
        return RetryAfter()

    def partitions(self) -> Iterable[Partition]:
        """All partitions of the stream: one, unless a subclass has more."""
        return [{}]

    def stream_slices(
        self,
        sync_mode: SyncMode = SyncMode.full_refresh,
        cursor_field: list[str] | None = None,
        stream_state: JsonObject | None = None,
    ) -> list[Partition]:
        """The partitions that are still to be read."""
        partitions = self.partitions()
        todo = list(self.checkpoint.unfinished(partitions) if self.checkpoint else partitions)
        if self.progress:
            self.progress.chains = len(todo)
        return todo

    def read_records(
        self,
        sync_mode: SyncMode,
        cursor_field: list[str] | None = None,
        stream_slice: JsonObject | None = None,
        stream_state: JsonObject | None = None,
    ) -> Iterator[Row]:
        """Every row of a partition, page by page, from its checkpoint on.

        Raises AirbyteTracedException when a page cannot be had or read: rows are never skipped.
        """
        partition = stream_slice or {}
        chain = Chain(self.checkpoint.bookmark(partition) if self.checkpoint else None)
        while not chain.ended:
            try:
                response = self._fetch(partition, chain)
                if response.status_code != requests.codes.ok:
                    if not chain.is_at_resumed_bookmark:
                        self.on_refused(partition, chain.bookmark, response.status_code)
                        return
                    chain = self._started_over(partition, chain)
                    continue
                page = self._page(response)
                self.tally.mended(page.mended)
                rows = list(self.parse_response(response, stream_slice=partition))
                chain.advance(page)
            except UnreadablePage as unreadable:
                raise unusable_page(self.name, chain.pages + 1, unreadable) from None
            # Whoever takes the last row has put it on the queue before asking for more.
            with self._checkpointed(partition, page):
                yield from rows
            if self.progress:
                self.progress.page(page, delivered=len(rows), first=chain.pages == 1)

    def first_page(self, partition: Partition) -> tuple[Page, float]:
        """A first page, and the seconds it took. Raises as `read_records`, UnreadablePage."""
        response = self._fetch(partition, Chain(None))
        return self._page(response), response.elapsed.total_seconds()

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
        self.tally.misfits(misfits)
        return [row]

    def on_refused(self, partition: Partition, bookmark: str | None, status: int) -> None:
        """What a refused page means: the sync cannot go on, unless a subclass knows better.

        Raises AirbyteTracedException.
        """
        raise self.api.told_of(page_refused(self.name, bookmark, status))

    def left_out(self, rows: int) -> str:
        """What was left out and why, for the summary; `rows` were read and not delivered."""
        return ""

    def _fetch(self, partition: Partition, chain: Chain) -> requests.Response:
        self.api.budget.about_to_ask(pages_left=chain.pages_left)
        token = {"bookmark": chain.bookmark} if chain.bookmark else None
        try:
            _, response = self._fetch_next_page(partition, None, token)
        except AirbyteTracedException as failure:
            raise self.api.told_of(explained(failure)) from None
        failed = given_up(self.get_error_handler().verdict(response))
        if failed:
            raise self.api.told_of(failed)
        return response

    def _started_over(self, partition: Partition, chain: Chain) -> Chain:
        self.logger.warning(
            f"{self.name}: Autopilot does not know the bookmark {chain.bookmark} of the last"
            " attempt any more; what it stands for is read again from the start."
        )
        if self.checkpoint:
            self.checkpoint.start_over(partition)
        return Chain(None)

    def _checkpointed(self, partition: Partition, page: Page) -> AbstractContextManager[None]:
        if not self.checkpoint:
            return nullcontext()
        return self.checkpoint.page(partition, bookmark=page.bookmark, records=len(page.rows))

    def _page(self, response: requests.Response) -> Page:
        return parse_page(json_body(response), rows_field=self.rows_field, key=self.document_key)
