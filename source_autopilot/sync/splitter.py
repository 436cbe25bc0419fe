"""Where the pages of one table are asked for, so that several chains can read it. Pure.

An id that was never issued is a start key, if the API says so (`streams.start_keys`): the first
question is one whose answer is known. Each further one is for the middle of the largest gap, as
long as a new chain saves more than its request costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from source_autopilot.records.page import Page
from source_autopilot.streams.start_keys import (
    Gap,
    IdSpace,
    ascends,
    find_proving_key,
    proves_start_keys,
)
from source_autopilot.sync.pieces import Piece, Table

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


class Splitter:
    """Splits one table in pieces. For one thread at a time.

    Attributes:
        table: which one; what becomes of its pages, `learn` has to be told.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._proof = Proof.NOT_ASKED
        self._first_ids: tuple[str, ...] = ()
        self._proving_key: str | None = None
        self._ids = IdSpace()
        self._questions: dict[Question, int] = {}  # and how many pages were out when it was asked
        self._withdrawn_at: int | None = None
        self._lost_questions = 0
        self._needless_questions = 0

    @property
    def can_split(self) -> bool:
        """Whether there may be questions, now or later."""
        table = self.table
        if table.is_alone or table.is_resumed or table.is_finished or self._proof == Proof.NO:
            return False
        max_lost = MAX_LOST_QUESTIONS if table.was_split else MAX_QUESTIONS_AT_FIRST
        if self._lost_questions >= max_lost:
            return False
        if self._needless_questions >= MAX_NEEDLESS_QUESTIONS:
            return False
        min_pages = MIN_PAGES_TO_SPLIT if self.takes_start_keys else MIN_PAGES_TO_PROVE
        return table.pages == 0 or table.rows_left >= min_pages * table.page_size

    @property
    def takes_start_keys(self) -> bool:
        """Whether it was proved that the API takes start keys for this table."""
        return self._proof == Proof.YES

    def learn(self, page: Page) -> None:
        """A page of the table is out."""
        if self.table.pages == 1:
            self._first_ids = page.sent
            self._proving_key = find_proving_key(page.sent)
            if self._proving_key is None:
                self._proof = Proof.NO
        if self.takes_start_keys:
            self._ids.learn(page.keys)

    def find_question(self, load: float = 0.0) -> Question | None:
        """The start key to ask for now; None if there is none.

        `load` is the share of the rate limit that is used, from 0 to 1.
        """
        if not self.can_split or self._proof == Proof.ASKED:
            return None
        if self.table.pages in (0, self._withdrawn_at):
            return None
        if self._proof == Proof.NOT_ASKED and self._proving_key:
            self._proof = Proof.ASKED
            pages = self.table.rows_left / self.table.page_size
            question: Question | None = Question(self._proving_key, proves=True, pages=pages)
        else:
            question = self._find_starting_question(load)
        if question:
            self._questions[question] = self.table.pages
        return question

    def answer(self, question: Question, page: Page | None) -> Piece | None:
        """What comes of a question: a new piece that begins with the page, or nothing.

        `page` is None if there was none. A page that is a start is the first one of its piece.
        """
        self._questions.pop(question, None)
        if question.proves:
            is_proof = page is not None and proves_start_keys(self._first_ids, page)
            self._proof = Proof.YES if is_proof else Proof.NO
            self._ids.learn(self._first_ids)
            return None
        if page is None or not self._is_start(question, page):
            self._lost_questions += 1
            return None
        piece = self.table.find_piece(page.sent[0])
        is_needless = piece is None or (piece.to is not None and page.sent[-1] >= piece.to)
        self._needless_questions = self._needless_questions + 1 if is_needless else 0
        if piece is None:
            self._learn_emptiness(question.key, page.sent[0])
            return None
        self._lost_questions = 0
        found = self.table.split(piece, page, question.key)
        self._estimate()
        return found

    def withdraw(self, question: Question) -> None:
        """A question was not answered, which says nothing.

        Something is asked again when a page has come since it was asked: then requests get through.
        """
        self._withdrawn_at = self._questions.pop(question, None)
        if question.proves:
            self._proof = Proof.NOT_ASKED

    def _find_starting_question(self, load: float) -> Question | None:
        """The middle of the largest gap, if that is worth a request."""
        asked = len(self._questions) + self._lost_questions
        if not self.table.was_split and asked >= MAX_QUESTIONS_AT_FIRST:
            return None
        gaps = self._find_gaps()
        rows_left = self._ids.measure([gap for _, gap in gaps], self.table.rows_left)
        page_size = self.table.page_size
        # A piece's own chain goes on while the question is asked.
        gains = {
            gap: rows_left.count(gap) / page_size - PAGES_MEANWHILE * (gap.after == piece.after)
            for piece, gap in gaps
        }
        gap = max(gains, key=gains.__getitem__)
        if gains[gap] < max(MIN_PAGES_TO_SPLIT, load * MIN_PAGES_TO_SPLIT_BUSY):
            return None
        pages = gains[gap] / 2
        key = rows_left.find_key(gap, rows_left.count(gap) - pages * page_size)
        return Question(key, proves=False, pages=pages) if key else None

    def _find_gaps(self) -> list[tuple[Piece, Gap]]:
        """What is left to read, cut at the keys that are being asked for."""
        keys = sorted(question.key for question in self._questions)
        gaps = []
        for piece in self.table.pieces:
            rest = _find_rest(piece)
            for key in keys:
                if rest.after < key and (rest.to is None or key < rest.to):
                    gaps.append((piece, Gap(rest.after, key)))
                    rest = Gap(key, rest.to)
            gaps.append((piece, rest))
        return gaps

    def _estimate(self) -> None:
        """Estimate anew how many pages each piece has left."""
        rests = {piece: _find_rest(piece) for piece in self.table.pieces}
        rows_left = self._ids.measure([*rests.values()], self.table.rows_left)
        for piece, rest in rests.items():
            piece.pages_left = rows_left.count(rest) / self.table.page_size

    def _is_start(self, question: Question, page: Page) -> bool:
        if self.table.is_alone or not page.sent or page.bookmark is None:
            return False
        return page.sent[0] >= question.key and ascends(page.sent)

    def _learn_emptiness(self, key: str, start: str) -> None:
        """There are no ids between a key and what came for it."""
        piece = self.table.find_piece(key)
        if piece and piece.to is not None and piece.to <= start:
            piece.empty_from = min(key, piece.empty_from or key)


def _find_rest(piece: Piece) -> Gap:
    """What a piece has left to read."""
    return Gap(piece.after or piece.start or "", piece.empty_from or piece.to)
