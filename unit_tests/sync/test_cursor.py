"""Tests of `sync.cursor`."""

import json
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer, AirbyteStreamStatus
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition as CdkPartition
from airbyte_cdk.sources.types import Record

from source_autopilot.errors import OrderInDoubt, SyncStopped, TableTooShort
from source_autopilot.records.page import Page
from source_autopilot.streams.pagination import Partition
from source_autopilot.sync.cursor import Delivery, StreamCursor
from source_autopilot.sync.pieces import Piece, Table
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.splitter import Question
from source_autopilot.sync.state import StreamState
from unit_tests.support.clock import Clock

DONE = {"__ab_full_refresh_sync_complete": True}
ONE, TWO = {"segment_id": "s1"}, {"segment_id": "s2"}


def begun(partition: Partition, bookmark: str, **more: Any) -> dict[str, Any]:
    """The entry of a partition that has come to a bookmark."""
    return {"partition": partition, "cursor": {"bookmark": bookmark, **more}}


def finished(partition: Partition) -> dict[str, Any]:
    """The entry of a partition that was read to its end."""
    return {"partition": partition, "cursor": DONE}


class Chain(CdkPartition):
    """A chain as the CDK hands it back when it was read to its end."""

    def to_slice(self) -> Any:
        return {}

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


def table_of(cursor: StreamCursor, partition: Partition) -> Table:
    """How far a partition has come, in a stream that has no other."""
    [table] = cursor.select_unfinished([partition])
    return table


def tables_of(cursor: StreamCursor, *partitions: Partition) -> list[Table]:
    """How far the partitions have come, none of which is finished."""
    tables = cursor.select_unfinished(partitions)
    assert [table.partition for table in tables] == [*partitions]
    return tables


def page_of(
    ids: Iterable[str], bookmark: str | None, *, total: int | None = None, known: Iterable[str] = ()
) -> Page:
    """A page with these ids."""
    keys = tuple(ids)
    rows = [{"contact_id": key} for key in keys]
    return Page(rows, bookmark, total, keys=keys, known=frozenset(known))


def to_batch(page: Page, *, records: int | None = None) -> RecordBatch:
    """The records of a page, or as many as are said."""
    rows = page.rows if records is None else page.rows[:1] * records
    return RecordBatch.from_rows("pairs", rows, rows_read=len(page.rows))


def fail_to_batch(page: Page) -> RecordBatch:
    """No records: of a page that cannot be written."""
    raise RecursionError("too deep")


def deliver(
    cursor: StreamCursor,
    table: Table,
    *,
    bookmark: str | None,
    rows: int = 100,
    records: int | None = None,
) -> Delivery | None:
    """Deliver the next page of a table that is one piece, of so many rows and records."""
    [piece] = table.pieces
    begin = int((piece.after or "p").removeprefix("p") or 0) + 1
    ids = [f"p{number:09}" for number in range(begin, begin + rows)]
    page = page_of(ids, bookmark)
    return cursor.deliver(table, piece, page, partial(to_batch, records=records))


def test_deliver__a_state_a_second(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A state says where the next page begins, a second or more after the last one."""
    table = table_of(cursor, ONE)
    emitted = []
    for number, seconds in enumerate([0.0, 0.999, 1.0, 1.5, 1.999, 2.0, 3.5, 4.25, 4.5], start=1):
        clock.seconds = seconds
        deliver(cursor, table, bookmark=f"b{number}")
        emitted += [(seconds, state) for state in states(messages)]

    assert emitted == [
        (
            seconds,
            {
                "states": [
                    begun(ONE, f"b{number}", after=f"p{number:07}00", rows=number * 100),
                ]
            },
        )
        for seconds, number in [(1.0, 3), (2.0, 6), (3.5, 7), (4.5, 9)]
    ]


def test_deliver__a_state_not_before_its_first_second(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """The first second begins with the cursor, not with the clock."""
    clock.seconds = 1_000.0
    cursor = cursor_from({}, messages, clock)

    clock.seconds = 1_000.5
    deliver(cursor, table_of(cursor, ONE), bookmark="b1")

    assert states(messages) == []


LONG = "b" * 2_913


def long_state(rows: int) -> dict[str, Any]:
    """A state of 3,000 bytes: an 80th of 1,200 rows of 200 bytes."""
    state = {"states": [begun({}, LONG, after=f"p{rows:09}", rows=rows)]}
    assert len(json.dumps(state, separators=(",", ":"))) == 3_000 == 1_200 * 200 / 80
    return state


@pytest.mark.parametrize(("rows", "emitted"), [(199, []), (200, [long_state(1_200)])])
def test_deliver__a_state_worth_its_bytes(
    cursor: StreamCursor,
    messages: InMemoryMessageRepository,
    clock: Clock,
    rows: int,
    emitted: list[dict[str, Any]],
) -> None:
    """A state has at most an 80th of the bytes of the rows that were read since the last one."""
    table = table_of(cursor, {})
    clock.seconds = 1.0

    deliver(cursor, table, bookmark=LONG, rows=1_000, records=1)
    assert states(messages) == []
    deliver(cursor, table, bookmark=LONG, rows=rows, records=0)

    assert states(messages) == emitted


def test_deliver__a_state_every_ten_seconds(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Hundreds of segments of one member: states that are larger than their rows come rarely."""
    segments = [{"segment_id": f"s{number}"} for number in range(1, 601)]
    emitted = []
    for number, table in enumerate(tables_of(cursor, *segments), start=1):  # 25 s of segments
        clock.seconds = number / 24
        deliver(cursor, table, bookmark=None, rows=1)
        emitted += [(clock.seconds, len(state["states"])) for state in states(messages)]

    assert emitted == [(10.0, 240), (20.0, 480)]


def test_deliver__rows_count_for_one_state(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Rows before the last state do not count for the next one."""
    table = table_of(cursor, {})
    clock.seconds = 1.0
    deliver(cursor, table, bookmark=LONG, rows=5_000, records=1)
    clock.seconds = 2.0
    deliver(cursor, table, bookmark=LONG, rows=1_199, records=1)

    assert states(messages) == [long_state(5_000)]


def test_deliver__many_segments(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """With hundreds of segments, at full pace, the states stay a small part of what is written."""
    segments = [{"segment_id": f"contactlist_sseg{number}"} for number in range(500)]
    written = 0
    for table in tables_of(cursor, *segments):
        clock.seconds += 1 / 20
        deliver(cursor, table, bookmark="person_9EAF39E4")
        written += 100 * 200

    size = sum(len(json.dumps(state, separators=(",", ":"))) for state in states(messages))
    assert 0 < size <= written / 80


def test_deliver__records_before_their_state(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """RUNNING, the records, and the state that covers them go out in this order; RUNNING once."""
    table = table_of(cursor, ONE)
    [piece] = table.pieces
    first, last = page_of(["p1"] * 1 + ["p2"], "b1"), page_of(["p3"], None)
    clock.seconds = 10.0

    cursor.deliver(table, piece, first, to_batch)
    cursor.deliver(table, piece, last, to_batch)

    running, records, state, more = messages.consume_queue()
    assert running.trace
    assert running.trace.stream_status
    assert running.trace.stream_status.stream_descriptor.name == "pairs"
    assert running.trace.stream_status.status == AirbyteStreamStatus.RUNNING
    assert running.trace.stream_status.reasons is None
    assert [ids_of(batch) for batch in (records, more)] == [["p1", "p2"], ["p3"]]
    assert state.state
    assert cursor.state == {"states": [finished(ONE)]}


def ids_of(batch: AirbyteMessage) -> list[str]:
    """The ids of a batch's records."""
    assert isinstance(batch, RecordBatch)
    records = [message.record for message in batch.to_messages()]
    return [record.data["contact_id"] for record in records if record]


def test_deliver__no_records(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A page whose rows are all left out moves the bookmark, and leaves nothing to write."""
    clock.seconds = 5.0

    deliver(cursor, table_of(cursor, ONE), bookmark="b1", records=0)

    [message] = messages.consume_queue()
    assert message.state
    assert message.state.stream
    assert vars(message.state.stream.stream_state) == {
        "states": [begun(ONE, "b1", after="p000000100", rows=100)]
    }


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
    one, two = tables_of(cursor, ONE, TWO)
    other = threading.Thread(
        target=lambda: deliver(cursor, two, bookmark="b9", rows=2), daemon=True
    )

    deliver(cursor, one, bookmark="b1")
    other.join(timeout=10)

    covered = {"states": [begun(ONE, "b1", after="p000000100", rows=100)]}
    assert order == ["100 records", str(covered), "2 records"]


@pytest.mark.parametrize(
    "operation",
    [
        lambda cursor, table: cursor.select_unfinished([ONE, TWO]),
        lambda cursor, table: cursor.start_over(table, table.pieces[0]),
        lambda cursor, table: cursor.finish(table),
        lambda cursor, table: cursor.can_split(table),
        lambda cursor, _: cursor.find_question(0.0),
        lambda cursor, table: cursor.answer(table, Question("p5", False, 1.0), None, to_batch),
        lambda cursor, table: cursor.ensure_at_least_one_state_emitted(),
        lambda cursor, table: cursor.stop(),
    ],
    ids=[
        "select_unfinished",
        "start_over",
        "finish",
        "can_split",
        "find_question",
        "answer",
        "ensure",
        "stop",
    ],
)
def test_deliver__is_one_step(
    clock: Clock, operation: Callable[[StreamCursor, Table], object]
) -> None:
    """While a page goes out, whatever else moves the cursor or says where it is waits."""
    waited: list[bool] = []

    class Interrupted(InMemoryMessageRepository):
        def emit_message(self, message: AirbyteMessage) -> None:
            if isinstance(message, RecordBatch):
                other.start()
                other.join(timeout=0.05)
                waited.append(other.is_alive())

    cursor = cursor_from({}, Interrupted(), clock)
    one, two = tables_of(cursor, ONE, TWO)
    other = threading.Thread(target=operation, args=[cursor, two], daemon=True)

    deliver(cursor, one, bookmark="b1", rows=1)
    other.join(timeout=10)

    assert waited == [True]
    assert not other.is_alive()


def test_deliver__the_last_page_of_several_tables(
    cursor: StreamCursor, messages: InMemoryMessageRepository
) -> None:
    """A finished segment is marked; when all are finished the stream is, and says so at its end."""
    one, two = tables_of(cursor, ONE, TWO)

    deliver(cursor, one, bookmark=None)
    cursor.ensure_at_least_one_state_emitted()
    deliver(cursor, two, bookmark=None)
    assert cursor.state == {"states": [finished(ONE), finished(TWO)]}
    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == [{"states": [finished(ONE)]}, DONE]


def test_deliver__the_last_page_of_a_table(
    cursor: StreamCursor, messages: InMemoryMessageRepository
) -> None:
    """A table is one partition: its end is the stream's end."""
    deliver(cursor, table_of(cursor, {}), bookmark=None)
    assert cursor.state == {"states": [finished({})]}

    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == [DONE]


def test_deliver__the_last_page_of_a_resumed_stream(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A stream ends with the partitions that were unfinished: the others are not read again."""
    cursor = cursor_from({"states": [finished(ONE)]}, messages, clock)
    [two] = cursor.select_unfinished([ONE, TWO])

    deliver(cursor, two, bookmark=None)
    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == [DONE]


@pytest.mark.parametrize(
    ("state", "bookmark", "total", "rows_left"),
    [
        ({}, "b2", 300, 298),
        ({}, "b2", None, 0),
        ({}, None, 3, 0),  # finished
        ({"states": [begun(ONE, "b1", rows=100)]}, "b2", 300, 198),
        ({"states": [begun(ONE, "b1")]}, "b2", 300, 0),  # of 0.2.0, which did not count rows
    ],
)
def test_deliver__rows_left(
    messages: InMemoryMessageRepository,
    clock: Clock,
    state: dict[str, Any],
    bookmark: str | None,
    total: int | None,
    rows_left: int,
) -> None:
    """How many rows of the table are still to come, for the progress; 0 if nothing says it."""
    cursor = cursor_from(state, messages, clock)
    table = table_of(cursor, ONE)

    page = page_of(["p1", "p2"], bookmark, total=total)
    delivery = cursor.deliver(table, table.pieces[0], page, to_batch)

    assert delivery
    assert delivery.rows_left == rows_left


def test_finish__nothing_to_read(cursor: StreamCursor, messages: InMemoryMessageRepository) -> None:
    """A segment that is gone when it is asked for is finished."""
    one, two = tables_of(cursor, ONE, TWO)

    cursor.finish(one)
    assert cursor.state == {"states": [finished(ONE)]}
    cursor.finish(two)
    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == [DONE]


def test_close_partition__says_nothing(
    cursor: StreamCursor, messages: InMemoryMessageRepository
) -> None:
    """A chain that is at its end finishes nothing: each page has moved its own piece."""
    deliver(cursor, table_of(cursor, ONE), bookmark="b1")
    before = cursor.state
    list(messages.consume_queue())

    cursor.close_partition(Chain())

    assert cursor.state == before
    assert list(messages.consume_queue()) == []


def test_select_unfinished__resumed(messages: InMemoryMessageRepository, clock: Clock) -> None:
    """Finished segments are skipped, begun ones go on, new ones begin, deleted ones are gone."""
    kept = [finished(ONE), begun(TWO, "b1")]
    new = {"segment_id": "new"}
    cursor = cursor_from({"states": [finished({"segment_id": "gone"}), *kept]}, messages, clock)

    tables = cursor.select_unfinished(iter([ONE, TWO, new]))

    assert [table.partition for table in tables] == [TWO, new]
    assert [[piece.bookmark for piece in table.pieces] for table in tables] == [["b1"], [None]]
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
    """A stream whose partitions are all finished, or that has none, is complete."""
    cursor = cursor_from(state, messages, clock)

    assert cursor.select_unfinished(partitions) == []
    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == [DONE]


@pytest.mark.parametrize(
    ("state", "has_begun"),
    [
        ({}, False),
        ({"states": []}, False),
        (DONE, False),
        ({"states": [begun(ONE, "b1")]}, True),
        ({"states": [finished(ONE)]}, True),
        ({"states": [{"partition": ONE, "cursor": {"rows": 0, "alone": True}}]}, False),
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
    """A partition whose bookmark is refused is not resumed there a second time: at once."""
    cursor = cursor_from({"states": [begun(ONE, "b1"), begun(TWO, "b2")]}, messages, clock)
    one, _ = tables_of(cursor, ONE, TWO)
    [refused] = one.pieces

    piece = cursor.start_over(one, refused)

    assert piece is not None
    assert [piece] == one.pieces
    assert piece.bookmark is None
    expected = {
        "states": [
            {"partition": ONE, "cursor": {"rows": 0, "alone": True}},
            begun(TWO, "b2"),
        ]
    }
    assert cursor.state == expected
    assert states(messages) == [expected]
    assert cursor.start_over(one, refused) is None  # another chain has done it
    assert [piece] == one.pieces
    assert states(messages) == []


def test_ensure_at_least_one_state_emitted__of_a_failed_stream(
    cursor: StreamCursor, messages: InMemoryMessageRepository
) -> None:
    """What was read since the last state is covered by one at the end, which is said once."""
    deliver(cursor, table_of(cursor, ONE), bookmark="b1")

    cursor.ensure_at_least_one_state_emitted()
    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == [{"states": [begun(ONE, "b1", after="p000000100", rows=100)]}]


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
    cursor.ensure_at_least_one_state_emitted()
    assert states(messages) == [DONE]

    cursor.ensure_at_least_one_state_emitted()

    assert states(messages) == []


def test_stop__says_how_far_it_came_and_takes_no_more(
    cursor: StreamCursor, messages: InMemoryMessageRepository
) -> None:
    """The last state is emitted at once; a page that comes later is neither out nor covered."""
    table = table_of(cursor, ONE)
    deliver(cursor, table, bookmark="b1")

    cursor.stop()

    expected = {"states": [begun(ONE, "b1", after="p000000100", rows=100)]}
    assert states(messages) == [expected]
    with pytest.raises(SyncStopped):
        deliver(cursor, table, bookmark="b2")
    with pytest.raises(SyncStopped):
        cursor.finish(table)
    assert list(messages.consume_queue()) == []
    assert cursor.state == expected
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
        lambda cursor, table: cursor.select_unfinished([ONE]),
        lambda cursor, table: cursor.start_over(table, table.pieces[0]),
        lambda cursor, table: cursor.finish(table),
        lambda cursor, table: cursor.can_split(table),
        lambda cursor, _: cursor.find_question(0.0),
        lambda cursor, table: cursor.answer(
            table, Question("p000000200", False, 1.0), page_of(["p000000200"], "b9"), to_batch
        ),
        lambda cursor, table: deliver(cursor, table, bookmark="b2"),
    ],
    ids=[
        "select_unfinished",
        "start_over",
        "finish",
        "can_split",
        "find_question",
        "answer",
        "deliver",
    ],
)
def test_stop__nothing_moves_any_more(
    cursor: StreamCursor,
    messages: InMemoryMessageRepository,
    move: Callable[[StreamCursor, Table], object],
) -> None:
    """The state that was emitted at the stop is the last one."""
    table = table_of(cursor, ONE)
    deliver(cursor, table, bookmark="b1")
    cursor.stop()
    list(messages.consume_queue())

    with pytest.raises(SyncStopped):
        move(cursor, table)

    assert cursor.state == {"states": [begun(ONE, "b1", after="p000000100", rows=100)]}
    assert list(messages.consume_queue()) == []


# Pieces


IDS = [f"p{number:03}" for number in range(1000)]


def begin(cursor: StreamCursor, clock: Clock) -> tuple[Table, Piece]:
    """A table of 1,000 rows whose first hundred are out, and the piece that reads it."""
    table = table_of(cursor, ONE)
    [piece] = table.pieces
    cursor.deliver(table, piece, page_of(IDS[:100], "b1", total=1000), to_batch)
    clock.seconds += 20.0
    return table, piece


AT_500 = Question("p4990", proves=False, pages=5.0)


def test_answer__rows_and_entry_in_one_step(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """When a state names a new piece, the piece's first page is out: the state comes behind it."""
    table, piece = begin(cursor, clock)
    list(messages.consume_queue())

    found = cursor.answer(table, AT_500, page_of(IDS[500:600], "b5", total=1000), to_batch)

    assert found is not None
    new, delivery = found
    assert table.pieces == [piece, new]
    assert (delivery.records, delivery.is_first, delivery.step.ends) == (100, False, False)
    batch, state = messages.consume_queue()
    assert ids_of(batch) == IDS[500:600]
    assert state.state
    assert state.state.stream
    assert vars(state.state.stream.stream_state) == {
        "states": [
            begun(ONE, "b1", after="p099", to="p500", rows=100),
            begun({**ONE, "from": "p500"}, "b5", after="p599", rows=100),
        ]
    }


@pytest.mark.parametrize(
    "page",
    [
        None,
        page_of([], "b5"),
        page_of(IDS[500:600], None),
        page_of(IDS[600:500:-1], "b5"),
        page_of(IDS[:100], "b5"),
    ],
    ids=["no page", "no rows", "no bookmark", "no order", "first page"],
)
def test_answer__lost(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock, page: Page | None
) -> None:
    """An answer that is no start puts nothing out, and changes no state."""
    table, piece = begin(cursor, clock)
    before = cursor.state
    list(messages.consume_queue())

    assert cursor.answer(table, AT_500, page, to_batch) is None

    assert table.pieces == [piece]
    assert cursor.state == before
    assert list(messages.consume_queue()) == []


def test_answer__first_page_that_cannot_go_out(cursor: StreamCursor, clock: Clock) -> None:
    """A state with a piece that ends where nothing begins would lose what is behind it."""
    table, _ = begin(cursor, clock)
    before = cursor.state

    with pytest.raises(RecursionError):
        cursor.answer(table, AT_500, page_of(IDS[500:600], "b5"), fail_to_batch)

    assert cursor.state == before


def test_deliver__page_that_cannot_go_out(cursor: StreamCursor, clock: Clock) -> None:
    """A page whose records cannot be made moves nothing."""
    table, piece = begin(cursor, clock)
    before = cursor.state

    with pytest.raises(RecursionError):
        cursor.deliver(table, piece, page_of(IDS[100:200], "b2"), fail_to_batch)

    assert cursor.state == before
    assert cursor.deliver(table, piece, page_of(IDS[100:200], "b2"), to_batch) is not None


def test_deliver__only_the_rows_of_the_piece(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A page that reaches into the next piece puts out what is before it; its entry vanishes."""
    table, piece = begin(cursor, clock)
    cursor.answer(table, AT_500, page_of(IDS[500:600], "b5"), to_batch)
    cursor.deliver(table, piece, page_of(IDS[100:450], "b2"), to_batch)
    clock.seconds += 20.0
    list(messages.consume_queue())

    delivery = cursor.deliver(table, piece, page_of(IDS[450:550], "b3"), to_batch)

    assert delivery is not None
    assert (delivery.step.ends, delivery.records) == (True, 50)
    batch, state = messages.consume_queue()
    assert ids_of(batch) == IDS[450:500]
    assert state.state
    assert cursor.state == {
        "states": [begun({**ONE, "from": "p500"}, "b5", after="p599", rows=600)]
    }


def test_deliver__of_a_piece_that_is_no_more(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """The page of a chain whose table was begun anew meanwhile is dropped."""
    table, piece = begin(cursor, clock)
    cursor.start_over(table, piece)
    before = cursor.state
    list(messages.consume_queue())

    assert cursor.deliver(table, piece, page_of(IDS[100:200], "b2"), to_batch) is None

    assert cursor.state == before
    assert list(messages.consume_queue()) == []


def test_deliver__doubt_of_a_split_table(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """The state that begins the table anew, as one chain, is out at once, without the page."""
    table, piece = begin(cursor, clock)
    cursor.answer(table, AT_500, page_of(IDS[500:600], "b5"), to_batch)
    list(messages.consume_queue())

    with pytest.raises(OrderInDoubt):
        cursor.deliver(table, piece, page_of(IDS[200:100:-1], "b2"), to_batch)

    alone = {"states": [{"partition": ONE, "cursor": {"rows": 0, "alone": True}}]}
    assert states(messages) == [alone]
    assert cursor.state == alone


def test_answer__doubt(
    messages: InMemoryMessageRepository, cursor: StreamCursor, clock: Clock
) -> None:
    """A new piece that reaches into a neighbour with which it has no rows in common is doubt."""
    table, _ = begin(cursor, clock)
    cursor.answer(table, AT_500, page_of(IDS[500:600], "b5"), to_batch)
    list(messages.consume_queue())

    with pytest.raises(OrderInDoubt):
        cursor.answer(
            table,
            Question("p4498", proves=False, pages=1.0),
            page_of([*IDS[450:500], *(f"{contact_id}x" for contact_id in IDS[500:550])], "b4"),
            to_batch,
        )

    alone = {"states": [{"partition": ONE, "cursor": {"rows": 0, "alone": True}}]}
    assert states(messages) == [alone]


def test_deliver__too_short(
    cursor: StreamCursor, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A table that ends far below its total stays unfinished, with its last page to be read."""
    table, piece = begin(cursor, clock)
    before = cursor.state
    list(messages.consume_queue())

    with pytest.raises(TableTooShort) as raised:
        cursor.deliver(table, piece, page_of(IDS[100:200], None, total=1000), to_batch)

    assert (raised.value.rows, raised.value.total) == (200, 1000)
    assert cursor.state == before
    assert list(messages.consume_queue()) == []


def test_find_question__of_the_table_with_most_left(cursor: StreamCursor) -> None:
    """Questions are about the table that has most rows left, of those that can be split."""
    uuids = [f"person_{number:08X}-0000-4000-8000-000000000000" for number in range(100)]
    small, large, unordered = tables_of(cursor, ONE, TWO, {"segment_id": "s3"})
    for table, total, ids in [
        (small, 2_000, uuids),
        (large, 3_000, uuids),
        (unordered, 9_000, uuids[::-1]),
    ]:
        [piece] = table.pieces
        cursor.deliver(table, piece, page_of(ids, "b1", total=total), to_batch)

    asked = [cursor.find_question(0.0) for _ in range(3)]

    assert [found and found[0].partition for found in asked] == [TWO, ONE, None]
    assert [cursor.can_split(table) for table in (small, large, unordered)] == [True, True, False]
    assert cursor.can_split()
