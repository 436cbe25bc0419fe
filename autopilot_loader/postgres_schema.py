"""The tables in a schema of a PostgreSQL database: a sync replaces them in one transaction."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from autopilot_loader.destination import SyncFailed

if TYPE_CHECKING:
    from psycopg import Connection

    from autopilot_loader.postgres_cache import ExactPostgresCache

SCHEMA = "autopilot"
WORKSHOP = "autopilot_sync_in_progress"
MAX_LOCK_WAIT = "1min"  # for open transactions; later readers wait behind us


@dataclass(frozen=True)
class PostgresSchema:
    """The schema with the tables of the last good sync.

    `database` is a connection URL or string of libpq. What it leaves out comes from where psql has
    it from: PGHOST, PGUSER, PGPASSWORD and so on, or ~/.pgpass.
    """

    database: str

    @contextmanager
    def create_fresh(self) -> Iterator[FreshSchema]:
        """Create a new schema beside it. Raises SyncFailed while another sync runs."""
        import psycopg

        folder = TemporaryDirectory(prefix="source-autopilot-")
        with folder as pages, psycopg.connect(self.database, autocommit=True) as connection:
            _lock_workshop(connection)
            try:
                yield FreshSchema(self.database, connection, Path(pages))
            finally:
                connection.execute(f"DROP SCHEMA IF EXISTS {WORKSHOP} CASCADE")

    def describe_last(self) -> str:
        """What is true after any failure: a transaction is all or nothing."""
        return f"The schema {SCHEMA} still is what the last good sync saved, if there was one."

    def explain_access(self) -> str:
        """A command for psql, without the password."""
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        parameters = conninfo_to_dict(self.database)
        parameters.pop("password", None)
        database = [shlex.quote(make_conninfo("", **parameters))] if parameters else []
        query = f"'TABLE {SCHEMA}.contacts LIMIT 3'"
        command = " ".join(["psql", *database, "-c", query])
        return f"Saved in the schema {SCHEMA}. Look at it with: {command}"


@dataclass(frozen=True)
class FreshSchema:
    """A schema whose tables are to replace the last ones."""

    database: str
    connection: Connection
    pages: Path

    def cache(self) -> ExactPostgresCache:
        """PyAirbyte's cache, corrected."""
        from autopilot_loader.postgres_cache import ExactPostgresCache

        return ExactPostgresCache(
            conninfo=self.database, schema_name=WORKSHOP, cache_dir=self.pages
        )

    def row_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows each table has."""
        return {name: self._count(name) for name in names}

    def describe(self, names: Sequence[str]) -> str:
        """The size of each table."""
        counts = self.row_counts(names)
        return "\n".join(f"{name}: {rows:,} rows" for name, rows in counts.items())

    def replace_last(self, names: Sequence[str]) -> None:
        """Move the tables to the place of the last ones.

        Without CASCADE: a view that reads a table is an error, and is not dropped. Raises
        SyncFailed while another transaction reads a table.
        """
        from psycopg.errors import LockNotAvailable

        try:
            with self.connection.transaction():
                self._move(names)
        except LockNotAvailable:
            raise SyncFailed(
                f"Another transaction has read a table of the schema {SCHEMA} and has not ended"
                f" for {MAX_LOCK_WAIT}: look for it in pg_stat_activity."
            ) from None

    def _move(self, names: Sequence[str]) -> None:
        execute = self.connection.execute
        execute(f"SET LOCAL lock_timeout TO '{MAX_LOCK_WAIT}'")
        execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        for name in names:
            execute(f"DROP TABLE IF EXISTS {SCHEMA}.{name}")
            execute(f"ALTER TABLE {WORKSHOP}.{name} SET SCHEMA {SCHEMA}")

    def _count(self, name: str) -> int:
        query = f"SELECT count(*) FROM {WORKSHOP}.{name}"  # noqa: S608 - names of ours
        [count] = self.connection.execute(query).fetchone() or [0]
        return int(count)


def _lock_workshop(connection: Connection) -> None:
    """Lock the workshop for the rest of the connection, and clear it.

    Raises SyncFailed.
    """
    lock = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [WORKSHOP])
    if lock.fetchone() != (True,):
        raise SyncFailed("Another sync into this database is still under way.")
    connection.execute(f"DROP SCHEMA IF EXISTS {WORKSHOP} CASCADE")
