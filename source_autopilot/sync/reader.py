"""The read of all streams and segments side by side, on the CDK's ConcurrentSource.

Builds the workers, their queue, and a checkpoint per stream; what a page is and which one comes
next, the streams know.
"""

import logging
import os
import threading
from collections.abc import Iterable, Iterator

from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateMessage,
    AirbyteStreamStatus,
    StreamDescriptor,
    SyncMode,
)
from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.connector_state_manager import ConnectorStateManager
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.sources.streams.concurrent.adapters import StreamPartitionGenerator
from airbyte_cdk.sources.streams.concurrent.default_stream import DefaultStream
from airbyte_cdk.sources.utils.slice_logger import DebugSliceLogger
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message as status_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.client import Api
from source_autopilot.api.pace import WORKERS
from source_autopilot.cdk_log import for_people
from source_autopilot.reports.progress import Progress
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.sync.cursor import Checkpoint
from source_autopilot.sync.messages import MessageQueue, QueuedMessages
from source_autopilot.sync.shutdown import SyncStopped
from source_autopilot.sync.state import MalformedState, Positions
from source_autopilot.text import listed

GENERATORS = 4  # one for each stream; the CDK deadlocks if there are as many as workers
_ENDS = (AirbyteStreamStatus.COMPLETE, AirbyteStreamStatus.INCOMPLETE)
QUEUED_PAGES = 10  # of some 200 kB; 10,000 items, as in the CDK, would be as many pages


class ConcurrentRead:
    """One read of streams that share one API. Raises MalformedState."""

    def __init__(
        self,
        streams: list[AutopilotStream],
        state: list[AirbyteStateMessage] | None,
        logger: logging.Logger,
    ) -> None:
        self._untold = {stream.name: stream for stream in streams}
        self._api = streams[0].api if streams else None
        self._logger = logger
        self._queue = MessageQueue(maxsize=QUEUED_PAGES)
        self._checkpoints: dict[str, Checkpoint] = {}
        # On this thread, which empties the queue and must not wait for room in it.
        messages = QueuedMessages(self._queue, InMemoryMessageRepository())
        states = ConnectorStateManager(state)
        wrapped: list[AbstractStream] = []
        for stream in streams:
            positions = _positions(stream.name, states)
            stream.checkpoint = Checkpoint(stream.name, positions, messages)
            stream.progress = Progress(stream.name, messages, stream.logger)
            self._checkpoints[stream.name] = stream.checkpoint
            wrapped.append(_wrapped(stream, stream.checkpoint, messages, logger))
        workers = ConcurrentSource.create(
            WORKERS, GENERATORS, logger, DebugSliceLogger(), messages, queue=self._queue
        )
        # Without streams the CDK would wait for ever for the first message.
        self._read = workers.read(wrapped) if wrapped else iter(())

    def messages(self) -> Iterator[AirbyteMessage]:
        """All records, with the states that vouch for them.

        Raises AirbyteTracedException of the CDK if a stream failed, and SyncStopped after `stop`.
        If nobody takes the messages any more, the workers end instead of filling the queue: the
        interpreter waits for its workers, which would wait for room in it for ever.
        """
        try:
            with for_people():
                self._tell_beginning()
                yield from self._told(self._read)
        except SyncStopped:
            for name in list(self._untold):
                stream = StreamDescriptor(name=name)
                yield from self._told([status_message(stream, AirbyteStreamStatus.INCOMPLETE)])
            raise
        finally:
            if self._api:
                self._tell_waits(self._api)
                self._api.budget.close(AirbyteTracedException(message="The sync was stopped."))
            threading.Thread(target=_empty_for_ever, args=[self._queue], daemon=True).start()

    def _told(self, messages: Iterable[AirbyteMessage]) -> Iterator[AirbyteMessage]:
        """The messages; when one says that a stream ended, people are told what became of it.

        On the thread that takes the messages, where no worker's lock is held. Each stream is told
        of once.
        """
        for message in messages:
            status = message.trace.stream_status if message.trace else None
            if status and status.status in _ENDS:
                stream = self._untold.pop(status.stream_descriptor.name, None)
                if stream:
                    _report(stream, complete=status.status == AirbyteStreamStatus.COMPLETE)
            yield message

    def _tell_beginning(self) -> None:
        if self._checkpoints:
            self._logger.info(f"Reading {listed(list(self._checkpoints))}.")
        begun = [name for name, it in self._checkpoints.items() if it.state.get("states")]
        if begun:
            self._logger.info(f"Going on where the last attempt stopped: {listed(begun)}.")

    def _tell_waits(self, api: Api) -> None:
        summary = api.budget.waits.summary()
        if summary:
            self._logger.info(summary)

    def stop(self) -> None:
        """End soon: what is on the queue still goes out, with the states that vouch for it.

        Not to be called on the thread that takes the messages, which has to empty the queue.
        """
        stopped = SyncStopped()
        for checkpoint in self._checkpoints.values():
            checkpoint.end(stopped)
        self._queue.end(stopped)


def _report(stream: AutopilotStream, *, complete: bool) -> None:
    """Log what a person should know of the rows that a stream has read, once, at its end."""
    stream.tally.log(stream.name, stream.logger)
    for sentence in stream.told():
        stream.logger.info(f"{stream.name}: {sentence}")
    if stream.progress:
        left_out = stream.left_out(stream.progress.left_out)
        stream.progress.log_summary(complete=complete, left_out=left_out)


def _empty_for_ever(queue: MessageQueue) -> None:
    while True:
        queue.get()


def _positions(stream_name: str, states: ConnectorStateManager) -> Positions:
    """The positions that a stream goes on from.

    Airbyte's platform deletes the state of a finished full refresh before the next job, and says so
    by WORKER_JOB_ID. Anywhere else the state of the last sync is still there: whoever trusted it
    would deliver nothing ever after.
    """
    try:
        positions = Positions.parse(states.get_stream_state(stream_name, None))
    except MalformedState as malformed:
        raise MalformedState(f"{stream_name}: {malformed}") from None
    under_the_platform = bool(os.environ.get("WORKER_JOB_ID"))
    return positions if under_the_platform or not positions.complete else Positions()


def _wrapped(
    stream: AutopilotStream,
    checkpoint: Checkpoint,
    messages: QueuedMessages,
    logger: logging.Logger,
) -> DefaultStream:
    generator = StreamPartitionGenerator(stream, messages, SyncMode.full_refresh, None, None)
    key = stream.primary_key
    return DefaultStream(
        partition_generator=generator,
        name=stream.name,
        json_schema={},  # the CDK reads nothing out of it
        primary_key=[key] if isinstance(key, str) else key,
        cursor_field=None,
        logger=logger,
        cursor=checkpoint,
    )
