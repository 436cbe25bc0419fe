"""`python -m benchmarks`: measure the peers on the workloads, one after the other, in one run.

It prints a table for each workload, and writes them down with --write.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .measure import Run, measured, start_seconds, typical
from .peers import PEERS, Peer
from .report import heading, line, write
from .targets import missed
from .workloads import WORKLOADS, Workload


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if this connector missed a workload's target."""
    options = _parser().parse_args(arguments)
    peers = [it for it in PEERS if it.name in (options.peers or [it.name])]
    workloads = [it for it in WORKLOADS if it.name in (options.workloads or [it.name])]
    installed = {peer.name: peer.install() for peer in peers}
    starts = {peer.name: start_seconds(peer, installed[peer.name]) for peer in peers}
    runs: list[Run] = []
    for workload in workloads:
        print(heading(workload))
        turns = [
            [
                measured(peer, installed[peer.name], workload, starts[peer.name])
                for peer in _readers(workload, peers)
            ]
            for _ in range(workload.turns)
        ]
        for runs_of_peer in zip(*turns, strict=True):
            run = typical(runs_of_peer)
            print(line(run), flush=True)
            runs.append(run)
    problems = missed(runs)
    print("", *problems, sep="\n")
    if options.write:
        write(options.write, runs, problems)
    return 1 if problems else 0


def _readers(workload: Workload, peers: list[Peer]) -> list[Peer]:
    return [it for it in peers if it is PEERS[0] or not workload.alone]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [it.name for it in WORKLOADS]
    parser.add_argument("--workloads", nargs="+", choices=names, help="only these")
    parser.add_argument("--peers", nargs="+", choices=[it.name for it in PEERS], help="only these")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a Markdown page, and its chart")
    return parser


if __name__ == "__main__":
    sys.exit(main())
