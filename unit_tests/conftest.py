"""What the unit tests share: an API that is not there, and a clock that nobody waits for."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from requests_mock import Mocker

from source_autopilot import config
from source_autopilot.api.client import Api
from source_autopilot.api.rate_limiter import RequestBudget
from source_autopilot.api.retry_policy import PATIENCE_OF_READ

# A busy machine is no reason to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

URL = "https://autopilot.example/v1/"
KEY = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make every sleep instant; the seconds that were asked for are in the list."""
    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", asked.append)
    return asked


@pytest.fixture(autouse=True)
def _frozen_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "utc_now", lambda: NOW)


class Clock:
    """A time that passes only while somebody waits for it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        """Seconds since the start of the test."""
        return self.seconds


class WaitingByClock(threading.Condition):
    """A condition whose waits are over at once, with the clock put forward instead."""

    def __init__(self, clock: Clock, lock: threading.Lock) -> None:
        super().__init__(lock)
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None, "nobody is there to wake the only thread"
        self._clock.seconds += timeout
        return True


@pytest.fixture
def clock() -> Clock:
    """The time of the request budget."""
    return Clock()


@pytest.fixture
def api(clock: Clock) -> Api:
    """Access to an API at URL with KEY; its budget is waited for on the clock."""
    budget = RequestBudget(clock.now, partial(WaitingByClock, clock))
    return Api(URL, SecretStr(KEY), budget, PATIENCE_OF_READ)


@pytest.fixture
def autopilot() -> Iterator[Mocker]:
    """Answers only what the test sets up; any other request is an error."""
    with Mocker() as mocker:
        yield mocker
