"""What a sync of an account will cost at a frequency, and the schedule that suits it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from source_autopilot.api.client import Client
from source_autopilot.api.rate_limiter import MAX_REQUESTS_PER_SECOND
from source_autopilot.api.retry_policy import COMMAND_SECONDS, Deadline
from source_autopilot.errors import UnknownTotals, UserFacingError
from source_autopilot.streams.pagination import PAGE_SIZE
from source_autopilot.streams.tables import Contacts, SmartSegments, SmartSegmentsContacts
from source_autopilot.sync.reader import WORKERS
from source_autopilot.text import format_count, format_duration, join_names

MINUTES_PER_DAY = 24 * 60
DAYS_PER_MONTH = 30
# Airbyte starts no sync while the last one runs.
MAX_SHARE_OF_INTERVAL = 0.25
MAX_SEGMENTS_TO_MEASURE = 20


@dataclass(frozen=True)
class Schedule:
    """An interval as Airbyte's connections know it; the cron expression is Quartz', in UTC."""

    minutes: int
    basic: str
    cron: str


SCHEDULES = [
    Schedule(15, "every 15 minutes", "0 0/15 * * * ?"),
    Schedule(30, "every 30 minutes", "0 0/30 * * * ?"),
    Schedule(60, "every hour", "0 0 * * * ?"),
    Schedule(180, "every 3 hours", "0 0 0/3 * * ?"),
    Schedule(360, "every 6 hours", "0 0 0/6 * * ?"),
    Schedule(720, "every 12 hours", "0 0 0/12 * * ?"),
    Schedule(MINUTES_PER_DAY, "every 24 hours", "0 0 0 * * ?"),
]
ONCE_A_DAY = SCHEDULES[-1]
ONCE_A_WEEK = Schedule(7 * MINUTES_PER_DAY, "every 7 days", "0 0 0 ? * SUN")


@dataclass(frozen=True)
class Totals:
    """How many rows each table of an account has; the pairs are an estimate.

    Attributes:
        members: the number of contacts in each segment that was measured.
        page_seconds: how long Autopilot took for a page.
        left_out: why the members, or segments at all, were not measured, as a sentence; empty if
            they were. Segments that were not measured are 0.
    """

    contacts: int
    lists: int
    segments: int
    members: list[int]
    page_seconds: float
    left_out: str = ""

    @property
    def pairs(self) -> int:
        """All pairs, if the segments that were not asked for are like the others."""
        if not self.members:
            return 0
        return round(sum(self.members) * self.segments / len(self.members))


def measure_account(client: Client, *, lists: int, start_date: datetime) -> Totals:
    """The account's totals, by the first page of each chain of pages.

    Members are a sample: of one segment at least, and of more while half of the time is left.
    What goes wrong behind the contacts is left out. Raises UnknownTotals if Autopilot doesn't say
    how many contacts there are, and what their stream raises.
    """
    deadline = client.deadline or Deadline(COMMAND_SECONDS)
    enough = deadline.half()
    contacts = Contacts(client, start_date=start_date).first_page({})
    if contacts is None or contacts.content.total is None:
        raise UnknownTotals("Autopilot does not say how many contacts there are")
    segments: list[dict[str, Any]] = []
    members: list[int] = []
    page_seconds = [contacts.seconds]
    left_out = ""
    try:
        _require_time(deadline, max(page_seconds))
        first = SmartSegments(client).first_page({})
        segments = first.content.rows if first else []
        for segment in segments[:MAX_SEGMENTS_TO_MEASURE]:
            if members and not enough.seconds_left:
                break
            _require_time(deadline, max(page_seconds))
            first = SmartSegmentsContacts(client).first_page({"segment_id": segment["segment_id"]})
            if first:
                members.append(first.content.total or len(first.content.rows))
                page_seconds.append(first.seconds)
            else:
                members.append(0)
    except (UserFacingError, UnknownTotals) as failure:
        left_out = "" if members else str(failure)
    return Totals(
        contacts=contacts.content.total,
        lists=lists,
        segments=len(segments),
        members=members,
        page_seconds=sum(page_seconds) / len(page_seconds),
        left_out=left_out,
    )


def _require_time(deadline: Deadline, seconds: float) -> None:
    if deadline.seconds_left < seconds:
        raise UnknownTotals(f"Autopilot takes {format_duration(seconds)} for a page.")


@dataclass(frozen=True)
class Forecast:
    """A sync of the account, and of a day and a month of syncs every `frequency` minutes."""

    totals: Totals
    frequency: int

    @property
    def calls(self) -> int:
        """Requests of a sync: a page each, and at least one for every chain of pages."""
        of_segments = self.totals.segments
        if self.totals.members:
            measured = sum(map(_pages, self.totals.members))
            of_segments = math.ceil(measured * self.totals.segments / len(self.totals.members))
        # The list of segments is asked for twice: for its table, and for the pairs'.
        return _pages(self.totals.contacts) + of_segments + 3

    @property
    def minutes(self) -> float:
        """A sync takes as long as its longest chain, or as all requests take side by side."""
        longest = max(map(_pages, [self.totals.contacts, *self.totals.members]))
        page_seconds = self.totals.page_seconds
        side_by_side = self.calls * max(1 / MAX_REQUESTS_PER_SECOND, page_seconds / WORKERS)
        return max(longest * page_seconds, side_by_side) / 60

    @property
    def rows(self) -> int:
        """Rows of a sync, if the start date leaves nothing out."""
        return self.totals.contacts + self.totals.lists + self.totals.segments + self.totals.pairs

    @property
    def rows_a_day(self) -> int:
        """Every sync replicates every row."""
        return self.rows * MINUTES_PER_DAY // self.frequency

    @property
    def rows_a_month(self) -> int:
        """In thirty days."""
        return self.rows_a_day * DAYS_PER_MONTH

    @property
    def fits(self) -> bool:
        """Whether a sync ends before the next one is due."""
        return self.minutes <= self.frequency

    @property
    def advised(self) -> Schedule | None:
        """The shortest schedule, not shorter than the frequency, that leaves room between syncs.

        None if there is none: the frequency is beyond a day, or a sync takes too long for any.
        """
        for schedule in SCHEDULES:
            if schedule.minutes >= self.frequency and self.leaves_room(schedule.minutes):
                return schedule
        return None

    @property
    def is_too_large(self) -> bool:
        """Whether neither a day nor the frequency leaves room between syncs."""
        return not self.leaves_room(max(self.frequency, MINUTES_PER_DAY))

    def leaves_room(self, interval_minutes: int) -> bool:
        """Whether a sync takes less than the share of an interval that it may take."""
        return self.minutes < interval_minutes * MAX_SHARE_OF_INTERVAL


def describe(forecast: Forecast) -> Iterator[str]:
    """The forecast for a person, without its problem."""
    totals, takes = forecast.totals, format_duration(forecast.minutes * 60)
    parts = [format_count(totals.contacts, "contact"), format_count(totals.lists, "list")]
    if totals.segments or not totals.left_out:
        parts.append(format_count(totals.segments, "smart segment"))
    members = ""
    if totals.members:
        members = f" with about {format_count(totals.pairs, 'member')} in all"
    yield f"This account has {join_names(parts)}{members}."
    if totals.left_out:
        unknown = "Members of smart segments" if totals.segments else "Smart segments"
        yield f"{unknown} are left out of this forecast: {totals.left_out}"
    fits = (
        f", which fits into {format_count(forecast.frequency, 'minute')}" if forecast.fits else ""
    )
    yield (
        f"A sync makes about {forecast.calls:,} API calls and takes about {takes}{fits}. That is at"
        f" {totals.page_seconds:.2f} seconds a page and at most {MAX_REQUESTS_PER_SECOND:.0f} calls"
        " a second."
    )
    yield (
        f"Every sync replicates every row again: one every {_interval(forecast.frequency)} makes up"
        f" to {format_count(forecast.rows_a_day, 'row')} a day and {forecast.rows_a_month:,} a"
        " month. Contacts last updated before the Start Date (start_date) do not count."
    )
    if not forecast.is_too_large:
        yield _advice(forecast.frequency, forecast.advised)


def find_problem(forecast: Forecast) -> str | None:
    """What is wrong with the frequency; None if a sync fits, and leaves room in a day at least."""
    takes = f"A sync takes about {format_duration(forecast.minutes * 60)}"
    interval = format_count(forecast.frequency, "minute")
    if not forecast.fits:
        takes += f", longer than the {interval} of Planned Sync Interval (frequency)"
    if not forecast.is_too_large:
        return None if forecast.fits else f"{takes}."
    weekly = ""
    if forecast.leaves_room(ONCE_A_WEEK.minutes):
        weekly = f"sync once a week (cron expression {ONCE_A_WEEK.cron}, UTC) or "
    return (
        f"{takes}. That is more than a quarter of a day, so that even a daily sync leaves too"
        f" little room before the next: {weekly}select only the streams that you need."
    )


def _advice(frequency: int, advised: Schedule | None) -> str:
    if advised is None:
        return (
            f"Advice: stay at a sync every {_interval(frequency)}. As the connection's schedule,"
            f" the cron expression {ONCE_A_WEEK.cron} (UTC) syncs once a week,"
            f" {ONCE_A_DAY.cron} once a day."
        )
    schedule = (
        f"the connection's schedule to {advised.basic}, or to the cron expression"
        f" {advised.cron} (UTC)"
    )
    if advised.minutes == frequency:
        return f"Advice: stay at a sync {advised.basic}. Set {schedule}."
    return (
        f"Advice: a sync {advised.basic}. Set Planned Sync Interval (frequency) to"
        f" {advised.minutes} and {schedule}."
    )


def _pages(rows: int) -> int:
    return max(1, math.ceil(rows / PAGE_SIZE))


def _interval(minutes: int) -> str:
    """Minutes as a schedule has them: "30 minutes", "hour", "7 days"."""
    known = {
        schedule.minutes: schedule.basic.removeprefix("every ")
        for schedule in [*SCHEDULES, ONCE_A_WEEK]
    }
    return known.get(minutes, f"{minutes:,} minutes" if minutes > 1 else "minute")
