"""The base of the streams: the walk from page to page, with one page in memory at a time.

What a page is, is decided in `responses`; which rows it becomes is decided in `streams`.
"""

from abc import ABC
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import requests
from airbyte_cdk.models import SyncMode

from source_autopilot.api.client import Api
from source_autopilot.api.endpoint import AutopilotEndpoint, JsonObject
from source_autopilot.api.error_mapping import json_body
from source_autopilot.failures import page_refused, unusable_page
from source_autopilot.records.converters import text
from source_autopilot.records.page import Page, UnreadablePage, parse_page
from source_autopilot.records.rows import Columns, Row, to_row
from source_autopilot.reports.progress import Progress
from source_autopilot.reports.value_warnings import Tally
from source_autopilot.streams.pagination import Chain
from source_autopilot.sync.cursor import Checkpoint
from source_autopilot.sync.record_batch import RecordPage
from source_autopilot.sync.state import Partition


class AutopilotStream(AutopilotEndpoint, ABC):
    """A table of Autopilot, read from the first page to the last.

    Subclasses declare where their rows are and, where it isn't one row per document, what becomes
    of a document.
    """

    rows_field: ClassVar[str]
    document_key: ClassVar[str]
    columns: ClassVar[Columns] = Columns({"title": text})

    # The CDK says no for a stream with slices. Nothing here is read in the CDK's synchronous way,
    # which would read a resumable stream over and over.
    is_resumable = True

    def __init__(self, api: Api) -> None:
        self.checkpoint: Checkpoint | None = None
        self.progress: Progress | None = None
        self.tally = Tally()
        super().__init__(api)

    @property
    def primary_key(self) -> str | list[str]:
        return self.document_key

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

        With a checkpoint they go out through it, a page at a time, and none are left to yield.
        Raises AirbyteTracedException when a page cannot be had or read: rows are never skipped.
        """
        partition = stream_slice or {}
        for number, page in self._pages(partition):
            rows = self._rows(page, partition)
            if not self.checkpoint:
                yield from rows
                continue
            try:
                records = RecordPage.of(self.name, rows, rows_read=len(page.rows))
            except RecursionError:
                too_deep = UnreadablePage("a value in it is nested too deeply")
                raise unusable_page(self.name, number, too_deep) from None
            self.checkpoint.page(partition, records, bookmark=page.bookmark)
            if self.progress:
                self.progress.page(page, delivered=records.count, first=number == 1)

    def _pages(self, partition: Partition) -> Iterator[tuple[int, Page]]:
        """Every page of a partition, numbered from where this walk began."""
        chain = Chain(self.checkpoint.bookmark(partition) if self.checkpoint else None)
        while not chain.ended:
            try:
                response = self.fetch(partition, chain)
                if response.status_code != requests.codes.ok:
                    if not chain.is_at_resumed_bookmark:
                        self.on_refused(partition, chain.bookmark, response.status_code)
                        return
                    chain = self._started_over(partition, chain)
                    continue
                page = self._page(response)
                self.tally.mended(page.mended)
                chain.advance(page)
            except UnreadablePage as unreadable:
                raise unusable_page(self.name, chain.pages + 1, unreadable) from None
            yield chain.pages, page

    def first_page(self, partition: Partition) -> tuple[Page, float]:
        """A first page, and the seconds it took. Raises as `read_records`, UnreadablePage."""
        response = self.fetch(partition, Chain(None))
        return self._page(response), response.elapsed.total_seconds()

    def parse_response(self, response: requests.Response, **kwargs: Any) -> Iterator[Row]:
        """The rows of a page. Raises UnreadablePage."""
        yield from self._rows(self._page(response), kwargs.get("stream_slice") or {})

    def next_page_token(self, response: requests.Response) -> JsonObject | None:
        """The bookmark of the next page; None on the last one. Raises UnreadablePage."""
        bookmark = self._page(response).bookmark
        return {"bookmark": bookmark} if bookmark else None

    def records(self, document: JsonObject, stream_slice: JsonObject) -> Iterable[Row]:
        """The records of one document: itself, as a row."""
        row, misfits = to_row(document, self.columns)
        if misfits:
            self.tally.misfits(misfits)
        return [row]

    def on_refused(self, partition: Partition, bookmark: str | None, status: int) -> None:
        """What a refused page means: the sync cannot go on, unless a subclass knows better.

        Raises AirbyteTracedException.
        """
        raise self.api.told_of(page_refused(self.name, bookmark, status))

    def told(self) -> Iterable[str]:
        """What else a person should know of the rows that were read, in sentences."""
        return ()

    def left_out(self, rows: int) -> str:
        """What was left out and why, for the summary; `rows` were read and not delivered."""
        return ""

    def _started_over(self, partition: Partition, chain: Chain) -> Chain:
        self.logger.warning(
            f"{self.name}: Autopilot does not know the bookmark {chain.bookmark} of the last"
            " attempt any more; what it stands for is read again from the start."
        )
        if self.checkpoint:
            self.checkpoint.start_over(partition)
        return Chain(None)

    def _rows(self, page: Page, partition: Partition) -> Iterator[Row]:
        # One at a time: where each is written before the next one is made, few are in memory.
        for document in page.rows:
            yield from self.records(document, partition)

    def _page(self, response: requests.Response) -> Page:
        body = json_body(response, self.decode)
        return parse_page(body, rows_field=self.rows_field, key=self.document_key)
