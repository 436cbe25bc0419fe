"""What a sync needs of the place for its tables, and what DuckDB and PostgreSQL have in common.

Every sync fills fresh tables. When all are complete their rows replace the last ones in one step:
readers see either all of the last sync or all of this one.

Tables that the loader made carry a mark, as their comment. A table without it is somebody's, and is
never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # importing PyAirbyte takes five seconds
    from airbyte.caches.base import CacheBase

MARK = "Made by autopilot_loader: every sync replaces all rows."
DEMO_MARK = "Made by autopilot_loader from a simulated account: every demo replaces all rows."


class SyncFailed(Exception):
    """A sync that did not deliver everything; the text is for a person."""


class TableRefused(Exception):
    """A database refused the table of this name or its rows; the cause says why."""


class FreshTables(Protocol):
    """An empty place beside the tables of the last sync."""

    def require_ours(self, names: Sequence[str]) -> None:
        """Raise SyncFailed if these tables would replace anything that the loader did not make."""

    def cache(self) -> CacheBase:
        """The cache that PyAirbyte fills: a context, which closes its connections."""

    def row_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows each table has."""

    def keep_last_rows(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Of the rows with one key keep the one that was read last. `keys` has each table's."""

    def describe(self, names: Sequence[str]) -> str:
        """A summary of the tables for a person."""

    def replace_last(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Replace the rows of the last sync by these, all or none. Raises SyncFailed."""


class Destination(Protocol):
    """Where the tables of the last good sync are."""

    def create_fresh(self) -> AbstractContextManager[FreshTables]:
        """Create fresh tables, which are removed after the block. Raises SyncFailed."""

    def explain(self, error: BaseException) -> str | None:
        """What to tell a person if the database is the cause of an error; else None."""

    def describe_last(self) -> str:
        """What is here after a failed sync."""

    def explain_access(self) -> str:
        """The commands that show the tables."""


def describe_counts(counts: Mapping[str, int]) -> str:
    """A line for each table."""
    return "\n".join(f"{name}: {rows:,} rows" for name, rows in counts.items())


def delete_older_rows(table: str, key: Sequence[str], row_id: str) -> str:
    """SQL that deletes each row of which the table has a later one with the same key.

    A contact that moves while the pages are read arrives twice. `row_id` is the system's column
    that ascends from row to row.
    """
    same = " AND ".join(f'older."{column}" = newer."{column}"' for column in key)
    order = "({row}._airbyte_extracted_at, {row}.{id})"
    older, newer = (order.format(row=row, id=row_id) for row in ("older", "newer"))
    return f"DELETE FROM {table} AS older USING {table} AS newer WHERE {same} AND {older} < {newer}"  # noqa: S608 - names of ours


def add_primary_key(table: str, key: Sequence[str]) -> str:
    """SQL that makes these columns the primary key."""
    return f"ALTER TABLE {table} ADD PRIMARY KEY ({', '.join(quote(key))})"


def quote(names: Iterable[str]) -> list[str]:
    """Names of columns in SQL."""
    return ['"' + name.replace('"', '""') + '"' for name in names]


def causes(error: BaseException | None) -> Iterable[BaseException]:
    """An error and those that it came from, also where `raise ... from None` hides them."""
    while error:
        yield error
        error = error.__cause__ or error.__context__
