"""Tests of `sync.cursor`."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer, AirbyteStreamStatus
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition as CdkPartition
from airbyte_cdk.sources.types import Record

from source_autopilot.errors import SyncStopped
from source_autopilot.streams.pagination import Partition
from source_autopilot.sync.cursor import StreamCursor
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.state import StreamState
from unit_tests.support.clock import Clock

DONE = {"__ab_full_refresh_sync_complete": True}
ONE, TWO = {"segment_id": "s1"}, {"segment_id": "s2"}


def begun(partition: Partition, bookmark: str) -> dict[str, Any]:
    """The entry of a partition that has come to a bookmark."""
    return {"partition": partition, "cursor": {"bookmark": bookmark}}


def finished(partition: Partition) -> dict[str, Any]:
    """The entry of a partition that was read to its end."""
    return {"partition": partition, "cursor": DONE}


class ReadPartition(CdkPartition):
    """A partition as the CDK hands it back when it was read to its end."""

    def __init__(self, partition: Partition | None) -> None:
        self._partition = partition

    def to_slice(self) -> Any:
        return self._partition

    def read(self) -> Any:
        raise NotImplementedError

    def stream_name(self) -> str:
        return "pairs"

    def __hash__(self) -> int:
        return id(self)


@pytest.fixture
def messages() -> InMemoryMessageRepository:
    """Where the messages go."""
    return InMemoryMessageRepository()


@pytest.fixture
def cursor(messages: InMemoryMessageRepository, clock: Clock) -> StreamCursor:
    """A cursor at the start of the stream."""
    return cursor_from({}, messages, clock)


def cursor_from(
    state: dict[str, Any], messages: InMemoryMessageRepository, clock: Clock
) -> StreamCursor:
    """A cursor that goes on from a state."""
    return StreamCursor("pairs", StreamState.parse(state), messages, now=clock.now)


def states(messages: InMemoryMessageRepository) -> list[dict[str, Any]]:
    """The states that were emitted since this was asked last, as on stdout."""

    def state_of(message: AirbyteMessage) -> dict[str, Any]:
        written = json.loads(json.dumps(AirbyteMessageSerializer.dump(message)))
        assert written["type"] == "STATE"
        assert written["state"]["type"] == "STREAM"
        assert written["state"]["stream"]["stream_descriptor"] == {"name": "pairs"}
        found: dict[str, Any] = written["state"]["stream"]["stream_state"]
        return found

    return [state_of(message) for message in messages.consume_queue() if message.state]


def batch_of(count: int, *, rows_read: int | None = None) -> RecordBatch:
    """A page of so many records; which ones does not matter here."""
    rows_read = count if rows_read is None else rows_read
    return RecordBatch.from_rows("pairs", [{"contact_id": "p1"}] * count, rows_read=rows_read)


def deliver(cursor: StreamCursor, partition: Partition, *, bookmark: str | None) -> None:
    """Deliver a page of 100 records."""
    cursor.deliver(partition, batch_of(100), bookmark=bookmark)


def test_deliver__a_state_a_second(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A state says where the next page begins, a second or more after the last one."""
    emitted = []
    for number, seconds in enumerate([0.0, 0.999, 1.0, 1.5, 1.999, 2.0, 3.5, 4.25, 4.5], start=1):
        clock.seconds = seconds
        deliver(cursor, ONE, bookmark=f"b{number}")
        emitted += [(seconds, state) for state in states(messages)]

    assert emitted == [
        (seconds, {"states": [begun(ONE, bookmark)]})
        for seconds, bookmark in [(1.0, "b3"), (2.0, "b6"), (3.5, "b7"), (4.5, "b9")]
    ]


def test_deliver__a_state_not_before_its_first_second(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """The first second begins with the cursor, not with the clock."""
    clock.seconds = 1_000.0
    cursor = cursor_from({}, messages, clock)

    clock.seconds = 1_000.5
    deliver(cursor, ONE, bookmark="b1")

    assert states(messages) == []


LONG = "b" * 2_946
STATE_OF_3000_BYTES = {"states": [begun({}, LONG)]}  # an 80th of 1,200 rows of 200 bytes


@pytest.mark.parametrize(("rows", "emitted"), [(199, []), (200, [STATE_OF_3000_BYTES])])
def test_deliver__a_state_worth_its_bytes(
    cursor: StreamCursor,
    messages: InMemoryMessageRepository,
    clock: Clock,
    rows: int,
    emitted: list[dict[str, Any]],
) -> None:
    """A state has at most an 80th of the bytes of the rows that were read since the last one."""
    assert len(json.dumps(STATE_OF_3000_BYTES, separators=(",", ":"))) == 3_000 == 1_200 * 200 / 80
    clock.seconds = 1.0

    cursor.deliver({}, batch_of(1, rows_read=1_000), bookmark=LONG)
    assert states(messages) == []
    cursor.deliver({}, batch_of(0, rows_read=rows), bookmark=LONG)

    assert states(messages) == emitted


def test_deliver__a_state_every_ten_seconds(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Hundreds of segments of one member: states that are larger than their rows come rarely."""
    emitted = []
    for number in range(1, 601):  # 25 s of segments
        clock.seconds = number / 24
        partition = {"segment_id": f"s{number}"}
        cursor.deliver(partition, batch_of(1), bookmark=None)
        emitted += [(clock.seconds, len(state["states"])) for state in states(messages)]

    assert emitted == [(10.0, 240), (20.0, 480)]


def test_deliver__rows_count_for_one_state(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Rows before the last state do not count for the next one."""
    clock.seconds = 1.0
    cursor.deliver({}, batch_of(1, rows_read=5_000), bookmark=LONG)
    clock.seconds = 2.0
    cursor.deliver({}, batch_of(1, rows_read=1_199), bookmark=LONG)

    assert states(messages) == [STATE_OF_3000_BYTES]


def test_deliver__many_segments(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """With hundreds of segments, at full pace, the states stay a small part of what is written."""
    segments = [{"segment_id": f"contactlist_sseg{number}"} for number in range(500)]
    cursor.select_unfinished(segments)
    written = 0
    for segment in segments:
        clock.seconds += 1 / 20
        deliver(cursor, segment, bookmark="person_9EAF39E4")
        written += 100 * 200

    size = sum(len(json.dumps(state, separators=(",", ":"))) for state in states(messages))
    assert 0 < size <= written / 80


def test_deliver__records_before_their_state(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """RUNNING, the records, and the state that covers them go out in this order; RUNNING once."""
    batch, last = batch_of(100), batch_of(100)
    clock.seconds = 5.0

    cursor.deliver(ONE, batch, bookmark="b1")
    cursor.deliver(ONE, last, bookmark=None)

    running, records, state, more = messages.consume_queue()
    assert running.trace
    assert running.trace.stream_status
    assert running.trace.stream_status.stream_descriptor.name == "pairs"
    assert running.trace.stream_status.status == AirbyteStreamStatus.RUNNING
    assert running.trace.stream_status.reasons is None
    assert (records, more) == (batch, last)
    assert state.state
    assert cursor.state == {"states": [finished(ONE)]}


def test_deliver__no_records(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A page whose rows are all left out moves the bookmark, and leaves nothing to write."""
    clock.seconds = 5.0

    cursor.deliver(ONE, batch_of(0, rows_read=100), bookmark="b1")

    [message] = messages.consume_queue()
    assert message.state
    assert message.state.stream
    assert vars(message.state.stream.stream_state) == {"states": [begun(ONE, "b1")]}


def test_deliver__no_state_of_another_worker_between(clock: Clock) -> None:
    """While a page goes out, another worker's page and state of the stream wait."""
    order: list[str] = []

    class Interrupted(InMemoryMessageRepository):
        def emit_message(self, message: AirbyteMessage) -> None:
            if not other.ident:  # the first message of the first page
                clock.seconds = 5.0
                other.start()
                other.join(timeout=0.05)
            if isinstance(message, RecordBatch):
                order.append(f"{message.count} records")
            if message.state and message.state.stream:
                order.append(str(vars(message.state.stream.stream_state)))

    cursor = cursor_from({}, Interrupted(), clock)
    other = threading.Thread(
        target=lambda: cursor.deliver(TWO, batch_of(2, rows_read=0), bookmark="b9"), daemon=True
    )

    cursor.deliver(ONE, batch_of(100), bookmark="b1")
    other.join(timeout=10)

    assert order == ["100 records", str({"states": [begun(ONE, "b1")]}), "2 records"]


@pytest.mark.parametrize(
    "operation",
    [
        lambda cursor: cursor.select_unfinished([ONE, TWO]),
        lambda cursor: cursor.start_over(TWO),
        lambda cursor: cursor.close_partition(ReadPartition(TWO)),
        lambda cursor: cursor.ensure_at_least_one_state_emitted(),
        lambda cursor: cursor.stop(),
    ],
    ids=["select_unfinished", "start_over", "close_partition", "ensure", "stop"],
)
def test_deliver__is_one_step(clock: Clock, operation: Callable[[StreamCursor], None]) -> None:
    """While a page goes out, whatever else moves the cursor or says where it is waits."""
    waited: list[bool] = []

    class Interrupted(InMemoryMessageRepository):
        def emit_message(self, message: AirbyteMessage) -> None:
            if isinstance(message, RecordBatch):
                other.start()
                other.join(timeout=0.05)
                waited.append(other.is_alive())

    cursor = cursor_from({}, Interrupted(), clock)
    cursor.select_unfinished([ONE, TWO])
    other = threading.Thread(target=operation, args=[cursor], daemon=True)

    cursor.deliver(ONE, batch_of(1), bookmark="b1")
    other.join(timeout=10)

    assert waited == [True]
    assert not other.is_alive()


def test_close_partition__of_several(cursor: StreamCursor, clock: Clock) -> None:
    """A finished segment is marked; when all are finished the stream is."""
    emitted = InMemoryMessageRepository()
    cursor = cursor_from({}, emitted, clock)
    assert cursor.select_unfinished([ONE, TWO]) == [ONE, TWO]

    cursor.close_partition(ReadPartition(ONE))
    assert cursor.state == {"states": [finished(ONE)]}
    assert states(emitted) == []
    cursor.close_partition(ReadPartition(TWO))

    assert states(emitted) == [DONE]


@pytest.mark.parametrize("partition", [{}, None])
def test_close_partition__of_a_table(
    cursor: StreamCursor, messages: InMemoryMessageRepository, partition: Partition | None
) -> None:
    """A table is one partition; the CDK may call it none. Its end is the stream's end."""
    cursor.select_unfinished([{}])
    deliver(cursor, {}, bookmark=None)
    assert cursor.state == {"states": [finished({})]}

    cursor.close_partition(ReadPartition(partition))

    assert states(messages) == [DONE]


def test_close_partition__of_a_resumed_stream(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A stream ends with the partitions that were unfinished: the others are not closed again."""
    cursor = cursor_from({"states": [finished(ONE)]}, messages, clock)
    cursor.select_unfinished([ONE, TWO])

    cursor.close_partition(ReadPartition(TWO))

    assert states(messages) == [DONE]


def test_select_unfinished__resumed(messages: InMemoryMessageRepository, clock: Clock) -> None:
    """Finished segments are skipped, begun ones go on, new ones begin, deleted ones are gone."""
    kept = [finished(ONE), begun(TWO, "b1")]
    new = {"segment_id": "new"}
    cursor = cursor_from({"states": [finished({"segment_id": "gone"}), *kept]}, messages, clock)

    assert cursor.select_unfinished(iter([ONE, TWO, new])) == [TWO, new]
    assert [cursor.bookmark(partition) for partition in (TWO, new)] == ["b1", None]
    assert cursor.state == {"states": kept}
    assert states(messages) == []


@pytest.mark.parametrize(
    ("state", "partitions"), [({"states": [finished(ONE)]}, [ONE]), (DONE, [ONE, TWO]), ({}, [])]
)
def test_select_unfinished__nothing_left(
    messages: InMemoryMessageRepository,
    clock: Clock,
    state: dict[str, Any],
    partitions: list[Partition],
) -> None:
    """A stream whose partitions are all finished, or that has none, is complete at once."""
    cursor = cursor_from(state, messages, clock)

    assert cursor.select_unfinished(partitions) == []
    assert states(messages) == [DONE]


@pytest.mark.parametrize(
    ("state", "has_begun"),
    [
        ({}, False),
        ({"states": []}, False),
        (DONE, False),
        ({"states": [begun(ONE, "b1")]}, True),
        ({"states": [finished(ONE)]}, True),
    ],
)
def test_has_begun(
    messages: InMemoryMessageRepository, clock: Clock, state: dict[str, Any], has_begun: bool
) -> None:
    """A stream goes on if some of it was read and some of it was not."""
    assert cursor_from(state, messages, clock).has_begun is has_begun


def test_start_over__forgets_the_bookmark(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A partition whose bookmark is refused is not resumed there a second time."""
    cursor = cursor_from({"states": [begun(ONE, "b1"), begun(TWO, "b2")]}, messages, clock)

    cursor.start_over(ONE)

    assert cursor.bookmark(ONE) is None
    assert cursor.state == {"states": [begun(TWO, "b2")]}


def test_ensure_at_least_one_state_emitted__of_a_failed_stream(
    cursor: StreamCursor, messages: InMemoryMessageRepository
) -> None:
    """What was read since the last state is covered by one at the end, which is said once."""
    deliver(cursor, ONE, bookmark="b1")

    cursor.ensure_at_least_one_state_emitted()
    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == [{"states": [begun(ONE, "b1")]}]


def test_ensure_at_least_one_state_emitted__nothing_read(
    cursor: StreamCursor, messages: InMemoryMessageRepository
) -> None:
    """A stream that failed at its first page has a state, too: the start."""
    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == [{"states": []}]


def test_ensure_at_least_one_state_emitted__of_a_complete_stream(
    cursor: StreamCursor, messages: InMemoryMessageRepository
) -> None:
    """The state that a stream ended with is not said again."""
    cursor.select_unfinished([])
    assert states(messages) == [DONE]

    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == []


def test_stop__says_how_far_it_came_and_takes_no_more(
    cursor: StreamCursor, messages: InMemoryMessageRepository
) -> None:
    """The last state is emitted at once; a page that comes later is neither out nor covered."""
    deliver(cursor, ONE, bookmark="b1")

    cursor.stop()

    assert states(messages) == [{"states": [begun(ONE, "b1")]}]
    with pytest.raises(SyncStopped):
        deliver(cursor, ONE, bookmark="b2")
    with pytest.raises(SyncStopped):
        cursor.close_partition(ReadPartition(ONE))
    assert list(messages.consume_queue()) == []
    assert cursor.state == {"states": [begun(ONE, "b1")]}
    cursor.stop()
    cursor.ensure_at_least_one_state_emitted()
    assert states(messages) == []


def test_stop__holds_no_lock_while_it_emits() -> None:
    """The thread that empties the queue may want the lock while the state waits for room."""

    class Full(InMemoryMessageRepository):
        def emit_message(self, message: AirbyteMessage) -> None:
            taking = threading.Thread(target=stopped.ensure_at_least_one_state_emitted)
            taking.start()
            taking.join(timeout=10)
            assert not taking.is_alive()
            super().emit_message(message)

    messages = Full()
    stopped = StreamCursor("pairs", StreamState(), messages)

    stopped.stop()

    assert states(messages) == [{"states": []}]


def test_observe__nothing(cursor: StreamCursor, messages: InMemoryMessageRepository) -> None:
    """Single records are all synced, and move nothing: pages do."""
    record = Record({"contact_id": "p1"}, "pairs")

    cursor.observe(record)

    assert cursor.should_be_synced(record) is True
    assert cursor.state == {"states": []}
    assert list(messages.consume_queue()) == []


@pytest.mark.parametrize(
    "move",
    [
        lambda cursor: cursor.select_unfinished([ONE]),
        lambda cursor: cursor.start_over(ONE),
        lambda cursor: cursor.close_partition(ReadPartition(ONE)),
        lambda cursor: deliver(cursor, ONE, bookmark="b2"),
    ],
    ids=["select_unfinished", "start_over", "close_partition", "deliver"],
)
def test_stop__nothing_moves_any_more(
    cursor: StreamCursor,
    messages: InMemoryMessageRepository,
    move: Callable[[StreamCursor], object],
) -> None:
    """The state that was emitted at the stop is the last one."""
    deliver(cursor, ONE, bookmark="b1")
    cursor.stop()
    list(messages.consume_queue())

    with pytest.raises(SyncStopped):
        move(cursor)

    assert cursor.state == {"states": [begun(ONE, "b1")]}
    assert list(messages.consume_queue()) == []
