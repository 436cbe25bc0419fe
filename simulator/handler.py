"""The life of a request: log, refuse or answer it, apply a change or a fault, send the result."""

from __future__ import annotations

import asyncio
import gzip
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import cycle

from aiohttp import HttpVersion11, web

from .changes import Change
from .control import CONTROL_ROOT, Setting, respond
from .endpoints import Answer, Endpoints, make_error, refuse_method
from .fault_effects import BREAKDOWNS, STATUS_OF_BREAKDOWN, change_answer, fits
from .faults import Fault
from .rate_limit import RETRY_AFTER, TokenBucket
from .request_log import Key, Request, RequestLog, decode_path, split_path
from .schedule import Schedule
from .transport import Transport

KEY_HEADER = "autopilotapikey"


@dataclass(frozen=True)
class Handler:
    """Takes aiohttp's requests.

    Faults and changes hit only requests that the API would have answered: one that is refused, for
    its method, its key or the rate limit, uses none up. `page_seconds` is what a page of contacts
    takes longer than other answers.
    """

    endpoints: Endpoints
    key: str = field(repr=False)
    bucket: TokenBucket
    retry_after: str | None
    faults: Schedule[Fault]
    changes: Schedule[Change]
    log: RequestLog
    settings: dict[str, Setting]
    transports: cycle[Transport]
    latency_seconds: float = 0.0
    page_seconds: float = 0.0
    compress: bool = False

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.raw_path.startswith(CONTROL_ROOT):
            return await respond(request, self.settings)
        key = self._judge_key(request)
        arrival = time.time()
        set_status = self.log.add(Request(arrival, request.method, request.raw_path, None, key))
        answer, fault = self._decide(request, key)
        seconds = self.latency_seconds + (self.page_seconds if answer.is_page else 0.0)
        if seconds:
            await asyncio.sleep(seconds)
        if fault is not None and fault.kind in BREAKDOWNS:
            if fault.kind in STATUS_OF_BREAKDOWN:
                set_status(STATUS_OF_BREAKDOWN[fault.kind])
            return await BREAKDOWNS[fault.kind](request, fault, answer.payload())
        set_status(answer.status)
        return self._make_response(request, answer, arrival)

    def _judge_key(self, request: web.BaseRequest) -> Key:
        given = request.headers.get(KEY_HEADER)
        if not given:
            return "missing"
        return "right" if given == self.key else "wrong"

    def _decide(self, request: web.BaseRequest, key: Key) -> tuple[Answer, Fault | None]:
        """The answer, as the fault that hits it has changed it, and that fault."""
        refusal = self._refuse(request.method, key)
        if refusal is not None:
            return refusal, None
        parts, path = split_path(request.raw_path), decode_path(request.raw_path)
        change = self.changes.take(path)
        if change is not None:
            self.endpoints.change(change, parts)
        answer = self.endpoints.answer(parts)
        fault = self.faults.take(path, fits=lambda fault: fits(fault, answer))
        return (answer, None) if fault is None else (change_answer(fault, answer), fault)

    def _refuse(self, method: str, key: Key) -> Answer | None:
        if method != "GET":
            return refuse_method(method)
        if key != "right":
            return make_error(400 if key == "missing" else 401)
        wait_seconds = self.bucket.take()
        if not wait_seconds:
            return None
        message = f"You have exceeded your request rate of {self.bucket.per_second:g} r/s."  # [doc]
        if self.retry_after is None:
            return make_error(429, message)
        wait = RETRY_AFTER[self.retry_after](wait_seconds)
        return make_error(429, message, headers={"Retry-After": wait})

    def _make_response(
        self, request: web.BaseRequest, answer: Answer, arrival: float
    ) -> web.Response:
        # The type is without a charset, and Last-Modified is when the work began [seen A, blog of
        # 2015-06-23]. aiohttp adds the Date of the answer.
        headers = {**answer.headers, "Last-Modified": formatdate(arrival, usegmt=True)}
        if answer.content_type:
            headers["Content-Type"] = answer.content_type
        payload = answer.payload()
        if self.compress and "gzip" in request.headers.get("Accept-Encoding", ""):
            payload = gzip.compress(payload, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        response = web.Response(status=answer.status, body=payload, headers=headers)
        transport = next(self.transports)
        if transport.chunked and request.version >= HttpVersion11:
            response.enable_chunked_encoding()
        if transport.closes:
            response.force_close()
        return response
