"""`python -m benchmarks`: measure the peers on the workloads, one after the other, in one run.

It prints a table for each workload. Names of workloads or peers after the command choose some.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .measure import Run, measured, start_seconds
from .peers import PEERS, Peer
from .workloads import WORKLOADS, Workload

COLUMNS = "peer | seconds | of the floor | CPU seconds | peak MB | requests | 429s | complete"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if this connector missed a workload's target."""
    options = _parser().parse_args(arguments)
    peers = [it for it in PEERS if it.name in (options.peers or [it.name])]
    workloads = [it for it in WORKLOADS if it.name in (options.workloads or [it.name])]
    installed = {peer.name: peer.install() for peer in peers}
    starts = {peer.name: start_seconds(peer, installed[peer.name]) for peer in peers}
    met = [_table(workload, peers, installed, starts) for workload in workloads]
    return 0 if all(met) else 1


def _table(
    workload: Workload, peers: list[Peer], installed: dict[str, Path], starts: dict[str, float]
) -> bool:
    """Print a workload's table; whether this connector reached the target."""
    floor = workload.floor_seconds
    print(f"\n### {workload.title}\n")
    print(
        f"{workload.contacts:,} contacts, {workload.pairs:,} pairs in {workload.segments} segments,"
        f" {workload.requests} requests; the floor is {floor:.1f} s.\n"
    )
    print(f"| {COLUMNS} |\n| {' | '.join('---' for _ in COLUMNS.split('|'))} |")
    met = True
    for peer in peers:
        run = measured(peer, installed[peer.name], workload, starts[peer.name])
        print(_line(run), flush=True)
        met = met and (peer is not PEERS[0] or _meets(run))
    return met


def _line(run: Run) -> str:
    cells = [
        f"{run.peer.name}: {run.peer.title}",
        f"{run.seconds:.1f}",
        "-" if run.ratio is None else f"{run.ratio:.2f}",
        f"{run.usage.cpu_seconds:.1f}",
        f"{run.usage.peak_mb:.0f}",
        f"{run.requests:,}",
        f"{run.throttled:,} ({run.throttled / max(run.requests, 1):.1%})",
        run.complete,
    ]
    return f"| {' | '.join(cells)} |"


def _meets(run: Run) -> bool:
    workload = run.workload
    fast = workload.target is None or (run.ratio or 0) <= workload.target
    polite = run.throttled <= workload.throttled * run.requests
    return fast and polite and run.complete == "yes"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [it.name for it in WORKLOADS]
    parser.add_argument("--workloads", nargs="+", choices=names, help="only these")
    parser.add_argument("--peers", nargs="+", choices=[it.name for it in PEERS], help="only these")
    return parser


if __name__ == "__main__":
    sys.exit(main())
