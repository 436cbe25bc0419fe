"""The tables in a DuckDB file of their own: a sync replaces the whole file."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airbyte.caches import DuckDBCache


@dataclass(frozen=True)
class DuckDBFile:
    """The file with the tables of the last good sync."""

    path: Path

    @contextmanager
    def create_fresh(self) -> Iterator[FreshFile]:
        """Create a new file beside it."""
        target = self.path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            yield FreshFile(Path(folder, target.name), target)

    def describe_last(self) -> str:
        """When the last good sync was."""
        if not self.path.exists():
            return f"There is no {self.path} yet."
        saved = datetime.fromtimestamp(self.path.stat().st_mtime).astimezone()
        return f"{self.path} still is what the last good sync saved at {saved:%Y-%m-%d %H:%M}."

    def explain_access(self) -> str:
        """A command with the duckdb program, and one without it."""
        path = str(self.path)
        python = shlex.quote(min(sys.executable, os.path.relpath(sys.executable), key=len))
        code = f"import duckdb; db = duckdb.connect({path!r}); db.sql('FROM contacts').show()"
        return (
            f"Saved in {path}. Open it with: duckdb {shlex.quote(path)}\n"
            f'or, without the duckdb program: {python} -c "{code}"'
        )


@dataclass(frozen=True)
class FreshFile:
    """A file that is to replace the last one."""

    path: Path
    target: Path

    def cache(self) -> DuckDBCache:
        """PyAirbyte's cache for DuckDB."""
        from airbyte.caches import DuckDBCache

        folder = self.path.with_name("pages")
        return DuckDBCache(db_path=self.path, schema_name="main", cache_dir=folder)

    def row_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows each table has."""
        from autopilot_loader.duckdb_tables import row_counts

        return row_counts(self.path, names)

    def describe(self, names: Sequence[str]) -> str:
        """The first rows of each table, and a query over all four."""
        from autopilot_loader.duckdb_tables import describe

        return describe(self.path, names)

    def replace_last(self, names: Sequence[str]) -> None:
        """Put this file in the place of the last one.

        A program that has the old one open goes on reading it. Changes that it has not written to
        the file yet are in a log beside it, which DuckDB would apply to the new file: the log is
        removed first.
        """
        self.target.with_name(f"{self.target.name}.wal").unlink(missing_ok=True)
        os.replace(self.path, self.target)
