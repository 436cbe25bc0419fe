"""The records of a page as one message: lines that are ready for stdout.

Handed on one by one, records cost 21 us each in the CDK, more than all that is done to them here
(docs/decisions/0011). So a page travels as a whole, from the worker that makes its lines to the
thread that writes them; Python code that calls `read` gets records as usual.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson
from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer, Type

from source_autopilot.records.rows import Row


@dataclass(kw_only=True)
class RecordBatch(AirbyteMessage):
    """Records of one stream, a line each, in place of as many messages.

    It is a message to the CDK, which passes messages on as they are.

    Attributes:
        count: how many records these are.
        rows_read: how many rows the page had, with those that are left out.
    """

    type: Type = Type.RECORD
    stream: str
    lines: bytes
    count: int
    rows_read: int

    @classmethod
    def from_rows(cls, stream: str, rows: Iterable[Row], *, rows_read: int) -> RecordBatch:
        """Write the rows as the CDK writes records, without nulls at their top.

        Raises RecursionError for a value that is nested too deeply to be written.
        """
        lines = b""
        data = [*map(_dump, rows)]
        if data:
            head = b'{"type":"RECORD","record":{"stream":' + orjson.dumps(stream) + b',"data":'
            tail = b',"emitted_at":%d}}\n' % (time.time_ns() // 1_000_000)
            lines = head + (tail + head).join(data) + tail
        return cls(stream=stream, lines=lines, count=len(data), rows_read=rows_read)

    def to_messages(self) -> Iterator[AirbyteMessage]:
        """The records as the CDK's messages."""
        for line in self.lines.split(b"\n")[:-1]:
            yield AirbyteMessageSerializer.load(json.loads(line))


def unpack_batches(messages: Iterable[AirbyteMessage]) -> Iterator[AirbyteMessage]:
    """The messages with a record for each row in place of the batches."""
    for message in messages:
        if isinstance(message, RecordBatch):
            yield from message.to_messages()
        else:
            yield message


def _dump(row: Row) -> bytes:
    if None in row.values():
        row = {column: value for column, value in row.items() if value is not None}
    try:
        return orjson.dumps(row)
    except TypeError:  # nested deeper than orjson goes
        return json.dumps(row).encode()
