"""The pieces of one table, which several chains of pages read side by side. Pure.

A piece is an interval of ids, [start, to), and how far it was read. A row goes out with the piece
that it lies in, so that it does not matter which pages the chains of two pieces have in common.

That pages ascend by contact id is not believed: each page has to fit what was said of its piece.
Where one does not, the order is in doubt, and the table is read as one chain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from source_autopilot.errors import OrderInDoubt, TableTooShort
from source_autopilot.records.page import Page
from source_autopilot.streams.pagination import Partition
from source_autopilot.streams.start_keys import ascends

MAX_ROWS_MISSING = 100
MAX_SHARE_MISSING = 0.01


@dataclass(eq=False)
class Piece:
    """An interval of ids, and how far it was read.

    Attributes:
        start: its first id; None for the table's beginning.
        to: the start of the next piece; None for the table's end.
        bookmark: of its next page; None at the beginning of the table.
        after: the id of the last row that is out.
        rows: how many rows were read; None if an attempt before did not count them.
        is_resumed: whether its next page is the first one of this attempt.
        empty_from: a key in front of `to` behind which there is nothing any more.
        pages_left: about how many pages are still to come.
    """

    start: str | None = None
    to: str | None = None
    bookmark: str | None = None
    after: str | None = None
    rows: int | None = 0
    is_resumed: bool = False
    empty_from: str | None = None
    pages_left: float = math.inf


@dataclass(frozen=True)
class Step:
    """What a page means for its piece.

    Attributes:
        page: the page with the rows that are to go out.
        after: the id of the last row that is out then.
        rows: how many rows of the table these are.
        ends: whether the piece is finished with it.
        missing: how many rows the table lacks, if it is finished, too.
    """

    page: Page
    after: str | None
    rows: int
    ends: bool
    missing: int = 0


@dataclass(eq=False)
class Table:
    """All pieces of one table that are not finished, and what was learned of the table.

    For one thread at a time.

    Attributes:
        partition: which table.
        pieces: in no order; none when the table is finished.
        is_alone: whether the table is read as one chain, whatever the API does with start keys.
        total: the smallest number of rows that the API said the table has.
        pages: how many pages went out in this attempt.
        page_size: how many rows the first of them had.
        is_resumed: whether an attempt before has begun it.
        was_split: whether it was ever in several pieces.
        checks_total: whether a table that ends far below its total is incomplete.
    """

    partition: Partition
    pieces: list[Piece] = field(default_factory=lambda: [Piece()])
    is_alone: bool = False
    total: int | None = None
    pages: int = 0
    page_size: int = 1
    checks_total: bool = True

    def __post_init__(self) -> None:
        self.is_resumed = any(piece.is_resumed for piece in self.pieces)
        self.was_split = any(piece.start or piece.to for piece in self.pieces)
        self._starts: dict[str, tuple[str, ...]] = {}  # the ids of the page that a piece began with

    @property
    def is_finished(self) -> bool:
        """Whether all rows are out."""
        return not self.pieces

    @property
    def rows(self) -> int | None:
        """The rows that were read; None if an attempt before did not count them."""
        rows: int | None = 0
        for piece in self.pieces:
            rows = _add(rows, piece.rows)
        return rows

    @property
    def rows_left(self) -> int:
        """How many rows are still to come; 0 if the API does not say how many there are."""
        return max((self.total or 0) - (self.rows or 0), 0)

    # What a page means

    def examine(self, piece: Piece, page: Page) -> Step:
        """What a page means for its piece; nothing changes but what is known of the table.

        Raises OrderInDoubt if the table has to be read from its start again, as one chain, and
        TableTooShort if that would not help.
        """
        if page.total is not None:
            self.total = page.total if self.total is None else min(self.total, page.total)
        if not self.is_alone:
            try:
                return self._examine_in_order(piece, page)
            except OrderInDoubt:
                if self.was_split:
                    raise
                self.is_alone = True  # nothing is lost so far, and nothing comes twice
        return self._examine_alone(piece, page)

    def _examine_in_order(self, piece: Piece, page: Page) -> Step:
        ids = page.sent
        new = [contact_id for contact_id in ids if contact_id not in page.known]
        if piece.after in ids:
            new = list(ids[ids.index(piece.after) + 1 :])
        if not ascends(ids) or (new and piece.after is not None and new[0] <= piece.after):
            raise OrderInDoubt("the ids of its contacts do not ascend")
        to = piece.to
        meets = to is not None and bool(ids) and ids[-1] >= to
        if to is not None and meets:
            self._require_meeting(to, ids)
        elif to is not None and page.bookmark is None:
            raise OrderInDoubt("it ends before it meets the page that it should")
        if to is not None:
            page = page.select(lambda contact_id: contact_id < to)
            new = [contact_id for contact_id in new if contact_id < to]
        if piece.is_resumed and piece.after in ids:
            page = page.select(lambda contact_id: contact_id in new)
        after = new[-1] if new else piece.after
        return self._finish_step(piece, page, after, len(new), ends=meets or page.bookmark is None)

    def _require_meeting(self, to: str, ids: tuple[str, ...]) -> None:
        """Both pieces have to see the same rows where one ends and the other begins.

        Half of them will do: contacts come and go. Of a start of an attempt before only the first
        row is known. If that contact was deleted since, this is a doubt for nothing; where pages
        ascend in another order, it is all that tells of the rows that are missing.
        """
        start = self._starts.get(to, (to,))
        both = [contact_id for contact_id in ids if to <= contact_id <= start[-1]]
        if not both or 2 * len(set(both) & set(start)) < len(both):
            raise OrderInDoubt("two pages do not have the rows in common that they should")

    def _examine_alone(self, piece: Piece, page: Page) -> Step:
        if piece.is_resumed:
            page = page.select(lambda contact_id: contact_id != piece.after)
        new = [key for key in page.sent if key not in page.known]
        rows = len(new) - (piece.is_resumed and piece.after in new)
        after = page.sent[-1] if page.sent else piece.after
        return self._finish_step(piece, page, after, rows, ends=page.bookmark is None)

    def _finish_step(
        self, piece: Piece, page: Page, after: str | None, rows: int, *, ends: bool
    ) -> Step:
        missing = 0
        if ends and self.pieces == [piece] and self.checks_total:
            missing = self._count_missing(_add(piece.rows, rows))
        return Step(page, after, rows, ends, missing)

    def _count_missing(self, rows: int | None) -> int:
        """How many rows are missing at the end of the table; a total may be too small, too."""
        if rows is None or self.total is None:
            return 0
        missing = max(self.total - rows, 0)
        if missing > max(MAX_ROWS_MISSING, MAX_SHARE_MISSING * self.total):
            if self.was_split:
                raise OrderInDoubt(f"{rows:,} rows came, and Autopilot counts {self.total:,}")
            raise TableTooShort(rows, self.total)
        return missing

    # What becomes of the pieces

    def move(self, piece: Piece, step: Step) -> None:
        """The rows of a step are out."""
        self.pages += 1
        if self.pages == 1:
            self.page_size = max(len(step.page.sent), 1)
        if self.total is not None and piece.pages_left == math.inf:
            piece.pages_left = self.rows_left / self.page_size / len(self.pieces)
        piece.bookmark, piece.after, piece.is_resumed = step.page.bookmark, step.after, False
        piece.rows = _add(piece.rows, step.rows)
        piece.pages_left = max(piece.pages_left - 1, 0.0)
        if step.ends:
            self._finish(piece)

    def _finish(self, piece: Piece) -> None:
        self.pieces.remove(piece)
        self._starts.pop(piece.to or "", None)
        for heir in self.pieces[:1]:
            heir.rows = _add(heir.rows, piece.rows)

    def finish(self) -> None:
        """There is nothing to read, such as in a segment that was deleted."""
        self.pieces = []

    def start_over(self) -> None:
        """Read the table from its beginning again, as one chain."""
        self.is_alone = True
        self.was_split = False
        self._starts = {}
        self.pieces = [Piece()]

    def find_piece(self, contact_id: str) -> Piece | None:
        """The piece that an id lies in, ahead of the chain that reads it."""
        for piece in self.pieces:
            is_ahead = piece.after is not None and piece.after < contact_id
            if is_ahead and (piece.to is None or contact_id < piece.to):
                return piece
        return None

    def split(self, piece: Piece, page: Page, key: str) -> Piece:
        """A new piece at the end of a piece, which begins with a page.

        `key` is what the page was asked for with: nothing lies between it and the page.
        """
        start = page.sent[0]
        found = Piece(start, piece.to, empty_from=piece.empty_from)
        piece.to, piece.empty_from = start, key
        self.pieces.append(found)
        self.was_split = True
        self._starts[start] = page.sent
        return found

    def rejoin(self, found: Piece) -> None:
        """Undo a split: nothing of the new piece is out."""
        for piece in self.pieces:
            if found in self.pieces and piece.to == found.start:
                self.pieces.remove(found)
                piece.to, piece.empty_from = found.to, found.empty_from
                return


def _add(rows: int | None, others: int | None) -> int | None:
    return None if rows is None or others is None else rows + others
