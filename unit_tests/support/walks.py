"""Small accounts that are walked through by the sync's own code, against the simulator's pages.

In process and without HTTP: a chain pauses when it asks for a page and when the answer is there,
and dice decide which chain goes on. Whatever they throw, a sync has to keep its promises.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any

import orjson
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteMessageSerializer,
    FailureType,
    Level,
    SyncMode,
)
from airbyte_cdk.sources.message import MessageRepository
from pydantic import SecretStr

from simulator import Account, Change, Ways
from simulator.bookmarks import USUAL_WAYS
from simulator.changes import apply
from simulator.paging import Paging
from simulator.request_log import split_path
from source_autopilot.api.client import Answer, Client
from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.api.retry_policy import READ_POLICY
from source_autopilot.config import Switches
from source_autopilot.errors import PageRefused, RequestFailed, TableTooShort
from source_autopilot.forecast import FirstPages
from source_autopilot.records.page import Page
from source_autopilot.records.rows import Columns, Row
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.pagination import Partition
from source_autopilot.sync.chains import Chains
from source_autopilot.sync.cursor import Delivery, StreamCursor
from source_autopilot.sync.pieces import Piece, Table
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.splitter import Question
from source_autopilot.sync.state import COMPLETE, StreamState
from source_autopilot.sync.stream_reader import StreamReader
from unit_tests.support.baton import Baton
from unit_tests.support.clock import Clock
from unit_tests.support.constants import KEY, URL

STREAM = "members"
MAX_LOST_QUESTIONS = 3
NEVER_A_START = ("not_found", "first_page", "empty", "no_bookmark")

TOTALS: dict[str, Callable[[int, Random], int | None]] = {
    "true": lambda total, dice: total,
    "low": lambda total, dice: total // 2,
    "high": lambda total, dice: 2 * total + 200,
    "missing": lambda total, dice: None,
    "any": lambda total, dice: dice.choice([None, 0, total // 3, total, 10**9]),
}
"""What the API says instead of the number of rows."""


@dataclass(frozen=True)
class Setup:
    """An account, how its API goes about it, and what goes wrong.

    Attributes:
        seed: of all dice.
        contacts: how many there are in the beginning.
        segments: the sizes of segments, which are walked instead; none for all contacts.
        page_size: of the API.
        ways: how its pages follow each other.
        unknown_later: what the API does with unknown bookmarks when it was asked for one before.
        newer_ids: the share of `person_AP2-` ids.
        lower_case_ids: the share of ids in lower case.
        numbered_ids: the share of ids without a UUID.
        totals: a key of TOTALS.
        checks_totals: whether the sync draws conclusions from them.
        churn: how likely a change is before a page.
        trouble: how likely a question about a start key gets no page, and a bookmark of the attempt
            before is refused.
        kills: how often the sync is killed at most.
        chains: how many may be at work.
    """

    seed: int = 0
    contacts: int = 100
    segments: tuple[int, ...] = ()
    page_size: int = 5
    ways: Ways = USUAL_WAYS
    unknown_later: str = "start_key"
    newer_ids: float = 0.2
    lower_case_ids: float = 0.0
    numbered_ids: float = 0.0
    totals: str = "true"
    checks_totals: bool = True
    churn: float = 0.0
    trouble: float = 0.0
    kills: int = 0
    chains: int = 8


RowKey = tuple[str | None, str, int]
"""A segment, a contact, and how often the contact was edited."""


@dataclass
class Outcome:
    """What came of a sync, with all its attempts.

    Attributes:
        lost: contacts that were there from beginning to end and did not arrive.
        doubled: rows that came twice with the same content.
        invented: rows that the account never had.
        lost_questions: of a table in one attempt, where there were most.
        pieces: how many starts were found.
        doubts: how often a table was begun again.
        kills: how often the sync was killed.
        is_hung: whether it did not come to an end.
        failures: what ended it early.
        requests: how many there were.
    """

    lost: list[tuple[str | None, str]] = field(default_factory=list)
    doubled: list[RowKey] = field(default_factory=list)
    invented: list[RowKey] = field(default_factory=list)
    lost_questions: int = 0
    pieces: int = 0
    doubts: int = 0
    kills: int = 0
    is_hung: bool = False
    failures: list[Exception] = field(default_factory=list)
    requests: int = 0

    @property
    def is_too_short(self) -> bool:
        """Whether all that ended it early are totals far above the rows that came."""
        causes = [failure.__context__ for failure in self.failures]
        return bool(causes) and all(isinstance(cause, TableTooShort) for cause in causes)


def find_faults(setup: Setup, outcome: Outcome) -> list[str]:
    """The promises that were broken, in words."""
    may_be_short = setup.checks_totals and setup.totals in ("high", "any")
    rules = {
        f"lost: {outcome.lost[:3]}": outcome.lost and not outcome.failures,
        f"doubled: {outcome.doubled[:3]}": outcome.doubled,
        f"invented: {outcome.invented[:3]}": outcome.invented,
        "no end": outcome.is_hung,
        f"failed: {outcome.failures[:1]}": outcome.failures
        and not (may_be_short and outcome.is_too_short),
        f"{outcome.lost_questions} questions lost": setup.unknown_later in NEVER_A_START
        and outcome.lost_questions > MAX_LOST_QUESTIONS,
        "doubted without a split": outcome.doubts
        and not (outcome.pieces or setup.trouble or outcome.is_too_short),
    }
    return [rule for rule, is_broken in rules.items() if is_broken]


def walk(setup: Setup) -> Outcome:
    """Sync an account, attempt after attempt, until one comes to its end."""
    return _Walk(setup).run()


class Members(AutopilotStream):
    """All contacts, or those of each segment; a row says how often the contact was edited."""

    rows_field = "contacts"
    document_key = "contact_id"
    columns = Columns({})
    partitions: tuple[Partition, ...] = ()

    @property
    def name(self) -> str:
        return STREAM

    def stream_slices(
        self,
        *,
        sync_mode: SyncMode = SyncMode.full_refresh,
        cursor_field: list[str] | None = None,
        stream_state: Mapping[str, Any] | None = None,
    ) -> Iterable[Partition]:
        return self.partitions

    def path_parts(self, partition: Partition) -> list[str]:
        segment_id = partition.get("segment_id")
        return ["smart_segments", segment_id, "contacts"] if segment_id else ["contacts"]

    def records(self, document: Mapping[str, Any], partition: Partition) -> Iterable[Row]:
        """The contact's row."""
        return [{**partition, **document}]


@dataclass(frozen=True)
class PausingClient(Client):
    """Has the pages of a function instead of an API.

    `ask` takes a path, and whether it is a question about a start key; it raises RequestFailed.
    """

    ask: Callable[[str, bool], Page] = field(
        default=lambda path, is_question: Page([], None, 0, ())
    )

    def get(self, url: str, *_: Any, **__: Any) -> Answer[Any]:
        page = self.ask(url.removeprefix(URL), self.policy.max_limited_seconds == 0.0)
        return Answer(page, seconds=1.0)


class PausingChains(Chains):
    """Chains that wait by handing the baton on."""

    def __init__(self, limiter: RateLimiter, baton: Baton, max_chains: int) -> None:
        super().__init__(limiter)
        self._baton = baton
        self._max_chains = max_chains
        self._count = 0

    def begin(self, stream_name: str) -> None:
        super().begin(stream_name)
        self._count += 1

    def end(self, stream_name: str) -> None:
        super().end(stream_name)
        self._count -= 1

    @property
    def load(self) -> float:
        return self._count / self._max_chains

    def wait_for_room(self) -> None:
        self._baton.pause(lambda: self._count < self._max_chains)

    def wait_for_change(self, changes: int) -> None:
        self._baton.pause(lambda: self.changes != changes)


class CountingCursor(StreamCursor):
    """A cursor that counts what comes of the questions about each table."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lost: Counter[str] = Counter()
        self.starts = 0

    def answer(
        self,
        table: Table,
        question: Question,
        page: Page | None,
        to_batch: Callable[[Page], RecordBatch],
    ) -> tuple[Piece, Delivery] | None:
        found = super().answer(table, question, page, to_batch)
        self.starts += found is not None
        self.lost[repr(table.partition)] += found is None
        return found


class Messages(MessageRepository):
    """All messages of an attempt, in their order."""

    def __init__(self) -> None:
        self.sent: list[AirbyteMessage] = []

    def emit_message(self, message: AirbyteMessage) -> None:
        self.sent.append(message)

    def log_message(self, level: Level, message_provider: Callable[[], Any]) -> None:
        pass

    def consume_queue(self) -> Iterable[AirbyteMessage]:
        raise NotImplementedError


@cache
def _the_stream() -> Members:
    stream = Members(PausingClient(URL, SecretStr(KEY), RateLimiter(), READ_POLICY))
    stream.logger.setLevel(logging.CRITICAL)
    return stream


class _Walk:
    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._dice = Random(repr(setup))  # noqa: S311 - no secret
        self._account = Account(
            setup.seed,
            setup.contacts,
            lists=0,
            segment_sizes=setup.segments,
            newer_ids=setup.newer_ids,
            lower_case_ids=setup.lower_case_ids,
            numbered_ids=setup.numbered_ids,
        )
        self._paging = Paging(self._account, setup.page_size, ways=setup.ways)
        self._segments: list[str | None] = [*self._account.segment_ids] or [None]
        self._edits: Counter[str] = Counter()
        self._asked: list[tuple[str | None, str | None]] = [(None, None)]
        self._before = {(segment_id, key) for segment_id, key in self._all_rows()}
        self._outcome = Outcome()
        self._doubted: set[str | None] = set()

    def run(self) -> Outcome:
        kept: list[RowKey] = []
        state: dict[str, Any] = {}
        while not state.get(COMPLETE):
            kill_at = None
            if self._outcome.kills < self._setup.kills:
                pages = sum(self._setup.segments) or self._setup.contacts
                kill_at = self._dice.randrange(1, 10 + 3 * pages // self._setup.page_size)
            baton, messages = self._attempt(state, kill_at)
            rows, states = self._read(messages)
            self._outcome.failures = list(baton.errors)
            self._outcome.is_hung = baton.is_hung
            if not baton.is_killed:
                kept += rows
                break
            self._outcome.kills += 1
            if states:
                # The platform may have got no further than to an older one.
                count, state = self._dice.choice(
                    [states[-1], states[-1], self._dice.choice(states)]
                )
                kept += rows[:count]
        self._judge(kept)
        return self._outcome

    def _attempt(self, state: dict[str, Any], kill_at: int | None) -> tuple[Baton, Messages]:
        self._baton = baton = Baton(self._dice, max_steps=100_000, kill_at=kill_at)
        self._paging.ways = self._setup.ways
        self._clock = Clock()
        self._first_of_attempt = set(self._bookmarks_of(state))
        limiter, messages = RateLimiter(), Messages()
        chains = PausingChains(limiter, baton, self._setup.chains)
        stream = _the_stream()
        stream.client = PausingClient(
            URL, SecretStr(KEY), limiter, READ_POLICY, ask=self._ask_for_page
        )
        stream.partitions = tuple({"segment_id": key} if key else {} for key in self._segments)
        switches = Switches(check_totals=self._setup.checks_totals)
        first_pages = FirstPages([STREAM], lambda *_: None)
        parsed = StreamState.parse(state)
        reader = StreamReader(stream, parsed, messages, chains, first_pages, switches)
        cursor = CountingCursor(STREAM, parsed, messages, switches, now=self._clock.now)
        reader.cursor = cursor

        def plan() -> None:
            for work in reader.plan():
                baton.spawn(work)

        baton.run(plan)
        if not baton.is_killed:
            cursor.ensure_at_least_one_state_emitted()
        lost = max(cursor.lost.values(), default=0)
        self._outcome.lost_questions = max(self._outcome.lost_questions, lost)
        self._outcome.pieces += cursor.starts
        return baton, messages

    # The API

    def _ask_for_page(self, path: str, is_question: bool) -> Page:
        self._outcome.requests += 1
        self._baton.pause()
        parts = split_path("/v1/" + path)
        segment_id = parts[1] if parts[0] == "smart_segments" else None
        first = 3 if segment_id else 1
        bookmark = parts[first] if len(parts) > first else None
        self._asked.append((segment_id, bookmark))
        self._change_something()
        page = self._make_page(segment_id, bookmark, is_question)
        self._clock.sleep(self._dice.choice([0.0, 0.5, 1.0, 4.0, 12.0]))
        self._baton.pause()
        if isinstance(page, RequestFailed):
            raise page
        return page

    def _make_page(
        self, segment_id: str | None, bookmark: str | None, is_question: bool
    ) -> Page | RequestFailed:
        may_fail = is_question or (segment_id, bookmark) in self._first_of_attempt
        self._first_of_attempt.discard((segment_id, bookmark))
        found = self._paging.page(segment_id, bookmark)
        if is_question:
            later = self._setup.unknown_later
            self._paging.ways = replace(self._paging.ways, unknown=later)
        if found is None or (may_fail and self._dice.random() < self._setup.trouble):
            refused = PageRefused("refused", FailureType.transient_error, bookmark=bookmark)
            failed = RequestFailed("failed", FailureType.transient_error, bookmark=bookmark)
            return self._dice.choice([refused, failed]) if is_question else refused
        ids = [self._account.contact_id(number) for number in found.numbers]
        if found.bookmark is not None:  # it is known again, whatever becomes of the others
            self._first_of_attempt.discard((segment_id, self._paging.bookmark(found.bookmark)))
        total = TOTALS[self._setup.totals](len(self._account.members(segment_id)), self._dice)
        return Page(
            [{"contact_id": key, "edits": self._edits[key]} for key in ids],
            None if found.bookmark is None else self._paging.bookmark(found.bookmark),
            total,
            tuple(ids),
        )

    def _change_something(self) -> None:
        """Perhaps a contact comes, goes or changes: where a page begins that was asked for."""
        if self._dice.random() >= self._setup.churn:
            return
        segment_id, bookmark = self._dice.choice(self._asked[-2 * self._setup.chains :])
        place = self._dice.choice([-2, -1, -1, 0, 0, 1])
        number = self._paging.at_border(segment_id, bookmark, place)
        if number is None:
            return
        kind = self._dice.choice(["create", "delete", "delete", "edit"])
        apply(Change(kind, place=place), self._paging, segment_id, bookmark)
        self._edits[self._account.contact_id(number)] += kind == "edit"

    def _bookmarks_of(self, state: dict[str, Any]) -> Iterator[tuple[str | None, str | None]]:
        for entry in state.get("states", ()):
            if "bookmark" in entry["cursor"]:
                yield entry["partition"].get("segment_id"), entry["cursor"]["bookmark"]

    # What came of it

    def _read(self, messages: Messages) -> tuple[list[RowKey], list[tuple[int, dict[str, Any]]]]:
        """The rows, and the states with the number of rows before each."""
        rows: list[RowKey] = []
        states = []
        for message in messages.sent:
            if isinstance(message, RecordBatch):
                for line in message.lines.splitlines():
                    row = orjson.loads(line)["record"]["data"]
                    rows.append((row.get("segment_id"), row["contact_id"], row["edits"]))
            elif message.state:
                written = json.loads(json.dumps(AirbyteMessageSerializer.dump(message)))
                state = written["state"]["stream"]["stream_state"]
                states.append((len(rows), state))
                self._note_doubts(state)
        return rows, states

    def _note_doubts(self, state: dict[str, Any]) -> None:
        for entry in state.get("states", ()):
            cursor = entry["cursor"]
            if cursor.get("alone") and "bookmark" not in cursor:
                self._outcome.doubts += 1
                self._doubted.add(entry["partition"].get("segment_id"))

    def _judge(self, kept: list[RowKey]) -> None:
        outcome, setup = self._outcome, self._setup
        arrived = {(segment_id, key) for segment_id, key, _ in kept}
        stayed = {row for row in self._before if row[1] not in self._account.deleted_ids}
        possible = self._before | set(self._all_rows())
        outcome.lost = sorted(stayed - arrived, key=repr)
        # Of pages that overlap, where so many contacts were created that the next attempt's first
        # page ends in front of the last row that is out; and where pages have no order at all.
        has_crowd = setup.page_size < 6 and setup.churn and outcome.kills
        may_double = setup.ways.bookmark == "overlap" and (has_crowd or setup.ways.order == "none")
        outcome.doubled = [
            row
            for row, count in Counter(kept).items()
            if count > 1 and row[0] not in self._doubted and not may_double
        ]
        outcome.invented = [
            row
            for row in kept
            if row[:2] not in possible and row[1] not in self._account.deleted_ids
        ]

    def _all_rows(self) -> Iterator[tuple[str | None, str]]:
        for segment_id in self._segments:
            for number in self._account.members(segment_id):
                yield segment_id, self._account.contact_id(number)
