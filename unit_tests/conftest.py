"""What the unit tests share: an API that is not there, and a clock that nobody waits for."""

import time
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from airbyte_cdk.sources.streams.call_rate import APIBudget
from pydantic import SecretStr
from requests_mock import Mocker

from source_autopilot import config
from source_autopilot.api import Api
from source_autopilot.patience import PATIENCE_OF_READ

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


@pytest.fixture
def api() -> Api:
    """Access to an API at URL with KEY and a budget without limits."""
    return Api(URL, SecretStr(KEY), APIBudget(policies=[]), PATIENCE_OF_READ)


@pytest.fixture
def autopilot() -> Iterator[Mocker]:
    """Answers only what the test sets up; any other request is an error."""
    with Mocker() as mocker:
        yield mocker
