"""The cursor that makes a full refresh resumable.

A state is a promise: every record that it vouches for is out before it, and no other record of its
stream is. So putting a page's records on the queue, moving the bookmark, and putting a state behind
them is one step under the stream's lock.
The main thread, which empties the queue, takes that lock only when the stream's workers are done:
nobody waits for the main thread while it waits for the lock.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
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
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.sync.record_batch import RecordPage
from source_autopilot.sync.state import Partition, Positions

SECONDS_BETWEEN_STATES = 1.0
# The line of a pair, the smallest record, has about 200 bytes; states may take an 80th of that.
STATE_BYTES_PER_ROW = 200 / 80


class Checkpoint(Cursor):
    """How far a stream has come, and the states that say so."""

    def __init__(
        self,
        stream_name: str,
        positions: Positions,
        messages: MessageRepository,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = StreamDescriptor(name=stream_name)
        self._positions = positions
        self._messages = messages
        self._now = now
        self._lock = threading.Lock()
        self._unfinished = 0
        self._emitted: dict[str, Any] | None = None
        self._emitted_at = now()
        self._unvouched_rows = 0
        self._running = False
        self._ended_by: AirbyteTracedException | None = None

    @property
    def complete(self) -> bool:
        """Whether everything of the stream is on the queue."""
        return self._positions.complete

    @property
    def state(self) -> MutableMapping[str, Any]:
        return self._positions.dump()

    def unfinished(self, partitions: Iterable[Partition]) -> Iterator[Partition]:
        """The partitions that still have to be read, of all that the stream has now."""
        everything = list(partitions)
        with self._lock:
            if not self._positions.complete:
                self._positions.keep_only(everything)
            todo = [it for it in everything if not self._positions.is_finished(it)]
            self._unfinished = len(todo)
            if not todo:
                self._finish_stream()
        yield from todo

    def bookmark(self, partition: Partition) -> str | None:
        """Where to go on in a partition; None at its start."""
        return self._positions.bookmark(partition)

    def page(self, partition: Partition, records: RecordPage, *, bookmark: str | None) -> None:
        """Put a page's records on the queue; `bookmark` is the next page's.

        No other worker's state comes between them: a state among them would not vouch for those
        before it, and the next attempt would deliver them again.
        """
        with self._lock:
            if self._ended_by:
                raise self._ended_by
            self._put(records)
            if bookmark:
                self._positions.move(partition, bookmark)
            else:
                self._positions.finish(partition)
            self._emit_now_and_then()

    def start_over(self, partition: Partition) -> None:
        """Forget how far a partition had come: Autopilot does not know its bookmark any more."""
        with self._lock:
            self._positions.move(partition, None)

    def close_partition(self, partition: CdkPartition) -> None:
        """Everything of a partition is on the queue."""
        with self._lock:
            self._positions.finish(partition.to_slice() or {})
            self._unfinished -= 1
            if self._unfinished == 0:
                self._finish_stream()

    def ensure_at_least_one_state_emitted(self) -> None:
        """The last word of a stream, also of one that failed: how far it came."""
        with self._lock:
            self._emit_if_new()

    def end(self, reason: AirbyteTracedException) -> None:
        """Emit the last state and take no page any more; the worker that has one gets the reason.

        Not to be called on the main thread: it may have to make room in the queue for the state.
        """
        with self._lock:
            self._ended_by = reason
            self._emit_if_new()

    def observe(self, record: Record) -> None:
        """Records do not move the cursor; pages do."""

    def should_be_synced(self, record: Record) -> bool:
        return True

    def _put(self, records: RecordPage) -> None:
        self._unvouched_rows += records.rows_read
        if not records.count:
            return
        if not self._running:
            self._running = True
            self._messages.emit_message(status_message(self._stream, AirbyteStreamStatus.RUNNING))
        self._messages.emit_message(records)

    def _finish_stream(self) -> None:
        self._positions.complete = True
        self._emit(self._positions.dump())

    def _emit_if_new(self) -> None:
        if self._positions.dump() != self._emitted:
            self._emit(self._positions.dump())

    def _emit_now_and_then(self) -> None:
        if self._now() - self._emitted_at < SECONDS_BETWEEN_STATES:
            return
        state = self._positions.dump()
        if len(orjson.dumps(state)) <= self._unvouched_rows * STATE_BYTES_PER_ROW:
            self._emit(state)

    def _emit(self, state: dict[str, Any]) -> None:
        blob = AirbyteStateBlob(state)
        stream_state = AirbyteStreamState(stream_descriptor=self._stream, stream_state=blob)
        message = AirbyteStateMessage(type=AirbyteStateType.STREAM, stream=stream_state)
        self._messages.emit_message(AirbyteMessage(type=Type.STATE, state=message))
        self._emitted = state
        self._emitted_at = self._now()
        self._unvouched_rows = 0
