"""Tests of `sync.splitter`: where the pages of a table are asked for, and what is found there."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.page import Page
from source_autopilot.streams.start_keys import find_proving_key
from source_autopilot.sync.pieces import Piece, Step, Table
from source_autopilot.sync.splitter import (
    MAX_LOST_QUESTIONS,
    MAX_QUESTIONS_AT_FIRST,
    MIN_PAGES_TO_PROVE,
    MIN_PAGES_TO_SPLIT,
    MIN_PAGES_TO_SPLIT_BUSY,
    PAGES_MEANWHILE,
    Question,
    Splitter,
)
from unit_tests.support.pieces import IDS, out, page_of
from unit_tests.support.pieces import put_out as put_out_of_table


def put_out(splitter: Splitter, piece: Piece, page: Page) -> Step:
    """What a page means for a piece, once it is out."""
    step = put_out_of_table(splitter.table, piece, page)
    splitter.learn(step.page)
    return step


def start(*, total: int | None = 4096, size: int = 100) -> tuple[Splitter, Piece]:
    """A table whose first page is out, and its only piece."""
    splitter = Splitter(Table({}))
    [piece] = splitter.table.pieces
    put_out(splitter, piece, page_of(IDS[:size], total=total))
    return splitter, piece


def prove(splitter: Splitter) -> None:
    """Let the API prove that it takes start keys."""
    question = splitter.find_question()
    assert question is not None
    assert question.proves
    assert splitter.answer(question, page_of(IDS[50:150])) is None


def ask(splitter: Splitter) -> tuple[Question, int]:
    """The next start key, and the number of the first row behind it."""
    question = splitter.find_question()
    assert question is not None
    assert not question.proves
    return question, next(number for number, each in enumerate(IDS) if each > question.key)


def split(splitter: Splitter, *, size: int = 100) -> tuple[Piece, int]:
    """A new piece whose first page is out, and the number of its first row."""
    question, begin = ask(splitter)
    page = page_of(IDS[begin : begin + size])
    found = splitter.answer(question, page)
    assert found is not None
    put_out(splitter, found, page)
    return found, begin


def split_table() -> tuple[Splitter, Piece, Piece, int]:
    """A table in two pieces, and the number of the row with which the second one begins."""
    splitter, piece = start()
    prove(splitter)
    found, begin = split(splitter)
    return splitter, piece, found, begin


def test_find_question__proves_first() -> None:
    """The first question is one whose answer is known; no other is asked meanwhile."""
    splitter, _ = start()

    question = splitter.find_question()

    assert question is not None
    assert question.proves
    assert question.key == find_proving_key(IDS[:100])
    assert splitter.find_question() is None


def test_find_question__not_before_the_first_page() -> None:
    """As long as no page is out, nothing is known that could be asked."""
    splitter = Splitter(Table({}))

    assert splitter.can_split
    assert splitter.find_question() is None


@pytest.mark.parametrize(
    "page",
    [
        None,
        page_of(IDS[:100]),
        page_of([], None),
        page_of(IDS[50:150], None),
        page_of(IDS[50:350:3]),
        page_of(IDS[1000:1100]),
        page_of(IDS[51:151]),
    ],
    ids=["none", "first", "empty", "no bookmark", "every third", "some page", "late"],
)
def test_answer__no_proof(page: Page | None) -> None:
    """An API that does not take start keys is asked once, and the table goes on as before."""
    splitter, piece = start()
    question = splitter.find_question()
    assert question is not None

    assert splitter.answer(question, page) is None

    assert not splitter.can_split
    assert splitter.find_question() is None
    assert out(put_out(splitter, piece, page_of(IDS[100:200]))) == IDS[100:200]
    assert not splitter.table.is_alone


def test_find_question__in_the_middle_of_the_largest_gap() -> None:
    """The next key halves what is left; the one after it the larger half, and so on."""
    splitter, _ = start()
    prove(splitter)

    begins = sorted([split(splitter)[1], ask(splitter)[1], ask(splitter)[1]])

    assert begins == pytest.approx([1100, 2100, 3100], abs=250)


def test_answer__a_new_piece() -> None:
    """What begins behind a key is a piece; the one that it lies in ends there."""
    splitter, piece = start()
    prove(splitter)
    question, begin = ask(splitter)
    page = page_of(IDS[begin : begin + 100], "b9")

    found = splitter.answer(question, page)

    assert found is not None
    assert (found.start, found.to, piece.start, piece.to) == (IDS[begin], None, None, IDS[begin])
    step = put_out(splitter, found, page)
    assert (out(step), step.rows, step.ends) == (IDS[begin : begin + 100], 100, False)
    assert (found.bookmark, found.after, found.rows) == ("b9", IDS[begin + 99], 100)
    assert splitter.table.rows == 200


def test_answer__within_a_piece_between_others() -> None:
    """A piece in the middle of a table is split as well: its end becomes the new one's."""
    splitter, piece, last, begin = split_table()
    middle, middle_begin = split(splitter)

    borders = sorted(
        [(each.start or "", each.to or "~") for each in (piece, last, middle)],
    )
    ids = sorted([IDS[begin], IDS[middle_begin]])
    assert borders == [("", ids[0]), (ids[0], ids[1]), (ids[1], "~")]


LOST: dict[str, Page | None] = {
    "no page": None,
    "no rows": page_of([]),
    "no bookmark": page_of(IDS[3000:3100], None),
    "no order": page_of(IDS[3100:3000:-1]),
    "first page": page_of(IDS[:100]),
    "before the key": page_of(IDS[500:600]),
}


@pytest.mark.parametrize("page", [*LOST.values()], ids=[*LOST])
def test_answer__lost(page: Page | None) -> None:
    """A page that begins no piece is dropped; with the proof, three requests are lost at most."""
    splitter, piece = start()
    prove(splitter)

    for _ in range(MAX_QUESTIONS_AT_FIRST):
        assert splitter.can_split
        question, begin = ask(splitter)
        assert begin > 600
        assert splitter.answer(question, page) is None

    assert splitter.table.pieces == [piece]
    assert piece.to is None
    assert not splitter.can_split
    assert splitter.find_question() is None


def test_answer__lost_later() -> None:
    """After three questions in a row that found no start, nothing more is asked."""
    splitter, *_ = split_table()

    for _ in range(MAX_LOST_QUESTIONS):
        assert splitter.answer(ask(splitter)[0], None) is None

    assert not splitter.can_split
    assert len(splitter.table.pieces) == 2


def test_find_question__two_at_first() -> None:
    """Until a start is found no more than two are asked for at a time."""
    splitter, _ = start()
    prove(splitter)
    ask(splitter)
    question, begin = ask(splitter)
    assert splitter.find_question() is None

    page = page_of(IDS[begin : begin + 100])
    found = splitter.answer(question, page)
    assert found is not None
    put_out(splitter, found, page)

    ask(splitter)
    ask(splitter)


def test_answer__lost_between_good_ones() -> None:
    """Lost questions count in a row: after a good one the next may be lost again."""
    splitter, _ = start()
    prove(splitter)

    for _ in range(MAX_LOST_QUESTIONS):
        question, _ = ask(splitter)
        splitter.answer(question, None)
        if splitter.can_split:
            split(splitter)

    assert splitter.can_split


def test_withdraw__says_nothing() -> None:
    """A question without an answer is not lost, and is asked again: the one that proves, too."""
    splitter, piece = start()
    begins = range(100, 2000, 100)
    pages = (page_of(IDS[begin : begin + 100], f"b{begin}") for begin in begins)

    for _ in range(MAX_LOST_QUESTIONS):
        question = splitter.find_question()
        assert question is not None
        assert question.proves
        splitter.withdraw(question)
        put_out(splitter, piece, next(pages))
    prove(splitter)
    for _ in range(MAX_LOST_QUESTIONS):
        splitter.withdraw(ask(splitter)[0])
        put_out(splitter, piece, next(pages))

    assert split(splitter)[0] in splitter.table.pieces


@pytest.mark.parametrize("proved", [False, True])
def test_withdraw__nothing_is_asked_before_a_page_came(proved: bool) -> None:
    """As long as no request gets through, questions would only spend what is left of the limit."""
    splitter, piece = start()
    if proved:
        prove(splitter)
    question = splitter.find_question()
    assert question is not None

    splitter.withdraw(question)

    assert splitter.can_split
    assert splitter.find_question() is None
    put_out(splitter, piece, page_of(IDS[100:200], "b2"))
    assert splitter.find_question() is not None


def test_withdraw__a_page_came_meanwhile() -> None:
    """A page that came while it was asked is enough."""
    splitter, piece = start()
    question = splitter.find_question()
    assert question is not None
    put_out(splitter, piece, page_of(IDS[100:200], "b2"))

    splitter.withdraw(question)

    assert splitter.find_question() is not None


def test_answer__where_the_chain_has_been() -> None:
    """A page whose rows went out while it was asked for begins no piece."""
    splitter, piece = start()
    prove(splitter)
    question, begin = ask(splitter)
    put_out(splitter, piece, page_of(IDS[100 : begin + 200]))

    assert splitter.answer(question, page_of(IDS[begin : begin + 100])) is None

    assert splitter.table.pieces == [piece]


def test_answer__just_ahead_of_the_chain() -> None:
    """A page begins a piece if its first row is not out, however near the chain is."""
    splitter, piece = start()
    prove(splitter)
    question, begin = ask(splitter)
    put_out(splitter, piece, page_of(IDS[100:begin]))

    assert splitter.answer(question, page_of(IDS[begin : begin + 100])) is not None

    assert piece.to == IDS[begin]


def test_answer__needless_questions_stop() -> None:
    """A table that is smaller than its total is not asked about for ever: all pages are known."""
    splitter, _ = start(total=1_000_000)
    prove(splitter)

    for _ in range(60):
        question = splitter.find_question()
        if question is None:
            break
        ids = [contact_id for contact_id in IDS if contact_id > question.key][:100]
        page = page_of(ids, "b" if len(ids) == 100 else None)
        found = splitter.answer(question, page)
        if found:
            put_out(splitter, found, page)
    else:
        pytest.fail("it asks for ever")

    assert not splitter.can_split


def test_answer__after_a_doubt() -> None:
    """An answer that comes after the table was begun anew is dropped."""
    splitter, _ = start()
    prove(splitter)
    question, begin = ask(splitter)
    splitter.table.start_over()

    assert splitter.answer(question, page_of(IDS[begin : begin + 100])) is None

    assert [(piece.start, piece.to, piece.bookmark) for piece in splitter.table.pieces] == [
        (None, None, None)
    ]


@pytest.mark.parametrize(
    "splitter",
    [
        Splitter(Table({}, is_alone=True)),
        Splitter(Table({}, [Piece(bookmark="b", rows=100, is_resumed=True)])),
        Splitter(Table({}, [])),
    ],
    ids=["alone", "resumed", "finished"],
)
def test_can_split__never(splitter: Splitter) -> None:
    """Tables that are no longer to be split, or not at all, are not asked about."""
    for piece in [*splitter.table.pieces]:
        put_out(splitter, piece, page_of(IDS[:100], total=4096))

    assert not splitter.can_split
    assert splitter.find_question() is None


def test_can_split__large_enough() -> None:
    """A table with few pages left is sooner read than split; so is one of unknown size."""
    pages = math.ceil(MIN_PAGES_TO_PROVE)
    splitters = [
        start(total=total)[0] for total in (100 * (1 + pages) - 1, 100 * (1 + pages), None)
    ]

    assert [splitter.can_split for splitter in splitters] == [False, True, False]
    assert [splitter.find_question() is not None for splitter in splitters] == [False, True, False]


def test_find_question__ids_that_are_no_uuids() -> None:
    """A table whose ids are no UUIDs is read as one chain; its order may be fine."""
    splitter = Splitter(Table({}))
    [piece] = splitter.table.pieces
    put_out(splitter, piece, page_of([f"contact_{number:04}" for number in range(100)], total=9000))

    assert splitter.find_question() is None
    assert not splitter.can_split
    assert not splitter.table.is_alone


def test_answer__where_there_are_no_ids() -> None:
    """What an answer jumped over is empty: it is not asked about again."""
    splitter, _ = start()
    prove(splitter)
    ids = [*IDS[:1000], *IDS[3000:]]
    jumped: list[str] = []

    while question := splitter.find_question():
        assert not jumped or question.key < jumped[-1] or question.key > IDS[3000]
        page = page_of([each for each in ids if each > question.key][:100])
        found = splitter.answer(question, page)
        if found:
            put_out(splitter, found, page)
        if IDS[1000] < question.key < IDS[3000]:
            jumped.append(question.key)
    assert len(jumped) > 1

    assert jumped


@pytest.mark.parametrize("load", [0.0, 0.5, 1.0])
def test_find_question__worth_its_request(load: float) -> None:
    """The more of the rate limit is used, the more pages a new chain has to save.

    What the gap's own chain reads until the question is answered does not count.
    """
    pages = PAGES_MEANWHILE + max(MIN_PAGES_TO_SPLIT, load * MIN_PAGES_TO_SPLIT_BUSY)
    asked = []
    for rows_left in (math.floor(100 * pages) - 1, math.ceil(100 * pages) + 1):
        splitter, piece = start(total=2000)
        prove(splitter)
        put_out(splitter, piece, page_of(IDS[100 : 2000 - rows_left], total=2000))
        asked.append(splitter.find_question(load) is not None)

    assert asked == [False, True]


def test_answer__how_much_each_piece_has_left() -> None:
    """With each start it is estimated anew what the pieces have left, in all what the table has."""
    splitter, piece, found, begin = split_table()

    assert piece.pages_left == pytest.approx((begin - 100) / 100, abs=1)
    assert found.pages_left == pytest.approx((3996 - begin) / 100, abs=1)
    put_out(splitter, piece, page_of(IDS[100 : 100 + 500]))
    assert piece.pages_left == pytest.approx((begin - 200) / 100, abs=1)
    middle, middle_begin = split(splitter)

    assert middle.pages_left == pytest.approx(
        min(each - middle_begin for each in (begin, 4096) if each > middle_begin) / 100, abs=1.5
    )
    left = sum(each.pages_left for each in splitter.table.pieces)
    assert left == pytest.approx(splitter.table.rows_left / 100, abs=0.1)


@given(st.data())
def test_table__any_walk(data: st.DataObject) -> None:
    """In whatever order pages and answers come, each row of a table goes out exactly once."""
    number = data.draw(st.integers(1, 400), label="rows")
    size = data.draw(st.integers(4, 20), label="page size")
    overlap = data.draw(st.sampled_from([0, 0, 1]), label="rows on two pages")
    ids = IDS[:: len(IDS) // number][:number]
    splitter = Splitter(Table({}))
    positions: dict[int, int] = {}  # of the next page of each piece
    known: dict[int, tuple[str, ...]] = {}
    questions: list[Question] = []
    delivered: list[str] = []

    def take(piece: Piece | None, begin: int, question: Question | None = None) -> None:
        sent = tuple(ids[begin : begin + size])
        more = begin + size < number
        before = known.get(id(piece), ())
        page = page_of(
            sent,
            f"b{begin + size}" if more else None,
            total=number,
            known=len(set(sent) & set(before)),
        )
        if question:
            piece = splitter.answer(question, page)
        if piece and piece in splitter.table.pieces:
            delivered.extend(put_out(splitter, piece, page).page.keys)
            positions[id(piece)] = begin + size - overlap
            known[id(piece)] = sent

    keep = [*splitter.table.pieces]  # so that no id is used again
    while not splitter.table.is_finished:
        can_answer = bool(questions) and data.draw(st.booleans(), label="answer")
        if can_answer:
            question = questions.pop(data.draw(st.integers(0, len(questions) - 1)))
            begin = next((place for place, each in enumerate(ids) if each > question.key), number)
            take(None, begin, question)
            keep += splitter.table.pieces
        else:
            piece = data.draw(st.sampled_from(splitter.table.pieces), label="piece")
            take(piece, positions.get(id(piece), 0))
        if data.draw(st.booleans(), label="ask"):
            question_found = splitter.find_question()
            questions += [question_found] if question_found else []

    assert sorted(delivered) == ids
    assert not splitter.table.is_alone
