"""The made-up segments: sizes that are exact, members that are arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator import Account
from simulator.segments import Members, divide


def test_segments__sizes_cover_the_edges_of_paging() -> None:
    """By default there are segments of 0 contacts, of a page, of one more, and of all of them."""
    account = Account()

    sizes = [len(account.members(segment_id)) for segment_id in account.segment_ids]

    assert len(sizes) == 10
    assert {0, 100, 101, 550} <= set(sizes)
    assert max(sizes) == 550


def test_segments__sizes_are_exact() -> None:
    """segment_sizes says how many segments there are and how large each of them is."""
    account = Account(contacts=30, segment_sizes=[3, 0, 30])

    assert [len(account.members(segment_id)) for segment_id in account.segment_ids] == [3, 0, 30]
    assert account.pair_count == 33
    assert len(account.segments()) == 3


def test_segments__pairs_are_exact_and_unique() -> None:
    """`pairs` is the number of memberships, and no contact is in a segment twice."""
    account = Account(contacts=70, segments=6, pairs=211)

    pairs = list(account.pairs())

    assert account.pair_count == len(pairs) == len(set(pairs)) == 211
    assert {segment_id for segment_id, _ in pairs} == set(account.segment_ids)
    assert {contact_id for _, contact_id in pairs} <= {
        account.contact_id(index) for index in range(70)
    }


@given(contacts=st.integers(0, 500), count=st.integers(1, 20), data=st.data())
def test_divide__is_exact(contacts: int, count: int, data: st.DataObject) -> None:
    """Any number that fits is divided without a remainder; the last segment is the largest."""
    pairs = data.draw(st.integers(0, contacts * count))

    sizes = divide(pairs, count, contacts)

    assert sum(sizes) == pairs
    assert len(sizes) == count
    assert sizes == sorted(sizes)
    assert 0 <= sizes[0] <= sizes[-1] <= contacts


@given(population=st.integers(1, 60), data=st.data())
def test_members__are_in_order(population: int, data: st.DataObject) -> None:
    """A segment's arithmetic is a real list: `size` different members, which can be sliced."""
    members = Members(
        population,
        data.draw(st.integers(0, population)),
        data.draw(st.integers(0, population - 1)),
    )

    listed = list(members)

    assert listed == sorted(set(listed))
    assert len(listed) == len(members) == members.size
    assert members[1:50:3] == listed[1:50:3]
