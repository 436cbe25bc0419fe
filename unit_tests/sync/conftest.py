"""What the tests of a read share."""

import logging
from collections.abc import Iterator
from functools import partial

import pytest
from airbyte_cdk.utils.airbyte_secrets_utils import update_secrets

from source_autopilot.api.rate_limiter import RateLimiter
from unit_tests.support.clock import Clock
from unit_tests.support.constants import KEY
from unit_tests.support.reads import WaitingTogether


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    """A rate limiter for the workers of a read, on the test's clock."""
    return RateLimiter(clock.now, partial(WaitingTogether, clock))


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture(autouse=True)
def _outside_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKER_JOB_ID", raising=False)


@pytest.fixture
def _secret_key() -> Iterator[None]:
    update_secrets([KEY])
    yield
    update_secrets([])
