"""The cursor that makes a full refresh resumable.

A state says of each piece: every record before its bookmark is out, and no other one is. So
putting a page's records on the queue, moving the bookmark, and putting a state behind them is one
step under the stream's lock. The main thread, which empties the queue, takes that lock only when
the stream's workers are done: it is never waited for by a worker that holds the lock.
"""

import threading
import time
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStreamState,
    AirbyteStreamStatus,
    StreamDescriptor,
    Type,
)
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition as CdkPartition
from airbyte_cdk.sources.types import Record
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message as status_message

from source_autopilot.config import ALL_ON, Switches
from source_autopilot.errors import OrderInDoubt, SyncStopped
from source_autopilot.records.page import Page
from source_autopilot.streams.pagination import Partition
from source_autopilot.sync.pieces import Piece, Step, Table
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.splitter import Question, Splitter
from source_autopilot.sync.state import StreamState

MIN_SECONDS_BETWEEN_STATES = 1.0
# The line of a pair, the smallest record, has about 200 bytes; states may take an 80th of that.
MAX_STATE_BYTES_PER_ROW = 200 / 80
# With hundreds of small segments a state is larger than its rows, and their requests take minutes.
MAX_SECONDS_BETWEEN_STATES = 10.0


@dataclass(frozen=True)
class Delivery:
    """A page that is out.

    Attributes:
        step: what it meant for its piece.
        records: how many of its rows are records.
        rows_left: how many rows of the table are still to come; 0 if nothing says it.
        is_first: whether it is the table's first page in this attempt.
    """

    step: Step
    records: int
    rows_left: int
    is_first: bool


class StreamCursor(Cursor):
    """How far a stream has come, and the states that say so.

    What moves it raises SyncStopped after `stop`.
    """

    def __init__(
        self,
        stream_name: str,
        state: StreamState,
        messages: MessageRepository,
        switches: Switches = ALL_ON,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = StreamDescriptor(name=stream_name)
        self._state = state
        self._messages = messages
        self._switches = switches
        self._now = now
        self._lock = threading.Lock()
        self._tables: list[Table] | None = None  # not known yet
        self._splitters: dict[Table, Splitter] = {}
        self._emitted: dict[str, Any] | None = None
        self._emitted_at = now()
        self._rows_since_state = 0
        self._running = False
        self._is_stopped = False

    @property
    def state(self) -> MutableMapping[str, Any]:
        return self._state.dump()

    @property
    def has_begun(self) -> bool:
        """Whether the stream goes on where the last attempt stopped."""
        return self._state.has_begun and not self._state.complete

    def select_unfinished(self, partitions: Iterable[Partition]) -> list[Table]:
        """The tables that still have to be read, of all that the stream has now."""
        existing = list(partitions)
        with self._lock:
            self._require_running()
            self._state.keep_only(existing)
            if self._state.complete:
                existing = []
            self._tables = [self._state.table(partition) for partition in existing]
            for table in self._tables:
                table.checks_total = self._switches.check_totals
            if self._switches.side_by_side:
                self._splitters = {table: Splitter(table) for table in self._tables}
            return [table for table in self._tables if not table.is_finished]

    def deliver(
        self, table: Table, piece: Piece, page: Page, to_batch: Callable[[Page], RecordBatch]
    ) -> Delivery | None:
        """Put a page's records on the queue, and move its piece; None if the piece is no more.

        `to_batch` makes the records of a page that has no other rows than those of the piece. No
        other worker's state comes among them: it would not cover those before it, and the next
        attempt would deliver them again.

        Raises what `Table.examine` and `to_batch` do; nothing is moved then. When the order of the
        table is in doubt, the state that says so is out.
        """
        with self._lock:
            self._require_running()
            return self._deliver(table, piece, page, to_batch) if piece in table.pieces else None

    def answer(
        self,
        table: Table,
        question: Question,
        page: Page | None,
        to_batch: Callable[[Page], RecordBatch],
    ) -> tuple[Piece, Delivery] | None:
        """What `Splitter.answer` returns, and what `deliver` does with a new piece's first page.

        In one step: a state with a piece of which nothing is out would lose rows.
        """
        with self._lock:
            self._require_running()
            piece = self._splitters[table].answer(question, page)
            if piece is None or page is None:
                return None
            try:
                return piece, self._deliver(table, piece, page, to_batch)
            except Exception:
                table.rejoin(piece)
                raise

    def withdraw(self, table: Table, question: Question) -> None:
        """A question was not answered, and may be asked again."""
        with self._lock:
            self._require_running()
            self._splitters[table].withdraw(question)

    def can_split(self, table: Table | None = None) -> bool:
        """Whether there may be questions, now or later; about one table, or about any."""
        with self._lock:
            self._require_running()
            return any(
                splitter.can_split
                for splitter in self._splitters.values()
                if table in (None, splitter.table)
            )

    def takes_start_keys(self, table: Table) -> bool:
        """Whether it was proved that the API takes start keys for a table."""
        with self._lock:
            return self._splitters[table].takes_start_keys

    def find_question(self, load: float) -> tuple[Table, Question] | None:
        """What to ask for now, about the table that has most left; None if there is nothing."""
        with self._lock:
            self._require_running()
            by_rows = sorted(self._splitters, key=lambda table: table.rows_left, reverse=True)
            for table in by_rows:
                question = self._splitters[table].find_question(load)
                if question:
                    return table, question
            return None

    def start_over(self, table: Table, piece: Piece) -> Piece | None:
        """Read a table from its start again, because one of its pieces cannot be read.

        Returns the piece that it consists of now; None if the one that cannot be read is no more.
        """
        with self._lock:
            self._require_running()
            return self._start_over(table) if piece in table.pieces else None

    def finish(self, table: Table) -> None:
        """There is nothing to read in a table."""
        with self._lock:
            self._require_running()
            table.finish()

    def close_partition(self, partition: CdkPartition) -> None:
        """Nothing: pieces come and go, and each page has moved its own."""

    def ensure_at_least_one_state_emitted(self) -> None:
        """The last word of a stream, also of one that failed: how far it came."""
        with self._lock:
            if self._is_stopped:
                return
            if self._tables is not None:
                self._state.complete = all(table.is_finished for table in self._tables)
            self._emit_if_new(self._state.dump())

    def stop(self) -> None:
        """Emit the last state and take no page any more.

        Not to be called on the main thread, which has to make room in the queue for the state. The
        lock is not held meanwhile: the main thread may want it, and nothing else emits any more.
        """
        with self._lock:
            self._is_stopped = True
            state = self._state.dump()
        self._emit_if_new(state)

    def observe(self, record: Record) -> None:
        """Records do not move the cursor; pages do."""

    def should_be_synced(self, record: Record) -> bool:
        return True

    def _require_running(self) -> None:
        if self._is_stopped:
            raise SyncStopped

    def _deliver(
        self, table: Table, piece: Piece, page: Page, to_batch: Callable[[Page], RecordBatch]
    ) -> Delivery:
        try:
            step = table.examine(piece, page)
        except OrderInDoubt:
            self._start_over(table)
            raise
        batch = to_batch(step.page)
        self._put(batch)
        table.move(piece, step)
        if table in self._splitters:
            self._splitters[table].learn(step.page)
        self._emit_now_and_then()
        is_known = not table.is_finished and table.rows is not None
        rows_left = table.rows_left if is_known else 0
        return Delivery(step, batch.count, rows_left, is_first=table.pages == 1)

    def _start_over(self, table: Table) -> Piece:
        table.start_over()
        # At once: a later attempt must not go on with pieces that may have lost rows.
        self._emit(self._state.dump())
        return table.pieces[0]

    def _put(self, batch: RecordBatch) -> None:
        self._rows_since_state += batch.rows_read
        if not batch.count:
            return
        if not self._running:
            self._running = True
            self._messages.emit_message(status_message(self._stream, AirbyteStreamStatus.RUNNING))
        self._messages.emit_message(batch)

    def _emit_if_new(self, state: dict[str, Any]) -> None:
        if state != self._emitted:
            self._emit(state)

    def _emit_now_and_then(self) -> None:
        seconds = self._now() - self._emitted_at
        if seconds < MIN_SECONDS_BETWEEN_STATES:
            return
        state = self._state.dump()
        is_worth_it = len(orjson.dumps(state)) <= self._rows_since_state * MAX_STATE_BYTES_PER_ROW
        if is_worth_it or seconds >= MAX_SECONDS_BETWEEN_STATES:
            self._emit(state)

    def _emit(self, state: dict[str, Any]) -> None:
        blob = AirbyteStateBlob(state)
        stream_state = AirbyteStreamState(stream_descriptor=self._stream, stream_state=blob)
        message = AirbyteStateMessage(type=AirbyteStateType.STREAM, stream=stream_state)
        self._messages.emit_message(AirbyteMessage(type=Type.STATE, state=message))
        self._emitted = state
        self._emitted_at = self._now()
        self._rows_since_state = 0
