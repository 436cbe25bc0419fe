"""The scripts in examples/ as a person runs them, and their tables as Python values."""

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

from integration_tests.support.connector import ROOT, SECONDS
from simulator import Account

EXAMPLES = ROOT / "examples"
STREAMS = ["contacts", "lists", "smart_segments", "smart_segments_contacts"]

needs_pyairbyte = pytest.mark.skipif(
    find_spec("airbyte") is None, reason="PyAirbyte is not installed: it needs Python 3.10 to 3.12"
)


@contextmanager
def started(
    program: Sequence[str],
    folder: Path,
    *,
    url: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[str]"]:
    """A script at work in a folder and a process group of its own, as under a shell.

    `program` is what Python gets: the script and its arguments. `url` is the API's address.
    """
    variables = {name: it for name, it in os.environ.items() if name != "AUTOPILOT_API_URL"}
    if url:
        variables["AUTOPILOT_API_URL"] = url
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *program],
        cwd=folder,
        env={**variables, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as script:
        try:
            yield script
        finally:
            script.kill()


def ended(script: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the script when it has come to its end."""
    stdout, stderr = script.communicate(timeout=SECONDS)
    return script.returncode, stdout, stderr


def in_table(stream: str, row: dict[str, Any], custom: Sequence[str] = ()) -> dict[str, Any]:
    """A row as its table holds it: each column of the schema, times without their Z.

    PyAirbyte replaces letters that are not ASCII in the names of custom columns.
    """
    schema = json.loads((ROOT / "source_autopilot" / "schemas" / f"{stream}.json").read_text())

    def cell(name: str, column: dict[str, Any]) -> Any:
        value = row.get(name)
        is_moment = column.get("format") == "date-time"
        return datetime.fromisoformat(value.rstrip("Z")) if is_moment and value else value

    fixed = {name: cell(name, column) for name, column in schema["properties"].items()}
    moments = {name: {"format": "date-time"} if "date" in name else {} for name in custom}
    return fixed | {re.sub("[^a-z0-9_]", "_", it): cell(it, moments[it]) for it in custom}


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows in the order of their ids: a table has none."""
    return sorted(rows, key=lambda row: [str(row[name]) for name in sorted(row) if "_id" in name])


def tables_of(account: Account) -> dict[str, list[dict[str, Any]]]:
    """The four tables as they must be after a sync of all contacts, in the order of their ids."""
    pairs = [{"segment_id": segment, "contact_id": contact} for segment, contact in account.pairs()]
    rows = {
        "contacts": list(account.rows()),
        "lists": account.lists(),
        "smart_segments": account.segments(),
        "smart_segments_contacts": pairs,
    }
    custom = {"contacts": account.custom_columns}
    return {
        name: by_id([in_table(name, row, custom.get(name, [])) for row in found])
        for name, found in rows.items()
    }


def wait_until(happened: Callable[[], bool]) -> None:
    """Look every now and then; AssertionError if it never happens."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def synced(program: Sequence[str], folder: Path, settings: Mapping[str, Any], url: str) -> None:
    """One sync that has to succeed; `program` without its --config."""
    (folder / "config.json").write_text(json.dumps(settings))
    with started([*program, "--config", "config.json"], folder, url=url) as script:
        code, _, stderr = ended(script)
    assert (code, stderr) == (0, "")
