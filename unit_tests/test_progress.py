"""Tests of `progress`."""

import logging

import pytest
from airbyte_cdk.sources.message import InMemoryMessageRepository

from source_autopilot.progress import Progress
from unit_tests.conftest import Clock


def estimates(messages: InMemoryMessageRepository) -> list[tuple[str, int | None]]:
    """The estimates that were emitted: stream and rows."""
    traces = [message.trace for message in messages.consume_queue() if message.trace]
    return [(it.estimate.name, it.estimate.row_estimate) for it in traces if it.estimate]


def test_page__estimates_from_the_totals(clock: Clock) -> None:
    """The platform learns how many rows to expect, of all chains begun so far."""
    messages = InMemoryMessageRepository()
    progress = Progress("pairs", messages, logging.getLogger("test"), clock.now)

    progress.page(rows=100, expected=350)
    progress.page(rows=100, expected=0)
    clock.seconds = 5.0
    progress.page(rows=100, expected=150)

    assert estimates(messages) == [("pairs", 350), ("pairs", 500)]


def test_page__estimates_now_and_then(clock: Clock) -> None:
    """Five hundred segments do not need five hundred estimates."""
    messages = InMemoryMessageRepository()
    progress = Progress("pairs", messages, logging.getLogger("test"), clock.now)
    for _ in range(500):
        clock.seconds += 0.05
        progress.page(rows=1, expected=1)

    assert len(estimates(messages)) == 5


def test_page__a_line_a_minute(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever watches the log sees once a minute how far the stream is."""
    progress = Progress(
        "contacts", InMemoryMessageRepository(), logging.getLogger("test"), clock.now
    )
    with caplog.at_level(logging.INFO):
        for second in range(1, 122):
            clock.seconds = float(second)
            progress.page(rows=100, expected=1_000_000 if second == 1 else 0)

    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(";")[0] for line in lines] == [
        "contacts: read 6,000 of about 1,000,000 rows, 1.0 pages per second",
        "contacts: read 12,000 of about 1,000,000 rows, 1.0 pages per second",
    ]
    assert all("the end is expected at " in line for line in lines)
