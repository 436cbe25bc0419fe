"""`python -m benchmarks`: measure the peers on the workloads, one after the other, in one run.

It prints a table for each workload; --write makes a page of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .measure import Run, measure, measure_start, select_typical
from .peers import PEERS, Peer
from .report import format_heading, format_run, write_report
from .targets import find_missed_targets
from .workloads import WORKLOADS, Workload


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if this connector missed a workload's target."""
    options = _make_parser().parse_args(arguments)
    peers = [peer for peer in PEERS if peer.name in (options.peers or [peer.name])]
    workloads = [
        workload
        for workload in WORKLOADS
        if workload.name in (options.workloads or [workload.name])
    ]
    programs = {peer.name: peer.install() for peer in peers}
    starts = {peer.name: measure_start(peer, programs[peer.name]) for peer in peers}
    runs: list[Run] = []
    for workload in workloads:
        print(format_heading(workload))
        turns = [
            [
                measure(peer, programs[peer.name], workload, starts[peer.name])
                for peer in _select_peers(workload, peers)
            ]
            for _ in range(workload.turns)
        ]
        for runs_of_peer in zip(*turns, strict=True):
            run = select_typical(runs_of_peer)
            print(format_run(run), flush=True)
            runs.append(run)
    problems = find_missed_targets(runs)
    print("", *problems, sep="\n")
    if options.write:
        write_report(options.write, runs, problems)
    return 1 if problems else 0


def _select_peers(workload: Workload, peers: list[Peer]) -> list[Peer]:
    return [peer for peer in peers if peer is PEERS[0] or not workload.alone]


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    workloads = [workload.name for workload in WORKLOADS]
    peers = [peer.name for peer in PEERS]
    parser.add_argument("--workloads", nargs="+", choices=workloads, help="only these")
    parser.add_argument("--peers", nargs="+", choices=peers, help="only these")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a Markdown page, and its chart")
    return parser


if __name__ == "__main__":
    sys.exit(main())
