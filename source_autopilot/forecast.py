"""What a sync of an account costs, and the schedule that suits it; checks and syncs say it."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from source_autopilot.api.client import Answer, Client
from source_autopilot.api.rate_limiter import MAX_REQUESTS_IN_FLIGHT, MAX_REQUESTS_PER_SECOND
from source_autopilot.api.retry_policy import COMMAND_POLICY, COMMAND_SECONDS, Deadline
from source_autopilot.config import SIDE_BY_SIDE as SWITCH
from source_autopilot.errors import RequestFailed, UnknownTotals, UserFacingError
from source_autopilot.records.page import Page
from source_autopilot.streams.pagination import PAGE_SIZE
from source_autopilot.streams.tables import Contacts, SmartSegments, SmartSegmentsContacts
from source_autopilot.text import format_count, format_duration, join_names

MINUTES_PER_DAY = 24 * 60
MINUTES_PER_MONTH = 30 * MINUTES_PER_DAY
# Airbyte starts no sync while the last one runs.
MAX_SHARE_OF_INTERVAL = 0.25
MAX_SEGMENTS_TO_MEASURE = 20
# Of a table that is read side by side: the first one, the proof, the first questions, and what is
# left at the end. On the simulator 5 to 6.
PAGES_ONE_BY_ONE = 6

LOGGER = logging.getLogger("airbyte.forecast")

_SETTING = "Planned Sync Interval (frequency)"


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


class Paging(Enum):
    """How the pages of one table are read, in the forecast's words."""

    SIDE_BY_SIDE = "Pages of one table are read side by side, because Autopilot takes start keys."
    ONE_BY_ONE = (
        "Pages of one table are read one after the other, because start keys do not seem to work"
        " for this account."
    )
    OFF = f"Pages of one table are read one after the other, because {SWITCH} is off."
    UNKNOWN = "That is with the pages of one table one after the other."


@dataclass(frozen=True)
class Totals:
    """How many rows each table of an account has; the pairs are an estimate.

    Attributes:
        members: the number of contacts in each segment that was measured.
        page_seconds: how long Autopilot took for a page.
        left_out: why the members, or segments at all, were not measured, as a sentence; empty if
            they were. Segments that were not measured are 0.
        paging: how the pages of one table are read.
    """

    contacts: int
    lists: int
    segments: int
    members: list[int]
    page_seconds: float
    left_out: str = ""
    paging: Paging = Paging.UNKNOWN

    @property
    def chains(self) -> list[int]:
        """The rows of each chain of pages, if the segments that were not measured are alike."""
        mean = round(sum(self.members) / len(self.members)) if self.members else 0
        not_measured = [mean] * (self.segments - len(self.members))
        return [self.contacts, self.lists, self.segments, *self.members, *not_measured]

    def forecast(self, frequency: int) -> Forecast:
        """The forecast of a sync of all tables, every `frequency` minutes."""
        return Forecast(self.chains, self.page_seconds, frequency, self.paging)


def measure_account(
    client: Client, *, lists: int, start_date: datetime, side_by_side: bool
) -> Totals:
    """The account's totals, by the first page of each table and segment.

    Members are a sample: of one segment at least, and of more while half of the time is left.
    `side_by_side` says whether pages of one table may be read so; where that makes a difference,
    one more request asks whether they can. What goes wrong behind the contacts is left out. Raises
    UnknownTotals if Autopilot doesn't say how many contacts there are, and what their stream
    raises.
    """
    deadline = client.deadline or Deadline(COMMAND_SECONDS)
    enough = deadline.half()
    stream = Contacts(client, start_date=start_date)
    contacts = stream.first_page({})
    if contacts is None or contacts.content.total is None:
        raise UnknownTotals("Autopilot does not say how many contacts there are")
    segments: list[str] = []
    members: list[int] = []
    page_seconds = [contacts.seconds]
    left_out = ""
    try:
        _require_time(deadline, max(page_seconds))
        first = SmartSegments(client).first_page({})
        segments = [*dict.fromkeys(first.content.keys)] if first else []
        for segment_id in segments[:MAX_SEGMENTS_TO_MEASURE]:
            if members and not enough.seconds_left:
                break
            _require_time(deadline, max(page_seconds))
            first = SmartSegmentsContacts(client).first_page({"segment_id": segment_id})
            if first:
                members.append(first.content.total or len(first.content.rows))
                page_seconds.append(first.seconds)
            else:
                members.append(0)
    except (UserFacingError, UnknownTotals) as failure:
        left_out = "" if members else str(failure)
    totals = Totals(
        contacts=contacts.content.total,
        lists=lists,
        segments=len(segments),
        members=members,
        page_seconds=sum(page_seconds) / len(page_seconds),
        left_out=left_out,
        paging=Paging.UNKNOWN if side_by_side else Paging.OFF,
    )
    if side_by_side and paging_matters(totals.chains, totals.page_seconds):
        totals = replace(totals, paging=_ask_paging(stream, contacts, deadline))
    return totals


def _ask_paging(stream: Contacts, first: Answer[Page], deadline: Deadline) -> Paging:
    """Ask about the contacts, which have the longest chain: they are all members that there are."""
    seconds = min(deadline.seconds_left, COMMAND_POLICY.answer_seconds)
    if seconds < 2 * first.seconds:  # half of them may go into the connection
        return Paging.UNKNOWN
    try:
        takes_start_keys = stream.takes_start_keys({}, first.content, seconds=seconds)
    except RequestFailed:  # the rate limit is used up
        return Paging.UNKNOWN
    return Paging.SIDE_BY_SIDE if takes_start_keys else Paging.ONE_BY_ONE


def _require_time(deadline: Deadline, seconds: float) -> None:
    if deadline.seconds_left < seconds:
        raise UnknownTotals(f"Autopilot takes {format_duration(seconds)} for a page.")


@dataclass(frozen=True)
class Forecast:
    """A sync, and a month of syncs every `frequency` minutes.

    Attributes:
        chains: the rows of each table and segment.
        page_seconds: how long Autopilot takes for a page.
        paging: how the pages of one table are read.
    """

    chains: Sequence[int]
    page_seconds: float
    frequency: int
    paging: Paging = Paging.UNKNOWN

    @property
    def rows(self) -> int:
        """Rows of a sync, if the start date leaves nothing out."""
        return sum(self.chains)

    @property
    def calls(self) -> int:
        """Requests of a sync: a page each, and at least one for every table and segment."""
        return sum(map(_count_pages, self.chains))

    @property
    def minutes(self) -> float:
        """How long a sync takes; where the paging is not known, one page after the other."""
        side_by_side = self.paging == Paging.SIDE_BY_SIDE
        return _predict_seconds(self.chains, self.page_seconds, side_by_side=side_by_side) / 60

    @property
    def rows_a_month(self) -> int:
        """Rows of thirty days: every sync replicates every row."""
        return self.rows * MINUTES_PER_MONTH // self.frequency

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


def paging_matters(chains: Sequence[int], page_seconds: float) -> bool:
    """Whether a sync is faster if the pages of one table are read side by side."""
    faster, slower = (
        _predict_seconds(chains, page_seconds, side_by_side=side_by_side)
        for side_by_side in (True, False)
    )
    return faster < slower


def _predict_seconds(chains: Sequence[int], page_seconds: float, *, side_by_side: bool) -> float:
    """As long as all requests take side by side, and the longest chain one after the other."""
    pages = [*map(_count_pages, chains)]
    a_call = max(1 / MAX_REQUESTS_PER_SECOND, page_seconds / MAX_REQUESTS_IN_FLIGHT)
    together = sum(pages) * a_call
    slower = max(max(pages) * page_seconds, together)
    return min(together + PAGES_ONE_BY_ONE * page_seconds, slower) if side_by_side else slower


def describe_account(totals: Totals) -> Iterator[str]:
    """What an account has, and what of it was not measured."""
    parts = [format_count(totals.contacts, "contact"), format_count(totals.lists, "list")]
    if totals.segments or not totals.left_out:
        parts.append(format_count(totals.segments, "smart segment"))
    members = ""
    if totals.members:
        of_segments = sum(totals.chains) - totals.contacts - totals.lists - totals.segments
        members = f" with about {format_count(of_segments, 'member')} in all"
    yield f"This account has {join_names(parts)}{members}."
    if totals.left_out:
        unknown = "Members of smart segments" if totals.segments else "Smart segments"
        yield f"{unknown} are left out of this forecast: {totals.left_out}"


def describe(forecast: Forecast) -> Iterator[str]:
    """The forecast for a person, without its problem."""
    interval = f"{format_count(forecast.frequency, 'minute')} of {_SETTING}"
    fits = f", which fits into the {interval}" if forecast.fits else ""
    yield (
        f"A sync reads about {format_count(forecast.rows, 'row')} with about"
        f" {format_count(forecast.calls, 'API call')} and takes about {_duration(forecast)}{fits}."
        f" That is at {forecast.page_seconds:.2f} seconds a page and at most"
        f" {MAX_REQUESTS_PER_SECOND:.0f} calls a second."
    )
    if paging_matters(forecast.chains, forecast.page_seconds):
        yield " ".join(_describe_paging(forecast))
    yield (
        f"Every sync replicates every row again: up to {forecast.rows_a_month:,} rows a month at"
        " this interval. Contacts last updated before the Start Date (start_date) do not count."
    )
    advised = forecast.advised
    if advised:
        yield (
            f"Advice: set {_SETTING} to {advised.minutes} and the connection's schedule to"
            f" {advised.basic}, or to the cron expression {advised.cron} (UTC)."
        )


def _describe_paging(forecast: Forecast) -> Iterator[str]:
    yield forecast.paging.value
    if forecast.paging == Paging.UNKNOWN:
        faster = _duration(replace(forecast, paging=Paging.SIDE_BY_SIDE))
        yield f"If Autopilot takes start keys, they are read side by side, in about {faster}."


def find_problem(forecast: Forecast) -> str | None:
    """What is wrong with the frequency; None if a sync fits, and leaves room in a day at least.

    Where the paging is not known, nothing is wrong that would be right with the faster one.
    """
    if forecast.paging == Paging.UNKNOWN:
        forecast = replace(forecast, paging=Paging.SIDE_BY_SIDE)
    takes = f"A sync takes about {_duration(forecast)}"
    if forecast.is_too_large:
        return (
            f"{takes}, so that even a daily sync leaves too little room before the next: sync less"
            " often, or select only the streams that you need."
        )
    if not forecast.fits:
        interval = format_count(forecast.frequency, "minute")
        return f"{takes}, longer than the {interval} of {_SETTING}."
    return None


def log_forecast(forecast: Forecast) -> None:
    """Log the forecast, and as a warning what is wrong with the frequency."""
    for sentence in describe(forecast):
        LOGGER.info(sentence)
    problem = find_problem(forecast)
    if problem:
        LOGGER.warning(problem)


class FirstPages:
    """What the first pages of a sync tell of its size. For several threads.

    `report` is called once, when all tables and segments of all streams have begun: with the rows
    of each, the mean of the seconds that a page took, and how the pages of one table are read,
    which is `paging` until an answer says more.
    """

    def __init__(
        self,
        streams: Iterable[str],
        report: Callable[[Sequence[int], float, Paging], None],
        *,
        paging: Paging = Paging.UNKNOWN,
    ) -> None:
        self._report = report
        self._paging = paging
        self._lock = threading.Lock()
        self._unknown_streams = set(streams)
        self._chains_left = 0
        self._unanswered: set[Hashable] = set()
        self._rows: list[int] = []
        self._seconds: list[float] = []
        self._is_reported = False

    def expect(self, stream: str, chains: int) -> None:
        """A stream has so many tables, or segments."""
        with self._lock:
            self._unknown_streams.discard(stream)
            self._chains_left += chains
            self._report_all_known()

    def add(self, rows: int, seconds: float) -> None:
        """A table has so many rows; its first page took so many seconds."""
        with self._lock:
            self._chains_left -= 1
            self._rows.append(rows)
            self._seconds.append(seconds)
            self._report_all_known()

    def add_missing(self) -> None:
        """A table is no more, such as a segment that was deleted."""
        with self._lock:
            self._chains_left -= 1
            self._report_all_known()

    def expect_answer(self, table: Hashable) -> None:
        """It is asked whether a table takes start keys: the report waits for the answer."""
        with self._lock:
            if self._paging == Paging.UNKNOWN:
                self._unanswered.add(table)

    def add_answer(self, table: Hashable, *, takes_start_keys: bool) -> None:
        """Whether a table takes start keys: if one does, the API does; also if not expected."""
        with self._lock:
            self._unanswered.discard(table)
            if takes_start_keys:
                self._paging = Paging.SIDE_BY_SIDE
                self._unanswered.clear()
            elif self._paging == Paging.UNKNOWN:
                self._paging = Paging.ONE_BY_ONE
            self._report_all_known()

    def expect_no_answers(self, tables: Iterable[Hashable]) -> None:
        """No answer about these tables will come any more: they are read."""
        with self._lock:
            self._unanswered.difference_update(tables)
            self._report_all_known()

    def _report_all_known(self) -> None:
        is_waiting = self._unknown_streams or self._chains_left or self._unanswered
        if self._rows and not is_waiting and not self._is_reported:
            self._is_reported = True
            self._report(self._rows, sum(self._seconds) / len(self._seconds), self._paging)


def _duration(forecast: Forecast) -> str:
    return format_duration(forecast.minutes * 60)


def _count_pages(rows: int) -> int:
    return max(1, math.ceil(rows / PAGE_SIZE))
