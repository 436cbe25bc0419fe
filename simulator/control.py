"""The simulator's own endpoints, for tests that run it as a subprocess.

They are no part of the API: no key, no rate limit, no faults, and they aren't logged.
"""

from __future__ import annotations

import orjson
from aiohttp import web

from .faults import FaultSchedule, faults_from_json
from .request_log import RequestLog

ROOT = "/_simulator/"


async def respond(
    request: web.BaseRequest, log: RequestLog, schedule: FaultSchedule
) -> web.Response:
    """GET requests reads the log; GET faults reads the schedule, POST or PUT replaces it."""
    name = request.raw_path.removeprefix(ROOT)
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
