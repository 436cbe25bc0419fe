"""The tables in a schema of a PostgreSQL database: a sync replaces their rows in one transaction.

The tables themselves stay, and with them the views that read them, the rights of others, and
indexes of your own.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from autopilot_loader.destination import (
    SyncFailed,
    add_primary_key,
    causes,
    delete_older_rows,
    describe_counts,
    quote,
)

if TYPE_CHECKING:
    from psycopg import Connection

    from autopilot_loader.caches import ExactPostgresCache

STAGING_SUFFIX = "_sync_in_progress"
STAGING_MARK = "Made by autopilot_loader for the time of a sync."
MAX_LOCK_WAIT = "1min"  # for other transactions; readers that come later wait behind us

RELATIONS = """
SELECT relname AS name, relkind = 'r' AS is_table,
       obj_description(relation.oid, 'pg_class') AS mark,
       pg_has_role(relowner, 'USAGE') AS is_owner
FROM pg_class AS relation JOIN pg_namespace AS schema ON schema.oid = relnamespace
WHERE nspname = %s AND relname = ANY(%s)
ORDER BY relname
"""

COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""

VIEWS_ON_COLUMNS = """
SELECT DISTINCT format('%%I.%%I', nspname, relname) AS name,
       CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END AS kind,
       pg_get_viewdef(relation.oid) AS definition
FROM pg_depend
JOIN pg_rewrite AS rule ON rule.oid = objid AND classid = 'pg_rewrite'::regclass
JOIN pg_class AS relation ON relation.oid = ev_class
JOIN pg_namespace AS schema ON schema.oid = relnamespace
JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
WHERE refobjid = %s::regclass AND attname = ANY(%s)
ORDER BY name
"""


@dataclass(frozen=True)
class PostgresSchema:
    """The schema with the tables of the last good sync.

    `database` is a connection URL or string of libpq. What it leaves out comes from where psql has
    it from: PGHOST, PGUSER, PGPASSWORD and so on, or ~/.pgpass. `mark` is the comment of our
    tables.
    """

    database: str
    schema: str
    mark: str

    @property
    def staging(self) -> str:
        """The schema that a sync fills first."""
        return f"{self.schema}{STAGING_SUFFIX}"

    @contextmanager
    def create_fresh(self) -> Iterator[FreshSchema]:
        """Create a new schema beside it. Raises SyncFailed, also while another sync runs."""
        import psycopg

        folder = TemporaryDirectory(prefix="source-autopilot-")
        with folder as pages, psycopg.connect(self.database, autocommit=True) as connection:
            _lock(connection, self.staging)
            _require_right_to_create(connection, self.schema)
            _create_staging(connection, self.staging)
            try:
                yield FreshSchema(self, connection, Path(pages))
            finally:
                connection.execute(f"DROP SCHEMA IF EXISTS {self.staging} CASCADE")

    def explain(self, error: BaseException) -> str | None:
        """PostgreSQL's reason, but for what may repeat a contact's data, and what to do."""
        import psycopg
        from psycopg import errors

        found = [cause for cause in causes(error) if isinstance(cause, psycopg.Error)]
        if not found:
            return None
        refusal = found[-1]
        if isinstance(refusal, errors.LockNotAvailable):
            return (
                f"Another transaction has held a lock on a table of the schema {self.schema} for"
                f" {MAX_LOCK_WAIT}: look for it in pg_stat_activity."
            )
        advice = ADVICE.get(refusal.sqlstate or "", "")
        if isinstance(refusal, psycopg.DataError):  # its text has the value in it
            return f"PostgreSQL refused a value ({type(refusal).__name__}): please report that."
        text = refusal.diag.message_primary or str(refusal).strip()
        return f"PostgreSQL says: {text.rstrip('.')}. {advice}".rstrip()

    def describe_last(self) -> str:
        """True after any failure: a transaction is all or nothing."""
        return f"The schema {self.schema} was not changed."

    def explain_access(self) -> str:
        """A command for psql, without the password."""
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        parameters = conninfo_to_dict(self.database)
        parameters.pop("password", None)
        database = [shlex.quote(make_conninfo("", **parameters))] if parameters else []
        query = f"'TABLE {self.schema}.contacts LIMIT 3'"
        command = " ".join(["psql", *database, "-c", query])
        return f"Saved in the schema {self.schema}. Look at it with: {command}"


ADVICE = {
    "54000": (
        "A row has room for 8 kB in PostgreSQL, and each custom field takes a place in it. Delete"
        " custom fields in Autopilot that are not needed, or load into DuckDB, which has no such"
        " limit."
    ),
    "54011": "Delete custom fields in Autopilot that are not needed, or load into DuckDB.",
    "53100": "Make room on the database's disk, then sync again.",
}
"""What to do, by SQLSTATE."""


@dataclass(frozen=True)
class FreshSchema:
    """A schema whose rows are to replace the last ones."""

    last: PostgresSchema
    connection: Connection
    pages: Path

    def require_ours(self, names: Sequence[str]) -> None:
        """Raise SyncFailed if the loader did not make what has one of these names."""
        schema, mark = self.last.schema, self.last.mark
        relations = self._fetch(RELATIONS, [schema, list(names)])
        foreign = [row for row in relations if not (row["is_table"] and row["mark"] == mark)]
        if foreign:
            found = ", ".join(f"{schema}.{row['name']}" for row in foreign)
            unmarked = [row["name"] for row in foreign if row["is_table"] and not row["mark"]]
            comments = [f"COMMENT ON TABLE {schema}.{name} IS '{mark}';" for name in unmarked]
            raise SyncFailed(
                f"The loader did not make {found}, and does not touch what lacks its mark. Choose"
                f" a schema of its own, as in --schema {schema}_new."
                + "\n".join([" If version 0.2.0 made it, mark it:", *comments] if comments else [])
            )
        not_owned = [row["name"] for row in relations if not row["is_owner"]]
        if not_owned:
            [user] = self._fetch("SELECT quote_ident(current_user) AS name", [])
            owner = [f"ALTER TABLE {schema}.{name} OWNER TO {user['name']};" for name in not_owned]
            raise SyncFailed("\n".join(["Another user owns tables of the last sync:", *owner]))

    def cache(self) -> ExactPostgresCache:
        """PyAirbyte's cache, corrected."""
        from autopilot_loader.caches import ExactPostgresCache

        return ExactPostgresCache(
            conninfo=self.last.database, schema_name=self.last.staging, cache_dir=self.pages
        )

    def row_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows each table has."""
        return {name: self._count(name) for name in names}

    def keep_last_rows(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Delete older rows of a key."""
        for name, key in keys.items():
            self.connection.execute(delete_older_rows(f"{self.last.staging}.{name}", key, "ctid"))

    def describe(self, names: Sequence[str]) -> str:
        """The size of each table."""
        return describe_counts(self.row_counts(names))

    def replace_last(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Replace the rows of the last sync. Raises SyncFailed, and psycopg's errors."""
        with self.connection.transaction():
            self.connection.execute(f"SET LOCAL lock_timeout TO '{MAX_LOCK_WAIT}'")
            if not _exists(self.connection, self.last.schema):
                self.connection.execute(f'CREATE SCHEMA "{self.last.schema}"')
            self.require_ours(list(keys))
            for name, key in keys.items():
                self._replace_rows(name, key)

    def _replace_rows(self, name: str, key: Sequence[str]) -> None:
        """Make the table what the fresh one is, keeping what depends on it.

        DELETE, unlike TRUNCATE, waits for no reader, and readers go on seeing the old rows.
        """
        execute = self.connection.execute
        table, fresh = f'"{self.last.schema}".{name}', f"{self.last.staging}.{name}"
        if self._fetch(RELATIONS, [self.last.schema, [name]]):
            execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
            self._change_columns(table, fresh)
        else:
            execute(f"CREATE TABLE {table} (LIKE {fresh})")
            execute(f"COMMENT ON TABLE {table} IS '{self.last.mark}'")
        columns = ", ".join(quote(self._columns(fresh)))
        execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {fresh}")  # noqa: S608
        if not self._fetch(
            "SELECT FROM pg_index WHERE indrelid = %s::regclass AND indisprimary", [table]
        ):
            execute(add_primary_key(table, key))

    def _change_columns(self, table: str, fresh: str) -> None:
        """Give a table without rows the columns of the fresh one. Raises SyncFailed."""
        last, now = self._columns(table), self._columns(fresh)
        gone = [name for name, type_ in last.items() if now.get(name) != type_]
        new = [name for name, type_ in now.items() if last.get(name) != type_]
        views = self._fetch(VIEWS_ON_COLUMNS, [table, gone])
        if views:
            shown = table.replace('"', "")
            drop = [f"DROP {view['kind']} {view['name']};" for view in views]
            create = [
                f"CREATE {view['kind']} {view['name']} AS {view['definition']}" for view in views
            ]
            raise SyncFailed(
                "\n".join(
                    [
                        f"{shown} has to lose or change {', '.join(gone)}, and what reads these"
                        " columns is in the way. Remove it:",
                        *drop,
                        "sync, and make it again with the columns that there are then:",
                        *create,
                    ]
                )
            )
        changes = [f"DROP COLUMN {column}" for column in quote(gone)]
        changes += [
            f"ADD COLUMN {column} {now[name]}" for name, column in zip(new, quote(new), strict=True)
        ]
        if changes:
            self.connection.execute(f"ALTER TABLE {table} {', '.join(changes)}")

    def _columns(self, table: str) -> dict[str, str]:
        """Each column's type."""
        return dict(self.connection.execute(COLUMNS, [table]).fetchall())

    def _fetch(self, query: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        from psycopg.rows import dict_row

        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def _count(self, name: str) -> int:
        query = f"SELECT count(*) FROM {self.last.staging}.{name}"  # noqa: S608 - names of ours
        [count] = self.connection.execute(query).fetchone() or [0]
        return int(count)


def _lock(connection: Connection, staging: str) -> None:
    """Lock the staging schema for the rest of the connection. Raises SyncFailed."""
    lock = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [staging])
    if lock.fetchone() != (True,):
        raise SyncFailed("Another sync into this schema is still under way.")


def _require_right_to_create(connection: Connection, schema: str) -> None:
    """Raise SyncFailed with the GRANT that is missing."""
    [user, database, may_create] = connection.execute(
        "SELECT quote_ident(current_user), quote_ident(current_database()),"
        " has_database_privilege(current_database(), 'CREATE')"
    ).fetchone() or ["", "", False]
    grants = [] if may_create else [f"GRANT CREATE ON DATABASE {database} TO {user};"]
    if _exists(connection, schema):
        query = "SELECT has_schema_privilege(%s, 'CREATE') AND has_schema_privilege(%s, 'USAGE')"
        if connection.execute(query, [schema, schema]).fetchone() != (True,):
            grants.append(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {user};")
    if grants:
        raise SyncFailed(
            "\n".join([f"The user {user} lacks rights. Let the database's owner run:", *grants])
        )


def _create_staging(connection: Connection, staging: str) -> None:
    """Create the staging schema in place of one that a killed sync left. Raises SyncFailed."""
    with connection.transaction():
        if _exists(connection, staging):
            [mark] = connection.execute(
                "SELECT obj_description(%s::regnamespace, 'pg_namespace')", [staging]
            ).fetchone() or [None]
            if mark != STAGING_MARK:
                raise SyncFailed(
                    f"The schema {staging} is in the way: the loader needs one of that name, and"
                    " did not make this one. Choose another --schema; or, if all in it may go, as"
                    f" after a killed sync of version 0.2.0: DROP SCHEMA {staging} CASCADE;"
                )
            connection.execute(f"DROP SCHEMA {staging} CASCADE")
        connection.execute(f"CREATE SCHEMA {staging}")
        connection.execute(f"COMMENT ON SCHEMA {staging} IS '{STAGING_MARK}'")


def _exists(connection: Connection, schema: str) -> bool:
    query = "SELECT FROM pg_namespace WHERE nspname = %s"
    return connection.execute(query, [schema]).fetchone() is not None
