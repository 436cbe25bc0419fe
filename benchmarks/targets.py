"""What this connector has to reach, and what of it a benchmark shows to be missed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from .measure import Run
from .peers import OURS
from .workloads import ROWS_OF_PEAK, Workload

PEAK_GROWTH = 1.15
CUSTOM_FIELDS_GROWTH = 1.15
"""Of the processor time of a contact, when its twenty custom fields have columns of their own."""


def missed(runs: list[Run]) -> list[str]:
    """A sentence for each target that the runs, grouped by workload, do not reach."""
    grouped = groupby(runs, lambda run: run.workload)
    problems = [
        f"{workload.title}: {problem}"
        for workload, group in grouped
        for problem in _of_workload(workload, list(group))
    ]
    return [*problems, *_growth([run for run in runs if run.peer is OURS])]


def _of_workload(workload: Workload, runs: list[Run]) -> Iterator[str]:
    for ours in runs:
        if ours.peer is not OURS:
            continue
        if ours.complete != "yes":
            yield f"not complete: {ours.complete}."
        if workload.target and (ours.ratio or 0) > workload.target:
            yield f"{ours.ratio:.2f} of the floor, not {workload.target:.2f}."
        if ours.throttled > workload.throttled * ours.requests:
            yield f"{ours.throttled} of {ours.requests} requests were refused with 429."
        if workload.peak_mb and ours.usage.peak_mb > workload.peak_mb:
            yield f"a peak of {ours.usage.peak_mb:.0f} MB, not {workload.peak_mb:.0f} MB."
        if not workload.floor_seconds:
            yield from _cheaper_peers(ours, runs)


def _cheaper_peers(ours: Run, runs: list[Run]) -> Iterator[str]:
    for run in runs:
        if run.usage.cpu_seconds < ours.usage.cpu_seconds:
            yield (
                f"{ours.usage.cpu_seconds:.1f} s of processor time, where {run.peer.name} takes"
                f" {run.usage.cpu_seconds:.1f} s."
            )


def _growth(ours: list[Run]) -> Iterator[str]:
    """Whether the peak grows with the account."""
    small = [it.usage.peak_mb for it in ours if it.workload.contacts == ROWS_OF_PEAK]
    large = [it.usage.peak_mb for it in ours if it.workload.peak_mb]
    if small and large and max(large) > PEAK_GROWTH * max(small):
        yield f"Memory: {max(large):.0f} MB, where {ROWS_OF_PEAK:,} contacts take {max(small):.0f}."
