"""Which runs may take place side by side: those of peers that wait most of the time.

A program that asks five times a second keeps a core busy for a tenth of the time. Those that are
faster are measured alone on the machine, and so is processor time, and whatever has a target. A run
that is for its peak of memory may be beside others: its time has no target.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from .measure import Run
from .peers import OURS, Peer
from .workloads import Workload

MAX_REQUESTS_A_SECOND = 5.0
MAX_SIDE_BY_SIDE = 12
SECONDS_BETWEEN_STARTS = 3.0
"""A program that starts keeps a core busy for about two."""

Task = tuple[Workload, Peer]


def may_share(task: Task) -> bool:
    """Whether others may be measured beside it."""
    workload, peer = task
    if peer is OURS:
        return not workload.target and workload.peak_mb is not None
    seconds = _expect_seconds(task)
    return seconds > 0 and workload.requests / seconds <= MAX_REQUESTS_A_SECOND


def run_side_by_side(
    tasks: Iterable[Task], measure_task: Callable[[Task], Run], workers: int
) -> Iterator[Run]:
    """Measure the tasks, so many at once, those that take longest first."""
    with ThreadPoolExecutor(workers) as pool:
        futures = []
        for task in sorted(tasks, key=_expect_seconds, reverse=True):
            futures.append(pool.submit(measure_task, task))
            time.sleep(SECONDS_BETWEEN_STARTS)
        yield from (future.result() for future in futures)


def _expect_seconds(task: Task) -> float:
    """The seconds that a program needs at least; 0 if only the processor bounds it."""
    workload, peer = task
    if peer is OURS:
        return workload.floor_seconds
    if peer.sequential:
        return max(workload.limit_seconds, workload.requests * workload.latency_seconds)
    return max(workload.limit_seconds, workload.chain_seconds)
