"""What a sync needs of the place for its tables; DuckDB and PostgreSQL each have one.

Every sync fills fresh tables. When all are complete they replace the last ones in one step: readers
see either all of the last sync or all of this one.
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
        """The cache that PyAirbyte fills: a context, which closes its connections."""

    def row_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows each table has."""

    def describe(self, names: Sequence[str]) -> str:
        """A summary of the tables for a person."""

    def replace_last(self, names: Sequence[str]) -> None:
        """Replace the tables of the last sync by these, all or none."""


class Destination(Protocol):
    """Where the tables of the last good sync are."""

    def create_fresh(self) -> AbstractContextManager[FreshTables]:
        """Create fresh tables; after the block they are removed if they replaced nothing."""

    def describe_last(self) -> str:
        """What is here after a failed sync."""

    def explain_access(self) -> str:
        """The commands that show the tables."""
