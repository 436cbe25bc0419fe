"""Tests of `sync.state`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.errors import InvalidState
from source_autopilot.streams.pagination import Partition
from source_autopilot.sync.pieces import Piece, Table
from source_autopilot.sync.state import StreamState
from unit_tests.support.documents import JSON

DONE = {"__ab_full_refresh_sync_complete": True}
ONE, TWO, THREE = ({"segment_id": name} for name in ("s1", "s2", "s3"))


def put(
    state: StreamState, partition: Partition, *pieces: Piece, is_alone: bool = False
) -> StreamState:
    """Let a partition consist of these pieces; of none if it is finished."""
    table = state.table(partition)
    table.pieces, table.is_alone = list(pieces), is_alone
    return state


def begun() -> StreamState:
    """The state of a stream with one partition in mid-walk, and one that is finished."""
    return put(put(StreamState(), TWO, Piece(bookmark="b1", after="p9", rows=100)), ONE)


TWO_BEGUN = {"partition": TWO, "cursor": {"bookmark": "b1", "after": "p9", "rows": 100}}


def place(table: Table) -> list[dict[str, Any]]:
    """Where each piece of a table is, and whether its next page is the first of an attempt."""
    return [
        {
            "start": piece.start,
            "to": piece.to,
            "bookmark": piece.bookmark,
            "after": piece.after,
            "rows": piece.rows,
            "is_resumed": piece.is_resumed,
        }
        for piece in table.pieces
    ]


START: dict[str, Any] = {
    "start": None,
    "to": None,
    "bookmark": None,
    "after": None,
    "rows": 0,
    "is_resumed": False,
}


def test_dump__format() -> None:
    """A state has an entry for each partition that has begun, in the order of their beginning."""
    assert begun().dump() == {"states": [TWO_BEGUN, {"partition": ONE, "cursor": DONE}]}


PIECES = {
    "states": [
        {
            "partition": {"segment_id": "s1"},
            "cursor": {"bookmark": "b2", "after": "p2", "to": "p5", "rows": 200},
        },
        {
            "partition": {"segment_id": "s1", "from": "p5"},
            "cursor": {"bookmark": "b7", "after": "p7", "to": "p8", "rows": 300},
        },
        {
            "partition": {"segment_id": "s1", "from": "p8"},
            "cursor": {"bookmark": "b9", "after": "p9", "rows": 400},
        },
    ]
}


def test_dump__pieces() -> None:
    """A piece has an entry: the first one no start, the last one no end."""
    state = put(
        StreamState(),
        ONE,
        Piece(None, "p5", "b2", "p2", 200),
        Piece("p5", "p8", "b7", "p7", 300),
        Piece("p8", None, "b9", "p9", 400),
    )

    assert state.dump() == PIECES


def test_parse__pieces() -> None:
    """A partition goes on in the pieces that it was left in, each where it was."""
    table = StreamState.parse(PIECES).table(ONE)

    assert not table.is_alone
    assert place(table) == [
        {**START, "to": "p5", "bookmark": "b2", "after": "p2", "rows": 200, "is_resumed": True},
        {
            "start": "p5",
            "to": "p8",
            "bookmark": "b7",
            "after": "p7",
            "rows": 300,
            "is_resumed": True,
        },
        {
            **START,
            "start": "p8",
            "bookmark": "b9",
            "after": "p9",
            "rows": 400,
            "is_resumed": True,
        },
    ]


def test_parse__version_0_2_0() -> None:
    """An entry of 0.2.0 is a whole partition, of which nobody counted the rows."""
    state = StreamState.parse(
        {
            "states": [
                {"partition": ONE, "cursor": {"bookmark": "b1"}},
                {"partition": TWO, "cursor": DONE},
            ]
        }
    )

    assert place(state.table(ONE)) == [
        {**START, "bookmark": "b1", "rows": None, "is_resumed": True}
    ]
    assert state.table(TWO).is_finished
    assert state.dump() == {
        "states": [
            {"partition": ONE, "cursor": {"bookmark": "b1"}},
            {"partition": TWO, "cursor": DONE},
        ]
    }


@pytest.mark.parametrize("partition", [{}, ONE])
def test_dump__alone_at_its_start(partition: Partition) -> None:
    """A table that begins anew as one chain says so, though it has no bookmark yet."""
    state = put(StreamState(), partition, Piece(), is_alone=True)

    assert state.dump() == {
        "states": [{"partition": partition, "cursor": {"rows": 0, "alone": True}}]
    }
    table = StreamState.parse(state.dump()).table(partition)
    assert table.is_alone
    assert place(table) == [START]


def test_dump__alone() -> None:
    """A table that is read as one chain stays so in the next attempt."""
    state = put(StreamState(), ONE, Piece(bookmark="b1", after="p1", rows=100), is_alone=True)

    assert state.dump() == {
        "states": [
            {
                "partition": ONE,
                "cursor": {"bookmark": "b1", "after": "p1", "rows": 100, "alone": True},
            }
        ]
    }
    assert StreamState.parse(state.dump()).table(ONE).is_alone


def test_dump__nothing_out() -> None:
    """A partition of which no page is out has no entry."""
    state = StreamState()

    assert place(state.table(ONE)) == [START]
    assert state.dump() == {"states": []}
    assert not state.has_begun


def test_has_begun__alone_at_its_start() -> None:
    """A table that begins anew leaves nothing out."""
    assert not put(StreamState(), ONE, Piece(), is_alone=True).has_begun


def test_dump__complete() -> None:
    """A finished stream needs no entries, whatever it had."""
    state = begun()
    assert not state.complete
    state.complete = True

    assert state.dump() == DONE
    parsed = StreamState.parse(DONE)
    assert parsed.complete
    assert parsed.has_begun


def test_parse__resumes() -> None:
    """What was dumped is where the next attempt goes on."""
    before = begun()

    after = StreamState.parse(before.dump())

    assert [after.table(partition).is_finished for partition in (ONE, TWO, THREE)] == [
        True,
        False,
        False,
    ]
    assert [piece["bookmark"] for piece in place(after.table(TWO))] == ["b1"]
    assert [piece["bookmark"] for piece in place(after.table(THREE))] == [None]
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
        put(put(state, ONE, Piece(bookmark="b1")), TWO)
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
    cursor = {"bookmark": "b1", "after": "p9", "rows": 7, "later": [True]}

    state = StreamState.parse({"states": [{"partition": ONE, "cursor": cursor, "x": 1}], "y": 2})

    assert place(state.table(ONE)) == [
        {**START, "bookmark": "b1", "after": "p9", "rows": 7, "is_resumed": True}
    ]


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
GOOD: dict[str, Any] = {"partition": {}, "cursor": {"bookmark": "b1"}}


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
                {"rows": 5},
                {"alone": False},
                {"alone": 1},
                {"alone": True, "bookmark": ""},
                {"alone": True, "bookmark": 5},
            )
        ],
        *[
            (
                {"states": [GOOD, {"partition": {}, "cursor": {**GOOD["cursor"], name: odd}}]},
                f'the cursor of its entry 2 has no usable "{name}"',
            )
            for odd, name in [
                (5, "after"),
                (["p5"], "to"),
                ("100", "rows"),
                (1.5, "rows"),
                (True, "rows"),
                (-1, "rows"),
            ]
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


ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "partition": st.dictionaries(st.sampled_from(["segment_id", "from"]), st.text() | JSON),
            "cursor": st.fixed_dictionaries(
                {},
                optional={
                    "bookmark": st.text() | JSON,
                    "after": st.text() | JSON,
                    "to": st.text() | JSON,
                    "rows": st.integers() | JSON,
                    "alone": st.booleans() | JSON,
                    **dict.fromkeys(DONE, st.booleans() | JSON),
                },
            ),
        }
    ),
    max_size=4,
)


@given(ENTRIES)
def test_parse__any_entries(entries: list[dict[str, Any]]) -> None:
    """Entries with anything in their fields are a state or an invalid one; what is said stays."""
    try:
        dumped = StreamState.parse({"states": entries}).dump()
    except InvalidState:
        return
    assert StreamState.parse(dumped).dump() == dumped


IDS = st.text(min_size=1, max_size=5)
PLACES = st.builds(
    Piece,
    bookmark=IDS,
    after=st.none() | IDS,
    rows=st.none() | st.integers(0, 10**9),
)


@given(
    st.lists(PLACES, min_size=1, max_size=5), st.sets(IDS, min_size=4, max_size=4), st.booleans()
)
def test_parse__what_was_dumped(pieces: list[Piece], borders: set[str], is_alone: bool) -> None:
    """Whatever pieces a table is in, the next attempt finds it in the same."""
    starts = [None, *sorted(borders)[: len(pieces) - 1]]
    for piece, start, to in zip(pieces, starts, [*starts[1:], None], strict=True):
        piece.start, piece.to = start, to
    state = put(StreamState(), ONE, *pieces, is_alone=is_alone)

    parsed = StreamState.parse(state.dump())

    expected = [{**piece, "is_resumed": True} for piece in place(state.table(ONE))]
    assert place(parsed.table(ONE)) == expected
    assert parsed.table(ONE).is_alone == is_alone
    assert parsed.dump() == state.dump()


def test_table__whatever_the_order_of_the_keys() -> None:
    """A partition is the same one however its keys are ordered."""
    state = put(StreamState(), {"a": "1", "b": "2"}, Piece(bookmark="b1"))

    assert [piece.bookmark for piece in state.table({"b": "2", "a": "1"}).pieces] == ["b1"]


def test_dump__follows_the_table() -> None:
    """What moves in a table is in the next state: its last place, and no more."""
    state = put(StreamState(), ONE, Piece(bookmark="b1", rows=1))
    [piece] = state.table(ONE).pieces
    piece.bookmark = "b2"

    assert state.dump() == {"states": [{"partition": ONE, "cursor": {"bookmark": "b2", "rows": 1}}]}


def test_keep_only__forgets_what_is_gone() -> None:
    """A deleted segment does not stay in the state for ever, in however many pieces it was."""
    state = put(begun(), THREE, Piece(None, "p5", "b2"), Piece("p5", None, "b7"))

    state.keep_only([TWO])

    assert state.dump() == {"states": [TWO_BEGUN]}


def test_keep_only__pieces() -> None:
    """The pieces of a segment that is there are all kept."""
    state = StreamState.parse(PIECES)

    state.keep_only([ONE, TWO])

    assert state.dump() == PIECES
