"""Tests of `sanitize`, mostly through `page.decode`, which decides when it is needed."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.errors import UnreadableBody
from source_autopilot.records.page import decode
from source_autopilot.records.sanitize import decode_sanitized
from unit_tests.support.documents import JSON

WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("NaN", None),
        ("-Infinity", None),
        ("1e999", None),
        ("9223372036854775807", 9223372036854775807),
        ("9223372036854775808", "9223372036854775808"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        (r'"caf\ud83d"', "caf\ufffd"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"a\u0000b"', "a\ufffdb"),
        ('"1234567890123456789012"', "1234567890123456789012"),
    ],
)
@pytest.mark.parametrize("where", ["?", "[[?]]", '{"deep": [?]}'])
def test_decode__what_cannot_be_stored(value: str, expected: Any, where: str) -> None:
    """It is replaced at any depth, counted under its contact's field, and nothing else is."""
    document = where.replace("?", value)
    body = f'{{"contacts": [{{"contact_id": "p1", "Odd": {document}, "Name": "Ann"}}]}}'
    found = decode(body.encode())

    [row] = found.value["contacts"]
    assert row["contact_id"] == "p1"
    assert row["Name"] == "Ann"
    assert json.dumps(expected) in json.dumps(row["Odd"])
    is_sanitized = expected is None or json.dumps(expected) != json.dumps(json.loads(value))
    assert found.sanitized == ({"Odd": 1} if is_sanitized else {})


@given(st.lists(st.dictionaries(st.text(st.characters(), max_size=5), WILD, max_size=4)))
def test_decode__always_storable(rows: list[dict[str, Any]]) -> None:
    """Whatever a contact holds, it can be written as one line of JSON that anybody reads."""
    body = json.dumps({"contacts": rows}).encode()

    found = decode(body).value

    line = orjson.dumps(found)
    assert b"\\u0000" not in line
    assert b"\n" not in line
    assert orjson.loads(line) == found
    assert len(found["contacts"]) == len(rows)


@given(JSON)
def test_decode_sanitized__changes_nothing_else(value: Any) -> None:
    """What can be stored comes as the usual decoder reads it."""
    text = json.dumps(value)
    if "\\u0000" in text or _has_large_integer(value):
        return
    found, replaced = decode_sanitized(text.encode())

    assert found == value
    assert not replaced


def _has_large_integer(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_large_integer, value.values()))
    if isinstance(value, list):
        return any(map(_has_large_integer, value))
    return isinstance(value, int) and abs(value) >= 2**63


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe", b'{"a": 1', b"NaN,"])
def test_decode__still_no_json(body: bytes) -> None:
    """Lenient is not blind: what is cut off, or no text, is unreadable."""
    with pytest.raises(UnreadableBody, match="not JSON"):
        decode(body)
