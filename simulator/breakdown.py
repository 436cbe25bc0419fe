"""Faults of the connection itself: what a client meets when the network or the server breaks down.

Each function plays one fault on an open connection, given the bytes that would have been the
answer. It returns what is left to send: nothing, wherever it has closed the connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from .faults import Fault

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds
_TIME_TO_READ_SECONDS = 0.05  # a reset throws away what the client has not read yet


async def _reset(request: web.BaseRequest, fault: Fault, payload: bytes) -> web.StreamResponse:
    """Promise the whole body, send half of it, then RST instead of FIN."""
    response = await _begun(request, len(payload))
    await response.write(payload[: len(payload) // 2])
    await asyncio.sleep(_TIME_TO_READ_SECONDS)
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
    """Wait until the client leaves or the simulator stops: both cancel the request's task."""
    await asyncio.Event().wait()
    return web.Response()


async def _drip(request: web.BaseRequest, fault: Fault, payload: bytes) -> web.StreamResponse:
    """Whitespace is the beginning of many a JSON text: no parser can call it an error yet."""
    response = await _begun(request, None)
    while True:
        await response.write(b" ")
        await asyncio.sleep(fault.interval_seconds)


async def _begun(request: web.BaseRequest, length: int | None) -> web.StreamResponse:
    """The head of a JSON answer, sent; without a length it is chunked."""
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

ANSWERED_WITH: dict[str, int] = {"drip": 200}
"""Breakdowns that count as an answer in the request log, with this status."""
