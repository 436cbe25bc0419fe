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

from autopilot_loader.destination import Destination, FreshTables, SyncFailed
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
        self._progress = Progress(sys.stdout)
        try:
            with destination.create_fresh() as tables:
                self._fill(tables)
                summary = tables.describe(self.get_selected_streams())
                tables.replace_last(self.get_selected_streams())
        except SyncFailed:
            raise
        except Exception as error:
            if _is_interrupt(error):
                raise KeyboardInterrupt from None
            raise SyncFailed(self._explain(error)) from error
        finally:
            self._progress.clear()
        return summary

    def _fill(self, tables: FreshTables) -> None:
        """Check, discover, and read all streams. Raises what PyAirbyte raises, and SyncFailed."""
        with _silence():
            self.check()
            self._progress.say("check      Autopilot accepts the key")
            self.select_all_streams()
            self._progress.say(f"discover   {', '.join(self.get_selected_streams())}")
            self._progress.say("read")
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

        PyAirbyte goes on without a message that it can't handle.
        """
        streams, progress = self.get_selected_streams(), self._progress
        unfinished = [name for name in streams if name not in progress.complete]
        if unfinished:
            raise SyncFailed(f"The connector ended in the middle of {', '.join(unfinished)}.")
        for name, stored in tables.row_counts(streams).items():
            if stored != progress.rows[name]:
                raise SyncFailed(f"Of {progress.rows[name]} {name} only {stored} were saved.")

    def _explain(self, error: Exception) -> str:
        """The connector's own sentences; PyAirbyte's or Python's when it had none."""
        if self._progress.failures:
            return "\n".join(dict.fromkeys(self._progress.failures))
        if isinstance(error, airbyte.exceptions.PyAirbyteError):
            return f"It gave no reason; PyAirbyte says: {error.get_message()} {error.context or ''}"
        return f"{type(error).__name__}: {error}"

    def _peek_airbyte_message(
        self, message: AirbyteMessage, *, raise_on_error: bool = True
    ) -> None:
        # PyAirbyte passes every message to this hook, and forgets what an error says.
        self._progress.update(message)
        super()._peek_airbyte_message(message, raise_on_error=raise_on_error)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether ctrl-C is the cause: it ends the connector, for which PyAirbyte raises an error."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


@contextmanager
def _silence() -> Iterator[None]:
    """Keep PyAirbyte from printing: where its logs are, and what we print ourselves."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
