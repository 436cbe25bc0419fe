"""The loader as a person runs it, and the rows of its tables."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import ALL_TIME, ROOT, TIMEOUT_SECONDS
from integration_tests.support.rows import all_rows
from simulator import Account

needs_pyairbyte = pytest.mark.skipif(
    find_spec("airbyte") is None, reason="PyAirbyte is not installed: it needs Python 3.10 to 3.12"
)


@contextmanager
def start_loader(
    arguments: Sequence[str],
    folder: Path,
    *,
    url: str | None = None,
    environment: Mapping[str, str] | None = None,
    python: Sequence[str] = ("-m", "autopilot_loader"),
    screen: int = subprocess.PIPE,
) -> Iterator["subprocess.Popen[str]"]:
    """Start the loader in a folder, in a process group of its own, as a shell does.

    `url` is the API's address, `python` what the interpreter gets, `screen` where stdout and stderr
    go.
    """
    variables = dict(os.environ)
    variables.pop("AUTOPILOT_API_URL", None)
    if url:
        variables["AUTOPILOT_API_URL"] = url
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *python, *arguments],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT), **(environment or {})},
        stdout=screen,
        stderr=screen,
        encoding="utf-8",
        start_new_session=True,
    ) as script:
        try:
            yield script
        finally:
            script.kill()


def finish(script: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Wait for the end of a script; its exit code, stdout and stderr."""
    stdout, stderr = script.communicate(timeout=TIMEOUT_SECONDS)
    return script.returncode, stdout, stderr


def to_table_row(stream: str, row: dict[str, Any], custom: Sequence[str] = ()) -> dict[str, Any]:
    """A row as its table has it: each column of the schema, times without their Z.

    PyAirbyte replaces letters that are not ASCII in the names of custom columns.
    """
    schema = json.loads((ROOT / "source_autopilot" / "schemas" / f"{stream}.json").read_text())

    def cell(name: str, column: dict[str, Any]) -> Any:
        value = row.get(name)
        is_time = column.get("format") == "date-time"
        return datetime.fromisoformat(value.rstrip("Z")) if is_time and value else value

    table_row = {name: cell(name, column) for name, column in schema["properties"].items()}
    for name in custom:
        column = {"format": "date-time"} if "date" in name else {}
        table_row[re.sub("[^a-z0-9_]", "_", name)] = cell(name, column)
    return table_row


def sort_by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows in the order of their ids: a table has no order."""
    return sorted(rows, key=lambda row: [str(row[name]) for name in sorted(row) if "_id" in name])


def expected_tables(account: Account) -> dict[str, list[dict[str, Any]]]:
    """The four tables as they must be after a sync of all contacts, in the order of their ids."""
    custom = {"contacts": account.custom_columns}
    return {
        name: sort_by_id([to_table_row(name, row, custom.get(name, [])) for row in table_rows])
        for name, table_rows in all_rows(account).items()
    }


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; AssertionError if it is not met in time."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def sync(
    database: str, folder: Path, url: str, settings: Mapping[str, Any] = ALL_TIME
) -> tuple[int, str, str]:
    """Sync once into "duckdb" or "postgres"; the exit code, stdout and stderr."""
    (folder / "config.json").write_text(json.dumps(settings))
    with start_loader([database, "--config", "config.json"], folder, url=url) as process:
        return finish(process)
