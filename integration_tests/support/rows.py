"""What an account's rows must be, and rows in a form that can be compared."""

import json
from collections.abc import Iterable
from typing import Any

from integration_tests.support.connector import Message, Output
from simulator import Account

STREAMS = ["contacts", "lists", "smart_segments", "smart_segments_contacts"]

Rows = dict[str, list[dict[str, Any]]]


def without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a RECORD line has it: the CDK leaves out nulls at the top of a record."""
    return {name: value for name, value in row.items() if value is not None}


def all_rows(account: Account) -> Rows:
    """The rows of the four streams, in the account's order."""
    return {
        "contacts": list(account.rows()),
        "lists": list(account.lists()),
        "smart_segments": list(account.segments()),
        "smart_segments_contacts": [
            {"segment_id": segment_id, "contact_id": contact_id}
            for segment_id, contact_id in account.pairs()
        ],
    }


def expected_rows(account: Account) -> Rows:
    """What a complete sync of the account delivers; a stream without rows is left out."""
    return {
        stream: [without_nulls(row) for row in rows]
        for stream, rows in all_rows(account).items()
        if rows
    }


def sorted_rows(rows: Rows) -> dict[str, list[str]]:
    """Rows as JSON in a fixed order: segments are read side by side."""
    return {
        stream: sorted(json.dumps(row, sort_keys=True) for row in stream_rows)
        for stream, stream_rows in rows.items()
    }


def merge_rows(*parts: Rows) -> Rows:
    """The rows of several attempts together."""
    merged: Rows = {}
    for part in parts:
        for stream, stream_rows in part.items():
            merged.setdefault(stream, []).extend(stream_rows)
    return merged


def assert_complete(output: Output, account: Account) -> None:
    """Every record was delivered once, as it should be, and the sync says so."""
    assert output.errors == []
    assert output.code == 0
    assert sorted_rows(output.rows) == sorted_rows(expected_rows(account))
    assert output.statuses == dict.fromkeys(STREAMS, "COMPLETE")


def collect_committed(lines: Iterable[str]) -> tuple[Rows, dict[str, Message]]:
    """The records that came before the last state of their stream, and those states."""
    uncommitted: Rows = {}
    committed: Rows = {}
    states: dict[str, Message] = {}
    for line in lines:
        message = json.loads(line)
        if message["type"] == "RECORD":
            record = message["record"]
            uncommitted.setdefault(record["stream"], []).append(record["data"])
        elif message["type"] == "STATE":
            stream = message["state"]["stream"]["stream_descriptor"]["name"]
            committed.setdefault(stream, []).extend(uncommitted.pop(stream, []))
            states[stream] = message["state"]
    return committed, states
