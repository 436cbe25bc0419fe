"""One run of one peer: seconds, processor seconds, peak memory, and what the API saw."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator import Simulator

from .completeness import check_rows
from .peers import Peer, prepare
from .simulated import SimulatorProcess, run_simulator
from .workloads import EMPTY_ACCOUNT, TABLES, Workload

MAX_SECONDS = 900
LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Usage:
    """What a finished program took."""

    code: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Run:
    """What a peer took for a workload; `start_seconds` is what it takes for an empty account."""

    peer: Peer
    workload: Workload
    usage: Usage
    start_seconds: float
    requests: int
    throttled: int
    complete: str

    @property
    def seconds(self) -> float:
        """Wall time without start-up."""
        return self.usage.seconds - self.start_seconds

    @property
    def ratio(self) -> float | None:
        """Wall time divided by the floor, if the workload has one."""
        floor = self.workload.floor_seconds
        return self.seconds / floor if floor else None

    @property
    def extra_requests(self) -> int:
        """How many requests more than the fewest were answered: a refused one is asked again."""
        return self.requests - self.throttled - self.workload.requests


def measure_start(peer: Peer, programs: Path) -> float:
    """The seconds of reading an empty account: the median of three reads."""
    with Simulator(EMPTY_ACCOUNT) as simulator, tempfile.TemporaryDirectory() as folder:
        takes = [run_peer(peer, programs, Path(folder), simulator).seconds for _ in range(3)]
    return sorted(takes)[1]


def measure(peer: Peer, programs: Path, workload: Workload, start: float) -> Run:
    """Let the peer read the workload's account."""
    options = workload.simulator_options
    with run_simulator(options) as simulator, tempfile.TemporaryDirectory() as folder:
        usage = run_peer(peer, programs, Path(folder), simulator, workload.tables)
        requests = simulator.count_requests()
        complete = check_rows(workload, Path(folder))
    if usage.code:
        complete = f"no: exit code {usage.code}, {complete}"
    return Run(peer, workload, usage, start, requests.total(), requests[429], complete)


def select_typical(runs: Sequence[Run]) -> Run:
    """The run with the median processor time, or an incomplete one if there is any."""
    by_time = sorted(runs, key=lambda run: run.usage.cpu_seconds)
    return next((run for run in runs if run.complete != "yes"), by_time[len(runs) // 2])


def run_peer(
    peer: Peer,
    programs: Path,
    folder: Path,
    simulator: Simulator | SimulatorProcess,
    tables: Sequence[str] = TABLES,
) -> Usage:
    """Run the peer to its end, for at most MAX_SECONDS; its stdout and stderr are files."""
    environment = os.environ | prepare(folder, simulator.url, simulator.key, tables)
    usage = folder / "usage.json"
    command = [sys.executable, str(LAUNCHER), str(usage), *peer.command(folder, programs)]
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603 - a program of the list in peers.py
            command,
            cwd=folder,
            env=environment,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            process.wait(MAX_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return Usage(code=-signal.SIGKILL, seconds=MAX_SECONDS, cpu_seconds=0, peak_mb=0)
    return Usage(**json.loads(usage.read_text()))
