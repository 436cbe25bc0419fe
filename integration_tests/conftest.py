"""What the integration tests share."""

import signal
from typing import Any

import pytest

from integration_tests.support.connector import full_refresh, run
from simulator import Account, Simulator

KEY = "fedcba9876543210fedcba9876543210"
ALL_TIME = {"api_key": KEY, "start_date": "2000-01-01"}

# A shell's background jobs ignore ctrl-C, and so would the programs that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def catalog() -> dict[str, Any]:
    """What discover finds in an account, configured: a full refresh of all four streams."""
    with Simulator(Account(), key=KEY) as autopilot:
        return full_refresh(run("discover", ALL_TIME, url=autopilot.url).catalog)
