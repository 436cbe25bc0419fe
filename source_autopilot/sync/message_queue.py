"""The queue between the workers and the thread that writes to stdout.

What is put there first goes out first: a state never overtakes the records that it covers.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Queue
from typing import Any

from airbyte_cdk.models import AirbyteMessage, Level
from airbyte_cdk.sources.concurrent_source.partition_generation_completed_sentinel import (
    PartitionGenerationCompletedSentinel,
)
from airbyte_cdk.sources.concurrent_source.stream_thread_exception import StreamThreadException
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams.concurrent.partitions.types import (
    PartitionCompleteSentinel,
    QueueItem,
)

from source_autopilot.errors import SyncStopped
from source_autopilot.sync.record_batch import RecordBatch

BYTES_OF_A_MESSAGE = 1_000

SENTINELS = (PartitionCompleteSentinel, PartitionGenerationCompletedSentinel)


class MessageQueue(Queue[QueueItem]):
    """The queue between the workers and the thread that writes to stdout, which can be ended.

    It is bounded by the bytes in it: what is put into it waits until there are less than
    `max_bytes`, so that a page of any size gets through.
    """

    def __init__(self, max_bytes: int = 0) -> None:
        super().__init__(max_bytes)
        self._bytes = 0
        self._is_stopping = False

    def end(self) -> None:
        """Have `get` raise SyncStopped when everything before it is taken."""
        self.put(SyncStopped())

    def get(self, block: bool = True, timeout: float | None = None) -> QueueItem:
        while True:
            item: Any = super().get(block, timeout)
            if isinstance(item, SyncStopped):
                raise item
            if isinstance(item, StreamThreadException) and isinstance(item.exception, SyncStopped):
                # A stopped worker is no failure, and what it read is not complete.
                self._is_stopping = True
            elif not (self._is_stopping and isinstance(item, SENTINELS)):
                return item  # type: ignore[no-any-return]

    # For Queue the size is a number of items; what it does with it is right for bytes, too.
    def _qsize(self) -> int:
        return self._bytes

    def _put(self, item: QueueItem) -> None:
        self._bytes += _weigh(item)
        super()._put(item)

    def _get(self) -> QueueItem:
        item: Any = super()._get()
        self._bytes -= _weigh(item)
        return item  # type: ignore[no-any-return]


class QueuedMessages(MessageRepository):
    """Puts messages on the queue, in the order in which they come.

    Those of the thread that empties the queue are kept for `consume_queue`: it must not wait for
    room in the queue. The CDK's own repositories keep a list for all threads, through which a state
    can reach stdout before the records that it covers, or after a later state.
    """

    def __init__(self, queue: MessageQueue) -> None:
        self._queue = queue
        self._taking_thread = threading.current_thread()
        self._kept_messages: deque[AirbyteMessage] = deque()

    def emit_message(self, message: AirbyteMessage) -> None:
        if threading.current_thread() is self._taking_thread:
            self._kept_messages.append(message)
        else:
            self._queue.put(message)

    def log_message(self, level: Level, message_provider: Callable[[], dict[str, Any]]) -> None:
        """Nothing: what the CDK would log so holds requests and answers."""

    def consume_queue(self) -> Iterator[AirbyteMessage]:
        while self._kept_messages:
            yield self._kept_messages.popleft()


def _weigh(item: Any) -> int:
    """About how many bytes an item takes; a state is large only where its pages are many."""
    return BYTES_OF_A_MESSAGE + (len(item.lines) if isinstance(item, RecordBatch) else 0)


def drain(queue: MessageQueue) -> None:
    """Empty the queue for ever, so that workers that wait for room in it come to their end."""
    while True:
        with suppress(SyncStopped):
            queue.get()
