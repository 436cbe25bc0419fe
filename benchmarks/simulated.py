"""The simulator in a process of its own, so that no other work of the benchmark slows it down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class SimulatorProcess:
    """A running simulator: the base URL of its API, and the key that it accepts."""

    url: str
    key: str

    def count_requests(self) -> Counter[int | None]:
        """Status -> how many requests were answered with it."""
        with urlopen(urljoin(self.url, "/_simulator/requests")) as log:  # noqa: S310 - it is ours
            return Counter(request["status"] for request in json.load(log))


@contextmanager
def run_simulator(options: Sequence[str]) -> Iterator[SimulatorProcess]:
    """Start `python -m simulator` with these options, and end it."""
    command = [sys.executable, "-m", "simulator", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield SimulatorProcess(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()
