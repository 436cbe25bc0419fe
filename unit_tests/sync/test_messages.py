"""Tests of `messages`."""

import threading
from queue import Queue
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteLogMessage, AirbyteMessage, Level, Type
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.message.concurrent_repository import ConcurrentMessageRepository

from source_autopilot.sync.messages import MessageQueue, QueuedMessages
from source_autopilot.sync.shutdown import SyncStopped


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


def message(text: str) -> AirbyteMessage:
    """A message to follow."""
    return AirbyteMessage(type=Type.LOG, log=AirbyteLogMessage(level=Level.INFO, message=text))


def who_puts_the_slow_message(kind: type[ConcurrentMessageRepository]) -> str:
    """The thread that puts the message of thread "slow" on the queue, of two that emit."""
    other, done = threading.Event(), threading.Event()
    putters: dict[Any, str] = {}

    class Watched(Queue[Any]):
        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            putters[item.log.message] = threading.current_thread().name
            super().put(item, block, timeout)

    messages = kind(Watched(), Dawdling(other, done))

    def quick() -> None:
        other.wait(timeout=10)
        messages.emit_message(message("quick"))
        done.set()

    slow = threading.Thread(target=lambda: messages.emit_message(message("slow")), name="slow")
    fast = threading.Thread(target=quick, name="quick")
    slow.start()
    fast.start()
    if kind is QueuedMessages:
        other.set()  # the slow one passes nothing on which it could dawdle
    slow.join()
    fast.join()
    return putters["slow"]


def test_emit_message__each_thread_its_own() -> None:
    """A thread puts its own message on the queue, before it gives its stream's lock away."""
    assert who_puts_the_slow_message(QueuedMessages) == "slow"


def test_emit_message__why_not_the_cdks() -> None:
    """The CDK's repository lets another thread put it there, when it likes.

    When this fails the CDK has mended it: `QueuedMessages` can go.
    """
    assert who_puts_the_slow_message(ConcurrentMessageRepository) == "quick"


def test_end__comes_after_everything_before_it() -> None:
    """Whoever gets the messages gets all of them first."""
    queue = MessageQueue()
    first, second = message("1"), message("2")
    queue.put(first)
    queue.put(second)

    queue.end(SyncStopped())

    assert [queue.get(), queue.get()] == [first, second]
    with pytest.raises(SyncStopped):
        queue.get()
