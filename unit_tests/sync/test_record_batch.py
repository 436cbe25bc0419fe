"""Tests of `sync.record_batch`."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import AirbyteLogMessage, AirbyteMessage, Level, Type
from airbyte_cdk.sources.utils.record_helper import stream_data_to_airbyte_message
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.sync.record_batch import RecordBatch, unpack_batches
from unit_tests.support.documents import JSON, contacts

ROWS = st.lists(contacts() | st.dictionaries(st.text(), JSON), max_size=4)


def parse_lines(batch: RecordBatch) -> list[dict[str, Any]]:
    """The lines as JSON, without the moment at which they were made."""
    lines = [json.loads(line) for line in batch.lines.splitlines()]
    for line in lines:
        assert isinstance(line["record"].pop("emitted_at"), int)
    return lines


def as_the_cdk_writes(stream: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a row that the CDK's own way comes to."""
    message = stream_data_to_airbyte_message(stream, row)
    line: dict[str, Any] = json.loads(AirbyteEntrypoint.airbyte_message_to_string(message))
    del line["record"]["emitted_at"]
    return line


def nested(depth: int) -> Any:
    """A value in so many lists."""
    value: Any = "end"
    for _ in range(depth):
        value = [value]
    return value


@given(ROWS)
def test_from_rows__as_the_cdk_writes(rows: list[dict[str, Any]]) -> None:
    """The lines are the ones that the CDK would have written, one for each row and in order."""
    batch = RecordBatch.from_rows("contacts", rows, rows_read=9)

    assert parse_lines(batch) == [as_the_cdk_writes("contacts", row) for row in rows]
    assert (batch.type, batch.stream) == (Type.RECORD, "contacts")
    assert (batch.count, batch.rows_read) == (len(rows), 9)


def test_from_rows__bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line has no spaces, no nulls at its top, and the time in milliseconds."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_521_600_123_999_999)
    rows = iter([{"list_id": "l1", "title": None, "more": [None]}, {"list_id": "l2"}])

    batch = RecordBatch.from_rows('li"sts', rows, rows_read=3)

    assert batch.lines == (
        b'{"type":"RECORD","record":{"stream":"li\\"sts",'
        b'"data":{"list_id":"l1","more":[null]},"emitted_at":1795521600123}}\n'
        b'{"type":"RECORD","record":{"stream":"li\\"sts",'
        b'"data":{"list_id":"l2"},"emitted_at":1795521600123}}\n'
    )
    assert (batch.count, batch.rows_read) == (2, 3)


def test_from_rows__row_untouched() -> None:
    """The nulls are missing in the line, not in the row."""
    row = {"list_id": "l1", "title": None}

    RecordBatch.from_rows("lists", [row], rows_read=1)

    assert row == {"list_id": "l1", "title": None}


def test_from_rows__nothing() -> None:
    """A page without records has no lines."""
    batch = RecordBatch.from_rows("lists", [], rows_read=100)

    assert (batch.lines, batch.count, batch.rows_read) == (b"", 0, 100)


def test_from_rows__nested_deeply() -> None:
    """A row that is nested deeper than orjson goes is written as the CDK writes it."""
    batch = RecordBatch.from_rows("contacts", [{"deep": nested(300)}], rows_read=1)

    assert parse_lines(batch) == [
        {"type": "RECORD", "record": {"stream": "contacts", "data": {"deep": nested(300)}}}
    ]


def test_from_rows__nested_too_deeply() -> None:
    """What nothing can write is an error, and not a row that is left out."""
    with pytest.raises(RecursionError):
        RecordBatch.from_rows("contacts", [{"deep": nested(100_000)}], rows_read=1)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "\u2028", "\x85", "é😀"])
def test_from_rows__a_line_each(text: str) -> None:
    """Whatever a text holds, its record is one line."""
    batch = RecordBatch.from_rows("lists", [{"title": text}, {"title": text}], rows_read=2)

    assert batch.lines.count(b"\n") == 2
    assert batch.lines.endswith(b"\n")
    assert [line["record"]["data"] for line in parse_lines(batch)] == [{"title": text}] * 2


@given(ROWS)
def test_unpack_batches__a_message_for_each_row(rows: list[dict[str, Any]]) -> None:
    """Python code that reads gets the records one by one, among the other messages."""
    log = AirbyteMessage(type=Type.LOG, log=AirbyteLogMessage(level=Level.INFO, message="hi"))
    batch = RecordBatch.from_rows("contacts", rows, rows_read=len(rows))

    first, *records, last = unpack_batches(iter([log, batch, log]))

    assert first is last is log
    assert [message.record.stream for message in records if message.record] == (
        ["contacts"] * len(rows)
    )
    lines = [AirbyteEntrypoint.airbyte_message_to_string(message) for message in records]
    assert [json.loads(line) for line in lines] == [
        json.loads(line) for line in batch.lines.splitlines()
    ]
