"""Tests of `state`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.sync.state import MalformedState, Positions
from unit_tests.support.documents import JSON

DONE = {"__ab_full_refresh_sync_complete": True}
ONE, TWO, THREE = ({"segment_id": name} for name in ("s1", "s2", "s3"))


def test_positions__format() -> None:
    """A state has an entry for each partition that has begun."""
    positions = Positions()
    positions.move(ONE, "b1")
    positions.finish(TWO)

    assert positions.dump() == {
        "states": [
            {"partition": ONE, "cursor": {"bookmark": "b1"}},
            {"partition": TWO, "cursor": DONE},
        ]
    }


def test_positions__resumed() -> None:
    """What was dumped is where the next attempt goes on."""
    before = Positions()
    before.move(ONE, "b1")
    before.finish(TWO)

    after = Positions.parse(before.dump())

    assert [after.bookmark(it) for it in (ONE, TWO, THREE)] == ["b1", None, None]
    assert [after.is_finished(it) for it in (ONE, TWO, THREE)] == [False, True, False]


def test_positions__complete() -> None:
    """A finished stream needs no entries."""
    positions = Positions()
    positions.finish(ONE)
    positions.complete = True

    assert positions.dump() == DONE
    assert Positions.parse(DONE).complete


@pytest.mark.parametrize("state", [{}, {"__ab_no_cursor_state_message": True}, {"states": []}])
def test_parse__nothing_begun(state: dict[str, Any]) -> None:
    """An empty state, and what version 0.1.0 left behind, mean the start."""
    positions = Positions.parse(state)

    assert not positions.complete
    assert positions.dump() == {"states": []}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"updated_at": "2024-01-31"}, 'no array "states"'),
        ({"states": {}}, 'no array "states"'),
        ({"states": [7]}, "entry 1 has no partition"),
        ({"states": [{"partition": {}}]}, "entry 1 has no partition or no cursor"),
        ({"states": [{"partition": {"segment_id": 7}, "cursor": DONE}]}, "not made of texts"),
        ({"states": [{"partition": {}, "cursor": {}}]}, "entry 1 has no bookmark"),
        ({"states": [{"partition": {}, "cursor": {"bookmark": ""}}]}, "has no bookmark"),
        ({"states": [{"partition": {}, "cursor": {"bookmark": 5}}]}, "has no bookmark"),
    ],
)
def test_parse__malformed(state: dict[str, Any], reason: str) -> None:
    """A state that nobody here wrote is refused: to guess could lose rows."""
    with pytest.raises(MalformedState, match=reason):
        Positions.parse(state)


@given(st.dictionaries(st.sampled_from(["states", *DONE]), JSON))
def test_parse__any_json(state: dict[str, Any]) -> None:
    """Any JSON is a state or malformed; nothing else happens."""
    try:
        positions = Positions.parse(state)
    except MalformedState:
        return
    assert Positions.parse(positions.dump()).dump() == positions.dump()


def test_move__back_to_the_start() -> None:
    """A partition whose bookmark is refused starts over."""
    positions = Positions()
    positions.move(ONE, "b1")
    positions.move(ONE, None)

    assert positions.bookmark(ONE) is None
    assert positions.dump() == {"states": []}


def test_keep_only__forgets_what_is_gone() -> None:
    """A deleted segment does not stay in the state for ever."""
    positions = Positions()
    positions.finish(ONE)
    positions.move(TWO, "b1")

    positions.keep_only([TWO, THREE])

    assert positions.dump() == {"states": [{"partition": TWO, "cursor": {"bookmark": "b1"}}]}
