"""The endpoints: which path answers what. Knows nothing of keys, limits, faults or sockets."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

import orjson

from .account import Account
from .answer import Answer, error
from .paging import Paging
from .segments import Members


class Api:
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
                return self._page(self._account.everybody(), bookmark)
            case ("lists",):
                return Answer(200, {"lists": self._account.lists()}, rows_key="lists")
            case ("smart_segments",):
                return Answer(200, {"segments": self._account.segments()}, rows_key="segments")
            case ("smart_segments", segment_id, "contacts", *bookmark):
                return self._segment_page(segment_id, bookmark)
            case ("account",):
                return Answer(200, self._about())
            case _:
                return error(404)

    def _segment_page(self, segment_id: str, bookmark: Sequence[str]) -> Answer:
        try:
            chain = self._account.members(segment_id)
        except KeyError:
            return error(404, "Segment not found.")
        return self._page(chain, bookmark)

    def _page(self, chain: Members, rest: Sequence[str]) -> Answer:
        """A page of full contact objects; `rest` of the path is empty or holds the bookmark."""
        if len(rest) > 1:
            return error(404)
        asked = rest[0] if rest else None
        page = self._paging.page(chain, asked)
        if page is None:
            return error(404, "Bookmark not found.")
        contacts = [orjson.Fragment(self._account.contact_json(index)) for index in page.indexes]
        body: dict[str, object] = {"contacts": contacts, "total_contacts": len(chain)}
        if page.bookmark is not None:
            body["bookmark"] = page.bookmark
        return Answer(200, body, rows_key="contacts", asked=asked)

    def _about(self) -> dict[str, object]:
        """`GET /account` is documented in name only: this body is a guess."""
        instance_id = str(uuid5(NAMESPACE_URL, f"autopilot/{self._account.seed}"))
        return {"instanceId": instance_id, "name": "Simulated account"}
