"""The command line: `source-autopilot spec|check|discover|read`."""

import argparse
import ctypes
import gc
import logging
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout, suppress
from typing import Any, NoReturn

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.logger import PRINT_BUFFER
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    ConnectorSpecification,
)
from airbyte_cdk.sources.connector_state_manager import HashableStreamDescriptor
from airbyte_cdk.utils.print_buffer import PrintBuffer

from source_autopilot.errors import SyncFailed, SyncStopped, UserFacingError
from source_autopilot.files import read_catalog, read_config, read_states
from source_autopilot.source import SourceAutopilot, validate_settings
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.shutdown import StopSignals

# A page is freed by reference counting. To collect rarely, and never what importing left, saves 5 %
# of a sync's processor time.
OBJECTS_BETWEEN_COLLECTIONS = 50_000
# glibc keeps what a thread has freed for that thread. With two places for all of them, 24 segments
# with a page of 11 MB each take 150 MB instead of 260 MB.
M_ARENA_MAX = -8


class CommandLineSource(SourceAutopilot):
    """Reads the files of a command with our sentences instead of Python's."""

    @staticmethod
    def read_config(config_path: str) -> dict[str, Any]:
        return read_config(config_path)

    @classmethod
    def read_catalog(cls, catalog_path: str) -> ConfiguredAirbyteCatalog:
        return read_catalog(catalog_path)

    @classmethod
    def read_state(cls, state_path: str | None) -> list[AirbyteStateMessage]:
        return read_states(state_path)


class Entrypoint(AirbyteEntrypoint):
    """The CDK's entrypoint, with batches, and our sentences instead of a schema validator's."""

    @staticmethod
    def parse_args(args: list[str]) -> argparse.Namespace:
        parsed = AirbyteEntrypoint.parse_args(args)
        if not parsed.command:
            with redirect_stdout(sys.stderr), suppress(SystemExit):
                AirbyteEntrypoint.parse_args(["--help"])
            sys.exit(2)
        return parsed

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        validate_settings(config)

    def read(self, *args: Any, **kwargs: Any) -> Iterable[AirbyteMessage]:
        """All messages except batches, which it writes itself."""
        for message in super().read(*args, **kwargs):
            if isinstance(message, RecordBatch):
                write_lines(message.lines)
            else:
                yield message

    @staticmethod
    def handle_record_counts(
        message: AirbyteMessage, stream_message_count: defaultdict[HashableStreamDescriptor, float]
    ) -> AirbyteMessage:
        """As the CDK does: every state says how many records came before it."""
        if isinstance(message, RecordBatch):
            stream_message_count[HashableStreamDescriptor(name=message.stream)] += message.count
            return message
        return AirbyteEntrypoint.handle_record_counts(message, stream_message_count)


def run(signals: StopSignals) -> None:
    """Run the command in `sys.argv`, to its end or until a signal asks for the end."""
    source = CommandLineSource(in_batches=True)
    signals.stop = source.stop
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
    execute(source, sys.argv[1:], signals)


def execute(source: SourceAutopilot, arguments: list[str], signals: StopSignals) -> None:
    """Run a command and print its messages.

    Exits with 1 after an error that a sentence explains, with 2 and the usage on stderr for
    arguments that make no sense, and as `signals` say when the sync was stopped. Other errors go on
    to the CDK's handler for uncaught ones, which reports them with a stack trace, and the
    interpreter exits with 1 too.
    """
    entrypoint = _create_entrypoint(source)
    parsed = entrypoint.parse_args(arguments)
    # As in the CDK's `launch`, which cannot be told which entrypoint to use.
    with PRINT_BUFFER:
        try:
            for message in entrypoint.run(parsed):
                print(f"{message}\n", end="")
        except SyncFailed:
            exit_failed()
        except SyncStopped as stopped:
            stopped.emit_message()
            PRINT_BUFFER.flush()
            signals.exit()
        except UserFacingError as failure:
            failure.emit_message()
            status = failure.as_connection_status_message()
            if parsed.command == "check" and status:  # its file of settings cannot be read
                print(entrypoint.airbyte_message_to_string(status))
            exit_failed()


def exit_failed() -> NoReturn:
    """Exit with 1; a terminal whose stdout is redirected is told where the reason is."""
    stdout, stderr = sys.__stdout__, sys.__stderr__
    if stderr and stderr.isatty() and stdout and not stdout.isatty():
        print(
            'It failed. The reason is where the messages went: grep \'"type":"ERROR"\' FILE',
            file=stderr,
        )
    sys.exit(1)


def write_lines(lines: bytes) -> None:
    """Write ready lines to stdout, in one piece, behind everything that was printed so far."""
    with PRINT_BUFFER.lock:  # workers write their log lines through it, at any moment
        sys.stdout.flush()
        stdout = sys.__stdout__ if isinstance(sys.stdout, PrintBuffer) else sys.stdout
        if stdout:
            stdout.buffer.write(lines)


def _create_entrypoint(source: SourceAutopilot) -> Entrypoint:
    logger = logging.getLogger("airbyte")
    level = logger.level
    logger.setLevel(logging.WARNING)  # the entrypoint logs its memory limits when it is made
    try:
        return Entrypoint(source)
    finally:
        logger.setLevel(level)
