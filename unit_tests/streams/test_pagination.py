"""Tests of `streams.pagination`."""

import math
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from source_autopilot.errors import UnreadablePage
from source_autopilot.records.page import Page
from source_autopilot.streams.pagination import (
    MAX_ROWS_BEYOND_TOTAL,
    MAX_STALE_PAGES,
    Paginator,
)

NUMBERS = count()


def page(bookmark: str | None, *, rows: int = 100, total: int | None = None) -> Page:
    """A page of so many rows, new ones, that leads to a bookmark."""
    return page_of([{"contact_id": f"p{next(NUMBERS)}"} for _ in range(rows)], bookmark, total)


def page_of(rows: list[dict[str, Any]], bookmark: str | None, total: int | None = None) -> Page:
    """A page of these rows."""
    return Page(rows, bookmark, total, keys=tuple(row["contact_id"] for row in rows))


def walk(paginator: Paginator, pages: list[Page]) -> None:
    """Advance past one page after the other."""
    for each in pages:
        paginator.advance(each)


def test_paginator__to_the_last_page() -> None:
    """A walk follows the bookmarks and ends with the page that has none."""
    paginator = Paginator(None)
    where = []
    for each in [page("b1"), page("b2"), page(None)]:
        where.append((paginator.bookmark, paginator.ended))
        paginator.advance(each)

    assert where == [(None, False), ("b1", False), ("b2", False)]
    assert (paginator.bookmark, paginator.ended, paginator.pages) == (None, True, 3)


@pytest.mark.parametrize("bookmarks", [["b1", "b1"], ["b1", "b2", "b1"]])
def test_advance__in_a_circle(bookmarks: list[str]) -> None:
    """A page that leads to where the walk has been would never end."""
    paginator = Paginator(None)
    for bookmark in bookmarks[:-1]:
        paginator.advance(page(bookmark))

    with pytest.raises(UnreadablePage, match="back to the bookmark b1"):
        paginator.advance(page(bookmarks[-1]))


def test_advance__back_to_where_it_was_resumed() -> None:
    """The bookmark that an attempt goes on from counts as seen."""
    with pytest.raises(UnreadablePage):
        Paginator("b7").advance(page("b7"))


def test_pages_left__by_the_total_of_the_first_page() -> None:
    """A chain knows how long it is from its first page, and nothing without a total."""
    paginator = Paginator(None)
    assert paginator.pages_left == math.inf

    paginator.advance(page("b1", total=350))
    assert paginator.pages_left == 2.5
    paginator.advance(page("b2", total=9999))
    assert paginator.pages_left == 1.5

    unknown = Paginator(None)
    unknown.advance(page("b1"))
    assert unknown.pages_left == math.inf


def test_pages_left__never_negative() -> None:
    """A total that is too small is no reason to think of less than nothing."""
    paginator = Paginator(None)
    walk(paginator, [page("b1", total=150), page("b2")])

    assert paginator.pages_left == 0


def test_pages_left__total_that_says_nothing() -> None:
    """Nobody knows how many there are if the first page disproves the total."""
    paginator = Paginator(None)
    paginator.advance(page("b1", total=10))

    assert paginator.pages_left == math.inf


@pytest.mark.parametrize("rows", [0, 100])
def test_advance__nothing_new_without_end(rows: int) -> None:
    """Ever new bookmarks with the same rows, or none, end soon in an error that names one."""
    paginator, same = Paginator(None), page(None, rows=rows, total=rows)

    for number in range(10):
        paginator.advance(replace(same, bookmark=f"b{number}"))

    with pytest.raises(UnreadablePage, match=r"no new rows and leads on to the bookmark c\d"):
        walk(paginator, [replace(same, bookmark=f"c{number}") for number in range(2)])


def test_advance__new_rows_without_end() -> None:
    """A chain far beyond the vendor's total is an error within a few seconds of reading."""
    paginator = Paginator(None)

    with pytest.raises(UnreadablePage, match="far beyond the rows that Autopilot counts"):
        walk(paginator, [page(f"b{number}", total=550) for number in range(120)])


@pytest.mark.parametrize("total", [0, 1, 99, 5_000, 10**9, None])
def test_advance__wrong_total(total: int | None) -> None:
    """A total that is off, or plainly nonsense, does not end a chain of 10,000 rows."""
    paginator = Paginator(None)
    for number in range(99):
        paginator.advance(page(f"b{number}", total=total))
    paginator.advance(page(None))

    assert paginator.ended


def test_advance__a_page_seen_twice() -> None:
    """Contacts that move while the walk goes on may turn up again, now and then."""
    paginator = Paginator(None)
    for number in range(50):
        twice = page(f"a{number}")
        paginator.advance(twice)
        paginator.advance(replace(twice, bookmark=f"b{number}"))

    assert not paginator.ended


def test_advance__rows_of_the_page_before() -> None:
    """Pages that share rows count for the rows that are new, and so does the way that is left."""
    contacts = [{"contact_id": f"p{number}"} for number in range(300)]
    paginator = Paginator(None)

    first = paginator.advance(page_of(contacts[:100], "b1", total=300))
    second = paginator.advance(page_of(contacts[50:150], "b2"))

    assert (first.rows, first.repeated) == (contacts[:100], 0)
    assert (second.rows, second.repeated) == (contacts[100:150], 50)
    assert paginator.pages_left == 1.5


def test_advance__shared_rows_are_not_beyond_the_total() -> None:
    """Pages that share almost all of their rows may be many, and still have an end."""
    contacts = [{"contact_id": f"p{number}"} for number in range(400)]
    paginator = Paginator(None)

    pages = [page_of(contacts[n : n + 100], f"b{n}", total=400) for n in range(300)]
    new = [paginator.advance(each) for each in [*pages, page_of(contacts[300:], None)]]

    assert [row for each in new for row in each.rows] == contacts


def test_advance__nothing_but_rows_of_the_page_before() -> None:
    """A page whose rows were all on the page before is no progress, whatever is missing from it."""
    paginator = Paginator(None)
    rows = [{"contact_id": f"p{number}"} for number in range(100)]
    walk(paginator, [page_of(rows[n:], f"b{n}") for n in range(MAX_STALE_PAGES + 1)])

    with pytest.raises(UnreadablePage, match="no new rows"):
        paginator.advance(page_of(rows[50:], "c"))


def test_advance__at_the_bounds() -> None:
    """Ten pages without new rows and ten thousand rows beyond twice the total may still end."""
    same = page(None, rows=1, total=1)
    paginator = Paginator(None)
    walk(paginator, [replace(same, bookmark=f"b{n}") for n in range(MAX_STALE_PAGES + 1)])

    rows = 2 * 100 + MAX_ROWS_BEYOND_TOTAL
    long = Paginator(None)
    walk(long, [page("c0", rows=100, total=100), page("c1", rows=rows - 100)])

    assert (paginator.pages, long.pages) == (MAX_STALE_PAGES + 1, 2)
    with pytest.raises(UnreadablePage, match="no new rows"):
        paginator.advance(replace(same, bookmark="d"))
    with pytest.raises(UnreadablePage, match="far beyond"):
        long.advance(page("c2", rows=1))


def test_advance__last_page_beyond_the_bounds() -> None:
    """A walk that comes to its end has an end, however many rows it had."""
    paginator = Paginator(None)

    paginator.advance(page("b1", rows=1, total=1))
    paginator.advance(page(None, rows=MAX_ROWS_BEYOND_TOTAL * 2))

    assert paginator.ended


def test_paginator__from_a_bookmark() -> None:
    """A walk that is resumed begins at its bookmark."""
    paginator = Paginator("b7")

    assert (paginator.bookmark, paginator.ended, paginator.pages) == ("b7", False, 0)
    assert paginator.pages_left == math.inf


def test_advance__says_what_is_wrong() -> None:
    """The reason is the end of a sentence about the page, and names the bookmark."""
    paginator = Paginator(None)
    paginator.advance(page("b1", rows=1, total=1))

    with pytest.raises(UnreadablePage) as raised:
        paginator.advance(page("b2", rows=MAX_ROWS_BEYOND_TOTAL * 2))

    assert str(raised.value) == (
        "it is far beyond the rows that Autopilot counts, and leads on to the bookmark b2"
    )
