"""`python -m benchmarks.custom_fields`: what columns of twenty custom fields cost.

The same contacts are read with a catalog that has the columns and with one that hasn't, in turns,
so that other load of the machine affects both. Exit code 1 if the target is missed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from simulator import TWENTY, Account, Simulator

from .measure import run_peer
from .peers import OURS, Peer, prepare
from .targets import MAX_CUSTOM_FIELDS_GROWTH

CONTACTS = 20_000
TURNS = 5
ACCOUNT = Account(contacts=CONTACTS, lists=0, segments=0, custom_fields=TWENTY)
EMPTY_ACCOUNT = Account(contacts=0, lists=0, segments=0, custom_fields=TWENTY)


def main() -> int:
    """Measure and print; 1 if the columns cost more than they may."""
    programs = OURS.install()
    catalogs = _make_catalogs(programs)
    starts = _measure(EMPTY_ACCOUNT, programs, catalogs)
    taken = _measure(ACCOUNT, programs, catalogs)
    print(f"{CONTACTS:,} contacts with twenty custom fields, the median of {TURNS} reads each:")
    microseconds = {}
    for name in catalogs:
        microseconds[name] = (taken[name] - starts[name]) / CONTACTS * 1e6
        print(f"{microseconds[name]:6.1f} us of processor time a contact {name} the columns")
    growth = microseconds["with"] / microseconds["without"]
    print(f"ratio {growth:.3f}; target: at most {MAX_CUSTOM_FIELDS_GROWTH}")
    return 1 if growth > MAX_CUSTOM_FIELDS_GROWTH else 0


def _make_catalogs(programs: Path) -> dict[str, Any]:
    """What discover finds, configured to read the contacts: with the columns and without them."""
    with Simulator(EMPTY_ACCOUNT) as simulator, TemporaryDirectory() as folder:
        environment = os.environ | prepare(Path(folder), simulator.url, simulator.key)
        command = [str(programs / OURS.name), "discover", "--config", f"{folder}/ours.json"]
        lines = subprocess.check_output(command, env=environment).splitlines()  # noqa: S603
    messages = map(json.loads, lines)
    [found] = [message["catalog"] for message in messages if message["type"] == "CATALOG"]
    contacts = next(stream for stream in found["streams"] if stream["name"] == "contacts")
    schema = contacts["json_schema"]
    columns = {field.column for field in TWENTY}
    properties = schema["properties"]
    without = {name: properties[name] for name in properties if name not in columns}
    if len(properties) != len(without) + len(columns):
        raise SystemExit("discover has not found the twenty custom fields")
    return {
        "with": _configure(contacts),
        "without": _configure({**contacts, "json_schema": {**schema, "properties": without}}),
    }


def _configure(stream: Mapping[str, Any]) -> dict[str, Any]:
    modes = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    return {"streams": [{"stream": stream, **modes}]}


def _measure(account: Account, programs: Path, catalogs: Mapping[str, Any]) -> dict[str, float]:
    """The processor seconds of a read of the account by each catalog."""
    taken: dict[str, list[float]] = {name: [] for name in catalogs}
    for _ in range(TURNS):
        for name, catalog in catalogs.items():
            with Simulator(account) as simulator, TemporaryDirectory() as folder:
                usage = run_peer(_make_reader(catalog), programs, Path(folder), simulator)
                lines = Path(folder, "stdout").read_bytes().splitlines()
            records = [line for line in lines if b'"type":"RECORD"' in line]
            filled = any(b'"custom_answer_1":' in line for line in records)
            if (usage.code, len(records)) != (0, account.contact_count):
                raise SystemExit(f"incomplete: exit code {usage.code}, {len(records)} records")
            if records and filled != (name == "with"):
                raise SystemExit(f"the columns are not as in the catalog {name} them")
            taken[name].append(usage.cpu_seconds)
    return {name: median(seconds) for name, seconds in taken.items()}


def _make_reader(catalog: Any) -> Peer:
    """The connector, reading by this catalog."""

    def command(folder: Path, programs: Path) -> list[str]:
        (folder / "mine.json").write_text(json.dumps(catalog))
        files = ["--config", str(folder / "ours.json"), "--catalog", str(folder / "mine.json")]
        return [str(programs / OURS.name), "read", *files]

    return Peer(OURS.name, OURS.title, OURS.venv, OURS.requirements, command)


if __name__ == "__main__":
    sys.exit(main())
