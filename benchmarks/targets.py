"""The targets of this connector, and those that a benchmark missed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from .measure import Run
from .peers import OURS
from .workloads import CONTACTS_OF_BASE_PEAK, Workload

MAX_PEAK_GROWTH = 1.15
MAX_CUSTOM_FIELDS_GROWTH = 1.15
"""Processor time of a contact whose twenty custom fields have columns, to one without columns."""


def find_missed_targets(runs: list[Run]) -> list[str]:
    """A sentence for each target that the runs, grouped by workload, do not reach."""
    grouped = groupby(runs, lambda run: run.workload)
    problems = [
        f"{workload.title}: {problem}"
        for workload, group in grouped
        for problem in _find_missed(workload, list(group))
    ]
    return [*problems, *_check_growth([run for run in runs if run.peer is OURS])]


def _find_missed(workload: Workload, runs: list[Run]) -> Iterator[str]:
    for ours in runs:
        if ours.peer is not OURS:
            continue
        if ours.complete != "yes":
            yield f"not complete: {ours.complete}."
        if workload.target and (ours.ratio or 0) > workload.target:
            yield f"{ours.ratio:.2f} of the floor, not {workload.target:.2f}."
        if workload.peak_mb and ours.usage.peak_mb > workload.peak_mb:
            yield f"a peak of {ours.usage.peak_mb:.0f} MB, not {workload.peak_mb:.0f} MB."
        yield from _find_needless_requests(ours)
        if not workload.floor_seconds:
            yield from _find_cheaper_peers(ours, runs)


def _find_needless_requests(ours: Run) -> Iterator[str]:
    workload = ours.workload
    if workload.throttled is not None and ours.throttled > workload.throttled * ours.requests:
        yield f"{ours.throttled} of {ours.requests} requests were refused with 429."
    extra = workload.extra_requests
    if extra is not None and ours.extra_requests > extra:
        yield f"{ours.extra_requests} requests more than {workload.requests}, not {extra}."


def _find_cheaper_peers(ours: Run, runs: list[Run]) -> Iterator[str]:
    for run in runs:
        if run.usage.cpu_seconds < ours.usage.cpu_seconds:
            yield (
                f"{ours.usage.cpu_seconds:.1f} s of processor time, where {run.peer.name} takes"
                f" {run.usage.cpu_seconds:.1f} s."
            )


def _check_growth(ours: list[Run]) -> Iterator[str]:
    """The problem of a peak that grows with the account, if there is one."""
    small = [run.usage.peak_mb for run in ours if run.workload.contacts == CONTACTS_OF_BASE_PEAK]
    large = [run.usage.peak_mb for run in ours if run.workload.peak_mb]
    if small and large and max(large) > MAX_PEAK_GROWTH * max(small):
        base = f"{CONTACTS_OF_BASE_PEAK:,} contacts take {max(small):.0f}"
        yield f"Memory: {max(large):.0f} MB, where {base}."
