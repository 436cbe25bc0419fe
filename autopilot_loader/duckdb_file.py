"""The tables in a DuckDB file of their own: a sync replaces the whole file."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from autopilot_loader.destination import (
    SyncFailed,
    add_primary_key,
    causes,
    delete_older_rows,
    describe_counts,
)

if TYPE_CHECKING:
    from autopilot_loader.caches import NamingDuckDBCache

NOT_OURS = """
SELECT table_name FROM duckdb_tables() WHERE NOT internal AND comment IS DISTINCT FROM $mark
UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal
UNION ALL SELECT index_name FROM duckdb_indexes()
UNION ALL SELECT sequence_name FROM duckdb_sequences()
UNION ALL SELECT function_name FROM duckdb_functions() WHERE NOT internal
UNION ALL SELECT type_name FROM duckdb_types() WHERE NOT internal
UNION ALL SELECT schema_name FROM duckdb_schemas() WHERE NOT internal
"""


@dataclass(frozen=True)
class DuckDBFile:
    """The file with the tables of the last good sync.

    `mark` is the comment of our tables; `show_rows` makes the summary show rows.
    """

    path: Path
    mark: str
    show_rows: bool = False

    @contextmanager
    def create_fresh(self) -> Iterator[FreshFile]:
        """Create a new file beside it."""
        target = self.path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            yield FreshFile(Path(folder, target.name), target, self)

    def explain(self, error: BaseException) -> str | None:
        """DuckDB's reason, but for what may repeat a contact's data."""
        import duckdb

        found = [cause for cause in causes(error) if isinstance(cause, duckdb.Error)]
        if not found:
            return None
        name = type(found[-1]).__name__
        if isinstance(found[-1], duckdb.ConversionException | duckdb.ConstraintException):
            return f"DuckDB refused the rows ({name}): please report that, with this sentence."
        sentence = f"DuckDB could not save the rows: {first_line(found[-1])}."
        if isinstance(found[-1], duckdb.OperationalError):
            folder = self.path.resolve().parent
            return f"{sentence} Look for room on the disk of {folder} and in memory."
        return f"{sentence} Please report that, with this sentence."

    def describe_last(self) -> str:
        """True after any failure: the file is replaced as a whole."""
        if not self.path.exists():
            return f"There is no {self.path} yet."
        saved = datetime.fromtimestamp(self.path.stat().st_mtime).astimezone()
        return f"{self.path} was not changed: it is of {saved:%Y-%m-%d %H:%M}."

    def explain_access(self) -> str:
        """A command with the duckdb program, and one without it."""
        path = str(self.path)
        python = shlex.quote(min(sys.executable, os.path.relpath(sys.executable), key=len))
        code = (
            f"import duckdb; db = duckdb.connect({path!r}, read_only=True);"
            " db.sql('FROM contacts').show()"
        )
        return (
            f"Saved in {path}. Open it with: duckdb -readonly {shlex.quote(path)}\n"
            f'or, without the duckdb program: {python} -c "{code}"'
        )


@dataclass(frozen=True)
class FreshFile:
    """A file that is to replace the last one."""

    path: Path
    target: Path
    last: DuckDBFile

    def require_ours(self, names: Sequence[str] = ()) -> None:
        """Raise SyncFailed unless all that is in the last file is the loader's."""
        import duckdb

        if not self.target.exists():
            return
        try:
            with duckdb.connect(str(self.target), read_only=True) as connection:
                found = connection.execute(NOT_OURS, {"mark": self.last.mark}).fetchall()
        except duckdb.Error as error:
            raise SyncFailed(
                f"{self.last.path} cannot be looked into, so it is not replaced:"
                f" {first_line(error)}. If another program has it open, close it there, or open it"
                f" read-only; else {self._advise()}"
            ) from None
        if found:
            raise SyncFailed(
                f"{self.last.path} holds {', '.join(name for [name] in found)}, which the loader"
                " did not make (or made before version 0.3.0, or with --demo), so it is not"
                f" replaced: {self._advise()} Tables and views of your own belong into another"
                " file, which ATTACHes this one."
            )

    def cache(self) -> NamingDuckDBCache:
        """PyAirbyte's cache for DuckDB."""
        from autopilot_loader.caches import NamingDuckDBCache

        folder = self.path.with_name(f"{self.path.name}.pages")
        return NamingDuckDBCache(db_path=self.path, schema_name="main", cache_dir=folder)

    def row_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows each table has."""
        from autopilot_loader.duckdb_tables import row_counts

        return row_counts(self.path, names)

    def keep_last_rows(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Delete older rows of a key."""
        self._execute([delete_older_rows(name, key, "rowid") for name, key in keys.items()])

    def describe(self, names: Sequence[str]) -> str:
        """The size of each table; of a demo also its first rows, and a query over all four."""
        from autopilot_loader.duckdb_tables import describe

        if self.last.show_rows:
            return describe(self.path, names)
        return describe_counts(self.row_counts(names))

    def replace_last(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Put this file in the place of the last one.

        A program that has the old one open goes on reading it. Changes that it has not written to
        the file yet are in a log beside it, which DuckDB would apply to the new file: the log is
        removed first. A mode that somebody gave the old file stays.
        """
        self._execute([add_primary_key(name, key) for name, key in keys.items()])
        self._mark_tables()
        self.require_ours()
        if self.target.exists():
            shutil.copymode(self.target, self.path)
        self.target.with_name(f"{self.target.name}.wal").unlink(missing_ok=True)
        os.replace(self.path, self.target)

    def _mark_tables(self) -> None:
        """All of them: PyAirbyte has made two of its own."""
        import duckdb

        with duckdb.connect(str(self.path)) as connection:
            tables = connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()
        self._execute([f"COMMENT ON TABLE {name} IS '{self.last.mark}'" for [name] in tables])

    def _execute(self, statements: Sequence[str]) -> None:
        import duckdb

        with duckdb.connect(str(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)

    def _advise(self) -> str:
        path = shlex.quote(str(self.last.path))
        return f"name another file with --database, or move this one away (mv {path} {path}.old)."


def first_line(error: BaseException) -> str:
    """What an error says first, without a full stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".!")
