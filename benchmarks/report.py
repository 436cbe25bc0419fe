"""What a benchmark found, as Markdown: a table for each workload, and docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from .chart import draw_chart
from .measure import Run
from .workloads import CONTACTS_OF_BASE_PEAK, Workload

COLUMNS = "peer | seconds | of the floor | CPU seconds | peak MB | requests | 429s | complete"

_PAGE = """\
# Performance

Written by `make benchmark`, in one run on one machine: {machine}. Do not edit.

![Time and processor time of this connector and its peers](performance.svg)

Every program reads the same account from the simulator in `simulator`, alone on
the machine, from its package in a venv of its own; the lock file says which CDK, the package index
which dlt and which Singer tap. *Seconds* are wall time without start-up, which is the median of
three reads of an empty account. The *floor* is the larger of the longest chain of pages times the
latency and of the requests divided by the limit: no program can be faster. *Complete* compares the
keys of all rows that arrived with those of the account.
{tables}
## What is not reached

{missed}

## To repeat it

`make benchmark` takes about 50 minutes and writes this page and its chart. A part of it, which only
prints: `.venv/bin/python -m benchmarks --workloads known-limit --peers source-autopilot naive`.

The tap dies at the first contact whose `updated_at` is empty; `benchmarks/programs/tap.py` takes
those out of its answers, so that there is something to measure.
"""


def format_heading(workload: Workload) -> str:
    """A workload's title, what it asks for, and the head of its table."""
    floor = f"; the floor is {workload.floor_seconds:.1f} s" if workload.floor_seconds else ""
    return (
        f"\n## {workload.title[0].upper()}{workload.title[1:]}\n\n"
        f"{workload.contacts:,} contacts, {workload.pairs:,} pairs in {workload.segments} segments,"
        f" {workload.requests:,} requests{floor}. {_format_target(workload)}\n\n"
        f"| {COLUMNS} |\n| {' | '.join('---' for _ in COLUMNS.split('|'))} |"
    )


def format_run(run: Run) -> str:
    """A run's line of its workload's table."""
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


def write_report(path: Path, runs: list[Run], missed: Iterable[str]) -> None:
    """Write the page and its chart beside it."""
    tables = [
        "\n".join([format_heading(workload), *map(format_run, workload_runs)])
        for workload, workload_runs in groupby(runs, lambda run: run.workload)
    ]
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    everything = "\n".join(f"- {problem}" for problem in missed) or "Nothing: every target is met."
    page = _PAGE.format(machine=machine, tables="\n".join(tables) + "\n", missed=everything)
    path.write_text(page, encoding="utf-8")
    path.with_suffix(".svg").write_text(draw_chart(runs), encoding="utf-8")


def _format_target(workload: Workload) -> str:
    """The target of this connector, in words."""
    if workload.target:
        share = f"{workload.throttled:.0%}"
        return f"Target: at most {workload.target:.2f} of the floor, under {share} of requests 429."
    if workload.peak_mb:
        return (
            f"Target: a peak under {workload.peak_mb:.0f} MB and at most 15 % above the one for"
            f" {CONTACTS_OF_BASE_PEAK:,} contacts."
        )
    return (
        f"Target: no more processor time than any peer. Of {workload.turns} runs each, in turns,"
        " this is the one with the median of the processor times."
    )
