"""What is measured: accounts, how the API answers, and the least time that a sync can take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from simulator import Account

PAGE_SIZE = 100  # of the API
TABLES = ("contacts", "lists", "smart_segments", "smart_segments_contacts")
CONTACTS_OF_BASE_PEAK = 20_000
"""The size of the account whose peak of memory a large one may exceed only a little."""
EMPTY_ACCOUNT = Account(contacts=0, segments=0, lists=0)
"""Reading it takes the time that a program needs to start and to end."""


@dataclass(frozen=True)
class Workload:
    """An account, and an API that answers after `latency_seconds`, `rate_limit` times a second.

    `unknown` is what a bookmark gets that no contact ever had (see simulator/bookmarks.py): where
    that is the page behind it, the pages of one table can be read side by side.

    `target` is the highest allowed ratio of this connector's time to the floor, `throttled` the
    highest share of its requests that may be refused with 429, `extra_requests` how many more than
    the fewest may be answered, and `peak_mb` its highest peak of memory. The peers are not measured
    where it is `alone`. In each of the `turns` every peer is measured once: the processor time of a
    program varies by a fifth within an hour.
    """

    name: str
    title: str
    contacts: int
    pairs: int
    segments: int = 10
    tables: tuple[str, ...] = TABLES
    latency_seconds: float = 0
    rate_limit: float | None = None
    unknown: str = "start_key"
    target: float | None = None
    throttled: float | None = 0
    extra_requests: int | None = None
    peak_mb: float | None = None
    alone: bool = False
    turns: int = 1

    @cached_property
    def account(self) -> Account:
        """The account, the same at every call."""
        return Account(contacts=self.contacts, segments=self.segments, pairs=self.pairs)

    @property
    def simulator_options(self) -> list[str]:
        """The options of `python -m simulator` that make this account and this API."""
        options = {
            "--contacts": self.contacts,
            "--segments": self.segments,
            "--pairs": self.pairs,
            "--latency-ms": self.latency_seconds * 1000,
            "--unknown-bookmark": self.unknown,
            "--transport": "steady",  # a connection that closes costs one client more than another
        }
        if self.rate_limit:
            options["--rate-limit"] = self.rate_limit
        return [str(part) for option in options.items() for part in option]

    @property
    def start_keys_work(self) -> bool:
        """Whether the API lets several chains read one table."""
        return self.unknown == "start_key"

    @property
    def chains(self) -> list[int]:
        """The pages of each chain: all contacts, and those of each segment."""
        sizes = [self.contacts] if "contacts" in self.tables else []
        if "smart_segments_contacts" in self.tables:
            sizes += map(len, map(self.account.members, self.account.segment_ids))
        return [max(1, -(-size // PAGE_SIZE)) for size in sizes]

    @property
    def requests(self) -> int:
        """The fewest requests that read everything: each page once, lists, segments."""
        segments = {"smart_segments", "smart_segments_contacts"}.intersection(self.tables)
        return sum(self.chains) + ("lists" in self.tables) + bool(segments)

    @property
    def limit_seconds(self) -> float:
        """The least time that the rate limit leaves to the requests; 0 without a limit."""
        return self.requests / self.rate_limit if self.rate_limit else 0.0

    @property
    def chain_seconds(self) -> float:
        """What the longest chain takes if each page waits for the one before it."""
        return max(self.chains) * self.latency_seconds

    @property
    def floor_seconds(self) -> float:
        """The least time of a sync: a chain is a bound only where start keys don't work."""
        if self.start_keys_work:
            return self.limit_seconds
        return max(self.limit_seconds, self.chain_seconds)


def _without_start_keys(workload: Workload) -> Workload:
    """The same where an unknown bookmark is a 404, so that one chain reads the table."""
    return replace(
        workload,
        name=f"{workload.name}-one-chain",
        title=f"{workload.title}, without start keys",
        unknown="not_found",
        target=1.05,
        extra_requests=3,
    )


def _with_and_without_start_keys() -> Iterator[Workload]:
    """What this connector must reach with several chains on one table, and with one."""
    large_table = Workload(
        name="large-table",
        title="24,000 contacts, 500 ms a page, 20 requests a second",
        contacts=24_000,
        pairs=0,
        segments=0,
        tables=("contacts",),
        latency_seconds=0.5,
        rate_limit=20,
        target=1.5,
        throttled=0.02,
        extra_requests=60,
        alone=True,
    )
    large_segment = replace(
        large_table,
        name="large-segment",
        title="one segment of 24,000, 500 ms a page, 20 requests a second",
        pairs=24_000,
        segments=1,
        tables=("smart_segments_contacts",),
    )
    unknown_limit = replace(
        large_table,
        name="large-table-unknown-limit",
        title="8,000 contacts, 1 s a page, 5 requests a second, which no setting says",
        contacts=8_000,
        latency_seconds=1,
        rate_limit=5,
        target=1.4,
        throttled=None,
    )
    for workload in (large_table, large_segment, unknown_limit):
        yield workload
        yield _without_start_keys(workload)


WORKLOADS = [
    Workload(
        name="known-limit",
        title="100 ms a page, 20 requests a second",
        contacts=CONTACTS_OF_BASE_PEAK,
        pairs=40_000,
        latency_seconds=0.1,
        rate_limit=20,
        target=1.10,
        throttled=0.02,
    ),
    Workload(
        name="unknown-limit",
        title="100 ms a page, 5 requests a second, which no setting says",
        contacts=10_000,
        pairs=20_000,
        latency_seconds=0.1,
        rate_limit=5,
        target=1.25,
        throttled=0.15,
    ),
    Workload(
        name="many-segments",
        title="200 segments, 300 ms a page, 20 requests a second",
        contacts=10_000,
        pairs=40_000,
        segments=200,
        latency_seconds=0.3,
        rate_limit=20,
        target=1.12,
        throttled=0.02,
    ),
    Workload(
        name="slow-pages",
        title="30,000 contacts, 1 s a page, 20 requests a second",
        contacts=30_000,
        pairs=500,
        latency_seconds=1,
        rate_limit=20,
        target=1.5,
        throttled=0.02,
    ),
    Workload(
        name="slow-segment",
        title="one segment of 30,000, 1 s a page, 20 requests a second",
        contacts=30_000,
        pairs=30_000,
        segments=1,
        tables=("smart_segments_contacts",),
        latency_seconds=1,
        rate_limit=20,
        target=1.5,
        throttled=0.02,
    ),
    *_with_and_without_start_keys(),
    Workload(
        name="cpu",
        title="no latency and no limit: processor time alone",
        contacts=50_000,
        pairs=50_000,
        turns=3,
    ),
    Workload(
        name="memory",
        title="a million contacts",
        contacts=1_000_000,
        pairs=0,
        segments=1,
        latency_seconds=0.04,
        rate_limit=20,
        peak_mb=160,
        alone=True,
    ),
]
