"""Tests of `waits`."""

import logging
import threading

import pytest
from airbyte_cdk.sources.streams.http.error_handlers import ErrorResolution, ResponseAction
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.reports.retries import Waits, trying_again
from unit_tests.support.clock import Clock

TIMED_OUT = ErrorResolution(
    ResponseAction.RETRY, None, "Autopilot did not answer in time (ReadTimeout). Look at the proxy."
)
LIMITED = ErrorResolution(
    ResponseAction.RATE_LIMITED, None, "Autopilot is limiting requests (429). Wait."
)


@pytest.fixture
def waits(clock: Clock) -> Waits:
    """What a sync waits for, on the test's clock."""
    return Waits(clock.now)


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def fail(waits: Waits, verdict: ErrorResolution, *, pause: float, stream: str = "contacts") -> None:
    """A try fails, and the CDK waits before the next one."""
    waits.of(stream)(verdict)
    trying_again(pause)


def test_limited__slowed_down(waits: Waits, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal without a Retry-After says how fast requests are sent from now on."""
    waits.limited(requests_per_second=4.24, pause_seconds=None)

    assert caplog.messages == [
        "Autopilot is limiting requests (429): slowed down to 4.2 requests a second."
    ]


def test_limited__pause(waits: Waits, caplog: pytest.LogCaptureFixture) -> None:
    """A Retry-After is told with its length, because nothing happens meanwhile."""
    waits.limited(requests_per_second=4, pause_seconds=30)

    assert caplog.messages == [
        "Autopilot is limiting requests (429): all requests wait for 30 s, as it asks."
    ]


def test_trying_again__in_plain_words(waits: Waits, caplog: pytest.LogCaptureFixture) -> None:
    """Which stream, what was seen, and when the next try is; no advice, for nothing is lost yet."""
    fail(waits, TIMED_OUT, pause=5)

    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "contacts: Autopilot did not answer in time (ReadTimeout); trying again in 5 s."
    )


def test_waits__a_line_a_minute(
    waits: Waits, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Twenty workers in trouble for two minutes are no reason for hundreds of lines."""
    for second in range(120):
        clock.seconds = float(second)
        for _ in range(20):
            waits.limited(requests_per_second=4, pause_seconds=None)
            fail(waits, LIMITED, pause=1)
            fail(waits, TIMED_OUT, pause=1, stream="lists")

    kinds = [message.split(" ")[0] for message in caplog.messages]
    assert kinds == ["Autopilot", "lists:"] * 2


def test_trying_again__of_its_own_thread(waits: Waits, caplog: pytest.LogCaptureFixture) -> None:
    """A worker's pause belongs to what that worker has seen."""
    waits.of("contacts")(TIMED_OUT)
    other = threading.Thread(target=trying_again, args=[7.0])
    other.start()
    other.join()

    assert caplog.messages == []
    trying_again(5.0)
    trying_again(6.0)
    assert caplog.messages == [
        "contacts: Autopilot did not answer in time (ReadTimeout); trying again in 5 s."
    ]


def test_summary__nothing(waits: Waits) -> None:
    """A sync that waited for nothing has nothing to say."""
    assert waits.summary() is None


def test_summary__of_the_limit(waits: Waits, clock: Clock) -> None:
    """A pause that all workers share counts once, and one that is not over as far as it went."""
    for _ in range(20):
        waits.limited(requests_per_second=4, pause_seconds=30)
        fail(waits, LIMITED, pause=31)
    clock.seconds = 100.0
    fail(waits, LIMITED, pause=50)
    clock.seconds = 110.0

    assert waits.summary() == (
        "Autopilot refused 20 requests because of its rate limit; the sync waited 41 s for that."
    )


@pytest.mark.parametrize(
    ("tries", "sentence"), [(1, "Requests failed once."), (1200, "Requests failed 1,200 times.")]
)
def test_summary__of_failures(waits: Waits, tries: int, sentence: str) -> None:
    """How many tries failed, also those after which nothing was tried any more."""
    for _ in range(tries):
        waits.of("contacts")(TIMED_OUT)

    assert waits.summary() == sentence


def test_summary__of_both(waits: Waits) -> None:
    """What the rate limit cost is told apart from what went wrong."""
    waits.limited(requests_per_second=4, pause_seconds=None)
    fail(waits, LIMITED, pause=0.5)
    fail(waits, TIMED_OUT, pause=1)

    assert waits.summary() == (
        "Autopilot refused 1 request because of its rate limit; the sync waited 0 s for that."
        " Requests failed once for other reasons."
    )


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1000)), min_size=1))
def test_summary__never_longer_than_the_sync(events: list[tuple[float, float]]) -> None:
    """However many workers wait for however long, they wait no longer than the sync lasts."""
    clock = Clock()
    waits = Waits(clock.now)
    for passed, pause in events:
        clock.seconds += passed
        waits.limited(requests_per_second=4, pause_seconds=pause)

    left = max(waits._limited_until - clock.seconds, 0)
    assert -1e-6 <= waits._limit_seconds - left <= clock.seconds + 1e-6
