"""How states and estimates reach stdout: on the queue of the records, behind them."""

from airbyte_cdk.models import AirbyteMessage
from airbyte_cdk.sources.message.concurrent_repository import ConcurrentMessageRepository


class QueuedMessages(ConcurrentMessageRepository):
    """The CDK's repository, without its detour.

    The CDK's `emit_message` passes messages through a list that all threads share. One thread can
    take another's state out of it, and put it on the queue after that stream's next state: the last
    state on stdout would then be an older one.
    """

    def emit_message(self, message: AirbyteMessage) -> None:
        self._put_on_queue(message)
