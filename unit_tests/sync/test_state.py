"""Tests of `sync.state`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.errors import InvalidState
from source_autopilot.sync.state import StreamState
from unit_tests.support.documents import JSON

DONE = {"__ab_full_refresh_sync_complete": True}
ONE, TWO, THREE = ({"segment_id": name} for name in ("s1", "s2", "s3"))


def test_dump__format() -> None:
    """A state has an entry for each partition that has begun, in the order of their beginning."""
    state = StreamState()
    state.move(TWO, "b1")
    state.finish(ONE)

    assert state.dump() == {
        "states": [
            {"partition": TWO, "cursor": {"bookmark": "b1"}},
            {"partition": ONE, "cursor": DONE},
        ]
    }


def test_dump__complete() -> None:
    """A finished stream needs no entries, and none of its partitions is read again."""
    state = StreamState()
    state.move(ONE, "b1")
    assert not state.complete
    state.complete = True

    assert state.dump() == DONE
    parsed = StreamState.parse(DONE)
    assert parsed.complete
    assert [parsed.is_finished(partition) for partition in (ONE, {})] == [True, True]


def test_parse__resumes() -> None:
    """What was dumped is where the next attempt goes on."""
    before = StreamState()
    before.move(ONE, "b1")
    before.finish(TWO)

    after = StreamState.parse(before.dump())

    assert [after.bookmark(partition) for partition in (ONE, TWO, THREE)] == ["b1", None, None]
    assert [after.is_finished(partition) for partition in (ONE, TWO, THREE)] == [False, True, False]
    assert after.dump() == before.dump()
    assert not after.complete


@pytest.mark.parametrize("complete", [False, True])
def test_dump__job(complete: bool) -> None:
    """A state names the job that it is of."""
    state = StreamState(complete=complete, job="42")

    expected: dict[str, Any] = DONE if complete else {"states": []}
    assert state.dump() == {**expected, "job": "42"}
    assert StreamState.parse(state.dump()).job == "42"


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("state_job", [None, "1", "42"])
@pytest.mark.parametrize("job", [None, "42"])
def test_for_job(complete: bool, state_job: str | None, job: str | None) -> None:
    """Under a platform only the same job's state counts; elsewhere any but a finished one."""
    state = StreamState(complete=complete, job=state_job)
    if not complete:
        state.move(ONE, "b1")
        state.finish(TWO)
    before = state.dump()

    attempt = state.for_job(job)

    counts = state_job == job if job else not complete
    assert attempt.has_begun == counts
    assert attempt.dump() == {
        **({key: before[key] for key in before if key != "job"} if counts else {"states": []}),
        **({"job": job} if job else {}),
    }


def test_parse__fields_of_a_later_version() -> None:
    """Fields that this version does not know are no fault."""
    partition = {"segment_id": "s1"}
    cursor = {"bookmark": "b1", "after": "p9", "to": "q", "rows": 7, "alone": True}

    state = StreamState.parse({"states": [{"partition": partition, "cursor": cursor, "x": 1}]})

    assert state.bookmark(partition) == "b1"


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"__ab_no_cursor_state_message": True},
        {"__ab_no_cursor_state_message": True, "states": "?"},
        {"states": []},
    ],
)
def test_parse__nothing_begun(state: dict[str, Any]) -> None:
    """An empty state, and what version 0.1.0 left behind, mean the start."""
    parsed = StreamState.parse(state)

    assert not parsed.complete
    assert parsed.dump() == {"states": []}


NO_ARRAY = 'it has no array "states"'
GOOD = {"partition": {}, "cursor": {"bookmark": "b1"}}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"updated_at": "2024-01-31"}, NO_ARRAY),
        ({"states": {}}, NO_ARRAY),
        ({"__ab_full_refresh_sync_complete": False}, NO_ARRAY),
        ({"__ab_full_refresh_sync_complete": 1}, NO_ARRAY),
        ({"__ab_no_cursor_state_message": False}, NO_ARRAY),
        ({"states": [7]}, "its entry 1 has no partition or no cursor"),
        ({"states": [{"cursor": DONE}]}, "its entry 1 has no partition or no cursor"),
        ({"states": [GOOD, {"partition": {}}]}, "its entry 2 has no partition or no cursor"),
        (
            {"states": [{"partition": [], "cursor": DONE}]},
            "its entry 1 has no partition or no cursor",
        ),
        (
            {"states": [GOOD, {"partition": {"segment_id": 7}, "cursor": DONE}]},
            "the partition of its entry 2 is not made of texts",
        ),
        (
            {"states": [{"partition": {"a": "s1", "b": None}, "cursor": DONE}]},
            "the partition of its entry 1 is not made of texts",
        ),
        *[
            (
                {"states": [GOOD, {"partition": {}, "cursor": cursor}]},
                "the cursor of its entry 2 has no bookmark",
            )
            for cursor in (
                {},
                {"bookmark": ""},
                {"bookmark": 5},
                {"bookmark": None},
                {"__ab_full_refresh_sync_complete": False},
            )
        ],
    ],
)
def test_parse__invalid(state: dict[str, Any], reason: str) -> None:
    """A state that this connector cannot have written is refused: to guess could lose rows."""
    with pytest.raises(InvalidState) as raised:
        StreamState.parse(state)

    assert str(raised.value) == reason


def test_parse__finished_and_a_bookmark() -> None:
    """The mark of completion counts for more than a bookmark beside it."""
    entry = {"partition": ONE, "cursor": {**DONE, "bookmark": "b1"}}

    parsed = StreamState.parse({"states": [entry]})

    assert parsed.dump() == {"states": [{"partition": ONE, "cursor": DONE}]}


@given(st.dictionaries(st.sampled_from(["states", *DONE]), JSON))
def test_parse__any_json(state: dict[str, Any]) -> None:
    """Any JSON is a state or an invalid one; nothing else happens."""
    try:
        parsed = StreamState.parse(state)
    except InvalidState:
        return
    assert StreamState.parse(parsed.dump()).dump() == parsed.dump()


def test_bookmark__whatever_the_order_of_the_keys() -> None:
    """A partition is the same one however its keys are ordered."""
    state = StreamState()
    state.move({"a": "1", "b": "2"}, "b1")

    assert state.bookmark({"b": "2", "a": "1"}) == "b1"


def test_move__back_to_the_start() -> None:
    """A partition whose bookmark is refused starts over, also one that has not begun."""
    state = StreamState()
    state.move(ONE, "b1")
    state.move(ONE, None)
    state.move(TWO, None)

    assert state.bookmark(ONE) is None
    assert state.dump() == {"states": []}


def test_move__replaces() -> None:
    """A partition has one place: its last."""
    state = StreamState()
    state.move(ONE, "b1")
    state.move(ONE, "b2")

    assert state.dump() == {"states": [{"partition": ONE, "cursor": {"bookmark": "b2"}}]}


def test_keep_only__forgets_what_is_gone() -> None:
    """A deleted segment does not stay in the state for ever."""
    state = StreamState()
    state.finish(ONE)
    state.move(TWO, "b1")

    state.keep_only([TWO, THREE])

    assert state.dump() == {"states": [{"partition": TWO, "cursor": {"bookmark": "b1"}}]}
