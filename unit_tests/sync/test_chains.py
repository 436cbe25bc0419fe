"""Tests of `sync.chains`."""

import threading
from collections.abc import Callable

import pytest

from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.errors import SyncStopped
from source_autopilot.sync.chains import Chains
from unit_tests.support.clock import Clock

TIMEOUT_SECONDS = 10.0  # of a test that would hang otherwise


@pytest.fixture
def chains(limiter: RateLimiter) -> Chains:
    """No chains yet."""
    return Chains(limiter)


def begin(chains: Chains, number: int) -> None:
    """Begin so many chains of one stream."""
    for _ in range(number):
        chains.begin("contacts")


def fill(chains: Chains) -> int:
    """How many chains there is room for."""
    number = 0
    while chains.load < 1 and number < 1000:
        chains.begin("contacts")
        number += 1
    return number


def full_rate(limiter: RateLimiter, clock: Clock) -> None:
    """Let the rate be at its maximum, 20 requests a second."""
    clock.sleep(60)
    assert limiter.requests_per_second == 20.0


@pytest.mark.parametrize(
    ("seconds", "room"),
    [(0.02, 1), (0.1, 3), (0.2, 6), (1.0, 30), (2.0, 60), (2.7, 80), (4.0, 80), (100.0, 80)],
)
def test_load__rate_times_seconds(
    chains: Chains, limiter: RateLimiter, clock: Clock, seconds: float, room: int
) -> None:
    """The rate has room for what it lets through while a page is awaited, and half as much more."""
    full_rate(limiter, clock)
    chains.add_page(seconds)

    assert fill(chains) == room


def test_load__follows_the_rate(chains: Chains, limiter: RateLimiter, clock: Clock) -> None:
    """A slow rate, as at the beginning, is kept busy by few chains; a refusal makes it slower."""
    chains.add_page(2.0)
    at_first = fill(chains)
    full_rate(limiter, clock)
    more = fill(chains)

    assert (at_first, more) == (12, 48)


def test_load__follows_the_pages(chains: Chains, limiter: RateLimiter, clock: Clock) -> None:
    """It is how long Autopilot takes now that counts: the mean of the last twenty pages."""
    full_rate(limiter, clock)
    for _ in range(50):
        chains.add_page(4.0)
    assert chains.page_seconds == 4.0
    for _ in range(10):
        chains.add_page(2.0)
    assert chains.page_seconds == 3.0
    for _ in range(10):
        chains.add_page(2.0)

    assert chains.page_seconds == 2.0
    assert fill(chains) == 60


def test_load__nothing_measured(chains: Chains, limiter: RateLimiter, clock: Clock) -> None:
    """Before the first page came there is no room for more."""
    full_rate(limiter, clock)

    assert chains.load >= 1
    assert chains.page_seconds == 0.0


def test_load__again_at_an_end(chains: Chains, limiter: RateLimiter, clock: Clock) -> None:
    """A chain that is at its end makes room for another one, of whatever stream."""
    full_rate(limiter, clock)
    chains.add_page(0.2)
    fill(chains)
    assert chains.load >= 1

    chains.end("contacts")
    assert chains.load < 1
    chains.begin("lists")

    assert chains.load >= 1


def test_is_at_work(chains: Chains) -> None:
    """A stream is at work until the last of its chains is at its end, whatever others do."""
    begin(chains, 2)
    chains.begin("lists")
    seen = [chains.is_at_work("contacts")]
    chains.end("contacts")
    seen.append(chains.is_at_work("contacts"))
    chains.end("contacts")
    seen.append(chains.is_at_work("contacts"))

    assert seen == [True, True, False]
    assert chains.is_at_work("lists")
    assert not chains.is_at_work("segments")


def in_background(work: Callable[[], object]) -> tuple[threading.Thread, list[type[Exception]]]:
    """Work on another thread, and the exception with which it ended."""
    raised: list[type[Exception]] = []

    def run() -> None:
        try:
            work()
        except SyncStopped as stopped:
            raised.append(type(stopped))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, raised


def is_over(thread: threading.Thread, *, soon: bool) -> bool:
    """Whether a thread has ended; one that is not to end is watched for a moment only."""
    thread.join(timeout=TIMEOUT_SECONDS if soon else 0.05)
    return not thread.is_alive()


def test_wait_for_room__twenty_tables_whatever_the_rate(chains: Chains) -> None:
    """Tables that are there anyway are begun up to twenty; the next one waits for an end."""
    for _ in range(20):
        chains.wait_for_room()
        chains.begin("contacts")
    waiting, raised = in_background(chains.wait_for_room)
    assert not is_over(waiting, soon=False)

    chains.end("contacts")

    assert is_over(waiting, soon=True)
    assert raised == []


def test_wait_for_room__as_many_as_the_rate_needs(
    chains: Chains, limiter: RateLimiter, clock: Clock
) -> None:
    """At 4 s a page eighty tables are begun, and no more."""
    full_rate(limiter, clock)
    begin(chains, 79)
    waiting, _ = in_background(chains.wait_for_room)
    assert not is_over(waiting, soon=False)
    chains.add_page(4.0)
    assert is_over(waiting, soon=True)

    begin(chains, 1)
    waiting, _ = in_background(chains.wait_for_room)
    assert not is_over(waiting, soon=False)
    chains.close()

    assert is_over(waiting, soon=True)


@pytest.mark.parametrize(
    "change",
    [lambda chains: chains.add_page(1.0), lambda chains: chains.end("contacts")],
    ids=["page", "end"],
)
def test_wait_for_change(chains: Chains, change: Callable[[Chains], None]) -> None:
    """A page and the end of a chain are changes, after which there may be room."""
    begin(chains, 2)
    before = chains.changes
    waiting, raised = in_background(lambda: chains.wait_for_change(before))
    assert not is_over(waiting, soon=False)

    change(chains)

    assert is_over(waiting, soon=True)
    assert raised == []
    chains.wait_for_change(before)  # what has changed already is not waited for


@pytest.mark.parametrize(
    "wait",
    [lambda chains: chains.wait_for_change(chains.changes), lambda chains: chains.wait_for_room()],
    ids=["change", "room"],
)
@pytest.mark.parametrize("closed_before", [False, True])
def test_close(chains: Chains, wait: Callable[[Chains], None], closed_before: bool) -> None:
    """After the end of a read nothing waits any more, and nothing begins."""
    begin(chains, 20)
    if closed_before:
        chains.close()
    waiting, raised = in_background(lambda: wait(chains))
    if not closed_before:
        assert not is_over(waiting, soon=False)
        chains.close()

    assert is_over(waiting, soon=True)
    assert raised == [SyncStopped]
