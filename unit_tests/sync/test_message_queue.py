"""Tests of `sync.message_queue`."""

import threading
from collections.abc import Callable
from queue import Full
from typing import Any

import pytest
from airbyte_cdk.models import (
    AirbyteLogMessage,
    AirbyteMessage,
    Level,
    Type,
)
from airbyte_cdk.sources.concurrent_source.partition_generation_completed_sentinel import (
    PartitionGenerationCompletedSentinel,
)
from airbyte_cdk.sources.concurrent_source.stream_thread_exception import StreamThreadException
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.message.concurrent_repository import ConcurrentMessageRepository
from airbyte_cdk.sources.streams.concurrent.partitions.types import PartitionCompleteSentinel

from source_autopilot.errors import SyncStopped
from source_autopilot.sync.message_queue import MessageQueue, QueuedMessages
from source_autopilot.sync.record_batch import RecordBatch


class Dawdling(InMemoryMessageRepository):
    """Lets another thread go first, between taking a message in and handing it out again."""

    def __init__(self, other: threading.Event, done: threading.Event) -> None:
        super().__init__()
        self._other, self._done = other, done

    def emit_message(self, message: AirbyteMessage) -> None:
        super().emit_message(message)
        if threading.current_thread().name == "slow":
            self._other.set()
            self._done.wait(timeout=10)


class WatchedQueue(MessageQueue):
    """A queue that knows which thread put a message there."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: dict[str, str] = {}

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        self.threads[item.log.message] = threading.current_thread().name
        super().put(item, block, timeout)


def message(text: str) -> AirbyteMessage:
    """A message to follow."""
    return AirbyteMessage(type=Type.LOG, log=AirbyteLogMessage(level=Level.INFO, message=text))


def emit_from_two_threads(
    slow: Callable[[AirbyteMessage], None],
    quick: Callable[[AirbyteMessage], None],
    other: threading.Event,
    done: threading.Event,
) -> None:
    """A quick thread emits while a slow one does, if the slow one lets it."""

    def emit_quickly() -> None:
        other.wait(timeout=10)
        quick(message("quick"))
        done.set()

    threads = [
        threading.Thread(target=slow, args=[message("slow")], name="slow"),
        threading.Thread(target=emit_quickly, name="quick"),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)


def test_emit_message__each_thread_its_own() -> None:
    """A thread puts its own message on the queue, before it gives its stream's lock away."""
    other, done = threading.Event(), threading.Event()
    queue = WatchedQueue()
    messages = QueuedMessages(queue)
    other.set()  # there is nothing on which the slow thread could dawdle

    emit_from_two_threads(messages.emit_message, messages.emit_message, other, done)

    assert queue.threads == {"slow": "slow", "quick": "quick"}


def test_emit_message__why_not_the_cdks() -> None:
    """The CDK's repository lets another thread put it there, when it likes.

    When this fails the CDK has mended it: `QueuedMessages` can go.
    """
    other, done = threading.Event(), threading.Event()
    queue = WatchedQueue()
    messages = ConcurrentMessageRepository(queue, Dawdling(other, done))

    emit_from_two_threads(messages.emit_message, messages.emit_message, other, done)

    assert queue.threads == {"slow": "quick", "quick": "quick"}


def test_log_message__nothing() -> None:
    """What the CDK would log so holds requests and answers: it is not even made."""
    queue = MessageQueue()

    def provide() -> dict[str, Any]:
        raise AssertionError("nothing is asked for")

    QueuedMessages(queue).log_message(Level.INFO, provide)

    assert queue.empty()


def test_put__bounded_by_bytes() -> None:
    """There is room while there are less bytes than allowed: a page of any size has room."""
    queue = MessageQueue(max_bytes=10_000)
    page = RecordBatch(stream="lists", lines=b"x" * 50_000, count=1, rows_read=1)
    queue.put(message("1"), block=False)
    queue.put(page, block=False)
    with pytest.raises(Full):
        queue.put(message("2"), block=False)

    assert [queue.get(), queue.get()] == [message("1"), page]
    assert queue.empty()
    for _ in range(10):
        queue.put(message("3"), block=False)
    assert queue.full()


def test_end__comes_after_everything_before_it() -> None:
    """The thread that takes the messages gets all of them before the reason of the end."""
    queue = MessageQueue()
    first, second = message("1"), message("2")
    queue.put(first)
    queue.put(second)

    queue.end()

    assert [queue.get(), queue.get()] == [first, second]
    with pytest.raises(SyncStopped):
        queue.get()


class Generated(PartitionGenerationCompletedSentinel):
    """The end of a stream's partitions."""

    def __init__(self) -> None:
        """No stream is needed here."""


class Read(PartitionCompleteSentinel):
    """The end of a partition."""

    def __init__(self) -> None:
        """No partition is needed here."""


def test_get__a_stopped_worker_is_no_failure_and_no_end() -> None:
    """What a worker puts there because it was stopped says nothing of its stream."""
    queue = MessageQueue()
    for item in (
        Generated(),
        StreamThreadException(SyncStopped(), "lists"),
        Generated(),
        Read(),
        message("state"),
    ):
        queue.put(item)
    queue.end()

    first = queue.get()
    second = queue.get()

    assert isinstance(first, Generated)
    assert second == message("state")
    with pytest.raises(SyncStopped):
        queue.get()


def test_get__a_failure_before_a_stop() -> None:
    """Other failures, and the ends that follow them, come through."""
    queue = MessageQueue()
    failed, ended = StreamThreadException(KeyError("?"), "lists"), Read()
    queue.put(failed)
    queue.put(ended)

    assert [queue.get(), queue.get()] == [failed, ended]
