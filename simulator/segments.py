"""The members of segments: arithmetic instead of sets, so that membership costs no memory."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload


@dataclass(frozen=True)
class Members(Sequence[int]):
    """`size` of the contacts 0..population-1, spread evenly and in the account's order.

    `shift` (below `population`) moves the choice, so that segments of one size differ.
    """

    population: int
    size: int
    shift: int = 0

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, position: int) -> int: ...

    @overload
    def __getitem__(self, position: slice) -> list[int]: ...

    def __getitem__(self, position: int | slice) -> int | list[int]:
        """The contact at this position of the chain, or those of a slice."""
        if isinstance(position, slice):
            return [self[each] for each in range(*position.indices(self.size))]
        if not 0 <= position < self.size:
            raise IndexError(f"position {position} of a chain of {self.size}")
        return (position * self.population + self.shift) // self.size


def vary_sizes(count: int, contacts: int, dice: random.Random) -> list[int]:
    """Sizes that hit the edges of paging: no contact, all of them, a full page, one more."""
    edges = [101, 0, contacts, 100]
    sizes = edges + [dice.randrange(contacts + 1) for _ in range(count - len(edges))]
    return [min(size, contacts) for size in sizes[:count]]


def divide(pairs: int, count: int, contacts: int) -> list[int]:
    """Divide `pairs` memberships over `count` segments, each larger than the one before it.

    The sum is exact and no contact is in a segment twice: ValueError if that is impossible.
    """
    if not 0 <= pairs <= count * contacts:
        raise ValueError(f"{pairs} pairs don't fit {count} segments of at most {contacts} contacts")
    sizes = []
    for rank in range(count, 0, -1):
        share = -(-2 * pairs // (rank + 1))  # rank / (1 + 2 + ... + rank), rounded up
        sizes.append(min(share, contacts, pairs))
        pairs -= sizes[-1]
    return sizes[::-1]
