"""The queue between the workers and the thread that writes to stdout: a page is one item of it.

Handing a page over as a whole costs one wake-up of the writer instead of a hundred, and keeps a
page's records and the state behind them together.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

from airbyte_cdk.sources.streams.concurrent.partitions.types import QueueItem
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


class PageQueue(Queue[QueueItem]):
    """A queue for any number of threads that put and one that gets; `maxsize` counts pages."""

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._page_of_thread = threading.local()
        self._taken: deque[QueueItem] = deque()

    @contextmanager
    def page(self) -> Iterator[None]:
        """What this thread puts inside of this goes onto the queue at its end, as one item.

        If the block fails nothing of it does.
        """
        items: list[QueueItem] = []
        self._page_of_thread.items = items
        try:
            yield
        finally:
            self._page_of_thread.items = None
        if items:
            super().put(items)  # type: ignore[arg-type] # only `get` sees that it is a list

    def put(self, item: QueueItem, block: bool = True, timeout: float | None = None) -> None:
        items = getattr(self._page_of_thread, "items", None)
        if items is None:
            super().put(item, block, timeout)
        else:
            items.append(item)

    def end(self, reason: AirbyteTracedException) -> None:
        """Have `get` raise the reason when everything before it is taken."""
        super().put(reason)

    def get(self, block: bool = True, timeout: float | None = None) -> QueueItem:
        if not self._taken:
            found: Any = super().get(block, timeout)
            if isinstance(found, AirbyteTracedException):
                raise found
            if not isinstance(found, list):
                return found  # type: ignore[no-any-return]
            self._taken.extend(found)
        return self._taken.popleft()

    def empty(self) -> bool:
        return not self._taken and super().empty()
