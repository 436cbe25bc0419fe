"""The simulator's own endpoints below /_simulator/, for tests that run it as a program.

They are no part of the API: no key, no rate limit, no faults, and they aren't logged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from .bookmarks import Ways
from .changes import Change
from .faults import Fault
from .paging import Paging
from .request_log import RequestLog
from .schedule import Schedule

CONTROL_ROOT = "/_simulator/"


@dataclass(frozen=True)
class Setting:
    """Something that can be read with GET and, unless it is a log, replaced with PUT or POST."""

    read: Callable[[], Any]
    replace: Callable[[Any], None] | None = None


def make_settings(
    log: RequestLog, faults: Schedule[Fault], changes: Schedule[Change], paging: Paging
) -> dict[str, Setting]:
    """Name -> setting. `replace` raises ValueError for what it cannot use, and keeps the old."""

    def replace_ways(document: Any) -> None:
        paging.ways = Ways.from_json(document)

    return {
        "requests": Setting(lambda: [request._asdict() for request in log.requests()]),
        "faults": Setting(
            lambda: [fault.to_json() for fault in faults.planned],
            lambda document: faults.replace(Fault.list_from_json(document)),
        ),
        "changes": Setting(
            lambda: [change.to_json() for change in changes.planned],
            lambda document: changes.replace(Change.list_from_json(document)),
        ),
        "ways": Setting(lambda: paging.ways.to_json(), replace_ways),
    }


async def respond(request: web.BaseRequest, settings: dict[str, Setting]) -> web.Response:
    """The answer to a request below CONTROL_ROOT: what the setting is now."""
    name = request.raw_path.removeprefix(CONTROL_ROOT)
    setting = settings.get(name)
    if setting and request.method == "GET":
        return _json(setting.read())
    if setting and setting.replace and request.method in ("POST", "PUT"):
        try:
            setting.replace(orjson.loads(await request.read()))
        except ValueError as problem:
            return _json({"error": str(problem)}, status=400)
        return _json(setting.read())
    return _json({"error": f"the simulator has no {request.method} {name}"}, status=404)


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")
