"""The pieces of one table, which several chains of pages read side by side. Pure.

Pages ascend by contact id, and an id that was never issued is a start key, if the API says so
(`streams.start_keys`). Nothing of that is believed: each page has to fit what was said of its
piece. Where one does not, the order is in doubt, and the table is read as one chain.

A piece is an interval of ids, [start, to), and how far it was read. A row goes out with the piece
that it lies in, so that it does not matter which pages the chains of two pieces have in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

from source_autopilot.errors import OrderInDoubt, TableTooShort
from source_autopilot.records.page import Page
from source_autopilot.streams.pagination import Partition
from source_autopilot.streams.start_keys import (
    Gap,
    IdSpace,
    ascends,
    find_proving_key,
    proves_start_keys,
)

MIN_PAGES_TO_PROVE = 8.0
"""Of what is left of a table: proof costs a request, and so does each border of pieces."""
MIN_PAGES_TO_SPLIT, MIN_PAGES_TO_SPLIT_BUSY = 2.0, 6.0
"""What a chain must save, if the rate limit is free, and if it is used: then requests cost time."""
PAGES_MEANWHILE = 1.0
"""What a chain reads until a question is answered."""
MAX_QUESTIONS_AT_FIRST = 2
"""Until one has found a start: with the proof, three requests are lost if start keys fail then."""
MAX_LOST_QUESTIONS = 3
MAX_NEEDLESS_QUESTIONS = 10
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


class Proof(Enum):
    """Whether the API takes start keys."""

    NOT_ASKED = "not asked"
    ASKED = "asked"
    YES = "yes"
    NO = "no"


@dataclass(eq=False)
class Question:
    """A start key that is asked for.

    Attributes:
        key: an id that was probably never issued.
        proves: whether its answer is known, and shows whether the API takes start keys at all.
        pages: how many pages may lie behind it, until the next start.
    """

    key: str
    proves: bool
    pages: float


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
        side_by_side: whether it may be read by several chains.
        checks_total: whether a table that ends far below its total is incomplete.
    """

    partition: Partition
    pieces: list[Piece] = field(default_factory=lambda: [Piece()])
    is_alone: bool = False
    total: int | None = None
    pages: int = 0
    side_by_side: bool = True
    checks_total: bool = True

    def __post_init__(self) -> None:
        self._is_resumed = any(piece.is_resumed for piece in self.pieces)
        self._was_split = any(piece.start or piece.to for piece in self.pieces)
        self._proof = Proof.NOT_ASKED
        self._first_ids: tuple[str, ...] = ()
        self._page_size = 1
        self._ids = IdSpace()
        self._starts: dict[str, tuple[str, ...]] = {}  # the ids of the page that a piece began with
        self._questions: set[Question] = set()
        self._lost_questions = 0
        self._needless_questions = 0

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
                if self._was_split:
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
            if self._was_split:
                raise OrderInDoubt(f"{rows:,} rows came, and Autopilot counts {self.total:,}")
            raise TableTooShort(rows, self.total)
        return missing

    # What becomes of the pieces

    def move(self, piece: Piece, step: Step) -> None:
        """The rows of a step are out."""
        self.pages += 1
        if self.pages == 1:
            self._first_ids = step.page.sent
            self._page_size = max(len(step.page.sent), 1)
        if self._proof == Proof.YES:
            self._ids.learn(step.page.keys)
        if self.total is not None and piece.pages_left == math.inf:
            piece.pages_left = self.rows_left / self._page_size / len(self.pieces)
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
        self._was_split = False
        self._starts = {}
        self.pieces = [Piece()]

    # Start keys

    @property
    def can_be_split(self) -> bool:
        """Whether there may be questions, now or later."""
        if not self.side_by_side or self.is_alone or self._is_resumed or self.is_finished:
            return False
        max_lost = MAX_LOST_QUESTIONS if self._was_split else MAX_QUESTIONS_AT_FIRST
        if self._proof == Proof.NO or self._lost_questions >= max_lost:
            return False
        if self._needless_questions >= MAX_NEEDLESS_QUESTIONS:
            return False
        is_proved = self._proof == Proof.YES
        min_pages = MIN_PAGES_TO_SPLIT if is_proved else MIN_PAGES_TO_PROVE
        return self.pages == 0 or self.rows_left >= min_pages * self._page_size

    @property
    def takes_start_keys(self) -> bool:
        """Whether it was proved that the API takes start keys for it."""
        return self._proof == Proof.YES

    @property
    def rows_left(self) -> int:
        """How many rows are still to come; 0 if the API does not say how many there are."""
        return max((self.total or 0) - (self.rows or 0), 0)

    def find_question(self, load: float = 0.0) -> Question | None:
        """The start key to ask for now, in the middle of the largest gap; None if there is none.

        `load` is the share of the rate limit that is used, from 0 to 1.
        """
        if not self.can_be_split or self.pages == 0 or self._proof == Proof.ASKED:
            return None
        if self._proof == Proof.NOT_ASKED:
            question = self._find_proving_question()
        else:
            question = self._find_starting_question(load)
        if question:
            self._questions.add(question)
        return question

    def _find_proving_question(self) -> Question | None:
        key = find_proving_key(self._first_ids)
        self._proof = Proof.ASKED if key else Proof.NO
        return Question(key, proves=True, pages=self.rows_left / self._page_size) if key else None

    def _find_starting_question(self, load: float) -> Question | None:
        asked = len(self._questions) + self._lost_questions
        if not self._was_split and asked >= MAX_QUESTIONS_AT_FIRST:
            return None
        gaps = self._find_gaps()
        rows_left = self._ids.measure([gap for _, gap in gaps], self.rows_left)
        # A piece's own chain goes on while the question is asked.
        gains = {
            gap: rows_left.count(gap) / self._page_size
            - PAGES_MEANWHILE * (gap.after == piece.after)
            for piece, gap in gaps
        }
        gap = max(gains, key=gains.__getitem__)
        if gains[gap] < max(MIN_PAGES_TO_SPLIT, load * MIN_PAGES_TO_SPLIT_BUSY):
            return None
        pages = gains[gap] / 2
        key = rows_left.find_key(gap, rows_left.count(gap) - pages * self._page_size)
        return Question(key, proves=False, pages=pages) if key else None

    def _find_gaps(self) -> list[tuple[Piece, Gap]]:
        """What is left to read, cut at the keys that are being asked for."""
        keys = sorted(question.key for question in self._questions)
        gaps = []
        for piece in self.pieces:
            after, end = piece.after or piece.start or "", piece.empty_from or piece.to
            for key in keys:
                if after < key and (end is None or key < end):
                    gaps.append((piece, Gap(after, key)))
                    after = key
            gaps.append((piece, Gap(after, end)))
        return gaps

    def _estimate(self) -> None:
        """Estimate anew how many pages each piece has left."""
        gaps = {
            piece: Gap(piece.after or piece.start or "", piece.empty_from or piece.to)
            for piece in self.pieces
        }
        rows_left = self._ids.measure([*gaps.values()], self.rows_left)
        for piece, gap in gaps.items():
            piece.pages_left = rows_left.count(gap) / self._page_size

    def answer(self, question: Question, page: Page | None) -> Piece | None:
        """What comes of a question: a new piece that begins with the page, or nothing.

        `page` is None if there was none. A page that is a start is the first one of its piece.
        """
        self._questions.discard(question)
        if question.proves:
            is_proof = page is not None and proves_start_keys(self._first_ids, page)
            self._proof = Proof.YES if is_proof else Proof.NO
            self._ids.learn(self._first_ids)
            return None
        if page is None or not self._is_start(question, page):
            self._lost_questions += 1
            return None
        start = page.sent[0]
        split = self._find_piece(start)
        is_needless = split is None or (split.to is not None and page.sent[-1] >= split.to)
        self._needless_questions = self._needless_questions + 1 if is_needless else 0
        if split is None:
            self._learn_emptiness(question.key, start)
            return None
        self._lost_questions = 0
        self._was_split = True
        self._starts[start] = page.sent
        found = Piece(start, split.to, empty_from=split.empty_from)
        split.to, split.empty_from = start, question.key
        self.pieces.append(found)
        self._estimate()
        return found

    def withdraw(self, question: Question) -> None:
        """A question was not answered, which says nothing: it may be asked again."""
        self._questions.discard(question)
        if question.proves:
            self._proof = Proof.NOT_ASKED

    def take_back(self, found: Piece) -> None:
        """Rejoin a new piece, of which nothing is out, with the one that it was split from."""
        for piece in self.pieces:
            if found in self.pieces and piece.to == found.start:
                self.pieces.remove(found)
                piece.to, piece.empty_from = found.to, found.empty_from
                return

    def _is_start(self, question: Question, page: Page) -> bool:
        if self.is_alone or not page.sent or page.bookmark is None:
            return False
        return page.sent[0] >= question.key and ascends(page.sent)

    def _find_piece(self, contact_id: str) -> Piece | None:
        """The piece that an id lies in, ahead of the chain that reads it."""
        for piece in self.pieces:
            is_ahead = piece.after is not None and piece.after < contact_id
            if is_ahead and (piece.to is None or contact_id < piece.to):
                return piece
        return None

    def _learn_emptiness(self, key: str, start: str) -> None:
        """There are no ids between a key and what came for it."""
        piece = self._find_piece(key)
        if piece and piece.to is not None and piece.to <= start:
            piece.empty_from = min(key, piece.empty_from or key)


def _add(rows: int | None, others: int | None) -> int | None:
    return None if rows is None or others is None else rows + others
