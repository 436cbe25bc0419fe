"""What a sync of an account will cost at a frequency, and the schedule that suits it. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from source_autopilot.chain import ROWS_PER_PAGE
from source_autopilot.pace import CEILING

MINUTES_OF_A_DAY = 24 * 60
DAYS_OF_A_MONTH = 30
SHARE_OF_THE_INTERVAL = 0.25  # a sync may take: Airbyte starts none while the last one runs


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
    Schedule(MINUTES_OF_A_DAY, "every 24 hours", "0 0 0 * * ?"),
]


@dataclass(frozen=True)
class Totals:
    """What an account has: rows of each table, of which pairs are an estimate.

    Attributes:
        members: how many contacts each segment has that was asked for.
        page_seconds: how long Autopilot took for a page.
    """

    contacts: int
    lists: int
    segments: int
    members: list[int]
    page_seconds: float

    @property
    def pairs(self) -> int:
        """All pairs, if the segments that were not asked for are like the others."""
        if not self.members:
            return 0
        return round(sum(self.members) * self.segments / len(self.members))


@dataclass(frozen=True)
class Forecast:
    """A sync of the account, and of a day and a month of syncs every `frequency` minutes."""

    totals: Totals
    frequency: int

    @property
    def calls(self) -> int:
        """Requests of a sync: a page each, and at least one for every chain of pages."""
        of_segments = sum(map(_pages, self.totals.members))
        if self.totals.members:
            of_segments = math.ceil(of_segments * self.totals.segments / len(self.totals.members))
        # The list of segments is asked for twice: for its table, and for the pairs'.
        return _pages(self.totals.contacts) + of_segments + 3

    @property
    def minutes(self) -> float:
        """A sync takes as long as its longest chain, or as all requests at the ceiling."""
        longest = max(_pages(it) for it in [self.totals.contacts, *self.totals.members])
        return max(longest * self.totals.page_seconds, self.calls / CEILING) / 60

    @property
    def rows(self) -> int:
        """Rows of a sync, if the start date leaves nothing out."""
        return self.totals.contacts + self.totals.lists + self.totals.segments + self.totals.pairs

    @property
    def rows_a_day(self) -> int:
        """Every sync replicates every row."""
        return self.rows * MINUTES_OF_A_DAY // self.frequency

    @property
    def rows_a_month(self) -> int:
        """In thirty days."""
        return self.rows_a_day * DAYS_OF_A_MONTH

    @property
    def fits(self) -> bool:
        """Whether a sync ends before the next one is due."""
        return self.minutes <= self.frequency

    @property
    def advised(self) -> Schedule:
        """The shortest schedule, not shorter than the frequency, that leaves room between syncs."""
        return next(
            (
                it
                for it in SCHEDULES
                if it.minutes >= self.frequency
                and self.minutes < it.minutes * SHARE_OF_THE_INTERVAL
            ),
            SCHEDULES[-1],
        )


def sentences(forecast: Forecast) -> Iterator[str]:
    """The forecast for a person, but for the warning."""
    totals, advised = forecast.totals, forecast.advised
    yield (
        f"This account has {totals.contacts:,} contacts, {totals.lists:,} lists,"
        f" {totals.segments:,} smart segments and about {totals.pairs:,} members in them."
    )
    yield (
        f"A sync makes about {forecast.calls:,} API calls and takes about"
        f" {_duration(forecast.minutes)}, at {totals.page_seconds:.2f} seconds a page and at most"
        f" {CEILING:.0f} calls a second."
    )
    yield (
        f"Every sync replicates every row: at one every {forecast.frequency} minutes that is about"
        f" {forecast.rows_a_day:,} rows a day and {forecast.rows_a_month:,} rows a month."
    )
    yield (
        f"Advice: a sync {advised.basic}. Set Replication Frequency (frequency) to"
        f" {advised.minutes} and the connection's schedule to {advised.basic}, or to the cron"
        f" expression {advised.cron} (UTC)."
    )


def warning(forecast: Forecast) -> str | None:
    """What is wrong with the frequency; None if a sync fits."""
    if forecast.fits:
        return None
    return (
        f"A sync takes about {_duration(forecast.minutes)} and does not fit into the"
        f" {forecast.frequency} minutes of Replication Frequency (frequency)."
    )


def _pages(rows: int) -> int:
    return max(1, math.ceil(rows / ROWS_PER_PAGE))


def _duration(minutes: float) -> str:
    return "a minute" if minutes <= 1 else f"{math.ceil(minutes):,} minutes"
