"""Tests of `chain`."""

import math
from dataclasses import replace
from itertools import count

import pytest

from source_autopilot.records.page import Page, UnreadablePage
from source_autopilot.streams.pagination import Chain

NUMBERS = count()


def page(bookmark: str | None, *, rows: int = 100, total: int | None = None) -> Page:
    """A page of so many rows that leads to a bookmark."""
    return Page([{"contact_id": "p"}] * rows, bookmark, total, keys=next(NUMBERS))


def walk(chain: Chain, pages: list[Page]) -> None:
    """Advance past one page after the other."""
    for it in pages:
        chain.advance(it)


def test_chain__to_the_last_page() -> None:
    """A walk follows the bookmarks and ends with the page that has none."""
    chain = Chain(None)
    where = []
    for it in [page("b1"), page("b2"), page(None)]:
        where.append((chain.bookmark, chain.ended))
        chain.advance(it)

    assert where == [(None, False), ("b1", False), ("b2", False)]
    assert (chain.bookmark, chain.ended, chain.pages) == (None, True, 3)


@pytest.mark.parametrize("bookmarks", [["b1", "b1"], ["b1", "b2", "b1"]])
def test_advance__in_a_circle(bookmarks: list[str]) -> None:
    """A page that leads to where the walk has been would never end."""
    chain = Chain(None)
    for bookmark in bookmarks[:-1]:
        chain.advance(page(bookmark))

    with pytest.raises(UnreadablePage, match="back to the bookmark b1"):
        chain.advance(page(bookmarks[-1]))


def test_advance__back_to_where_it_was_resumed() -> None:
    """The bookmark that an attempt goes on from counts as seen."""
    with pytest.raises(UnreadablePage):
        Chain("b7").advance(page("b7"))


def test_is_at_resumed_bookmark__only_before_the_first_page() -> None:
    """Only the bookmark of an earlier attempt may be refused without an error."""
    fresh, resumed = Chain(None), Chain("b7")
    assert (fresh.is_at_resumed_bookmark, resumed.is_at_resumed_bookmark) == (False, True)

    resumed.advance(page("b8"))
    assert not resumed.is_at_resumed_bookmark


def test_pages_left__by_the_total_of_the_first_page() -> None:
    """A chain knows how long it is from its first page, and nothing without a total."""
    chain = Chain(None)
    assert chain.pages_left == math.inf

    chain.advance(page("b1", total=350))
    assert chain.pages_left == 2.5
    chain.advance(page("b2", total=9999))
    assert chain.pages_left == 1.5

    unknown = Chain(None)
    unknown.advance(page("b1"))
    assert unknown.pages_left == math.inf


def test_pages_left__never_negative() -> None:
    """A total that is too small is no reason to think of less than nothing."""
    chain = Chain(None)
    walk(chain, [page("b1", total=150), page("b2")])

    assert chain.pages_left == 0


def test_pages_left__total_that_says_nothing() -> None:
    """Nobody knows how many there are if the first page disproves the total."""
    chain = Chain(None)
    chain.advance(page("b1", total=10))

    assert chain.pages_left == math.inf


@pytest.mark.parametrize("rows", [0, 100])
def test_advance__nothing_new_without_end(rows: int) -> None:
    """Ever new bookmarks with the same rows, or none, end soon in an error that names one."""
    chain, same = Chain(None), page(None, rows=rows, total=rows)

    for number in range(10):
        chain.advance(replace(same, bookmark=f"b{number}"))

    with pytest.raises(UnreadablePage, match=r"no new rows and leads on to the bookmark c\d"):
        walk(chain, [replace(same, bookmark=f"c{number}") for number in range(2)])


def test_advance__new_rows_without_end() -> None:
    """A chain far beyond the vendor's total is an error within a few seconds of reading."""
    chain = Chain(None)

    with pytest.raises(UnreadablePage, match="far beyond the rows that Autopilot counts"):
        walk(chain, [page(f"b{number}", total=550) for number in range(120)])


@pytest.mark.parametrize("total", [0, 1, 99, 5_000, 10**9, None])
def test_advance__wrong_total(total: int | None) -> None:
    """A total that is off, or plainly nonsense, does not end a chain of 10,000 rows."""
    chain = Chain(None)
    for number in range(99):
        chain.advance(page(f"b{number}", total=total))
    chain.advance(page(None))

    assert chain.ended


def test_advance__a_page_seen_twice() -> None:
    """Contacts that move while the walk goes on may turn up again, now and then."""
    chain = Chain(None)
    for number in range(50):
        twice = page(f"a{number}")
        chain.advance(twice)
        chain.advance(replace(twice, bookmark=f"b{number}"))

    assert not chain.ended
