"""The life of a request: log it, refuse it or answer it, let a fault at it, write it."""

from __future__ import annotations

import asyncio
import gzip
import time
from dataclasses import dataclass, field

from aiohttp import web

from . import control, target
from .answer import Answer, error, method_not_allowed
from .breakdown import ANSWERED_WITH, BREAKDOWNS
from .endpoints import Api
from .fault_effects import disturbed, fits
from .faults import Fault, FaultSchedule
from .rate_limit import RETRY_AFTER, TokenBucket
from .request_log import Key, Request, RequestLog

KEY_HEADER = "autopilotapikey"


@dataclass(frozen=True)
class Handler:
    """Takes aiohttp's requests; everything that it needs is handed in.

    Faults befall only what the API would otherwise have dealt with: a request with a wrong method,
    a wrong key or too many before it is refused as documented and uses no fault up.
    """

    api: Api
    key: str = field(repr=False)
    bucket: TokenBucket
    retry_after: str | None
    schedule: FaultSchedule
    log: RequestLog
    latency_seconds: float = 0.0
    compress: bool = False

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.raw_path.startswith(control.ROOT):
            return await control.respond(request, self.log, self.schedule)
        key = self._judged(request)
        answered = self.log.arrived(
            Request(time.time(), request.method, request.raw_path, None, key)
        )
        answer, fault = self._decide(request, key)
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        if fault is not None and fault.kind in BREAKDOWNS:
            if fault.kind in ANSWERED_WITH:
                answered(ANSWERED_WITH[fault.kind])
            return await BREAKDOWNS[fault.kind](request, fault, answer.payload())
        answered(answer.status)
        return self._response(request, answer)

    def _judged(self, request: web.BaseRequest) -> Key:
        given = request.headers.get(KEY_HEADER)
        if not given:
            return "missing"
        return "right" if given == self.key else "wrong"

    def _decide(self, request: web.BaseRequest, key: Key) -> tuple[Answer, Fault | None]:
        """What to answer, and the fault behind it or on top of it."""
        refusal = self._refusal(request.method, key)
        if refusal is not None:
            return refusal, None
        answer = self.api.answer(target.segments(request.raw_path))
        path = target.path(request.raw_path)
        fault = self.schedule.take(path, fits=lambda fault: fits(fault, answer))
        return (answer, None) if fault is None else (disturbed(fault, answer), fault)

    def _refusal(self, method: str, key: Key) -> Answer | None:
        if method != "GET":
            return method_not_allowed(method)
        if key != "right":
            return error(400 if key == "missing" else 401)
        wait_seconds = self.bucket.take()
        if not wait_seconds:
            return None
        if self.retry_after is None:
            return error(429)
        return error(429, headers={"Retry-After": RETRY_AFTER[self.retry_after](wait_seconds)})

    def _response(self, request: web.BaseRequest, answer: Answer) -> web.Response:
        payload = answer.payload()
        headers = {**answer.headers, "Content-Type": f"{answer.content_type}; charset=utf-8"}
        if self.compress and "gzip" in request.headers.get("Accept-Encoding", ""):
            payload = gzip.compress(payload, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        return web.Response(status=answer.status, body=payload, headers=headers)
