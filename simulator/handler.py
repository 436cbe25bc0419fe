"""The life of a request: log it, refuse or answer it, apply a fault, send the result.

Paths below /_simulator/ are the simulator's own, for tests that run it as a subprocess. They are no
part of the API: no key, no rate limit, no faults, and they aren't logged.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from .endpoints import Answer, Endpoints, make_error, refuse_method
from .fault_effects import BREAKDOWNS, STATUS_OF_BREAKDOWN, change_answer, fits
from .faults import Fault, FaultSchedule, faults_from_json
from .rate_limit import RETRY_AFTER, TokenBucket
from .request_log import Key, Request, RequestLog, decode_path, split_path

CONTROL_ROOT = "/_simulator/"
KEY_HEADER = "autopilotapikey"


@dataclass(frozen=True)
class Handler:
    """Takes aiohttp's requests.

    Faults hit only requests that the API would have answered: one that is refused, for its method,
    its key or the rate limit, uses no fault up.
    """

    endpoints: Endpoints
    key: str = field(repr=False)
    bucket: TokenBucket
    retry_after: str | None
    schedule: FaultSchedule
    log: RequestLog
    latency_seconds: float = 0.0
    compress: bool = False

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.raw_path.startswith(CONTROL_ROOT):
            return await _respond_to_control(request, self.log, self.schedule)
        key = self._judge_key(request)
        set_status = self.log.add(Request(time.time(), request.method, request.raw_path, None, key))
        answer, fault = self._decide(request, key)
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        if fault is not None and fault.kind in BREAKDOWNS:
            if fault.kind in STATUS_OF_BREAKDOWN:
                set_status(STATUS_OF_BREAKDOWN[fault.kind])
            return await BREAKDOWNS[fault.kind](request, fault, answer.payload())
        set_status(answer.status)
        return self._make_response(request, answer)

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
        answer = self.endpoints.answer(split_path(request.raw_path))
        path = decode_path(request.raw_path)
        fault = self.schedule.take(path, fits=lambda fault: fits(fault, answer))
        return (answer, None) if fault is None else (change_answer(fault, answer), fault)

    def _refuse(self, method: str, key: Key) -> Answer | None:
        if method != "GET":
            return refuse_method(method)
        if key != "right":
            return make_error(400 if key == "missing" else 401)
        wait_seconds = self.bucket.take()
        if not wait_seconds:
            return None
        if self.retry_after is None:
            return make_error(429)
        return make_error(429, headers={"Retry-After": RETRY_AFTER[self.retry_after](wait_seconds)})

    def _make_response(self, request: web.BaseRequest, answer: Answer) -> web.Response:
        payload = answer.payload()
        headers = {**answer.headers, "Content-Type": f"{answer.content_type}; charset=utf-8"}
        if self.compress and "gzip" in request.headers.get("Accept-Encoding", ""):
            payload = gzip.compress(payload, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        return web.Response(status=answer.status, body=payload, headers=headers)


async def _respond_to_control(
    request: web.BaseRequest, log: RequestLog, schedule: FaultSchedule
) -> web.Response:
    """GET requests reads the log; GET faults reads the schedule, POST or PUT replaces it."""
    name = request.raw_path.removeprefix(CONTROL_ROOT)
    if name == "requests" and request.method == "GET":
        return _json([request._asdict() for request in log.requests()])
    if name == "faults" and request.method in ("POST", "PUT"):
        try:
            schedule.replace(faults_from_json(orjson.loads(await request.read())))
        except ValueError as problem:
            return _json({"error": str(problem)}, status=400)
    elif name != "faults" or request.method != "GET":
        return _json({"error": f"the simulator has no {request.method} {name}"}, status=404)
    return _json([fault.to_json() for fault in schedule.faults])


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")
