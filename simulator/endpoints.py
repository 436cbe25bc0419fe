"""The endpoints: which path answers what, and the documented bodies of refusals.

Knows nothing of keys, limits, faults or sockets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import NAMESPACE_URL, uuid5

import orjson

from .account import Account
from .paging import Paging
from .segments import Members

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
    them; where it is a page, `bookmark` is the one that it was requested with.
    """

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    rows_key: str | None = None
    bookmark: str | None = None

    def payload(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


def make_error(status: int, message: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    """The body of a status: documented for 400, 401, 404, 429, 500; the others are alike."""
    phrase = _phrase(status)
    body = {"error": phrase, "message": message or _MESSAGES.get(status, f"{phrase}.")}
    return Answer(status, body, headers or {})


def refuse_method(method: str) -> Answer:
    """The API's other shape of error: that of a wrong method."""
    body = {"code": "MethodNotAllowedError", "message": f"{method} is not allowed"}
    return Answer(405, body, {"Allow": "GET"})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


class Endpoints:
    """Answers GET requests for one account."""

    def __init__(self, account: Account, paging: Paging) -> None:
        self._account = account
        self._paging = paging

    def answer(self, path: Sequence[str]) -> Answer:
        """The answer to a path below /v1, given as its decoded segments."""
        match path:
            case ("contacts", "custom_fields"):
                return Answer(200, self._account.custom_fields())
            case ("contacts", *bookmark):
                return self._page(self._account.all_contacts(), bookmark)
            case ("lists",):
                return Answer(200, {"lists": self._account.lists()}, rows_key="lists")
            case ("smart_segments",):
                return Answer(200, {"segments": self._account.segments()}, rows_key="segments")
            case ("smart_segments", segment_id, "contacts", *bookmark):
                return self._segment_page(segment_id, bookmark)
            case ("account",):
                return Answer(200, self._account_body())
            case _:
                return make_error(404)

    def _segment_page(self, segment_id: str, bookmark: Sequence[str]) -> Answer:
        try:
            chain = self._account.members(segment_id)
        except KeyError:
            return make_error(404, "Segment not found.")
        return self._page(chain, bookmark)

    def _page(self, chain: Members, rest: Sequence[str]) -> Answer:
        """A page of full contact objects; `rest` of the path is empty or holds the bookmark."""
        if len(rest) > 1:
            return make_error(404)
        bookmark = rest[0] if rest else None
        page = self._paging.page(chain, bookmark)
        if page is None:
            return make_error(404, "Bookmark not found.")
        contacts = [orjson.Fragment(self._account.contact_json(index)) for index in page.indexes]
        body: dict[str, object] = {"contacts": contacts, "total_contacts": len(chain)}
        if page.next_bookmark is not None:
            body["bookmark"] = page.next_bookmark
        return Answer(200, body, rows_key="contacts", bookmark=bookmark)

    def _account_body(self) -> dict[str, object]:
        """A guess: `GET /account` is documented in name only."""
        instance_id = str(uuid5(NAMESPACE_URL, f"autopilot/{self._account.seed}"))
        return {"instanceId": instance_id, "name": "Simulated account"}
