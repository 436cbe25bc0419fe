"""The cursor that makes a full refresh resumable.

A state says: every record before the bookmark is out, and no other record of the stream is. So
putting a page's records on the queue, moving the bookmark, and putting a state behind them is one
step under the stream's lock. The main thread, which empties the queue, takes that lock only when
the stream's workers are done: it is never waited for by a worker that holds the lock.
"""

import threading
import time
from collections.abc import Callable, Iterable, MutableMapping
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

from source_autopilot.errors import SyncStopped
from source_autopilot.streams.pagination import Partition
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.state import StreamState

MIN_SECONDS_BETWEEN_STATES = 1.0
# The line of a pair, the smallest record, has about 200 bytes; states may take an 80th of that.
MAX_STATE_BYTES_PER_ROW = 200 / 80
# With hundreds of small segments a state is larger than its rows, and their requests take minutes.
MAX_SECONDS_BETWEEN_STATES = 10.0


class StreamCursor(Cursor):
    """How far a stream has come, and the states that say so.

    What moves it raises SyncStopped after `stop`.
    """

    def __init__(
        self,
        stream_name: str,
        state: StreamState,
        messages: MessageRepository,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = StreamDescriptor(name=stream_name)
        self._state = state
        self._messages = messages
        self._now = now
        self._lock = threading.Lock()
        self._unfinished = 0
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
        return bool(self.state.get("states"))

    def select_unfinished(self, partitions: Iterable[Partition]) -> list[Partition]:
        """The partitions that still have to be read, of all that the stream has now."""
        existing = list(partitions)
        with self._lock:
            self._require_running()
            self._state.keep_only(existing)
            unfinished = [
                partition for partition in existing if not self._state.is_finished(partition)
            ]
            self._unfinished = len(unfinished)
            if not unfinished:
                self._finish_stream()
        return unfinished

    def bookmark(self, partition: Partition) -> str | None:
        """Where to go on in a partition; None at its start."""
        return self._state.bookmark(partition)

    def deliver(self, partition: Partition, batch: RecordBatch, *, bookmark: str | None) -> None:
        """Put a page's records on the queue; `bookmark` is the next page's, None after the last.

        No other worker's state comes among them: it would not cover those before it, and the next
        attempt would deliver them again.
        """
        with self._lock:
            self._require_running()
            self._put(batch)
            if bookmark:
                self._state.move(partition, bookmark)
            else:
                self._state.finish(partition)
            self._emit_now_and_then()

    def start_over(self, partition: Partition) -> None:
        """Forget how far a partition had come: Autopilot does not know its bookmark any more."""
        with self._lock:
            self._require_running()
            self._state.move(partition, None)

    def close_partition(self, partition: CdkPartition) -> None:
        """Everything of a partition is on the queue."""
        with self._lock:
            self._require_running()
            self._state.finish(partition.to_slice() or {})
            self._unfinished -= 1
            if self._unfinished == 0:
                self._finish_stream()

    def ensure_at_least_one_state_emitted(self) -> None:
        """The last word of a stream, also of one that failed: how far it came."""
        with self._lock:
            if not self._is_stopped:
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

    def _put(self, batch: RecordBatch) -> None:
        self._rows_since_state += batch.rows_read
        if not batch.count:
            return
        if not self._running:
            self._running = True
            self._messages.emit_message(status_message(self._stream, AirbyteStreamStatus.RUNNING))
        self._messages.emit_message(batch)

    def _finish_stream(self) -> None:
        self._state.complete = True
        self._emit(self._state.dump())

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
