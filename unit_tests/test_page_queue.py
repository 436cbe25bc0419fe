"""Tests of `page_queue`."""

import threading
from queue import Empty, Full, Queue
from typing import Any

import pytest

from source_autopilot.page_queue import PageQueue
from source_autopilot.termination import SyncStopped


def everything(queue: Queue[Any]) -> list[Any]:
    """What is on the queue, in order."""
    found = []
    while not queue.empty():
        found.append(queue.get(block=False))
    return found


def test_page__together_in_order() -> None:
    """What one thread puts during a page stays together, whatever others put meanwhile."""
    queue: Any = PageQueue()
    other = threading.Thread(target=lambda: queue.put("other"))

    with queue.page():
        queue.put(1)
        other.start()
        other.join()
        queue.put(2)
    queue.put(3)

    assert everything(queue) == ["other", 1, 2, 3]


def test_page__that_failed() -> None:
    """Nothing of a page that failed is handed over, and what comes after it is."""
    queue: Any = PageQueue()

    with pytest.raises(AttributeError), queue.page():
        queue.put(queue.put(1).missing)
    queue.put(2)

    assert everything(queue) == [2]


def test_page__without_anything() -> None:
    """An empty page is nothing to wait for, and nothing to get."""
    queue: Any = PageQueue()

    with queue.page():
        pass

    assert queue.empty()
    with pytest.raises(Empty):
        queue.get(block=False)


def test_put__full() -> None:
    """The queue is full by pages; a page that is being taken makes room for another."""
    queue: Any = PageQueue(maxsize=1)
    with queue.page():
        queue.put(1)
        queue.put(2)
    with pytest.raises(Full):
        queue.put(3, block=False)

    assert queue.get() == 1
    queue.put(3, block=False)

    assert not queue.empty()
    assert everything(queue) == [2, 3]


def test_end__comes_after_everything_before_it() -> None:
    """Whoever gets the items gets all of them first."""
    queue: Any = PageQueue()
    queue.put(1)
    with queue.page():
        queue.put(2)
        queue.put(3)

    queue.end(SyncStopped())

    assert [queue.get() for _ in range(3)] == [1, 2, 3]
    with pytest.raises(SyncStopped):
        queue.get()
