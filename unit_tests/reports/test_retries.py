"""Tests of `reports.retries`."""

import logging
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.reports.retries import RetryReport
from unit_tests.support.clock import Clock

TIMED_OUT = "Autopilot did not answer in time (ReadTimeout)"


@pytest.fixture
def emitted() -> list[AirbyteMessage]:
    """The statuses that were emitted."""
    return []


@pytest.fixture
def report(emitted: list[AirbyteMessage], clock: Clock) -> RetryReport:
    """The report of a sync, on the test's clock."""
    return RetryReport(emitted.append, clock.now)


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def refuse(report: RetryReport, pause_seconds: float | None, stream: str = "contacts") -> None:
    """Autopilot refuses a request; four a second are sent from now on."""
    report.record_refusal(stream, requests_per_second=4.0, pause_seconds=pause_seconds)


def test_record_refusal__slowed_down(report: RetryReport, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal without a Retry-After says how fast requests are sent from now on."""
    report.record_refusal("contacts", requests_per_second=4.24, pause_seconds=None)

    [record] = caplog.records
    assert (record.name, record.levelno) == ("airbyte.retries", logging.INFO)
    assert record.getMessage() == (
        "Autopilot is limiting requests (429): slowed down to 4.2 requests a second."
    )


def test_record_refusal__pause(report: RetryReport, caplog: pytest.LogCaptureFixture) -> None:
    """A Retry-After is reported with its length, because nothing happens meanwhile."""
    refuse(report, 30.0)

    assert caplog.messages == [
        "Autopilot is limiting requests (429): all requests wait for 30 s, as it asks."
    ]


def test_record_refusal__status(report: RetryReport, emitted: list[AirbyteMessage]) -> None:
    """Each refusal tells Airbyte that its stream runs and waits for the rate limit."""
    refuse(report, 30.0)
    refuse(report, None, stream="lists")

    traces: list[dict[str, Any]] = [
        AirbyteMessageSerializer.dump(message)["trace"] for message in emitted
    ]
    assert [(trace["type"], trace["stream_status"]) for trace in traces] == [
        (
            "STREAM_STATUS",
            {
                "stream_descriptor": {"name": name},
                "status": "RUNNING",
                "reasons": [{"type": "RATE_LIMITED"}],
            },
        )
        for name in ("contacts", "lists")
    ]


def test_record_refusal__emits_without_the_lock(clock: Clock) -> None:
    """While a status waits for room on the queue, other workers report on."""
    summaries: list[str | None] = []

    def emit(message: AirbyteMessage) -> None:
        other = threading.Thread(target=lambda: summaries.append(waiting.summary()), daemon=True)
        other.start()
        other.join(timeout=10)

    waiting = RetryReport(emit, clock.now)

    refuse(waiting, None)

    assert summaries == [
        "Autopilot refused 1 request because of its rate limit; the sync waited 0 s for that."
    ]


@pytest.mark.parametrize(
    "call",
    [
        lambda report: refuse(report, 1.0),
        lambda report: report.record_failure("contacts", seen=TIMED_OUT, pause_seconds=1.0),
        lambda report: report.summary(),
    ],
    ids=["record_refusal", "record_failure", "summary"],
)
def test_report__counts_one_at_a_time(call: Callable[[RetryReport], None]) -> None:
    """A worker's report waits while another one is counted: none is lost, and no pause doubled."""
    waited: list[bool] = []

    def now() -> float:
        if not other.ident:
            other.start()
            other.join(timeout=0.05)
            waited.append(other.is_alive())
        return 0.0

    report = RetryReport(lambda message: None, now)
    other = threading.Thread(target=refuse, args=[report, 1.0], daemon=True)

    call(report)
    other.join(timeout=10)

    assert waited == [True]
    assert not other.is_alive()


def test_record_failure__in_plain_words(
    report: RetryReport, emitted: list[AirbyteMessage], caplog: pytest.LogCaptureFixture
) -> None:
    """Which stream, what was seen, and when the next try is; it is nothing for the platform."""
    report.record_failure("contacts", seen=TIMED_OUT, pause_seconds=5.0)

    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "contacts: Autopilot did not answer in time (ReadTimeout); trying again in 5 s."
    )
    assert emitted == []


def test_record_failure__at_once(report: RetryReport, caplog: pytest.LogCaptureFixture) -> None:
    """A try that follows without a pause is logged like any other."""
    report.record_failure("contacts", seen=TIMED_OUT, pause_seconds=0.0)

    assert caplog.messages == [f"contacts: {TIMED_OUT}; trying again in 0 s."]


def test_record_failure__of_the_last_try(
    report: RetryReport, caplog: pytest.LogCaptureFixture
) -> None:
    """The last try's failure is an error of its own, and keeps no other stream's line back."""
    report.record_failure("contacts", seen=TIMED_OUT, pause_seconds=None)
    assert caplog.messages == []

    report.record_failure("lists", seen=TIMED_OUT, pause_seconds=1.0)

    assert caplog.messages == [f"lists: {TIMED_OUT}; trying again in 1 s."]


def test_lines__once_a_minute(
    report: RetryReport, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Twenty workers in trouble for two minutes are a line a minute of each kind of trouble."""
    logged = []
    for second in range(121):
        clock.seconds = float(second)
        for _ in range(20):
            refuse(report, None)
            report.record_failure("lists", seen=TIMED_OUT, pause_seconds=1.0)
        logged += [(second, message.split(" ")[0]) for message in caplog.messages]
        caplog.clear()

    assert logged == [(second, kind) for second in (0, 60, 120) for kind in ("Autopilot", "lists:")]


def test_summary__nothing(report: RetryReport) -> None:
    """A sync that waited for nothing has nothing to say."""
    assert report.summary() is None


def test_summary__of_the_limit(report: RetryReport, clock: Clock) -> None:
    """A pause that all workers share counts once, and one that is not over as far as it went."""
    for _ in range(20):
        refuse(report, 30.0)
    clock.seconds = 20.0
    refuse(report, 20.0)  # ten seconds longer than the first pause
    clock.seconds = 25.0
    refuse(report, 1.0)  # within it
    clock.seconds = 100.0
    refuse(report, 50.0)
    clock.seconds = 111.0

    assert report.summary() == (
        "Autopilot refused 23 requests because of its rate limit; the sync waited 51 s for that."
    )


def test_summary__slowed_down(report: RetryReport, clock: Clock) -> None:
    """Without a Retry-After, what a refusal costs is the time to the next request."""
    for second in range(80):
        clock.seconds = float(second)
        refuse(report, None)
    clock.seconds = 80.0

    assert report.summary() == (
        "Autopilot refused 80 requests because of its rate limit; the sync waited 20 s for that."
    )


@pytest.mark.parametrize(
    ("tries", "sentence"), [(1, "Requests failed once."), (1200, "Requests failed 1,200 times.")]
)
def test_summary__of_failures(report: RetryReport, tries: int, sentence: str) -> None:
    """How many tries failed, also those after which nothing was tried any more."""
    for _ in range(tries):
        report.record_failure("contacts", seen=TIMED_OUT, pause_seconds=None)

    assert report.summary() == sentence


def test_summary__of_both(report: RetryReport) -> None:
    """What the rate limit cost is kept apart from what went wrong."""
    refuse(report, None)
    report.record_failure("contacts", seen=TIMED_OUT, pause_seconds=1.0)

    assert report.summary() == (
        "Autopilot refused 1 request because of its rate limit; the sync waited 0 s for that."
        " Requests failed once for other reasons."
    )


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 1000)), min_size=1))
def test_summary__never_longer_than_the_sync(events: list[tuple[float, float | None]]) -> None:
    """However many workers wait for however long, they wait no longer than the sync lasts."""
    clock = Clock()
    report = RetryReport(lambda message: None, clock.now)
    for passed, pause in events:
        clock.seconds += passed
        refuse(report, pause)

    summary = report.summary() or ""

    # All pauses end before the sync does, or at the latest with it: a longer one counts in part.
    waited = re.search(r"the sync waited (\d+) (s|minutes|hours)", summary)
    assert waited
    unit = {"s": 1, "minutes": 60, "hours": 3600}[waited[2]]
    assert (int(waited[1]) - 0.5) * unit <= max(clock.seconds, 1.0)
