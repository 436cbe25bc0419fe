"""Tests of `checkpoint`."""

import json
import threading
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer, AirbyteStreamStatus
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition as CdkPartition

from source_autopilot.sync.cursor import Checkpoint
from source_autopilot.sync.record_batch import RecordPage
from source_autopilot.sync.shutdown import SyncStopped
from source_autopilot.sync.state import Partition, Positions
from unit_tests.support.clock import Clock

DONE = {"__ab_full_refresh_sync_complete": True}
ONE, TWO = {"segment_id": "s1"}, {"segment_id": "s2"}


class Slice(CdkPartition):
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
    """Where the states go."""
    return InMemoryMessageRepository()


def states(messages: InMemoryMessageRepository) -> list[dict[str, Any]]:
    """The states that were emitted since this was asked last, as on stdout."""

    def state_of(message: AirbyteMessage) -> dict[str, Any]:
        written = json.loads(json.dumps(AirbyteMessageSerializer.dump(message)))
        assert written["state"]["stream"]["stream_descriptor"] == {"name": "pairs"}
        found: dict[str, Any] = written["state"]["stream"]["stream_state"]
        return found

    return [state_of(message) for message in messages.consume_queue() if message.state]


def checkpoint_of(
    messages: InMemoryMessageRepository, clock: Clock, state: dict[str, Any] | None = None
) -> Checkpoint:
    """A checkpoint that goes on from a state."""
    positions = Positions.parse(state or {})
    return Checkpoint("pairs", positions, messages, now=clock.now)


def page_of(count: int) -> RecordPage:
    """A page of so many records; which ones does not matter here."""
    return RecordPage.of("pairs", [{"contact_id": "p1"}] * count, rows_read=count)


def out(checkpoint: Checkpoint, partition: Partition, *, bookmark: str | None) -> None:
    """Put a page of 100 records out."""
    checkpoint.page(partition, page_of(100), bookmark=bookmark)


def test_page__after_a_second(messages: InMemoryMessageRepository, clock: Clock) -> None:
    """A state says where the next page begins, about once a second."""
    checkpoint = checkpoint_of(messages, clock)
    list(checkpoint.unfinished([ONE]))

    out(checkpoint, ONE, bookmark="b1")
    assert states(messages) == []
    clock.seconds = 1.0
    out(checkpoint, ONE, bookmark="b2")
    out(checkpoint, ONE, bookmark="b3")

    assert states(messages) == [
        {"states": [{"partition": ONE, "cursor": {"bookmark": "b2"}}]},
    ]


def test_page__not_worth_a_state(messages: InMemoryMessageRepository, clock: Clock) -> None:
    """A large state waits until enough was written to be a small part of it."""
    segments = [{"segment_id": f"contactlist_sseg{number}"} for number in range(500)]
    checkpoint = checkpoint_of(messages, clock)
    list(checkpoint.unfinished(segments))
    written = 0
    for segment in segments:
        clock.seconds += 1.0
        out(checkpoint, segment, bookmark="person_9EAF39E4")
        written += 100 * 200

    size = sum(len(json.dumps(state)) for state in states(messages))
    assert 0 < size < 0.02 * written


def test_page__is_out_before_its_state(messages: InMemoryMessageRepository, clock: Clock) -> None:
    """RUNNING, the page, and the state that vouches for it go out in this order."""
    checkpoint = checkpoint_of(messages, clock)
    list(checkpoint.unfinished([ONE]))
    clock.seconds = 5.0
    page = page_of(100)

    checkpoint.page(ONE, page, bookmark="b1")

    running, records, state = messages.consume_queue()
    assert running.trace
    assert running.trace.stream_status
    assert running.trace.stream_status.status == AirbyteStreamStatus.RUNNING
    assert records is page
    assert state.state


def test_page__of_no_records(messages: InMemoryMessageRepository, clock: Clock) -> None:
    """A page whose rows are all left out moves the bookmark, and leaves nothing to write."""
    checkpoint = checkpoint_of(messages, clock)
    list(checkpoint.unfinished([ONE]))
    clock.seconds = 5.0

    checkpoint.page(ONE, RecordPage.of("pairs", [], rows_read=100), bookmark="b1")

    [state] = messages.consume_queue()
    assert state.state
    assert state.state.stream
    assert vars(state.state.stream.stream_state) == {
        "states": [{"partition": ONE, "cursor": {"bookmark": "b1"}}]
    }


def test_page__no_state_of_another_between(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """While a page goes out, another worker's state of the stream waits: it knows more by then."""
    checkpoint = checkpoint_of(messages, clock)
    list(checkpoint.unfinished([ONE, TWO]))
    other = threading.Thread(target=lambda: out(checkpoint, TWO, bookmark="b9"), daemon=True)

    def emit(message: AirbyteMessage) -> None:
        if not other.ident:  # the first page is on its way
            clock.seconds = 5.0
            other.start()
            other.join(timeout=0.05)
            assert states(messages) == []
        InMemoryMessageRepository.emit_message(messages, message)

    messages.emit_message = emit  # type: ignore[method-assign]
    out(checkpoint, ONE, bookmark="b1")
    other.join(timeout=10)

    [state] = states(messages)
    assert state["states"][0] == {"partition": ONE, "cursor": {"bookmark": "b1"}}


def test_close_partition__of_several(messages: InMemoryMessageRepository, clock: Clock) -> None:
    """A finished segment is marked; when all are finished the stream is."""
    checkpoint = checkpoint_of(messages, clock)
    assert list(checkpoint.unfinished([ONE, TWO])) == [ONE, TWO]

    clock.seconds = 1.0
    out(checkpoint, ONE, bookmark=None)
    checkpoint.close_partition(Slice(ONE))
    checkpoint.close_partition(Slice(TWO))

    assert states(messages) == [{"states": [{"partition": ONE, "cursor": DONE}]}, DONE]


def test_close_partition__before_all_are_listed(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Nothing is complete while another partition is still to come."""
    checkpoint = checkpoint_of(messages, clock)
    listed = checkpoint.unfinished([ONE, TWO])
    next(listed)

    checkpoint.close_partition(Slice(ONE))

    assert DONE not in states(messages)


def test_unfinished__resumed(messages: InMemoryMessageRepository, clock: Clock) -> None:
    """Finished segments are skipped, begun ones go on, new ones begin, deleted ones are gone."""
    state = {
        "states": [
            {"partition": {"segment_id": "deleted"}, "cursor": DONE},
            {"partition": ONE, "cursor": DONE},
            {"partition": TWO, "cursor": {"bookmark": "b1"}},
        ]
    }
    new = {"segment_id": "new"}
    checkpoint = checkpoint_of(messages, clock, state)

    assert list(checkpoint.unfinished([ONE, TWO, new])) == [TWO, new]
    assert [checkpoint.bookmark(it) for it in (TWO, new)] == ["b1", None]
    assert checkpoint.state == {"states": state["states"][1:]}


def test_unfinished__nothing_left(messages: InMemoryMessageRepository, clock: Clock) -> None:
    """A stream whose partitions are all finished, or that has none, is complete at once."""
    for state in ({"states": [{"partition": ONE, "cursor": DONE}]}, DONE):
        assert list(checkpoint_of(messages, clock, state).unfinished([ONE])) == []
    assert list(checkpoint_of(messages, clock).unfinished([])) == []

    assert states(messages) == [DONE] * 3


def test_start_over__forgets_the_bookmark(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """A partition whose bookmark is refused is not resumed there a second time."""
    state = {"states": [{"partition": ONE, "cursor": {"bookmark": "b1"}}]}
    checkpoint = checkpoint_of(messages, clock, state)
    list(checkpoint.unfinished([ONE]))

    checkpoint.start_over(ONE)

    assert checkpoint.bookmark(ONE) is None
    checkpoint.ensure_at_least_one_state_emitted()
    assert states(messages) == [{"states": []}]


def test_ensure__the_last_word_of_a_failed_stream(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """What was read since the last state is vouched for at the end, and said once."""
    checkpoint = checkpoint_of(messages, clock)
    list(checkpoint.unfinished([ONE]))
    out(checkpoint, ONE, bookmark="b1")

    checkpoint.ensure_at_least_one_state_emitted()
    checkpoint.ensure_at_least_one_state_emitted()

    assert states(messages) == [{"states": [{"partition": ONE, "cursor": {"bookmark": "b1"}}]}]


def test_end__says_how_far_it_came_and_takes_no_more(
    messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """The last state is emitted at once; a page that comes later is not vouched for and not out."""
    checkpoint = checkpoint_of(messages, clock)
    list(checkpoint.unfinished([ONE]))
    out(checkpoint, ONE, bookmark="b1")

    checkpoint.end(SyncStopped())

    assert states(messages) == [{"states": [{"partition": ONE, "cursor": {"bookmark": "b1"}}]}]
    with pytest.raises(SyncStopped):
        out(checkpoint, ONE, bookmark="b2")
    assert list(messages.consume_queue()) == []
    checkpoint.end(SyncStopped())
    assert states(messages) == []
    assert not checkpoint.complete
