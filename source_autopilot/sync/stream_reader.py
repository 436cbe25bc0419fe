"""The read of one stream: its tables, each in pieces that chains of pages read side by side.

Here pages become record batches, with the state and the progress that follow from them. What a page
is, and which one comes next, the streams know; what it means for its piece, `pieces`.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.sources.streams.concurrent.default_stream import DefaultStream
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition as CdkPartition
from airbyte_cdk.sources.streams.concurrent.partitions.partition_generator import (
    PartitionGenerator,
)
from airbyte_cdk.sources.types import Record

from source_autopilot.api.client import Answer
from source_autopilot.api.error_mapping import TRY_LATER
from source_autopilot.config import CHECK_TOTALS, Switches
from source_autopilot.errors import (
    OrderInDoubt,
    PageRefused,
    RequestFailed,
    TableTooShort,
    UnreadablePage,
    transient_error,
)
from source_autopilot.forecast import FirstPages
from source_autopilot.records.page import Page
from source_autopilot.reports.progress import Progress
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.sync.chains import Chains
from source_autopilot.sync.cursor import Delivery, StreamCursor
from source_autopilot.sync.pieces import Piece, Table
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.splitter import Question
from source_autopilot.sync.state import StreamState
from source_autopilot.text import format_count

# The CDK logs each of its steps, for its developers; `reports` says what people need to know. Of
# the CDK's lines only the stack trace of an unexpected error is shown.
CDK_LOGGER = logging.getLogger("airbyte.concurrent_source")

# For an answer: one page's time is a mean, and a table that waits longer for it loses time.
MIN_PAGES_TO_WAIT = 10


class StreamReader:
    """Reads one stream: its pages become record batches, states and progress."""

    def __init__(
        self,
        stream: AutopilotStream,
        state: StreamState,
        messages: MessageRepository,
        chains: Chains,
        first_pages: FirstPages,
        switches: Switches,
    ) -> None:
        self.stream = stream
        self._chains = chains
        self._first_pages = first_pages
        self.cursor = StreamCursor(stream.name, state, messages, switches)
        self._progress = Progress(stream.name, messages, stream.logger)
        self._tables: list[Table] = []

    def to_cdk_stream(self) -> AbstractStream:
        """The stream as the CDK's ConcurrentSource reads it."""
        key = self.stream.primary_key
        return DefaultStream(
            partition_generator=_ChainGenerator(self),
            name=self.stream.name,
            json_schema=self.stream.get_json_schema,
            primary_key=[key] if isinstance(key, str) else key,
            cursor_field=None,
            logger=CDK_LOGGER,
            cursor=self.cursor,
        )

    def plan(self) -> Iterator[Callable[[], None]]:
        """What the stream's chains have to do, each when it is time for it to begin.

        First they read the pieces that there are. Then, as long as that keeps the rate limit busy,
        they ask for the starts of others, and read those.
        """
        self._tables = self.cursor.select_unfinished(self.stream.stream_slices())
        self._progress.tables = len(self._tables)
        self._first_pages.expect(self.stream.name, len(self._tables))
        for table in self._tables:
            for piece in [*table.pieces]:
                self._chains.wait_for_room()
                yield self._begin(table, partial(self._read, table, piece))
        while True:
            changes = self._chains.changes  # first: what changes during this look ends the wait
            if not self.cursor.can_split() or not self._chains.is_at_work(self.stream.name):
                break
            load = self._chains.load
            found = self.cursor.find_question(load) if load < 1 else None
            if found:
                table, question = found
                yield self._begin(table, partial(self._ask, table, question))
            else:
                self._chains.wait_for_change(changes)

    def report(self, *, complete: bool) -> None:
        """Log what a person should know of the rows that were read, once, at the stream's end."""
        self._first_pages.expect_no_answers(self._tables)
        self.stream.warnings.log(self.stream.name, self.stream.logger)
        for sentence in self.stream.notes():
            self.stream.logger.info(f"{self.stream.name}: {sentence}")
        left_out = self.stream.left_out(self._progress.left_out)
        self._progress.log_summary(complete=complete, left_out=left_out)

    def _begin(self, table: Table, work: Callable[[], None]) -> Callable[[], None]:
        self._chains.begin(self.stream.name)
        return partial(self._work, table, work)

    def _work(self, table: Table, work: Callable[[], None]) -> None:
        name = self.stream.describe(table.partition)
        try:
            try:
                work()
            except OrderInDoubt as doubt:
                self.stream.logger.warning(
                    f"{name}: a page of Autopilot does not fit to the others: {doubt}. All rows are"
                    " read again, page behind page; those that were delivered before come twice."
                )
                self._walk(table, table.pieces[0])
        except TableTooShort as short:
            raise transient_error(
                f"{name}: Autopilot's pages ended after {short.rows:,} rows, and Autopilot counts"
                f" {short.total:,}. The sync stops here so that rows that are missing do not pass"
                f" for deleted ones. {TRY_LATER} If it is so each time, and no rows are missing,"
                f" set the environment variable {CHECK_TOTALS} to off."
            ) from None
        finally:
            self._chains.end(self.stream.name)

    def _read(self, table: Table, piece: Piece) -> None:
        """Read a piece from its bookmark to its end.

        A bookmark that Autopilot refuses, of the last attempt, means to read its table from the
        start.
        """
        try:
            self._walk(table, piece)
        except PageRefused as refused:
            if not piece.is_resumed:
                raise
            whole = self.cursor.start_over(table, piece)
            if whole is None:
                return  # another chain has started it over
            self.stream.logger.warning(
                f"{self.stream.name}: Autopilot does not know the bookmark {refused.bookmark} of"
                " the last attempt any more; what it stands for is read again from the start."
            )
            self._walk(table, whole)

    def _walk(self, table: Table, piece: Piece) -> None:
        pages = self.stream.pages(
            table.partition, piece.bookmark, pages_left=lambda: piece.pages_left
        )
        with closing(pages):
            self._put_out(table, piece, pages)

    def _ask(self, table: Table, question: Question) -> None:
        """Ask for a start key, and read the piece that is found so, if there is one."""
        piece: Piece | None = None
        pages = self.stream.pages(
            table.partition,
            question.key,
            pages_left=lambda: piece.pages_left if piece else math.inf,
            question_seconds=max(question.pages, MIN_PAGES_TO_WAIT) * self._chains.page_seconds,
        )
        with closing(pages):
            piece = self._begin_piece(table, question, pages)
            if piece:
                self._put_out(table, piece, pages, number=2)

    def _begin_piece(
        self, table: Table, question: Question, pages: Iterator[Answer[Page]]
    ) -> Piece | None:
        """Put out the page that answers a question; the piece that goes on behind it."""
        try:
            answer = next(pages, None)
        except RequestFailed:  # the rate limit is used up
            self.cursor.withdraw(table, question)
            return None
        to_batch = partial(self._to_batch, table, 1)
        found = self.cursor.answer(table, question, answer.content if answer else None, to_batch)
        if question.proves:
            takes_start_keys = self.cursor.takes_start_keys(table)
            self._first_pages.add_answer(table, takes_start_keys=takes_start_keys)
        if answer is None or found is None:
            return None
        piece, delivery = found
        self._count(table, answer, delivery)
        return None if delivery.step.ends else piece

    def _put_out(
        self, table: Table, piece: Piece, pages: Iterator[Answer[Page]], *, number: int = 1
    ) -> None:
        """Put pages out until the piece is read; the next one is the `number`th of its chain."""
        # Nothing here holds a page while the next one is awaited: with 80 chains that is 40 MB.
        while self._put_out_next(table, piece, pages, number):
            number += 1

    def _put_out_next(
        self, table: Table, piece: Piece, pages: Iterator[Answer[Page]], number: int
    ) -> bool:
        """Put a page out; whether the piece goes on behind it."""
        answer = next(pages, None)
        if answer is None:
            if number > 1:
                raise RuntimeError("the pages of a piece ended before its end")
            self.cursor.finish(table)
            self._first_pages.add_missing()
            return False
        to_batch = partial(self._to_batch, table, number)
        delivery = self.cursor.deliver(table, piece, answer.content, to_batch)
        if delivery is None:
            return False
        self._count(table, answer, delivery)
        return not delivery.step.ends

    def _to_batch(self, table: Table, number: int, page: Page) -> RecordBatch:
        rows = self.stream.parse_response(page, stream_slice=table.partition)
        try:
            return RecordBatch.from_rows(self.stream.name, rows, rows_read=len(page.rows))
        except RecursionError:
            too_deep = UnreadablePage("a value in it is nested too deeply")
            raise self.stream.unusable_page(number, too_deep) from None

    def _count(self, table: Table, answer: Answer[Page], delivery: Delivery) -> None:
        step, page = delivery.step, delivery.step.page
        self._chains.add_page(answer.seconds)
        self._progress.count_page(
            table,
            rows=len(page.rows),
            repeated=page.repeated,
            rows_left=delivery.rows_left,
            delivered=delivery.records,
        )
        if delivery.is_first:
            if self._chains.load < 1 and self.cursor.can_split(table):
                self._first_pages.expect_answer(table)
            self._first_pages.add(max(page.total or 0, len(page.rows)), answer.seconds)
        if step.missing:
            self.stream.logger.warning(
                f"{self.stream.describe(table.partition)}: Autopilot counts"
                f" {format_count(step.missing, 'row')} more than came; perhaps they were deleted"
                " while the sync ran."
            )


class _ChainGenerator(PartitionGenerator):
    """The stream's chains, as what the CDK calls partitions: each is read by a worker."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader

    def generate(self) -> Iterator[CdkPartition]:
        for work in self._reader.plan():
            yield _Chain(self._reader.stream.name, work)


class _Chain(CdkPartition):
    def __init__(self, stream_name: str, work: Callable[[], None]) -> None:
        self._stream_name = stream_name
        self._work = work

    def read(self) -> Iterable[Record]:
        """Nothing: the records go out in batches, through the cursor."""
        self._work()
        return ()

    def to_slice(self) -> Mapping[str, Any]:
        return {}

    def stream_name(self) -> str:
        return self._stream_name

    def __hash__(self) -> int:
        return id(self)
