"""What is measured: accounts, how the API answers, and the least time that a sync can take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from simulator import Account, Simulator

PAGE_SIZE = 100  # of the API
CONTACTS_OF_BASE_PEAK = 20_000
"""The size of the account whose peak of memory a large one may exceed only a little."""
EMPTY_ACCOUNT = Account(contacts=0, segments=0, lists=0)
"""Reading it takes the time that a program needs to start and to end."""


@dataclass(frozen=True)
class Workload:
    """An account, and an API that answers after `latency_seconds`, `rate_limit` times a second.

    `target` is the highest allowed ratio of this connector's time to the floor, `throttled` the
    highest share of its requests that may be refused with 429, and `peak_mb` its highest peak of
    memory. The peers are not measured where it is `alone`. In each of the `turns` every peer is
    measured once: the processor time of a program varies by a fifth within an hour.
    """

    name: str
    title: str
    contacts: int
    pairs: int
    segments: int = 10
    latency_seconds: float = 0
    rate_limit: float | None = None
    target: float | None = None
    throttled: float = 0
    peak_mb: float | None = None
    alone: bool = False
    turns: int = 1

    @cached_property
    def account(self) -> Account:
        """The account, the same at every call."""
        return Account(contacts=self.contacts, segments=self.segments, pairs=self.pairs)

    def simulator(self) -> Simulator:
        """A fresh simulator."""
        return Simulator(
            self.account,
            rate_limit=self.rate_limit,
            latency_seconds=self.latency_seconds,
            transport="steady",  # a connection that closes costs one client more than another
        )

    @property
    def chains(self) -> list[int]:
        """The pages of each chain: all contacts, and those of each segment."""
        segments = map(self.account.members, self.account.segment_ids)
        sizes = [self.contacts, *map(len, segments)]
        return [max(1, -(-size // PAGE_SIZE)) for size in sizes]

    @property
    def requests(self) -> int:
        """The fewest requests that read everything: each page once, lists, segments."""
        return sum(self.chains) + 2

    @property
    def floor_seconds(self) -> float:
        """The least time of a sync: its longest chain waits for each page, all share the limit."""
        waiting = max(self.chains) * self.latency_seconds
        return max(waiting, self.requests / self.rate_limit) if self.rate_limit else waiting


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
        name="cpu",
        title="no latency and no limit: processor time alone",
        contacts=100_000,
        pairs=100_000,
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
