"""Tests of `record_page`."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import AirbyteLogMessage, AirbyteMessage, Level, Type
from airbyte_cdk.sources.utils.record_helper import stream_data_to_airbyte_message
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.sync.record_batch import RecordPage, in_records
from unit_tests.support.documents import JSON, contacts

ROWS = st.lists(contacts() | st.dictionaries(st.text(), JSON), max_size=4)


def lines_of(page: RecordPage) -> list[dict[str, Any]]:
    """The lines as JSON, without the moment at which they were made."""
    lines = [json.loads(line) for line in page.lines.splitlines()]
    for line in lines:
        assert isinstance(line["record"].pop("emitted_at"), int)
    return lines


def as_the_cdk_writes(stream: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a row that the CDK's own way comes to."""
    message = stream_data_to_airbyte_message(stream, row)
    line: dict[str, Any] = json.loads(AirbyteEntrypoint.airbyte_message_to_string(message))
    del line["record"]["emitted_at"]
    return line


@given(ROWS)
def test_of__as_the_cdk_writes(rows: list[dict[str, Any]]) -> None:
    """The lines are the ones that the CDK would have written, one for each row and in order."""
    page = RecordPage.of("contacts", rows, rows_read=9)

    assert lines_of(page) == [as_the_cdk_writes("contacts", row) for row in rows]
    assert (page.count, page.rows_read) == (len(rows), 9)


def test_of__deeply_nested() -> None:
    """A row that is nested deeper than orjson goes is written as the CDK writes it."""
    deep: Any = "end"
    for _ in range(300):
        deep = [deep]

    page = RecordPage.of("contacts", [{"deep": deep}], rows_read=1)

    assert lines_of(page)[0]["record"]["data"] == {"deep": deep}


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "\u2028", "\x85", "é😀"])
def test_of__a_line_each(text: str) -> None:
    """Whatever a text holds, its record is one line."""
    page = RecordPage.of("lists", [{"title": text}, {"title": text}], rows_read=2)

    assert page.lines.count(b"\n") == 2
    assert page.lines.endswith(b"\n")
    assert [it["record"]["data"] for it in lines_of(page)] == [{"title": text}] * 2


@given(ROWS)
def test_in_records__a_message_for_each_row(rows: list[dict[str, Any]]) -> None:
    """Whoever reads in Python gets the records one by one, among the other messages."""
    log = AirbyteMessage(type=Type.LOG, log=AirbyteLogMessage(level=Level.INFO, message="hi"))
    page = RecordPage.of("contacts", rows, rows_read=len(rows))

    first, *records, last = in_records(iter([log, page, log]))

    assert first is last is log
    assert [it.record.stream for it in records if it.record] == ["contacts"] * len(rows)
    assert [json.loads(AirbyteEntrypoint.airbyte_message_to_string(it)) for it in records] == [
        json.loads(line) for line in page.lines.splitlines()
    ]
