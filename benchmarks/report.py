"""What a benchmark found, as Markdown: a table for each workload, and docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from .chart import draw_chart
from .measure import Run
from .schedule import MAX_REQUESTS_A_SECOND, MAX_SIDE_BY_SIDE
from .workloads import CONTACTS_OF_BASE_PEAK, TABLES, Workload

COLUMNS = "peer | seconds | of the floor | CPU seconds | peak MB | requests | 429s | complete"

_PAGE = """\
# Performance

Written by `make benchmark`, in one run on one machine: {machine}. Do not edit.

![Time and processor time of this connector and its peers](performance.svg)

Every program reads the same account from a simulator of its own (`python -m simulator`), from its
package in a venv of its own; the lock file says which CDK, the package index which dlt and which
Singer tap. *Seconds* are wall time without start-up, which is the median of three reads of an empty
account. *Complete* compares the keys of all rows that arrived with those of the account.

The *floor* is the least time that a sync can take. What an account's limit takes, its fewest
requests divided by the requests a second, bounds every program (by less than the permits of one
second, which are there at the beginning). How long the longest chain of pages takes, each waiting
for the one before it, is a bound only where the API doesn't begin a page behind an id that was
never issued: "without start keys". Above each table are both numbers, and which is the floor.

Peers that ask at most {pace:.0f} times a second, and so wait for most of the time, were measured
side by side, up to {side_by_side} of them, and with them the one that is for its peak of memory.
All others were alone on the machine.
{tables}
## What is not reached

{missed}

## To repeat it

`make benchmark` takes about half an hour and writes this page and its chart. A part of it, which
only prints: `make benchmark WORKLOADS="known-limit slow-pages"`. Of some peers, one at a time:
`.venv/bin/python -m benchmarks --workloads known-limit --peers naive dlt --side-by-side 1`.

The tap dies at the first contact whose `updated_at` is empty; `benchmarks/programs/tap.py` takes
those out of its answers, so that there is something to measure.
"""


def format_heading(workload: Workload) -> str:
    """A workload's title, what it asks for, and the head of its table."""
    return (
        f"\n## {workload.title[0].upper()}{workload.title[1:]}\n\n"
        f"{_format_account(workload)}{_format_floor(workload)} {_format_target(workload)}\n\n"
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
    page = _PAGE.format(
        machine=machine,
        pace=MAX_REQUESTS_A_SECOND,
        side_by_side=MAX_SIDE_BY_SIDE,
        tables="\n".join(tables) + "\n",
        missed=everything,
    )
    path.write_text(page, encoding="utf-8")
    path.with_suffix(".svg").write_text(draw_chart(runs), encoding="utf-8")


def _format_account(workload: Workload) -> str:
    """What is read, and in how many requests."""
    segments = "1 segment" if workload.segments == 1 else f"{workload.segments} segments"
    account = f"{workload.contacts:,} contacts, {workload.pairs:,} pairs in {segments}"
    tables = " and ".join(f"`{table}`" for table in workload.tables)
    only = "" if workload.tables == TABLES else f"; only {tables} is read"
    return f"{account}{only}: {workload.requests:,} requests."


def _format_floor(workload: Workload) -> str:
    """What bounds a sync, and which of it is the floor; nothing without a bound."""
    if not workload.floor_seconds:
        return ""
    floor = "limit" if workload.floor_seconds == workload.limit_seconds else "chain"
    return (
        f" The limit takes {workload.limit_seconds:.1f} s, the longest chain of pages"
        f" {workload.chain_seconds:.1f} s; the floor is the {floor}."
    )


def _format_target(workload: Workload) -> str:
    """The target of this connector, in words."""
    if workload.target:
        parts = [f"at most {workload.target:.2f} of the floor"]
        if workload.extra_requests is not None:
            parts.append(f"at most {workload.extra_requests} requests more")
        if workload.throttled is not None:
            parts.append(f"at most {workload.throttled:.0%} of requests 429")
        return f"Target: {', '.join(parts)}."
    if workload.peak_mb:
        return (
            f"Target: a peak under {workload.peak_mb:.0f} MB and at most 15 % above the one for"
            f" {CONTACTS_OF_BASE_PEAK:,} contacts."
        )
    return (
        f"Target: no more processor time than any peer. Of {workload.turns} runs each, in turns,"
        " this is the one with the median of the processor times."
    )
