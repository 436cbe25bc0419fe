"""When to sync again: a loop over a clock. Knows nothing of what a sync does."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

LONGEST_NAP_SECONDS = 60.0
"""A nap doesn't count the time that a laptop is asleep: look at the clock now and then."""


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(timezone.utc)


def watch(
    sync: Callable[[], bool],
    *,
    minutes: int,
    now: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Sync every so many minutes, from start to start, until ctrl-C.

    `sync` says whether it succeeded; a failed one is followed by the next as usual. Returns the
    exit code: 0 if the last sync that came to its end succeeded.
    """
    succeeded = False
    try:
        while True:
            started = now()
            succeeded = sync()
            due = next_start(started, now(), minutes=minutes)
            print(announcement(due, now()), flush=True)
            while (left := (due - now()).total_seconds()) > 0:
                sleep(min(left, LONGEST_NAP_SECONDS))
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0 if succeeded else 1


def next_start(started: datetime, ended: datetime, *, minutes: int) -> datetime:
    """The first multiple of the interval after `started` that has not passed yet.

    A sync that takes longer than the interval makes the next one skip a turn, not run at once.
    """
    interval = timedelta(minutes=minutes)
    return started + ((ended - started) // interval + 1) * interval


def announcement(due: datetime, now: datetime) -> str:
    """`next sync at 14:30 (in 25 min), ctrl-C stops`, in local time, with the date if not today."""
    here, today = due.astimezone(), now.astimezone().date()
    moment = f"{here:%H:%M}" if here.date() == today else f"{here:%Y-%m-%d %H:%M}"
    minutes = round((due - now).total_seconds() / 60)
    return f"next sync at {moment} (in {minutes or 'less than 1'} min), ctrl-C stops"
