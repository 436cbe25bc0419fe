"""A bar for each table on a terminal: rows, of how many, rate and time left."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from source_autopilot.text import format_duration


class Rows(ProgressColumn):
    """How many rows have arrived, and of how many, if that is known."""

    def render(self, task: Task) -> Text:
        """`1,300 of 2,500`."""
        total = "" if task.total is None else f" of {task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{total}")


class Rate(ProgressColumn):
    """How many rows a second arrive, or that Autopilot's rate limit is waited for."""

    def render(self, task: Task) -> Text:
        """`400 rows/s`; empty for a table that is complete."""
        if task.fields["limited"]:
            return Text("rate limit", style="yellow")
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")


class TimeLeft(ProgressColumn):
    """How long it will take, if that is known; how long it took, if the table is complete."""

    def render(self, task: Task) -> Text:
        """`12 s left`, `in 30 s`."""
        if task.finished_time is not None:
            return Text(f"in {format_duration(task.finished_time)}")
        left = task.time_remaining
        return Text("" if left is None else f"{format_duration(left)} left")


class Bars:
    """Bars from now until `stop`, which leaves them on the terminal as they are then.

    PyAirbyte has a view of its own, which knows no totals and counts all tables together.
    """

    def __init__(self, console: Console, tables: Sequence[str]) -> None:
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(None, table_column=Column(max_width=24)),
            *(kind(table_column=Column(no_wrap=True)) for kind in (Rows, Rate, TimeLeft)),
            console=console,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._tasks = {
            name: self._progress.add_task(name, total=None, start=False, limited=False)
            for name in tables
        }
        self._progress.start()

    def begin(self, table: str) -> None:
        """Its time counts from now."""
        self._progress.start_task(self._tasks[table])

    def update(self, table: str, *, rows: int, expected: int) -> None:
        """Show how many rows have arrived.

        An estimate (`expected`) that they have reached was wrong: the total is unknown then, and
        the bar only moves.
        """
        task = self._tasks[table]
        # rich's own way to change a total forgets the rate so far.
        self._progress.tasks[task].total = expected if rows < expected else None
        self._progress.update(task, completed=rows, limited=False)

    def wait(self, table: str) -> None:
        """Show that the table waits for the rate limit, until its next row."""
        self._progress.update(self._tasks[table], limited=True)

    def complete(self, table: str, *, rows: int) -> None:
        """Show a table that has all its rows."""
        self._progress.update(self._tasks[table], total=rows, completed=rows, limited=False)

    def print(self, line: str) -> None:
        """Print a line above the bars."""
        self._progress.console.out(line, highlight=False)

    def stop(self) -> None:
        """Leave the bars as they are."""
        self._progress.stop()
