"""Small accounts walked through by several chains, with everything that can go wrong.

`python -m unit_tests.sync.walk_many` walks as many as one likes.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import Ways
from simulator.bookmarks import BOOKMARKS, ORDERS, UNKNOWN
from unit_tests.support.walks import TOTALS, Setup, find_faults, walk
from unit_tests.sync.walk_many import LATER

WAYS = st.builds(
    Ways,
    bookmark=st.sampled_from([*BOOKMARKS]),
    unknown=st.sampled_from([*UNKNOWN]),
    order=st.sampled_from([*ORDERS]),
)
SETUPS: dict[str, st.SearchStrategy[Any]] = {
    "seed": st.integers(0, 10**6),
    "contacts": st.integers(0, 200),
    "page_size": st.integers(2, 10),
    "newer_ids": st.sampled_from([0.0, 0.02, 0.2, 0.5, 0.95, 1.0]),
    "lower_case_ids": st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    "churn": st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.6]),
    "chains": st.integers(2, 20),
}
SPLIT = Setup(contacts=120, page_size=4, newer_ids=0.0)
"""What is read by several chains."""


def assert_kept(setup: Setup) -> None:
    """Walk, and find no promise broken."""
    outcome = walk(setup)
    assert find_faults(setup, outcome) == [], outcome


@given(st.builds(Setup, ways=WAYS, **SETUPS))
def test_walk__every_way(setup: Setup) -> None:
    """Whatever the API does with bookmarks, keys and order, and whatever changes meanwhile.

    Every contact that was there from beginning to end arrives, and once unless there was a doubt.
    """
    assert_kept(setup)


@given(st.builds(Setup, kills=st.integers(1, 5), trouble=st.sampled_from([0.0, 0.2]), **SETUPS))
def test_walk__killed(setup: Setup) -> None:
    """What the states vouch for before a kill, and the rest after it, is everything once."""
    assert_kept(setup)


@given(
    st.builds(
        Setup,
        totals=st.sampled_from([*TOTALS]),
        checks_totals=st.booleans(),
        kills=st.integers(0, 2),
        **SETUPS,
    )
)
def test_walk__totals_that_lie(setup: Setup) -> None:
    """Totals of any kind lose nothing; only one far above the rows ends a sync early, if asked."""
    assert_kept(setup)


@given(
    st.builds(
        Setup,
        segments=st.lists(st.integers(0, 120), min_size=1, max_size=3).map(tuple),
        kills=st.integers(0, 2),
        **{**SETUPS, "contacts": st.just(120)},
    )
)
def test_walk__segments(setup: Setup) -> None:
    """Several tables of one stream are walked side by side, each in pieces of its own."""
    assert_kept(setup)


@given(st.builds(Setup, unknown_later=st.sampled_from(LATER), **SETUPS))
def test_walk__start_keys_taken_once(setup: Setup) -> None:
    """An API that takes one start key and does something else with the next loses nothing."""
    assert_kept(setup)


@given(st.builds(Setup, numbered_ids=st.sampled_from([0.02, 0.5, 1.0]), **SETUPS))
def test_walk__ids_without_uuid(setup: Setup) -> None:
    """Ids of another form are read like any, and where the first page has one no key is asked."""
    assert_kept(setup)


@pytest.mark.parametrize("bookmark", BOOKMARKS)
@pytest.mark.parametrize("newer_ids", [0.0, 0.2, 1.0])
def test_walk__is_split(bookmark: str, newer_ids: float) -> None:
    """Where start keys are taken a table is read in pieces; a question is lost to find out.

    Others are lost when chains come first to where they ask, which any order of answers may do.
    """
    outcome = walk(Setup(contacts=120, page_size=4, newer_ids=newer_ids, ways=Ways(bookmark)))

    assert outcome.pieces >= 2
    assert outcome.lost_questions >= 1
    assert outcome.doubts == 0


@pytest.mark.parametrize("unknown", [way for way in UNKNOWN if way != "start_key"])
def test_walk__start_keys_not_taken(unknown: str) -> None:
    """Where an API does anything else with unknown bookmarks, one request is lost per table."""
    outcome = walk(Setup(contacts=120, page_size=4, ways=Ways(unknown=unknown)))

    assert (outcome.pieces, outcome.lost_questions, outcome.requests) == (0, 1, 30 + 1)


def test_walk__same_again() -> None:
    """A setup takes the same course each time, so that what fails can be looked at."""
    setup = Setup(contacts=150, page_size=4, churn=0.3, kills=2)

    assert walk(setup) == walk(setup)
