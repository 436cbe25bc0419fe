"""What a sync needs of a place where the tables go; DuckDB and PostgreSQL each have one.

Every sync fills fresh tables, which take the place of the last ones at once when all of them are
complete: readers see either all of the last sync or all of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # importing PyAirbyte takes five seconds
    from airbyte.caches.base import CacheBase


class SyncFailed(Exception):
    """A sync that did not deliver everything; the text is for a person."""


class FreshTables(Protocol):
    """An empty place beside the tables of the last sync."""

    def cache(self) -> CacheBase:
        """Where PyAirbyte writes the tables: a context, which closes its connections."""

    def row_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows each table has."""

    def described(self, names: Sequence[str]) -> str:
        """The tables as a person wants to see them."""

    def replace_the_last(self, names: Sequence[str]) -> None:
        """Put all tables in the place of the last sync's, or none of them."""


class Destination(Protocol):
    """Where the tables of the last good sync are."""

    def fresh(self) -> AbstractContextManager[FreshTables]:
        """Fresh tables; those that have replaced nothing are gone when the block ends."""

    def what_is_left(self) -> str:
        """What a person finds here after a failed sync."""

    def how_to_open(self) -> str:
        """What a person types to look at the tables."""
