"""What the unit tests share: an API that is not there, and a clock that no test waits for."""

import os
import time
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from requests_mock import Mocker

from source_autopilot import config
from source_autopilot.api.client import Client
from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.api.retry_policy import READ_POLICY
from source_autopilot.config import CHECK_TOTALS, SIDE_BY_SIDE
from unit_tests.support.clock import Clock, WaitingByClock
from unit_tests.support.constants import KEY, NOW, URL

# A busy machine is no reason to fail. CI looks twice as long as a person who waits.
SLOW = [HealthCheck.too_slow]
settings.register_profile("ci", deadline=None, suppress_health_check=SLOW, max_examples=100)
settings.register_profile("working", settings.get_profile("ci"), max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") else "working")


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> list[float]:
    """Make every sleep a step of the clock; the seconds that were asked for are in the list."""
    asked: list[float] = []

    def sleep(seconds: float) -> None:
        asked.append(seconds)
        clock.sleep(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    return asked


@pytest.fixture(autouse=True)
def _frozen_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "utc_now", lambda: NOW)


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC", SIDE_BY_SIDE, CHECK_TOTALS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    """A rate limiter whose waits put the clock forward; for a test with one thread."""
    return RateLimiter(clock.now, partial(WaitingByClock, clock))


@pytest.fixture
def client(limiter: RateLimiter) -> Client:
    """Asks the API at URL with KEY, as a read does."""
    return Client(URL, SecretStr(KEY), limiter, READ_POLICY)


@pytest.fixture
def autopilot() -> Iterator[Mocker]:
    """Answers only what the test sets up; any other request is an error."""
    with Mocker() as mocker:
        yield mocker
