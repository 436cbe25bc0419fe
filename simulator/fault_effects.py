"""What each kind of fault does: to an answer, or to the connection.

A change makes another answer of an answer. A breakdown gets an open connection and the bytes that
would have been the answer; it returns what is left to send, which is nothing where it has closed
the connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

from aiohttp import web

from .endpoints import Answer, make_error
from .faults import Fault

_HTML = b"<!DOCTYPE html><html><title>Sign in</title><body><h1>Please sign in</h1></body></html>"


def fits(fault: Fault, answer: Answer) -> bool:
    """Whether the fault can do anything to this answer: a list without pages has no bookmark."""
    if fault.kind in _NEEDS_ROWS:
        return answer.rows_key is not None
    if fault.kind == "total":
        return "total_contacts" in _json_object(answer)
    if fault.kind == "repeat_bookmark":
        return answer.bookmark is not None or "bookmark" in _json_object(answer)
    return True


def change_answer(fault: Fault, answer: Answer) -> Answer:
    """The answer after the fault; the same one if the fault breaks the connection."""
    change = CHANGES.get(fault.kind)
    return change(fault, answer) if change else answer


def _status(fault: Fault, answer: Answer) -> Answer:
    headers = {"Retry-After": fault.retry_after, "Location": fault.location}
    given = {name: value for name, value in headers.items() if value is not None}
    return make_error(cast(int, fault.status), shape=fault.shape, headers=given)


def _html(fault: Fault, answer: Answer) -> Answer:
    return Answer(200, _HTML, content_type="text/html")


def _body(fault: Fault, answer: Answer) -> Answer:
    return Answer(200, fault.text.encode())


def _cut_json(fault: Fault, answer: Answer) -> Answer:
    payload = answer.payload()
    return replace(answer, status=200, body=payload[: len(payload) // 2])


def _null_rows(fault: Fault, answer: Answer) -> Answer:
    return _replace_key(answer, answer.rows_key, None)


def _rows(fault: Fault, answer: Answer) -> Answer:
    return _replace_key(answer, answer.rows_key, fault.value)


def _missing_rows(fault: Fault, answer: Answer) -> Answer:
    rest = {key: value for key, value in _json_object(answer).items() if key != answer.rows_key}
    return replace(answer, body=rest)


def _total(fault: Fault, answer: Answer) -> Answer:
    return _replace_key(answer, "total_contacts", fault.value)


def _repeat_bookmark(fault: Fault, answer: Answer) -> Answer:
    """A first page keeps its bookmark: the page that it leads to will repeat it."""
    return answer if answer.bookmark is None else _replace_key(answer, "bookmark", answer.bookmark)


def _replace_key(answer: Answer, key: str | None, value: object) -> Answer:
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

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds
_SECONDS_BEFORE_RESET = 0.05  # for the client to read: a reset discards the rest


async def _reset(request: web.BaseRequest, fault: Fault, payload: bytes) -> web.StreamResponse:
    """Promise the whole body, send half of it, then RST instead of FIN."""
    response = await _send_head(request, len(payload))
    await response.write(payload[: len(payload) // 2])
    await asyncio.sleep(_SECONDS_BEFORE_RESET)
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()
    return response


async def _close(request: web.BaseRequest, fault: Fault, payload: bytes) -> web.StreamResponse:
    """Hang up without a byte."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _silence(request: web.BaseRequest, fault: Fault, payload: bytes) -> web.StreamResponse:
    """Wait until the client leaves or the simulator stops: each cancels the request's task."""
    await asyncio.Event().wait()
    return web.Response()


async def _drip(request: web.BaseRequest, fault: Fault, payload: bytes) -> web.StreamResponse:
    """Send spaces for ever: JSON may begin with them, so no parser sees an error."""
    response = await _send_head(request, None)
    while True:
        await response.write(b" ")
        await asyncio.sleep(fault.interval_seconds)


async def _send_head(request: web.BaseRequest, length: int | None) -> web.StreamResponse:
    """Send the head of a JSON answer; without a length it is chunked."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = length
    await response.prepare(request)
    return response


BREAKDOWNS: dict[str, Callable[[web.BaseRequest, Fault, bytes], Awaitable[web.StreamResponse]]] = {
    "reset": _reset,
    "close": _close,
    "silence": _silence,
    "drip": _drip,
}
"""Kind -> what to do to the connection."""

STATUS_OF_BREAKDOWN: dict[str, int] = {"drip": 200}
"""The breakdowns that count as an answer in the request log, with its status."""
