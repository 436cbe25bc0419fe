"""A simulated account to try a sync with: the simulator, as a program of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
START_DATE = "2020-01-01"  # before the simulated contacts were updated
# Slow and strict enough to show in ten seconds what a large account shows in an hour.
PACE = ["--page-seconds", "0.2", "--rate-limit", "10"]


class DemoUnavailable(Exception):
    """The simulator did not start; the text is for a person."""


class Demo(NamedTuple):
    """The address of the simulated Autopilot, and the settings of a source for it."""

    url: str
    settings: dict[str, Any]


@contextmanager
def serve_demo_account(*, contacts: int) -> Iterator[Demo]:
    """Serve a simulated account with ten lists and ten segments while the block runs.

    Raises DemoUnavailable.
    """
    size = ["--contacts", str(contacts), "--pairs", str(contacts * 8 // 5)]
    command = [sys.executable, "-m", "simulator", *size, *PACE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as simulator:  # noqa: S603 - our own program
        try:
            ready = simulator.stdout.readline() if simulator.stdout else ""
            if not ready:  # the reason is on stderr
                raise DemoUnavailable(f"The simulator did not start: {' '.join(command)}")
            account = json.loads(ready)
            yield Demo(account["url"], {"api_key": account["key"], "start_date": START_DATE})
        finally:
            simulator.terminate()
