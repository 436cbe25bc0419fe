"""`make fuzz`: read pages that atheris makes, guided by the branches of the code.

Any bytes are a page or one of the two errors that say why not, and every row of a page survives
being written as a line of JSON. The arguments are atheris' own, such as `-max_total_time=600` and a
folder for what it finds.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import atheris

with atheris.instrument_imports(include=["source_autopilot"]):
    from source_autopilot.errors import UnreadableBody, UnreadablePage
    from source_autopilot.records.contact import COLUMNS
    from source_autopilot.records.page import decode, parse_page
    from source_autopilot.records.rows import to_row

import orjson

FIELDS = ["contact_id", "Name", "updated_at", "custom_fields", *COLUMNS.converters]
MAX_FIELDS = 6


def make_body(data: atheris.FuzzedDataProvider) -> bytes:
    """A body: bytes as they are, or a page of contacts whose fields hold anything that JSON has."""
    if data.ConsumeIntInRange(0, 7) == 0:
        return bytes(data.ConsumeBytes(4096))
    contacts = [make_contact(data) for _ in range(data.ConsumeIntInRange(0, 3))]
    return json.dumps({"contacts": contacts, "bookmark": make_value(data, 1)}).encode()


def make_contact(data: atheris.FuzzedDataProvider) -> dict[str, Any]:
    """A contact with some of the known fields, and an unknown one."""
    names = [data.PickValueInList(FIELDS) for _ in range(data.ConsumeIntInRange(0, MAX_FIELDS))]
    known = {name: make_value(data, 3) for name in names}
    return {
        "contact_id": data.ConsumeUnicode(8),
        data.ConsumeUnicode(8): make_value(data, 2),
        **known,
    }


def make_value(data: atheris.FuzzedDataProvider, depth: int) -> Any:
    """Any JSON value, and some that are none."""
    kind = data.ConsumeIntInRange(0, 9 if depth else 6)
    if kind >= 7:
        members = [make_value(data, depth - 1) for _ in range(data.ConsumeIntInRange(0, 4))]
        return members if kind == 7 else {data.ConsumeUnicode(6): member for member in members}
    makers: list[Callable[[], Any]] = [
        lambda: None,
        data.ConsumeBool,
        lambda: data.ConsumeInt(10),
        data.ConsumeFloat,
        lambda: data.ConsumeUnicode(20),
        lambda: str(data.ConsumeInt(8)),
        lambda: f"{data.ConsumeIntInRange(0, 9999):04}-02-03T16:26:54{data.ConsumeUnicode(6)}",
    ]
    return makers[kind]()


def read_page(entropy: bytes) -> None:
    """Read one body to its rows. Raises AssertionError if a row cannot be written."""
    body = make_body(atheris.FuzzedDataProvider(entropy))
    try:
        page = parse_page(decode(body), rows_field="contacts", key="contact_id")
    except (UnreadableBody, UnreadablePage):
        return
    for document in page.rows:
        row, _ = to_row(document, COLUMNS)
        line = orjson.dumps(row)
        assert orjson.loads(line) == row
        assert b"\n" not in line
        assert b"\\u0000" not in line


def main() -> None:
    """Run for ever, or as long as the arguments say."""
    atheris.Setup(sys.argv, read_page)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
