"""Faults that leave the connection alone and change the answer: a table from kind to function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from .answer import Answer, error
from .faults import Fault

_HTML = b"<!DOCTYPE html><html><title>Sign in</title><body><h1>Please sign in</h1></body></html>"


def fits(fault: Fault, answer: Answer) -> bool:
    """Whether the fault can do anything to this answer: a list without pages has no bookmark."""
    if fault.kind in _NEEDS_ROWS:
        return answer.rows_key is not None
    if fault.kind == "total":
        return "total_contacts" in _json_object(answer)
    if fault.kind == "repeat_bookmark":
        return answer.asked is not None or "bookmark" in _json_object(answer)
    return True


def disturbed(fault: Fault, answer: Answer) -> Answer:
    """The answer after the fault; the same one if the fault is about the connection."""
    change = CHANGES.get(fault.kind)
    return change(fault, answer) if change else answer


def _status(fault: Fault, answer: Answer) -> Answer:
    headers = {"Retry-After": fault.retry_after, "Location": fault.location}
    given = {name: value for name, value in headers.items() if value is not None}
    return error(cast(int, fault.status), headers=given)


def _html(fault: Fault, answer: Answer) -> Answer:
    return Answer(200, _HTML, content_type="text/html")


def _body(fault: Fault, answer: Answer) -> Answer:
    return Answer(200, fault.text.encode())


def _cut_json(fault: Fault, answer: Answer) -> Answer:
    payload = answer.payload()
    return replace(answer, status=200, body=payload[: len(payload) // 2])


def _null_rows(fault: Fault, answer: Answer) -> Answer:
    return _with(answer, answer.rows_key, None)


def _rows(fault: Fault, answer: Answer) -> Answer:
    return _with(answer, answer.rows_key, fault.value)


def _missing_rows(fault: Fault, answer: Answer) -> Answer:
    rest = {key: value for key, value in _json_object(answer).items() if key != answer.rows_key}
    return replace(answer, body=rest)


def _total(fault: Fault, answer: Answer) -> Answer:
    return _with(answer, "total_contacts", fault.value)


def _repeat_bookmark(fault: Fault, answer: Answer) -> Answer:
    """A first page keeps its bookmark: the page that is asked for with it will repeat it."""
    return answer if answer.asked is None else _with(answer, "bookmark", answer.asked)


def _with(answer: Answer, key: str | None, value: object) -> Answer:
    return replace(answer, body={**_json_object(answer), key: value})


def _json_object(answer: Answer) -> dict[str | None, Any]:
    return answer.body if isinstance(answer.body, dict) else {}


_NEEDS_ROWS = frozenset({"null_rows", "missing_rows", "rows"})

CHANGES: dict[str, Callable[[Fault, Answer], Answer]] = {
    "status": _status,
    "html": _html,
    "body": _body,
    "cut_json": _cut_json,
    "null_rows": _null_rows,
    "missing_rows": _missing_rows,
    "rows": _rows,
    "total": _total,
    "repeat_bookmark": _repeat_bookmark,
}
"""Kind -> what it makes of the answer."""
