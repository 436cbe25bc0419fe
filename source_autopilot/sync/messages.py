"""How pages, states and estimates reach stdout: on one queue, in the order in which they come."""

from queue import Queue
from typing import Any

from airbyte_cdk.models import AirbyteMessage
from airbyte_cdk.sources.message.concurrent_repository import ConcurrentMessageRepository
from airbyte_cdk.sources.streams.concurrent.partitions.types import QueueItem
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


class MessageQueue(Queue[QueueItem]):
    """The queue between the workers and the thread that writes to stdout, which can be ended."""

    def end(self, reason: AirbyteTracedException) -> None:
        """Have `get` raise the reason when everything before it is taken."""
        self.put(reason)

    def get(self, block: bool = True, timeout: float | None = None) -> QueueItem:
        found: Any = super().get(block, timeout)
        if isinstance(found, AirbyteTracedException):
            raise found
        return found  # type: ignore[no-any-return]


class QueuedMessages(ConcurrentMessageRepository):
    """The CDK's repository, without its detour.

    The CDK's `emit_message` passes messages through a list that all threads share. One thread can
    take another's state out of it, and put it on the queue after that stream's next state: the last
    state on stdout would then be an older one.
    """

    def emit_message(self, message: AirbyteMessage) -> None:
        self._put_on_queue(message)
