"""Pages of contacts and what becomes of them, for tests of `pieces` and `splitter`."""

from collections.abc import Iterable

from source_autopilot.records.page import Page
from source_autopilot.sync.pieces import Piece, Step, Table

IDS = [f"person_{number << 20:08X}-0000-4000-8000-000000000000" for number in range(4096)]
"""Evenly over all ids."""


def page_of(
    ids: Iterable[str], bookmark: str | None = "b", *, total: int | None = None, known: int = 0
) -> Page:
    """A page with these ids, of which so many at its begin were on the page before."""
    sent = tuple(ids)
    rows = [{"contact_id": contact_id} for contact_id in sent[known:]]
    return Page(
        rows,
        bookmark,
        total,
        keys=sent[known:],
        sent=sent,
        known=frozenset(sent[:known]),
        repeated=known,
    )


def put_out(table: Table, piece: Piece, page: Page) -> Step:
    """What a page means for a piece, once it is out."""
    step = table.examine(piece, page)
    table.move(piece, step)
    return step


def out(step: Step) -> list[str]:
    """The ids of the rows that go out in a step."""
    assert [row["contact_id"] for row in step.page.rows] == list(step.page.keys)
    return list(step.page.keys)
