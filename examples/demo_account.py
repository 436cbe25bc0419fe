"""An account to try things with: the project's simulator, as a program beside this one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SINCE_EVER = "2020-01-01"  # the simulated contacts were updated in the years after this


class DemoUnavailable(Exception):
    """The simulator did not start; the text is for a person."""


class Demo(NamedTuple):
    """Where the simulated Autopilot is, and the settings of a source for it."""

    url: str
    settings: dict[str, Any]


@contextmanager
def demo_account(*, contacts: int) -> Iterator[Demo]:
    """A simulated account with ten lists and ten segments, while the block runs.

    Raises DemoUnavailable.
    """
    size = ["--contacts", str(contacts), "--pairs", str(contacts * 8 // 5)]
    command = [sys.executable, "-m", "simulator", *size]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as simulator:  # noqa: S603 - our own program
        try:
            ready = simulator.stdout.readline() if simulator.stdout else ""
            if not ready:  # it has said why, on stderr
                raise DemoUnavailable(f"The simulator did not start: {' '.join(command)}")
            account = json.loads(ready)
            yield Demo(account["url"], {"api_key": account["key"], "start_date": SINCE_EVER})
        finally:
            simulator.terminate()
