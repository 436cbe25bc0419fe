"""The command line: `source-autopilot spec|check|discover|read`."""

import sys
from collections.abc import Mapping
from typing import Any

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.logger import PRINT_BUFFER
from airbyte_cdk.models import ConnectorSpecification

from source_autopilot.cdk_log import for_people
from source_autopilot.explained import ExplainedError
from source_autopilot.failures import SyncFailed
from source_autopilot.source import SourceAutopilot, checked
from source_autopilot.termination import SyncStopped, end, end_on_signal


class Entrypoint(AirbyteEntrypoint):
    """The CDK's entrypoint, with our sentences instead of a JSON schema validator's."""

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        checked(config)


def run() -> None:
    """Run the command in `sys.argv`, to its end or until a signal asks for the end."""
    source = SourceAutopilot()
    end_on_signal(source.stop)
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
