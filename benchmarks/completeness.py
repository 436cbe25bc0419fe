"""Whether the rows that a run wrote are those of the account, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from .workloads import Workload

KEYS = {
    "contacts": ("contact_id",),
    "lists": ("list_id",),
    "smart_segments": ("segment_id",),
    "smart_segments_contacts": ("segment_id", "contact_id"),
}
# dlt puts the parent's name before that of a column that it copies.
_DLT_NAMES = {"segment_id": "_smart_segments_segment_id"}

Id = tuple[str, ...]


def check_rows(workload: Workload, folder: Path) -> str:
    """`yes`, or how many rows are missing, came more than once, or are none of the workload's."""
    found = Counter(_read_ids(folder))
    expected = set(_expected_ids(workload))
    problems = {
        "missing": len(expected - found.keys()),
        "more than once": sum(count > 1 for count in found.values()),
        "foreign": len(found.keys() - expected),
    }
    return ", ".join(f"{count:,} {what}" for what, count in problems.items() if count) or "yes"


def _expected_ids(workload: Workload) -> Iterator[Id]:
    account = workload.account
    ids: dict[str, Iterable[Id]] = {
        "contacts": ((account.contact_id(index),) for index in range(account.contact_count)),
        "lists": ((row["list_id"],) for row in account.lists()),
        "smart_segments": ((segment_id,) for segment_id in account.segment_ids),
        "smart_segments_contacts": account.pairs(),
    }
    for table in workload.tables:
        for keys in ids[table]:
            yield table, *keys


def _read_ids(folder: Path) -> Iterator[Id]:
    with (folder / "stdout").open("rb") as lines:
        for line in lines:
            yield from _read_message(line)
    for path in folder.glob("**/*.typed-jsonl"):
        name = path.name.split(".")[0]
        with path.open("rb") as lines:
            for line in lines:
                if name in KEYS:
                    yield from (_id(name, row) for row in orjson.loads(line))


def _read_message(line: bytes) -> Iterator[Id]:
    """The id of the row in a line of Airbyte's protocol, or of Singer's; none in other lines."""
    if not line.startswith(b"{"):
        return
    message = orjson.loads(line)
    if message["type"] == "RECORD":
        singer = isinstance(message["record"], dict) and "stream" in message
        name = message["stream"] if singer else message["record"]["stream"]
        yield _id(name, message["record"] if singer else message["record"]["data"])


def _id(name: str, row: dict[str, Any]) -> Id:
    return name, *(str(row.get(key, row.get(_DLT_NAMES.get(key, "")))) for key in KEYS[name])
