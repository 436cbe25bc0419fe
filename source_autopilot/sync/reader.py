"""The read of all streams and segments side by side, on the CDK's ConcurrentSource.

The streams share workers, chains and one queue of messages; their ends and failures are reported
here, each once. How one stream is read, `stream_reader` knows.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from airbyte_cdk.models import (
    AirbyteErrorTraceMessage,
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStreamStatus,
    FailureType,
    StreamDescriptor,
)
from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.utils.slice_logger import DebugSliceLogger
from airbyte_cdk.utils.airbyte_secrets_utils import filter_secrets
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message as status_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.client import Client
from source_autopilot.api.rate_limiter import MAX_REQUESTS_IN_FLIGHT
from source_autopilot.config import ALL_ON, Switches
from source_autopilot.errors import (
    InvalidState,
    SyncFailed,
    SyncStopped,
    UserFacingError,
)
from source_autopilot.forecast import FirstPages, Forecast, Paging, log_forecast
from source_autopilot.reports.retries import RetryReport
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.tables import STREAM_NAMES
from source_autopilot.sync.chains import Chains
from source_autopilot.sync.message_queue import MessageQueue, QueuedMessages, drain
from source_autopilot.sync.state import StreamState
from source_autopilot.sync.stream_reader import CDK_LOGGER, StreamReader
from source_autopilot.text import join_names

GENERATORS = len(STREAM_NAMES)  # each holds a worker until the last chain of its stream has begun
WORKERS = MAX_REQUESTS_IN_FLIGHT + GENERATORS
MAX_QUEUED_BYTES = 2_000_000  # ten pages of 200 kB; the CDK's 10,000 items would be as many pages
END_STATUSES = (AirbyteStreamStatus.COMPLETE, AirbyteStreamStatus.INCOMPLETE)


def _is_unexpected(line: logging.LogRecord) -> bool:
    return bool(line.exc_info) and not isinstance(line.exc_info[1], UserFacingError)  # type: ignore[index]


class Reader:
    """One read of streams that share a client.

    `streams` creates them for a client that reports its failed tries; `frequency` is how many
    minutes are planned from one sync to the next; `switches` are those of the environment. Raises
    InvalidState.
    """

    def __init__(
        self,
        client: Client,
        streams: Callable[[Client], list[AutopilotStream]],
        state: list[AirbyteStateMessage] | None,
        logger: logging.Logger,
        *,
        frequency: int,
        switches: Switches = ALL_ON,
    ) -> None:
        self._logger = logger
        self._frequency = frequency
        self._queue = MessageQueue(max_bytes=MAX_QUEUED_BYTES)
        self._messages = QueuedMessages(self._queue)
        self._retries = RetryReport(self._messages.emit_message)
        self._client = replace(client, listener=self._retries)
        # Airbyte's platform tells its job; nothing else sets this.
        self._job = os.environ.get("WORKER_JOB_ID") or None
        states = _split_states(state or [])
        self._foreign: list[str] = []
        self._is_resumed = False
        created = streams(self._client)
        self._chains = Chains(self._client.limiter)
        first_pages = FirstPages(
            [stream.name for stream in created],
            self._log_forecast,
            paging=Paging.UNKNOWN if switches.side_by_side else Paging.OFF,
        )
        self._readers = [
            StreamReader(
                stream,
                self._read_state(stream.name, states),
                self._messages,
                chains=self._chains,
                first_pages=first_pages,
                switches=switches,
            )
            for stream in created
        ]
        self._running = {reader.stream.name: reader for reader in self._readers}

    def read(self) -> Iterator[AirbyteMessage]:
        """All records, with the states that cover them, and each failure once.

        Raises SyncFailed if a stream failed, and SyncStopped after `stop`. If the messages are not
        taken to their end, the workers end instead of waiting for room in the queue: the
        interpreter waits for its workers.
        """
        try:
            self._log_beginning()
            yield from self._report_ends(_report_once(self._start()))
        except SyncStopped:
            for name in list(self._running):
                stream = StreamDescriptor(name=name)
                yield from self._report_ends(
                    [status_message(stream, AirbyteStreamStatus.INCOMPLETE)]
                )
            raise
        finally:
            summary = self._retries.summary()
            if summary:
                self._logger.info(summary)
            self._client.limiter.close(SyncStopped)
            self._chains.close()
            threading.Thread(target=drain, args=[self._queue], daemon=True).start()

    def stop(self) -> None:
        """Stop the read soon: what is on the queue still goes out, with the states that cover it.

        Not to be called on the thread that takes the messages, which has to empty the queue.
        """
        for reader in self._readers:
            reader.cursor.stop()
        self._queue.end()

    def _start(self) -> Iterator[AirbyteMessage]:
        if not self._readers:  # the CDK would wait for the first message for ever
            return iter(())
        CDK_LOGGER.addFilter(_is_unexpected)
        source = ConcurrentSource.create(
            WORKERS, GENERATORS, CDK_LOGGER, DebugSliceLogger(), self._messages, queue=self._queue
        )
        return source.read([reader.to_cdk_stream() for reader in self._readers])

    def _log_beginning(self) -> None:
        names = [reader.stream.name for reader in self._readers]
        begun = [reader.stream.name for reader in self._readers if reader.cursor.has_begun]
        if names:
            self._logger.info(f"Reading {join_names(names)}.")
        if begun:
            self._logger.info(f"Going on where the last attempt stopped: {join_names(begun)}.")
        if self._foreign:
            self._logger.info(
                f"The saved state of {join_names(self._foreign)} is not of this job"
                f" ({self._job}): everything is read from the start."
            )

    def _log_forecast(self, chains: Sequence[int], page_seconds: float, paging: Paging) -> None:
        # What an attempt has left to read says nothing of a whole sync.
        if not self._is_resumed:
            log_forecast(Forecast(chains, page_seconds, self._frequency, paging))

    def _read_state(self, stream_name: str, states: Mapping[str, AirbyteStateBlob]) -> StreamState:
        try:
            saved = StreamState.parse(vars(states.get(stream_name, AirbyteStateBlob())))
        except InvalidState as invalid:
            raise InvalidState(f"{stream_name}: {invalid}") from None
        if saved.has_begun and self._job and saved.job != self._job:
            self._foreign.append(stream_name)
        state = saved.for_job(self._job)
        self._is_resumed |= state.has_begun
        return state

    def _report_ends(self, messages: Iterable[AirbyteMessage]) -> Iterator[AirbyteMessage]:
        """The messages; once a stream has ended, the log says what became of it.

        On the thread that takes the messages, where no worker's lock is held.
        """
        for message in messages:
            status = message.trace.stream_status if message.trace else None
            name = status.stream_descriptor.name if status else ""
            if status and status.status in END_STATUSES and name in self._running:
                reader = self._running.pop(name)
                reader.report(complete=status.status == AirbyteStreamStatus.COMPLETE)
            elif status and status.reasons and name not in self._running:
                continue  # after the stream's end: another stream asks for the segments
            yield message


def _split_states(messages: list[AirbyteStateMessage]) -> dict[str, AirbyteStateBlob]:
    """The last state of each stream. Raises InvalidState for what this connector never wrote."""
    found: dict[str, AirbyteStateBlob] = {}
    for number, message in enumerate(messages, start=1):
        streams = [message.stream] if message.stream else []
        if message.global_:
            if vars(message.global_.shared_state or AirbyteStateBlob()):
                raise InvalidState(
                    f"its message {number} has a shared_state: expected a state for each stream"
                )
            streams = message.global_.stream_states
        elif message.data or (not message.stream and message.type != AirbyteStateType.LEGACY):
            raise InvalidState(f"its message {number} has no stream: expected the type STREAM")
        found |= {
            stream.stream_descriptor.name: stream.stream_state or AirbyteStateBlob()
            for stream in streams
        }
    return found


def _report_once(messages: Iterator[AirbyteMessage]) -> Iterator[AirbyteMessage]:
    """The messages of a read, with one failure for each stream that failed: its first, masked.

    The CDK reports a failure for every worker that meets it, does not mask secrets in it, and ends
    with a config error whatever happened, after which Airbyte would not try again. Raises
    SyncFailed with the first failure's sentence and type in its place, and SyncStopped as it comes.
    """
    failures: dict[str | None, AirbyteErrorTraceMessage] = {}
    try:
        for message in messages:
            error = message.trace.error if message.trace else None
            if error:
                stream = error.stream_descriptor and error.stream_descriptor.name
                if stream in failures:
                    continue
                _mask(error)
                failures[stream] = error
            yield message
    except SyncStopped:
        raise
    except AirbyteTracedException as cdk_error:
        if not failures:
            raise
        first = next(iter(failures.values()))
        raise SyncFailed(
            message=first.message,
            internal_message=cdk_error.message,
            failure_type=first.failure_type or FailureType.system_error,
        ) from None


def _mask(error: AirbyteErrorTraceMessage) -> None:
    error.message = filter_secrets(error.message)
    error.internal_message = filter_secrets(error.internal_message or "") or None
    error.stack_trace = filter_secrets(error.stack_trace or "") or None
