"""What the simulated API says: a status and a body, and the documented bodies of its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson

JSON = "application/json"

_MESSAGES = {
    400: "No autopilotapikey header provided.",
    401: "Provided autopilotapikey not valid.",
    404: "The requested resource was not found.",
    429: "Rate limit exceeded.",
    500: "Something went wrong.",
}


@dataclass(frozen=True)
class Answer:
    """An answer before it is written to the wire.

    `body` is a JSON value, or bytes to send as they are. Where it holds rows, `rows_key` names
    them; where it is a page, `asked` is the bookmark that it was asked for with.
    """

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    rows_key: str | None = None
    asked: str | None = None

    def payload(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


def error(status: int, message: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    """The body that goes with a status: documented for 400, 401, 404, 429, 500, else in kind."""
    phrase = _phrase(status)
    body = {"error": phrase, "message": message or _MESSAGES.get(status, f"{phrase}.")}
    return Answer(status, body, headers or {})


def method_not_allowed(method: str) -> Answer:
    """The API's other shape of error, seen for wrong methods."""
    body = {"code": "MethodNotAllowedError", "message": f"{method} is not allowed"}
    return Answer(405, body, {"Allow": "GET"})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
