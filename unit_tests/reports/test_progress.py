"""Tests of `reports.progress`."""

import logging
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteMessageSerializer
from airbyte_cdk.sources.message import InMemoryMessageRepository

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


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def count(
    progress: Progress,
    rows: int,
    *,
    left: int = 0,
    table: str = "contacts",
    repeated: int = 0,
    left_out: int = 0,
) -> None:
    """Count a page of rows of a table of which some are left."""
    progress.count_page(
        table, rows=rows, repeated=repeated, rows_left=left, delivered=rows - left_out
    )


def estimates(messages: InMemoryMessageRepository) -> list[int]:
    """The rows that were estimated since this was asked last."""

    def rows_of(trace: dict[str, Any]) -> int:
        estimate = trace["estimate"]
        rows: int = estimate.pop("row_estimate")
        assert (trace["type"], estimate) == ("ESTIMATE", {"name": "contacts", "type": "STREAM"})
        return rows

    written = [AirbyteMessageSerializer.dump(message) for message in messages.consume_queue()]
    return [rows_of(message["trace"]) for message in written]


def test_count_page__estimates_from_the_total(
    progress: Progress, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """The platform learns from the first page how many rows to expect."""
    count(progress, 100, left=250)
    count(progress, 100, left=150)
    clock.seconds = 5.0
    count(progress, 100, left=50)

    assert estimates(messages) == [350]


def test_count_page__estimates_without_a_total(
    progress: Progress, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Where the API gives no total, the rows that came are all that is known."""
    count(progress, 7)
    count(progress, 7)
    clock.seconds = 5.0
    count(progress, 7)

    assert estimates(messages) == [7, 21]


def test_count_page__estimates_all_segments(
    progress: Progress, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Segments that have not begun count like those that have, also empty ones."""
    progress.tables = 4

    for seconds, total in [(0, 300), (5, 0), (10, 100), (15, 200)]:
        clock.seconds = float(seconds)
        count(progress, 0, left=total, table=f"s{seconds}")

    assert estimates(messages) == [1200, 600, 533, 600]


def test_count_page__estimates_when_all_segments_have_begun(
    progress: Progress, messages: InMemoryMessageRepository
) -> None:
    """The first pages of all segments make a good estimate, which does not wait for 5 s."""
    progress.tables = 3

    for total in [300, 100, 200]:
        count(progress, 0, left=total, table=f"s{total}")

    assert estimates(messages) == [900, 600]


def test_count_page__estimates_now_and_then(
    progress: Progress, messages: InMemoryMessageRepository, clock: Clock
) -> None:
    """Five hundred segments do not need five hundred estimates: one in 5 s is enough."""
    progress.tables = 500
    emitted = []
    for seconds in [0.0, 2.0, 4.75, 5.0, 9.5, 10.0, 20.0]:
        clock.seconds = seconds
        count(progress, 1, table=f"s{seconds}")
        emitted += [(seconds, rows) for rows in estimates(messages)]

    assert emitted == [(0.0, 500), (5.0, 500), (10.0, 500), (20.0, 500)]


def test_count_page__one_table_in_pieces(
    progress: Progress,
    messages: InMemoryMessageRepository,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Pages of several pieces, in any order, are pages of one table."""
    for seconds, left in [(0, 900), (1, 700), (1, 800), (30, 600), (60, 500)]:
        clock.seconds = float(seconds)
        count(progress, 100, left=left)

    [line] = caplog.messages
    assert estimates(messages) == [1_000]
    assert line.startswith("contacts: read 500 rows of about 1,000, 0.1 pages a second; the end")


def test_count_page__resumed(progress: Progress, caplog: pytest.LogCaptureFixture) -> None:
    """Of a table that is resumed only what is left is expected of this attempt."""
    count(progress, 100, left=300)

    progress.log_summary(complete=False, left_out="")

    [line] = caplog.messages
    assert line.startswith("contacts: incomplete. 100 rows of about 400 in 1 page ")


def test_count_page__read_again(
    progress: Progress,
    messages: InMemoryMessageRepository,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of a table that is read again from its start, what comes twice is expected twice."""
    count(progress, 600, left=400)
    clock.seconds = 60.0
    count(progress, 100, left=900)
    clock.seconds = 120.0
    count(progress, 800, left=100)
    count(progress, 100)
    progress.log_summary(complete=True, left_out="")

    assert estimates(messages) == [1_000, 1_600]
    assert [line.partition(", 0.0 pages")[0] for line in caplog.messages] == [
        "contacts: read 700 rows of about 1,600",
        "contacts: read 1,500 rows of about 1,600",
        "contacts: complete. 1,600 rows in 4 pages and 2 minutes.",
    ]


def test_count_page__a_line_a_minute(
    progress: Progress, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says once a minute how far the stream is, how fast, and when it will be done."""
    for second in range(1, 122):
        clock.seconds = float(second)
        count(progress, 100, left=1_000_000 - second * 100)

    assert [line.split(";")[0] for line in caplog.messages] == [
        "contacts: read 6,000 rows of about 1,000,000, 1.0 pages a second",
        "contacts: read 12,000 rows of about 1,000,000, 1.0 pages a second",
    ]
    assert all("; the end is expected at about " in line for line in caplog.messages)
    assert all(line.endswith(" UTC.") for line in caplog.messages)


def test_count_page__total_that_says_nothing(
    progress: Progress, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Where more was read than Autopilot counts, or it counts beyond reason, no end is foretold."""
    count(progress, 100, left=50)
    clock.seconds = 60.0
    count(progress, 100, left=0)
    clock.seconds = 120.0
    count(progress, 100, left=10**12)

    assert caplog.messages == [
        "contacts: read 200 rows, 0.0 pages a second.",
        "contacts: read 300 rows of about 1,000,000,000,300, 0.0 pages a second.",
    ]


def test_count_page__nothing_read_for_a_minute(
    progress: Progress, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Pages without rows foretell nothing, and break nothing."""
    clock.seconds = 60.0

    count(progress, 0)

    assert caplog.messages == ["contacts: read 0 rows, 0.0 pages a second."]


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
        (
            [],
            True,
            "1 segment left out: deleted",
            "complete. 0 rows in 0 pages and 12 s; 1 segment left out: deleted.",
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
        count(progress, rows, left=0 if number else 2_500 - rows, left_out=not_delivered)
    clock.seconds = 12.0

    progress.log_summary(complete=complete, left_out=left_out)

    [record] = caplog.records
    assert record.getMessage() == f"contacts: {line}"
    assert record.levelno == (logging.INFO if complete else logging.WARNING)
    assert progress.left_out == sum(not_delivered for _, not_delivered in pages)


def test_log_summary__repeated_rows(
    progress: Progress, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows that two neighbouring pages have are counted apart, and make no estimate larger."""
    count(progress, 100, left=150)
    count(progress, 99, left=51, repeated=1)
    clock.seconds = 60.0
    count(progress, 50, left=1, repeated=1, left_out=3)

    progress.log_summary(complete=True, left_out="3 contacts left out: old")

    assert progress.left_out == 3
    assert [line.partition(", 0.1 pages")[0] for line in caplog.messages] == [
        "contacts: read 249 rows of about 250",
        "contacts: complete. 246 rows in 3 pages and 60 s; 2 rows left out: repeated at the"
        " border of two pages; 3 contacts left out: old.",
    ]
