"""The fixtures that the integration tests share."""

import signal
from typing import Any

import pytest

from integration_tests.support.connector import ALL_TIME, KEY, full_refresh, run
from simulator import Account, Simulator

# A shell's background jobs ignore ctrl-C and nohup's programs a hang-up, and so would the programs
# that the tests start. What has a handler here has none there.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, lambda number, frame: None)


@pytest.fixture(scope="session")
def catalog() -> dict[str, Any]:
    """A full refresh of all four streams that discover finds."""
    with Simulator(Account(), key=KEY) as autopilot:
        return full_refresh(run("discover", ALL_TIME, url=autopilot.url).catalog)
