"""The base of the streams: how a page is asked for, and what becomes of it.

What a page is, is decided in `records`; how pages follow each other, in `pagination`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

import requests
from airbyte_cdk.models import SyncMode
from airbyte_cdk.sources.streams.http import HttpStream

from source_autopilot.api.client import Answer, Client
from source_autopilot.api.error_mapping import TOO_MANY_REQUESTS, TRY_LATER
from source_autopilot.api.retry_policy import QUESTION_POLICY
from source_autopilot.errors import (
    RequestFailed,
    UnreadablePage,
    UserFacingError,
    transient_error,
)
from source_autopilot.records.page import Page, decode, parse_page
from source_autopilot.records.rows import OTHER_FIELDS, Columns, Row, to_row
from source_autopilot.reports.value_warnings import ValueWarnings
from source_autopilot.streams.pagination import Paginator, Partition
from source_autopilot.streams.start_keys import find_proving_key, proves_start_keys

PageResponse = Page | requests.Response


class AutopilotStream(HttpStream, ABC):
    """A table of Autopilot.

    Subclasses say where their documents are and, where it isn't one row per document, what becomes
    of a document. The CDK's own HTTP client is not used (docs/decisions/0010-one-retry-loop.md).

    Attributes:
        rows_field: the field of an answer that has the documents.
        document_key: the field that every document has.
        columns: how fields become columns.
        warnings: counts the values that had to be changed.
    """

    rows_field: ClassVar[str]
    document_key: ClassVar[str]
    columns: ClassVar[Columns]
    decode = staticmethod(decode)

    def __init__(self, client: Client) -> None:
        self.client = client
        self.warnings = ValueWarnings()
        super().__init__()

    @property
    def primary_key(self) -> str | list[str]:
        return self.document_key

    @property
    def is_resumable(self) -> bool:
        """Whether an attempt goes on where the last one stopped; the CDK says no with slices."""
        return True

    @property
    def url_base(self) -> str:
        return self.client.base_url

    @abstractmethod
    def path_parts(self, partition: Partition) -> list[str]:
        """The path of a partition's first page below the base URL, not yet percent-encoded."""

    def path(
        self,
        *,
        stream_state: Mapping[str, Any] | None = None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> str:
        """The path of a page; the bookmark of `next_page_token` is its last part [client].

        Raises UnreadablePage for the names "." and "..": no encoding keeps clients and proxies from
        walking up the path.
        """
        bookmark = [next_page_token["bookmark"]] if next_page_token else []
        parts = [*self.path_parts(stream_slice or {}), *bookmark]
        for part in parts:
            if part in (".", ".."):
                raise UnreadablePage(f'it has "{part}" for a bookmark or an id')
        return "/".join(quote(part, safe="") for part in parts)

    def stream_slices(
        self,
        *,
        sync_mode: SyncMode = SyncMode.full_refresh,
        cursor_field: list[str] | None = None,
        stream_state: Mapping[str, Any] | None = None,
    ) -> Iterable[Partition]:
        """All partitions of the stream: one, unless a subclass has more."""
        return [{}]

    def pages(
        self,
        partition: Partition,
        bookmark: str | None = None,
        *,
        pages_left: Callable[[], float] | None = None,
        question_seconds: float | None = None,
    ) -> Generator[Answer[Page], None, None]:
        """The pages of a partition in order, from a bookmark or from the first page on.

        A row that two neighbouring pages have is on the first of them only.

        Args:
            partition: a table, or the members of a segment.
            bookmark: where to begin; None for the first page.
            pages_left: how many pages are still to come; None if only the API's total says it.
            question_seconds: for a bookmark that was never issued: whatever is no page about so
                many seconds after its turn has come is no failure, and means that there are none.

        Raises UserFacingError when a page cannot be had or read: pages are never skipped. Of a
        question it is RequestFailed with the status 429 that says that the rate limit is used up.
        """
        paginator = Paginator(bookmark)
        token = {"bookmark": bookmark} if bookmark else None
        client = self.client
        if question_seconds is not None:
            policy = QUESTION_POLICY.within(question_seconds)
            client = replace(client, policy=policy, listener=None, ends_all=False)
        with self.client.limiter.chain() as chain, self.client.memory.lease() as lease:
            while not paginator.ended:
                chain.pages_left = pages_left() if pages_left else paginator.pages_left
                try:
                    answer = client.get(
                        self.url_base + self.path(stream_slice=partition, next_page_token=token),
                        self.parse_page,
                        stream=self.name,
                        bookmark=paginator.bookmark,
                        chain=chain,
                        lease=lease,
                    )
                    page = paginator.advance(answer.content)
                except (RequestFailed, UnreadablePage) as failure:
                    if client is not self.client and not _is_throttled(failure):
                        return  # the answer to the question is no
                    if isinstance(failure, UnreadablePage):
                        raise self.unusable_page(paginator.pages + 1, failure) from None
                    raise
                client, token = self.client, self.next_page_token(page)
                yield replace(answer, content=page)
                del answer, page  # large, and not needed while the next one is awaited

    def first_page(self, partition: Partition) -> Answer[Page] | None:
        """The first page of a partition; None if there is no such partition. Raises as `pages`."""
        with closing(self.pages(partition)) as pages:
            return next(pages, None)

    def takes_start_keys(self, partition: Partition, first: Page, *, seconds: float) -> bool:
        """Ask whether ids that were never issued are start keys; `seconds` bound the answer.

        `first` is the partition's first page. No request is sent where its ids cannot tell. Raises
        RequestFailed if the rate limit is used up.
        """
        key = find_proving_key(first.sent)
        if key is None:
            return False
        with closing(self.pages(partition, key, question_seconds=seconds)) as pages:
            answer = next(pages, None)
        return answer is not None and proves_start_keys(first.sent, answer.content)

    def parse_page(self, body: bytes) -> Page:
        """The page in a body. Raises UnreadableBody and UnreadablePage."""
        return parse_page(self.decode(body), rows_field=self.rows_field, key=self.document_key)

    def parse_response(
        self,
        response: PageResponse,
        *,
        stream_state: Mapping[str, Any] | None = None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> Iterator[Row]:
        """The rows of a page, one after the other: where each is written at once, few are kept.

        Raises UnreadableBody and UnreadablePage for a response that `pages` has not read.
        """
        page = self._page(response)
        for field, number in page.sanitized.items():
            self.warnings.count_sanitized({self.columns.name_column(field): number})
        for document in page.rows:
            yield from self.records(document, stream_slice or {})

    def next_page_token(self, response: PageResponse) -> dict[str, Any] | None:
        """The bookmark of the next page; None on the last one. Raises as `parse_response`."""
        bookmark = self._page(response).bookmark
        return {"bookmark": bookmark} if bookmark else None

    def read_records(
        self,
        sync_mode: SyncMode,
        cursor_field: list[str] | None = None,
        stream_slice: Mapping[str, Any] | None = None,
        stream_state: Mapping[str, Any] | None = None,
    ) -> Iterator[Row]:
        """Every row of a partition, from its first page to its last. Raises as `pages`."""
        partition = stream_slice or {}
        with closing(self.pages(partition)) as pages:
            for answer in pages:
                yield from self.parse_response(answer.content, stream_slice=partition)

    def records(self, document: Mapping[str, Any], partition: Partition) -> Iterable[Row]:
        """The records of one document: itself, as a row."""
        row, misfits = to_row(document, self.columns)
        if misfits:
            self.warnings.count_rejected(misfits, kept_in=OTHER_FIELDS)
        return [row]

    def notes(self) -> Iterable[str]:
        """What else a person should know of the rows that were read, in sentences."""
        return ()

    def left_out(self, rows: int) -> str:
        """What was left out and why, for the summary; `rows` were read and not delivered."""
        return ""

    def describe(self, partition: Partition) -> str:
        """The partition in the words of an error."""
        return self.name

    def unusable_page(self, number: int, reason: ValueError) -> UserFacingError:
        """The error of a page that has no rows to trust, the `number`th of its walk."""
        return transient_error(
            f"{self.name}: page {number} from Autopilot cannot be used: {reason}. The sync stops"
            f" here so that no rows are lost. {TRY_LATER}"
        )

    def _page(self, response: PageResponse) -> Page:
        if isinstance(response, Page):
            return response
        return self.parse_page(response.content)


def _is_throttled(failure: RequestFailed | UnreadablePage) -> bool:
    status = failure.status if isinstance(failure, RequestFailed) else None
    return status == TOO_MANY_REQUESTS
