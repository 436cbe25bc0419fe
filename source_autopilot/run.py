"""The command line: `source-autopilot spec|check|discover|read`."""

import gc
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.logger import PRINT_BUFFER
from airbyte_cdk.models import AirbyteMessage, ConnectorSpecification
from airbyte_cdk.sources.connector_state_manager import HashableStreamDescriptor
from airbyte_cdk.utils.print_buffer import PrintBuffer

from source_autopilot.cdk_log import for_people
from source_autopilot.errors import ExplainedError
from source_autopilot.failures import SyncFailed
from source_autopilot.source import SourceAutopilot, checked
from source_autopilot.sync.record_batch import RecordPage
from source_autopilot.sync.shutdown import SyncStopped, end, end_on_signal

# Objects that a page leaves behind die without the collector; it is there for the odd cycle.
COLLECT_AFTER_OBJECTS = 50_000


class Entrypoint(AirbyteEntrypoint):
    """The CDK's entrypoint, with our sentences instead of a JSON schema validator's, and pages."""

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        checked(config)

    def read(self, *args: Any, **kwargs: Any) -> Iterable[AirbyteMessage]:
        """The messages of a read but for its pages, which are written as they come."""
        for message in super().read(*args, **kwargs):
            if isinstance(message, RecordPage):
                write_lines(message.lines)
            else:
                yield message

    @staticmethod
    def handle_record_counts(
        message: AirbyteMessage, stream_message_count: defaultdict[HashableStreamDescriptor, float]
    ) -> AirbyteMessage:
        """As the CDK does: every state says how many records came before it."""
        if isinstance(message, RecordPage):
            stream_message_count[HashableStreamDescriptor(name=message.stream)] += message.count
            return message
        return AirbyteEntrypoint.handle_record_counts(message, stream_message_count)


def run() -> None:
    """Run the command in `sys.argv`, to its end or until a signal asks for the end."""
    source = SourceAutopilot(in_pages=True)
    end_on_signal(source.stop)
    gc.set_threshold(COLLECT_AFTER_OBJECTS)
    execute(source, sys.argv[1:])


def execute(source: SourceAutopilot, arguments: list[str]) -> None:
    """Run a command and print its messages.

    Exits with 1 after an error that a sentence explains, with 143 when the sync was stopped. Other
    errors go on to the CDK's handler for uncaught ones, which reports them with a stack trace, and
    the interpreter exits with 1 too.
    """
    # As in the CDK's `launch`, which cannot be told which entrypoint to use.
    with PRINT_BUFFER, for_people():
        entrypoint = Entrypoint(source)
        parsed = entrypoint.parse_args(arguments)
        try:
            for message in entrypoint.run(parsed):
                print(f"{message}\n", end="")
        except SyncFailed:
            sys.exit(1)
        except SyncStopped as stopped:
            stopped.emit_message()
            PRINT_BUFFER.flush()
            end()
        except ExplainedError as failure:
            failure.emit_message()
            sys.exit(1)


def write_lines(lines: bytes) -> None:
    """Write ready lines to stdout, in one piece, behind everything that was printed so far."""
    with PRINT_BUFFER.lock:  # workers write their log lines through it, at any moment
        sys.stdout.flush()
        stdout = sys.__stdout__ if isinstance(sys.stdout, PrintBuffer) else sys.stdout
        if stdout:
            stdout.buffer.write(lines)
