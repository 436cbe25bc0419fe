"""The tables in a schema of a PostgreSQL database: a sync replaces them in one transaction."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from destination import SyncFailed

if TYPE_CHECKING:
    from postgres_cache import ExactPostgresCache
    from psycopg import Connection

SCHEMA = "autopilot"
WORKSHOP = "autopilot_sync_in_progress"
LONGEST_WAIT = "1min"  # for readers of the last tables; those who come later wait behind us


@dataclass(frozen=True)
class PostgresSchema:
    """The schema with the tables of the last good sync.

    `database` is a connection URL or string of libpq. What it leaves out comes from where psql has
    it from: PGHOST, PGUSER, PGPASSWORD and so on, or ~/.pgpass.
    """

    database: str

    @contextmanager
    def fresh(self) -> Iterator[FreshSchema]:
        """A new schema beside it. Raises SyncFailed while another sync works there."""
        import psycopg

        folder = TemporaryDirectory(prefix="source-autopilot-")
        with folder as pages, psycopg.connect(self.database, autocommit=True) as connection:
            _claim(connection)
            try:
                yield FreshSchema(self.database, connection, Path(pages))
            finally:
                connection.execute(f"DROP SCHEMA IF EXISTS {WORKSHOP} CASCADE")

    def what_is_left(self) -> str:
        """What holds after any failure: a transaction happens as a whole."""
        return f"The schema {SCHEMA} still is what the last good sync saved, if there was one."

    def how_to_open(self) -> str:
        """A command for psql, without the password."""
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        told = conninfo_to_dict(self.database)
        told.pop("password", None)
        database = [shlex.quote(make_conninfo("", **told))] if told else []
        look = ["-c", f"'TABLE {SCHEMA}.contacts LIMIT 3'"]
        return (
            f"Saved in the schema {SCHEMA}. Look at it with: {' '.join(['psql', *database, *look])}"
        )


@dataclass(frozen=True)
class FreshSchema:
    """A schema whose tables are not yet where the last ones are."""

    database: str
    connection: Connection
    pages: Path

    def cache(self) -> ExactPostgresCache:
        """PyAirbyte's, mended."""
        from postgres_cache import ExactPostgresCache

        return ExactPostgresCache(
            conninfo=self.database, schema_name=WORKSHOP, cache_dir=self.pages
        )

    def row_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows each table has."""
        return {name: self._count(name) for name in names}

    def described(self, names: Sequence[str]) -> str:
        """The size of each table."""
        counts = self.row_counts(names)
        return "\n".join(f"{name}: {rows:,} rows" for name, rows in counts.items())

    def replace_the_last(self, names: Sequence[str]) -> None:
        """Move the tables to where the last ones are.

        Without CASCADE: a view of somebody's that reads a table is an error, and is not dropped.
        Raises SyncFailed when somebody goes on reading.
        """
        from psycopg.errors import LockNotAvailable

        try:
            with self.connection.transaction():
                self._move(names)
        except LockNotAvailable:
            raise SyncFailed(
                f"Somebody has read a table of the schema {SCHEMA} for longer than {LONGEST_WAIT}"
                " without ending the transaction: look for it in pg_stat_activity."
            ) from None

    def _move(self, names: Sequence[str]) -> None:
        execute = self.connection.execute
        execute(f"SET LOCAL lock_timeout TO '{LONGEST_WAIT}'")
        execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        for name in names:
            execute(f"DROP TABLE IF EXISTS {SCHEMA}.{name}")
            execute(f"ALTER TABLE {WORKSHOP}.{name} SET SCHEMA {SCHEMA}")

    def _count(self, name: str) -> int:
        query = f"SELECT count(*) FROM {WORKSHOP}.{name}"  # noqa: S608 - names of ours
        [count] = self.connection.execute(query).fetchone() or [0]
        return int(count)


def _claim(connection: Connection) -> None:
    """Make the workshop this sync's alone, as long as the connection lasts, and clear it.

    Raises SyncFailed.
    """
    lock = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [WORKSHOP])
    if lock.fetchone() != (True,):
        raise SyncFailed("Another sync into this database is still under way.")
    connection.execute(f"DROP SCHEMA IF EXISTS {WORKSHOP} CASCADE")
