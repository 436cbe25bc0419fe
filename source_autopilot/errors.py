"""Errors that a sentence explains: what Airbyte shows of them is that sentence and no stack trace.

Anything else that goes wrong is a fault of ours, and keeps its stack trace.
"""

from airbyte_cdk.models import AirbyteMessage, StreamDescriptor
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


class ExplainedError(AirbyteTracedException):
    """An expected error; its message says what happened and what to do."""

    def as_airbyte_message(
        self, stream_descriptor: StreamDescriptor | None = None
    ) -> AirbyteMessage:
        """The error as a TRACE message, without Python's internals."""
        message = super().as_airbyte_message(stream_descriptor)
        if message.trace and message.trace.error:
            message.trace.error.stack_trace = None
        return message
