"""Tests of `progress`."""

import logging

import pytest
from airbyte_cdk.sources.message import InMemoryMessageRepository

from source_autopilot.records.page import Page
from source_autopilot.reports.progress import Progress
from unit_tests.support.clock import Clock


@pytest.fixture
def messages() -> InMemoryMessageRepository:
    """Where the estimates go."""
    return InMemoryMessageRepository()


@pytest.fixture
def progress(messages: InMemoryMessageRepository, clock: Clock) -> Progress:
    """The progress of the contacts, on the test's clock."""
    return Progress("contacts", messages, logging.getLogger("test"), clock.now)


def read(progress: Progress, rows: int, *, total: int | None = None, left_out: int = 0) -> None:
    """A page of rows; it is the first of its chain if it has a total."""
    page = Page([{"contact_id": "p"}] * rows, bookmark=None, total=total, keys=0)
    progress.page(page, delivered=rows - left_out, first=total is not None)


def estimates(messages: InMemoryMessageRepository) -> list[int | None]:
    """The rows that were estimated since this was asked last."""
    traces = [message.trace for message in messages.consume_queue() if message.trace]
    assert {it.estimate.name for it in traces if it.estimate} <= {"contacts"}
    return [it.estimate.row_estimate for it in traces if it.estimate]


def test_page__estimates_from_the_totals(
    progress: Progress, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """The platform learns how many rows to expect."""
    read(progress, 100, total=350)
    read(progress, 100)
    clock.seconds = 5.0
    read(progress, 100)

    assert estimates(messages) == [350]


def test_page__estimates_all_segments(
    progress: Progress, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Segments that have not begun count like those that have, also empty ones."""
    progress.chains = 4

    for seconds, total in [(0, 300), (5, 0), (10, 100), (15, 200)]:
        clock.seconds = float(seconds)
        read(progress, 0, total=total)

    assert estimates(messages) == [1200, 600, 533, 600]


def test_page__estimates_now_and_then(
    progress: Progress, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Five hundred segments do not need five hundred estimates."""
    for _ in range(500):
        clock.seconds += 0.05
        read(progress, 1, total=1)

    assert len(estimates(messages)) == 5


def test_page__a_line_a_minute(
    progress: Progress, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever watches the log sees once a minute how far the stream is."""
    with caplog.at_level(logging.INFO):
        for second in range(1, 122):
            clock.seconds = float(second)
            read(progress, 100, total=1_000_000 if second == 1 else None)

    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(";")[0] for line in lines] == [
        "contacts: read 6,000 rows of about 1,000,000, 1.0 pages a second",
        "contacts: read 12,000 rows of about 1,000,000, 1.0 pages a second",
    ]
    assert all("; the end is expected at about " in line for line in lines)


def test_page__total_that_says_nothing(
    progress: Progress, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Where more was read than Autopilot counts, or it counts beyond reason, no end is foretold."""
    with caplog.at_level(logging.INFO):
        read(progress, 100, total=150)
        clock.seconds = 60.0
        read(progress, 100)
        clock.seconds = 120.0
        read(progress, 100, total=10**12)

    assert caplog.messages == [
        "contacts: read 200 rows, 0.0 pages a second.",
        "contacts: read 300 rows of about 1,000,000,000,150, 0.0 pages a second.",
    ]


@pytest.mark.parametrize(
    ("pages", "complete", "left_out", "line"),
    [
        ([(100, 3), (1, 0)], True, "", "complete. 98 rows in 2 pages and 12 s."),
        (
            [(1, 0)],
            True,
            "2 segments left out: deleted while the sync ran",
            "complete. 1 row in 1 page and 12 s; 2 segments left out: deleted while the sync ran.",
        ),
        ([(0, 0)], True, "", "complete. 0 rows in 1 page and 12 s."),
        ([], True, "", "complete. There was nothing left to read."),
        (
            [(100, 10)],
            False,
            "10 contacts left out: old",
            "incomplete. 90 rows of about 2,500 in 1 page and 12 s; 10 contacts left out: old."
            " The next attempt goes on from there.",
        ),
        ([], False, "", "incomplete. Nothing was read."),
    ],
)
def test_log_summary(
    progress: Progress,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    pages: list[tuple[int, int]],
    complete: bool,
    left_out: str,
    line: str,
) -> None:
    """One line says what was delivered, in how long, and what was left out and why."""
    for number, (rows, not_delivered) in enumerate(pages):
        read(progress, rows, total=None if number else 2_500, left_out=not_delivered)
    clock.seconds = 12.0

    with caplog.at_level(logging.INFO):
        progress.log_summary(complete=complete, left_out=left_out)

    [record] = caplog.records
    assert record.getMessage() == f"contacts: {line}"
    assert record.levelno == (logging.INFO if complete else logging.WARNING)
    assert progress.left_out == sum(it for _, it in pages)
