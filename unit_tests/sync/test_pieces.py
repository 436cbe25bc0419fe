"""Tests of `sync.pieces`: what each page means for its piece of a table."""

from collections.abc import Sequence
from typing import Any

import pytest

from source_autopilot.errors import OrderInDoubt, TableTooShort
from source_autopilot.records.page import Page
from source_autopilot.sync.pieces import Piece, Table
from unit_tests.support.pieces import IDS, out, page_of, put_out


def start(*, total: int | None = 4096, size: int = 100) -> tuple[Table, Piece]:
    """A table whose first page is out, and its only piece."""
    table = Table({})
    [piece] = table.pieces
    put_out(table, piece, page_of(IDS[:size], total=total))
    return table, piece


def resumed(**fields: Any) -> tuple[Table, Piece]:
    """A table that an attempt before has left in one piece, and that piece."""
    piece = Piece(**{"bookmark": "b", "rows": 100, "is_resumed": True, **fields})
    return Table({}, [piece]), piece


def split_table(begin: int = 2000) -> tuple[Table, Piece, Piece, int]:
    """A table in two pieces, and the number of the row with which the second one begins."""
    table, piece = start()
    return table, piece, split(table, piece, begin), begin


def split(table: Table, piece: Piece, begin: int) -> Piece:
    """A new piece at the end of another, whose first page is out."""
    page = page_of(IDS[begin : begin + 100])
    found = table.split(piece, page, IDS[begin - 1] + "0")
    put_out(table, found, page)
    return found


# Rule 2: what a page means for its piece


def test_examine__page_behind_page() -> None:
    """A table that is never split ends with the page that has no bookmark."""
    table, piece = start(total=250)

    middle = put_out(table, piece, page_of(IDS[100:200], "b2"))
    assert (out(middle), middle.after, middle.rows, middle.ends) == (
        IDS[100:200],
        IDS[199],
        100,
        False,
    )
    assert (piece.bookmark, piece.after, piece.rows) == ("b2", IDS[199], 200)
    last = put_out(table, piece, page_of(IDS[200:250], None))

    assert (out(last), last.ends, last.missing) == (IDS[200:250], True, 0)
    assert table.is_finished
    assert table.pieces == []


def test_examine__moves_nothing() -> None:
    """A page that was only looked at can be looked at again."""
    table, piece = start()

    first = table.examine(piece, page_of(IDS[100:200], "b2"))
    again = table.examine(piece, page_of(IDS[100:200], "b2"))

    assert first == again
    assert (piece.bookmark, piece.after, piece.rows) == ("b", IDS[99], 100)


def test_examine__overlap_with_the_page_before() -> None:
    """Rows that the page before had are neither out of order nor counted again."""
    table, piece = start()

    step = put_out(table, piece, page_of(IDS[98:198], "b2", known=2))

    assert (out(step), step.after, step.rows) == (IDS[100:198], IDS[197], 98)
    assert not table.is_alone


def test_examine__changed_row_at_a_border() -> None:
    """A row that changed between two pages comes twice, and is one row."""
    table, piece = start()
    row = {"contact_id": IDS[99], "Name": "changed"}
    ids = IDS[99:199]
    rows = [row, *({"contact_id": contact_id} for contact_id in ids[1:])]
    page = Page(rows, "b2", None, keys=tuple(ids), known=frozenset([IDS[99]]))

    step = put_out(table, piece, page)

    assert (step.page.rows, step.rows) == (rows, 99)
    assert not table.is_alone


@pytest.mark.parametrize("begin", [90, 99, 100])
def test_examine__resumed_with_its_last_row_on_the_page(begin: int) -> None:
    """Of the first page of a resumed piece, what follows the last row that is out goes out."""
    table, piece = resumed(after=IDS[99])

    step = put_out(table, piece, page_of(IDS[begin:200], "b2"))

    assert (out(step), step.rows) == (IDS[100:200], 100)
    assert (piece.rows, piece.is_resumed, table.is_alone) == (200, False, False)


def test_examine__resumed_with_its_last_row_deleted() -> None:
    """If the last row that is out was deleted, everything behind it goes out."""
    table, piece = resumed(after=IDS[99])

    step = put_out(table, piece, page_of(IDS[101:201], "b2"))

    assert out(step) == IDS[101:201]
    assert not table.is_alone


def test_examine__resumed_without_a_last_row() -> None:
    """An entry of version 0.2.0 lacks it, and how many rows there were: all rows go out."""
    table, piece = resumed(rows=None)

    step = put_out(table, piece, page_of(IDS[100:200], "b2", total=4096))

    assert out(step) == IDS[100:200]
    assert (piece.after, piece.rows, table.rows) == (IDS[199], None, None)


def test_examine__resumed_where_it_does_not_follow() -> None:
    """A resumed table whose page is in front of what is out goes on alone, and loses nothing."""
    table, piece = resumed(after=IDS[99])

    step = put_out(table, piece, page_of(IDS[50:99], "b2"))

    assert out(step) == IDS[50:99]
    assert table.is_alone


NOT_IN_ORDER: dict[str, Sequence[str]] = {
    "descending": IDS[199:99:-1],
    "one twice": [*IDS[100:110], *IDS[109:199]],
    "two in turn": [*IDS[100:110], IDS[111], IDS[110], *IDS[112:200]],
    "begins before the page before ends": [*IDS[95:99], *IDS[100:196]],
}


@pytest.mark.parametrize("ids", [*NOT_IN_ORDER.values()], ids=[*NOT_IN_ORDER])
def test_examine__doubt_of_a_table_that_was_never_split(ids: Sequence[str]) -> None:
    """It goes on as one chain from that very page: nothing comes twice, nothing is missing."""
    table, piece = start()

    step = put_out(table, piece, page_of(ids, "b2"))

    assert out(step) == [*ids]
    assert table.is_alone
    assert table.pieces == [piece]
    assert piece.bookmark == "b2"


@pytest.mark.parametrize("ids", [*NOT_IN_ORDER.values()], ids=[*NOT_IN_ORDER])
def test_examine__doubt_of_a_split_table(ids: Sequence[str]) -> None:
    """Rows may have gone out in another piece, or in none: it has to be begun anew."""
    table, piece, _, _ = split_table()

    with pytest.raises(OrderInDoubt, match="the ids of its contacts do not ascend"):
        table.examine(piece, page_of(ids, "b2"))


def test_examine__doubt_of_a_table_that_was_split_before() -> None:
    """A table that an attempt before has split may have lost rows just as well."""
    pieces = [
        Piece(None, IDS[500], "b", IDS[99], 100, is_resumed=True),
        Piece(IDS[500], None, "b5", IDS[599], 100, is_resumed=True),
    ]
    table = Table({}, [*pieces])

    with pytest.raises(OrderInDoubt):
        table.examine(pieces[1], page_of(IDS[699:599:-1]))


def test_examine__doubt_of_the_last_piece_of_a_split_table() -> None:
    """When all but one piece are finished, the table still is one that was split."""
    _, last = resumed(start=IDS[500], after=IDS[599])
    table = Table({}, [last])

    with pytest.raises(OrderInDoubt):
        table.examine(last, page_of(IDS[699:599:-1]))


# Where pieces meet


def test_examine__meets() -> None:
    """A piece ends with the page that reaches its end; what is behind that is the neighbour's."""
    table, piece, found, begin = split_table()
    put_out(table, piece, page_of(IDS[100 : begin - 50], "b2"))

    step = put_out(table, piece, page_of(IDS[begin - 50 : begin + 50], "b3"))

    assert (out(step), step.after, step.rows, step.ends) == (
        IDS[begin - 50 : begin],
        IDS[begin - 1],
        50,
        True,
    )
    assert table.pieces == [found]
    assert (found.rows, table.rows) == (begin + 100, begin + 100)


def test_examine__meets_with_the_first_row_of_the_neighbour() -> None:
    """A page whose last row is the neighbour's first one is enough."""
    table, piece, found, begin = split_table()

    step = put_out(table, piece, page_of(IDS[100 : begin + 1], "b2"))

    assert (out(step)[-1], step.ends) == (IDS[begin - 1], True)
    assert table.pieces == [found]


def test_examine__does_not_meet_yet() -> None:
    """A page whose last row is the one before the neighbour's first is not the end."""
    table, piece, _, begin = split_table()

    step = put_out(table, piece, page_of(IDS[100:begin], "b2"))
    assert not step.ends
    last = put_out(table, piece, page_of(IDS[begin : begin + 100], "b3"))

    assert (out(last), last.ends, last.after) == ([], True, IDS[begin - 1])


def test_examine__start_was_deleted() -> None:
    """The first row of a neighbour may be deleted when the piece before comes there."""
    table, piece, found, begin = split_table()

    step = put_out(table, piece, page_of([*IDS[100:begin], *IDS[begin + 1 : begin + 80]], "b2"))

    assert out(step) == IDS[100:begin]
    assert table.pieces == [found]


@pytest.mark.parametrize(
    ("shared", "foreign", "meets"),
    [(50, 50, True), (49, 51, False), (1, 0, True), (1, 1, True), (1, 2, False), (0, 10, False)],
)
def test_examine__half_of_the_rows_in_common(shared: int, foreign: int, meets: bool) -> None:
    """Where two pieces meet, at least half of the rows have to be those of the neighbour's page."""
    table, piece, found, begin = split_table()
    new = [f"{IDS[begin]}-{number:03}" for number in range(foreign)]
    ids = sorted([*IDS[100:begin], *new, *IDS[begin : begin + shared]])

    if meets:
        assert out(put_out(table, piece, page_of(ids))) == IDS[100:begin]
        assert table.pieces == [found]
    else:
        with pytest.raises(OrderInDoubt, match="do not have the rows in common that they should"):
            table.examine(piece, page_of(ids))


def test_examine__rows_behind_the_neighbours_first_page_say_nothing() -> None:
    """Only within the neighbour's first page both pages have to have the same rows."""
    table, piece, found, begin = split_table()

    step = put_out(table, piece, page_of([*IDS[100:begin], *IDS[begin : begin + 900]]))

    assert step.ends
    assert table.pieces == [found]


def test_examine__jumps_over_the_neighbours_first_page() -> None:
    """A page without any row of the neighbour's first page does not meet it."""
    table, piece, _, begin = split_table()

    with pytest.raises(OrderInDoubt, match="do not have the rows in common"):
        table.examine(piece, page_of([*IDS[100:begin], *IDS[begin + 100 : begin + 200]]))


def resumed_pieces() -> list[Piece]:
    """Two pieces of an attempt before: of the second one's first page only the start is known."""
    return [
        Piece(None, IDS[500], "b", IDS[399], 400, is_resumed=True),
        Piece(IDS[500], None, "b5", IDS[599], 100, is_resumed=True),
    ]


def test_examine__meets_a_start_of_an_attempt_before() -> None:
    """A page that has the start itself meets it."""
    pieces = resumed_pieces()
    table = Table({}, [*pieces])

    step = put_out(table, pieces[0], page_of(IDS[450:550]))

    assert (out(step), step.ends) == (IDS[450:500], True)
    assert table.pieces == [pieces[1]]


def test_examine__jumps_over_a_start_of_an_attempt_before() -> None:
    """A page behind the start without it is a doubt: in another order, rows are still to come."""
    pieces = resumed_pieces()
    table = Table({}, [*pieces])

    with pytest.raises(OrderInDoubt, match="do not have the rows in common"):
        table.examine(pieces[0], page_of([*IDS[400:500], f"{IDS[500]}-new"]))


@pytest.mark.parametrize("ids", [[], IDS[100:200]], ids=["no rows", "rows"])
def test_examine__ends_before_it_meets(ids: Sequence[str]) -> None:
    """A piece that is not the last one cannot end without its neighbour."""
    table, piece, _, _ = split_table()

    with pytest.raises(OrderInDoubt, match="it ends before it meets the page that it should"):
        table.examine(piece, page_of(ids, None))


def test_examine__empty_page_in_mid_walk() -> None:
    """A page without rows that leads on is no doubt, and no end."""
    table, piece, _, _ = split_table()

    step = put_out(table, piece, page_of([], "b2"))

    assert (out(step), step.after, step.rows, step.ends) == ([], IDS[99], 0, False)


def test_examine__the_last_piece_ends_without_a_bookmark() -> None:
    """The table is finished when the last of its pieces is, in whatever order."""
    table, piece, found, begin = split_table()

    put_out(table, found, page_of(IDS[begin + 100 :], None))
    assert table.pieces == [piece]
    assert not table.is_finished
    step = put_out(table, piece, page_of(IDS[100 : begin + 10]))

    assert (step.ends, step.missing) == (True, 0)
    assert table.is_finished


@pytest.mark.parametrize("middle", [1000, 3000])
def test_split__within_a_piece(middle: int) -> None:
    """A new piece begins with its page and ends where the one that it was split from did."""
    table, piece, found, begin = split_table()

    new = split(table, piece if middle < begin else found, middle)

    starts = sorted([IDS[begin], IDS[middle]])
    assert sorted((each.start or "", each.to or "~") for each in table.pieces) == [
        ("", starts[0]),
        (starts[0], starts[1]),
        (starts[1], "~"),
    ]
    assert (new.start, new.after, new.rows, table.rows) == (
        IDS[middle],
        IDS[middle + 99],
        100,
        300,
    )


@pytest.mark.parametrize("middle", [1000, 3000])
def test_rejoin(middle: int) -> None:
    """A new piece of which nothing is out can be rejoined, as if it had never been found."""
    table, piece, found, begin = split_table()
    halves = piece if middle < begin else found
    before = (halves.start, halves.to, halves.empty_from)
    new = table.split(halves, page_of(IDS[middle : middle + 100]), IDS[middle - 1] + "0")
    assert halves.to == IDS[middle]

    table.rejoin(new)

    assert table.pieces == [piece, found]
    assert (halves.start, halves.to, halves.empty_from) == before


def test_rejoin__after_a_doubt() -> None:
    """A piece of a table that was begun anew meanwhile is gone already."""
    table, _, found, _ = split_table()
    table.start_over()
    pieces = [*table.pieces]

    table.rejoin(found)

    assert table.pieces == pieces


# Rule 5: begun anew


def test_start_over__one_chain_from_the_start() -> None:
    """A table that is begun anew is one piece, of which nothing is out, and is never split."""
    table, piece, found, _ = split_table()

    table.start_over()

    [new] = table.pieces
    assert new not in (piece, found)
    assert (new.start, new.to, new.bookmark, new.after, new.rows) == (None, None, None, None, 0)
    assert table.is_alone
    assert out(put_out(table, new, page_of(IDS[:100], "b1"))) == IDS[:100]
    assert out(put_out(table, new, page_of(IDS[100:], None))) == IDS[100:]


# Rule 6: alone


def alone(**fields: Any) -> tuple[Table, Piece]:
    """A table that is read as one chain, and its piece."""
    piece = Piece(**fields)
    return Table({}, [piece], is_alone=True), piece


@pytest.mark.parametrize("ids", [*NOT_IN_ORDER.values()], ids=[*NOT_IN_ORDER])
def test_examine_alone__whatever_the_order(ids: Sequence[str]) -> None:
    """All rows go out that were not on the page before, until there is no bookmark."""
    table, piece = alone()
    put_out(table, piece, page_of(IDS[:100], "b1"))

    middle = put_out(table, piece, page_of(ids, "b2", known=2))
    last = put_out(table, piece, page_of([], None))

    assert out(middle) == [*ids[2:]]
    assert (middle.ends, last.ends) == (False, True)
    assert table.is_finished


@pytest.mark.parametrize("begin", [99, 100])
def test_examine_alone__resumed(begin: int) -> None:
    """The last row that is out does not go out again, and is not counted again."""
    table, piece = alone(bookmark="b", after=IDS[99], rows=100, is_resumed=True)

    step = put_out(table, piece, page_of(IDS[begin:200], None, total=200))

    assert (out(step), step.rows, step.missing) == (IDS[100:200], 100, 0)


def test_examine_alone__a_row_that_comes_back() -> None:
    """The last row of the page before the last may come again, when it is no longer known."""
    table, piece = alone(bookmark="b", after=IDS[99], rows=100, is_resumed=True)
    put_out(table, piece, page_of(IDS[100:200], "b2"))

    step = put_out(table, piece, page_of([IDS[99], *IDS[200:299]], "b3"))

    assert out(step) == [IDS[99], *IDS[200:299]]


# Rule 8: the total


@pytest.mark.parametrize(
    ("rows", "total", "missing"),
    [
        (250, 250, 0),
        (250, 200, 0),
        (250, 251, 1),
        (250, 350, 100),
        (250, 351, None),
        (0, 100, 100),
        (0, 101, None),
        (3960, 4060, 100),
        (4000, 4101, None),
        (4000, None, 0),
    ],
)
def test_examine__total(rows: int, total: int | None, missing: int | None) -> None:
    """A table that lacks more than 100 rows of its total is not complete; a few are missing."""
    table = Table({})
    [piece] = table.pieces

    if missing is None:
        with pytest.raises(TableTooShort) as raised:
            put_out(table, piece, page_of(IDS[:rows], None, total=total))
        assert (raised.value.rows, raised.value.total) == (rows, total)
        assert table.pieces == [piece]
    else:
        step = put_out(table, piece, page_of(IDS[:rows], None, total=total))
        assert (step.ends, step.missing) == (True, missing)
        assert table.is_finished


@pytest.mark.parametrize(
    ("total", "missing"), [(20_000, 200), (10_100, 101), (28_700, 287), (57_000, 570)]
)
def test_examine__total_of_a_large_table(total: int, missing: int) -> None:
    """Of a large table one percent may be missing, and not one row more."""
    for lacking in (missing, missing + 1):
        table, piece = resumed(rows=total - lacking - 50, after=IDS[99])
        page = page_of(IDS[100:150], None, total=total)

        if lacking == missing:
            assert put_out(table, piece, page).missing == missing
        else:
            with pytest.raises(TableTooShort):
                table.examine(piece, page)


def test_examine__smallest_total_counts() -> None:
    """Contacts are deleted while they are read: the smallest total of any page counts."""
    table, piece = start(total=1000)
    put_out(table, piece, page_of(IDS[100:200], total=220))

    step = put_out(table, piece, page_of(IDS[200:210], None, total=900))

    assert step.missing == 10


def test_examine__total_is_not_checked() -> None:
    """Where totals count something else, nothing is concluded from them."""
    table = Table({}, checks_total=False)
    [piece] = table.pieces

    step = put_out(table, piece, page_of(IDS[:10], None, total=4096))

    assert (step.ends, step.missing) == (True, 0)


def test_examine__total_after_version_0_2_0() -> None:
    """If an attempt before did not count its rows, nothing is concluded from the total."""
    table, piece = resumed(rows=None)

    step = put_out(table, piece, page_of(IDS[:10], None, total=4096))

    assert (step.ends, step.missing) == (True, 0)


def test_examine__total_only_at_the_end_of_the_table() -> None:
    """A piece that ends says nothing of the total while others are read."""
    table, piece, found, begin = split_table()

    step = put_out(table, piece, page_of(IDS[100 : begin + 50]))

    assert (step.ends, step.missing) == (True, 0)
    assert table.pieces == [found]


def test_examine__short_after_a_split() -> None:
    """A table that was split and is short is read again, and only as one chain too short."""
    table, piece, found, begin = split_table()
    put_out(table, piece, page_of(IDS[100 : begin + 50]))

    with pytest.raises(OrderInDoubt, match="rows came, and Autopilot counts 4,096"):
        table.examine(found, page_of(IDS[begin + 100 : begin + 200], None))
    table.start_over()
    [alone_now] = table.pieces

    with pytest.raises(TableTooShort) as raised:
        put_out(table, alone_now, page_of(IDS[:3000], None))
    assert (raised.value.rows, raised.value.total) == (3000, 4096)


def test_examine__little_missing_after_a_split() -> None:
    """A table that was split and lacks a few rows is finished."""
    table, piece, found, begin = split_table()
    put_out(table, piece, page_of([*IDS[100:150], *IDS[160 : begin + 50]]))

    step = put_out(table, found, page_of(IDS[begin + 100 :], None))

    assert (step.ends, step.missing) == (True, 10)
    assert table.is_finished


def test_finish__nothing_to_read() -> None:
    """A table that is gone has no pieces, and no rows that are missing."""
    table = Table({})

    table.finish()

    assert table.is_finished
