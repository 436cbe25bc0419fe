"""The endpoints: which path answers what, and the documented bodies of refusals.

Knows nothing of keys, limits, faults or sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import NAMESPACE_URL, uuid5

import orjson

from .account import Account
from .changes import Change, apply
from .paging import Paging

JSON = "application/json"

_MESSAGES = {
    400: "No autopilotapikey header provided.",
    401: "Provided autopilotapikey not valid.",
    404: "The requested resource was not found.",
    429: "You have exceeded your request rate of 5 r/s.",
    500: "Something went wrong.",
}
"""[doc]; what the messages of 404 and 500 say is a guess."""


@dataclass(frozen=True)
class Answer:
    """An answer before it is written to the wire.

    `body` is a JSON value, or bytes to send as they are. Where it holds rows, `rows_key` names
    them; where it is a page, `bookmark` is the one that it was requested with. No `content_type` is
    no header.
    """

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    rows_key: str | None = None
    bookmark: str | None = None

    @property
    def is_page(self) -> bool:
        """Whether it is a page of contacts."""
        return self.rows_key == "contacts"

    def payload(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


ERROR_SHAPES: dict[str, Callable[[str, str], object]] = {
    "documented": lambda phrase, message: {"error": phrase, "message": message},  # [doc]
    "restify": lambda phrase, message: {  # [seen C]
        "code": f"{phrase.title().replace(' ', '')}Error",
        "message": message,
    },
    "empty": lambda phrase, message: b"",  # [client G]
    "text": lambda phrase, message: message.encode(),  # [client G]: no JSON
}
"""Shape -> the body of an error, from the status's phrase and a message."""


def make_error(
    status: int,
    message: str = "",
    *,
    shape: str = "documented",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer of a status: documented for 400, 401, 404, 429, 500; the others are alike."""
    phrase = _phrase(status)
    body = ERROR_SHAPES[shape](phrase, message or _MESSAGES.get(status, f"{phrase}."))
    content_type = "" if isinstance(body, bytes) else JSON
    return Answer(status, body, headers or {}, content_type=content_type)


def refuse_method(method: str) -> Answer:
    """What a method gets that the API doesn't have [seen C]."""
    message = f"{method} is not allowed"
    return make_error(405, message, shape="restify", headers={"Allow": "GET"})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _locate(path: Sequence[str]) -> tuple[str | None, str | None] | None:
    """The segment, or None for all contacts, and the bookmark of a page's path."""
    match path:
        case ("contacts",):
            return None, None
        case ("contacts", bookmark) if bookmark != "custom_fields":
            return None, bookmark
        case ("smart_segments", segment_id, "contacts"):
            return segment_id, None
        case ("smart_segments", segment_id, "contacts", bookmark):
            return segment_id, bookmark
    return None


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
            case ("lists",):
                return Answer(200, {"lists": self._account.lists()}, rows_key="lists")
            case ("smart_segments",):
                return Answer(200, {"segments": self._account.segments()}, rows_key="segments")
            case ("account",):
                return Answer(200, self._account_body())
            case _:
                place = _locate(path)
                return self._page(*place) if place else make_error(404)

    def change(self, change: Change, path: Sequence[str]) -> None:
        """Let a change happen at the beginning of the page of this path."""
        place = _locate(path)
        if place:
            apply(change, self._paging, *place)

    def _page(self, segment_id: str | None, bookmark: str | None) -> Answer:
        """A page of full contact objects."""
        try:
            page = self._paging.page(segment_id, bookmark)
        except KeyError:
            return make_error(404, "Segment not found.")
        if page is None:
            return make_error(404, "Bookmark not found.")
        contacts = [orjson.Fragment(self._account.contact_json(number)) for number in page.numbers]
        total = len(self._account.members(segment_id))
        body: dict[str, object] = {"contacts": contacts, "total_contacts": total}
        if page.bookmark is not None:
            body["bookmark"] = self._paging.bookmark(page.bookmark)
        return Answer(200, body, rows_key="contacts", bookmark=bookmark)

    def _account_body(self) -> dict[str, object]:
        """Its three fields are all that is known of `GET /account` [client]."""
        instance_id = str(uuid5(NAMESPACE_URL, f"autopilot/{self._account.seed}"))
        return {
            "instanceId": instance_id,
            "fullName": "Simulated account",
            "email": "owner@simulated.example",
        }
