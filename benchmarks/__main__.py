"""`python -m benchmarks`: measure the peers on the workloads in one run.

It prints a line for each run and then a table for each workload; --write makes a page of these.
Programs that mostly wait are measured side by side, all others alone on the machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .measure import Run, measure, measure_start, select_typical
from .peers import OURS, PEERS, Peer
from .report import format_heading, format_run, write_report
from .schedule import MAX_SIDE_BY_SIDE, Task, may_share, run_side_by_side
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
    runs = _measure_all(workloads, peers, options.side_by_side)
    for workload in workloads:
        print(format_heading(workload))
        print(*[format_run(run) for run in runs if run.workload is workload], sep="\n")
    problems = find_missed_targets(runs)
    print("", *problems, sep="\n")
    if options.write:
        write_report(options.write, runs, problems)
    return 1 if problems else 0


def _measure_all(
    workloads: Sequence[Workload], peers: Sequence[Peer], side_by_side: int
) -> list[Run]:
    """A run of each peer for each workload, in their order."""
    programs = {peer.name: peer.install() for peer in peers}
    starts = {peer.name: measure_start(peer, programs[peer.name]) for peer in peers}

    def measure_task(task: Task) -> Run:
        workload, peer = task
        run = measure(peer, programs[peer.name], workload, starts[peer.name])
        print(f"{workload.name} {format_run(run)}", file=sys.stderr, flush=True)
        return run

    pairs = [
        (workload, peer)
        for workload in workloads
        for peer in peers
        if peer is OURS or not workload.alone
    ]
    shared = [pair for pair in pairs if may_share(pair)]
    alone = [
        (workload, peer)
        for workload in workloads
        for _ in range(workload.turns)
        for peer in peers
        if (workload, peer) in pairs and (workload, peer) not in shared
    ]
    runs = [*run_side_by_side(shared, measure_task, side_by_side), *map(measure_task, alone)]
    return [
        select_typical([run for run in runs if (run.workload, run.peer) == pair]) for pair in pairs
    ]


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    workloads = [workload.name for workload in WORKLOADS]
    peers = [peer.name for peer in PEERS]
    parser.add_argument("--workloads", nargs="+", choices=workloads, help="only these")
    parser.add_argument("--peers", nargs="+", choices=peers, help="only these")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a Markdown page, and its chart")
    parser.add_argument(
        "--side-by-side",
        type=int,
        default=MAX_SIDE_BY_SIDE,
        metavar="N",
        help="how many programs that mostly wait are measured at once (%(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
