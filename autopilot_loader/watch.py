"""When to sync again: a loop over a clock, which knows nothing of syncs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

MAX_NAP_SECONDS = 60.0
"""Short, because a nap doesn't count the time that a laptop sleeps."""


def utc_now() -> datetime:
    """The current time in UTC."""
    return datetime.now(timezone.utc)


def watch(
    sync: Callable[[], bool],
    *,
    minutes: int,
    now: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Sync every so many minutes, from start to start, until ctrl-C.

    `sync` returns whether it succeeded; a failed one doesn't change when the next starts. Returns
    the exit code: 0 if the last finished sync succeeded.
    """
    succeeded = False
    try:
        while True:
            started = now()
            succeeded = sync()
            due = next_start(started, now(), minutes=minutes)
            print(announce(due, now()), flush=True)
            while (left := (due - now()).total_seconds()) > 0:
                sleep(min(left, MAX_NAP_SECONDS))
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0 if succeeded else 1


def next_start(started: datetime, ended: datetime, *, minutes: int) -> datetime:
    """The first multiple of the interval after `started` that has not passed yet.

    After a sync that takes longer than the interval, the next waits for the following multiple.
    """
    interval = timedelta(minutes=minutes)
    return started + ((ended - started) // interval + 1) * interval


def announce(due: datetime, now: datetime) -> str:
    """`next sync at 14:30 (in 25 min), ctrl-C stops`, in local time, with the date if not today."""
    here, today = due.astimezone(), now.astimezone().date()
    time_text = f"{here:%H:%M}" if here.date() == today else f"{here:%Y-%m-%d %H:%M}"
    minutes = round((due - now).total_seconds() / 60)
    return f"next sync at {time_text} (in {minutes or 'less than 1'} min), ctrl-C stops"
