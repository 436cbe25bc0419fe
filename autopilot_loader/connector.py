"""One sync of the connector, through PyAirbyte, into a destination.

PyAirbyte alone would replace the tables one after another, would keep the old rows of a stream that
has none any more, and would take a connector that was terminated halfway for a finished one. So
every sync fills fresh tables (see `destination`), which replace the last ones when all streams are
complete.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import airbyte
from airbyte.strategies import WriteStrategy
from airbyte_protocol.models import AirbyteMessage  # type: ignore[import-untyped]
from rich.console import Console

from autopilot_loader.destination import (
    Destination,
    FreshTables,
    SyncFailed,
    TableRefused,
    causes,
)
from autopilot_loader.progress import Progress

NAME = "source-autopilot"


class Connector(airbyte.Source):
    """The connector as PyAirbyte runs it: one process for each command."""

    _progress: Progress

    @classmethod
    def at(cls, executable: Path, settings: dict[str, Any]) -> Connector:
        """The connector that is installed there; runs nothing yet."""
        with _silence():
            executor = airbyte.get_source(NAME, local_executable=executable).executor
            return cls(executor, NAME, settings)

    def sync(self, destination: Destination) -> str:
        """Replace the tables by the account as it is now; returns a summary of them.

        Raises SyncFailed or KeyboardInterrupt, and leaves the tables as they were.
        """
        terminal = Console(file=sys.stderr) if sys.stderr.isatty() else None
        self._progress = Progress(sys.stdout, terminal)
        try:
            with destination.create_fresh() as tables:
                self._fill(tables)
                keys = self._primary_keys()
                tables.keep_last_rows(keys)
                summary = tables.describe(list(keys))
                tables.replace_last(keys)
        except SyncFailed:
            raise
        except Exception as error:
            # Ctrl-C ends the connector, too, for which PyAirbyte raises an error.
            if any(isinstance(cause, KeyboardInterrupt) for cause in causes(error)):
                raise KeyboardInterrupt from None
            raise SyncFailed(self._explain(error, destination)) from error
        finally:
            self._progress.end()
        return summary

    def _fill(self, tables: FreshTables) -> None:
        """Check, discover, and read all streams. Raises what PyAirbyte raises, and SyncFailed."""
        with _silence():
            self.check()
            self._progress.say("check      Autopilot accepts the key")
            self.select_all_streams()
            self._progress.say(f"discover   {', '.join(self.get_selected_streams())}")
            tables.require_ours(self.get_selected_streams())
            self._progress.say("read")
            self._progress.begin(self.get_selected_streams())
            with tables.cache() as cache:
                self.read(
                    cache,
                    force_full_refresh=True,
                    write_strategy=WriteStrategy.REPLACE,
                    skip_validation=True,  # check has done it, and takes seconds
                )
        self._require_everything(tables)

    def _require_everything(self, tables: FreshTables) -> None:
        """Raises SyncFailed unless all streams are complete and every row is in its table.

        PyAirbyte goes on without a message that it can't handle, and takes a connector that was
        terminated for one that has succeeded.
        """
        streams, progress = self.get_selected_streams(), self._progress
        unfinished = [name for name in streams if name not in progress.complete]
        if unfinished and progress.failures:
            raise SyncFailed(self._reasons())
        if unfinished:
            raise SyncFailed(f"The connector ended in the middle of {', '.join(unfinished)}.")
        for name, stored in tables.row_counts(streams).items():
            if stored != progress.rows[name]:
                raise SyncFailed(f"Of {progress.rows[name]} {name} only {stored} were saved.")

    def _primary_keys(self) -> dict[str, list[str]]:
        streams = self.discovered_catalog.streams
        return {
            stream.name: [path[0] for path in stream.source_defined_primary_key]
            for stream in streams
        }

    def _reasons(self) -> str:
        """What the connector says of its failures, each sentence once."""
        return "\n".join(dict.fromkeys(self._progress.failures))

    def _explain(self, error: Exception, destination: Destination) -> str:
        """The connector's own sentences, the database's reason, or what else there is."""
        if self._progress.failures:
            return self._reasons()
        if reason := destination.explain(error):
            refused = [str(cause) for cause in causes(error) if isinstance(cause, TableRefused)]
            return f"{refused[0]}: {reason}" if refused else reason
        if isinstance(error, airbyte.exceptions.PyAirbyteError):
            return f"It gave no reason; PyAirbyte says: {error.get_message()} {error.context or ''}"
        return f"{type(error).__name__}: {error}"

    def _peek_airbyte_message(
        self, message: AirbyteMessage, *, raise_on_error: bool = True
    ) -> None:
        # PyAirbyte passes every message to this hook, and forgets what an error says.
        self._progress.update(message)
        super()._peek_airbyte_message(message, raise_on_error=raise_on_error)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep PyAirbyte from printing: where its logs are, and what we print ourselves."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
