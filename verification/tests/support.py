"""A small Autopilot in this process, and what a run finds of it."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from source_autopilot.api.transport import Reply
from verification.asking import MAX_QUESTIONS, Ask, BudgetSpent, Key, NoAnswer
from verification.beliefs import BELIEFS, Finding, judge
from verification.evidence import Evidence
from verification.questions import collect

KEY = SecretStr("fedcba9876543210fedcba9876543210")
URL = "http://127.0.0.1:1/v1/"

HOLDS, DOES_NOT_HOLD, NOT_MET = "holds", "does not hold", "was not met"


def make_ids(count: int) -> list[str]:
    """So many ids of contacts, ascending, spread over all UUIDs."""
    step = 16**8 // (count + 1)
    return [f"person_{(n + 1) * step:08X}-0000-4000-8000-00000000000A" for n in range(count)]


def reply_with(body: object, status: int = 200, **headers: str) -> Reply:
    """An answer; a body that is no bytes is JSON."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"Content-Type": "application/json", **named}, payload, 0.4)


@dataclass
class Autopilot:
    """Answers as a document database that pages by start key.

    Attributes:
        contacts: all of them, ascending by id.
        segments: a segment's id -> its contacts.
        documents: the answers of other paths.
        start: id -> where its page begins among ids; the default begins behind it.
        replies: what comes in place of the answer to a path.
        asked: the paths so far.
    """

    contacts: Sequence[Mapping[str, Any]] = ()
    segments: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    documents: Mapping[str, object] = field(default_factory=dict)
    start: Callable[[list[str], str], int | None] = bisect_right
    bookmark: Callable[[list[str], int], str] = lambda ids, end: ids[end - 1]
    replies: Mapping[str, Reply | NoAnswer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, path: str, key: Key) -> Reply | NoAnswer:
        """Answer a question as the API does."""
        self.asked.append(path)
        if path in self.replies:
            return self.replies[path]
        if key != Key.OWN:
            status = 401 if key == Key.WRONG else 400
            return reply_with({"error": "Unauthorized", "message": "no"}, status)
        if path in self.documents:
            return reply_with(self.documents[path])
        match [unquote(part) for part in path.split("/")]:
            case ["contacts", *bookmark] if bookmark != ["custom_fields"]:
                return self._page(self.contacts, bookmark)
            case ["smart_segments", segment_id, "contacts", *bookmark] if (
                segment_id in self.segments
            ):
                return self._page(self.segments[segment_id], bookmark)
        return reply_with({"error": "Not Found", "message": "no"}, 404)

    def _page(self, contacts: Sequence[Mapping[str, Any]], bookmark: Sequence[str]) -> Reply:
        ids = [contact["contact_id"] for contact in contacts]
        start = self.start(ids, bookmark[0]) if bookmark else 0
        if start is None:
            return reply_with({"error": "Not Found", "message": "no"}, 404)
        end = min(start + 100, len(ids))
        page = {"contacts": list(contacts[start:end]), "total_contacts": len(ids)}
        if end < len(ids):
            page["bookmark"] = self.bookmark(ids, end)
        return reply_with(page)


def begin_with(ids: list[str], key: str) -> int:
    """A page begins with the bookmark's contact."""
    return bisect_left(ids, key)


def find(ask: Ask) -> dict[str, Finding]:
    """What a run finds of this API, by the names of the beliefs."""
    evidence = investigate(ask)
    return {belief.name: judge(belief, evidence) for belief in BELIEFS}


def investigate(ask: Ask) -> Evidence:
    """The evidence that a run collects, within its budget."""
    questions = 0

    def bounded(path: str, key: Key) -> Reply | NoAnswer:
        nonlocal questions
        questions += 1
        if questions > MAX_QUESTIONS:
            raise BudgetSpent
        return ask(path, key)

    return collect(bounded, base_url=URL, api_key=KEY)


def contacts_of(ids: Sequence[str], **fields: object) -> list[dict[str, Any]]:
    """Contacts with these ids, all with the same fields."""
    return [{"contact_id": contact_id, **fields} for contact_id in ids]


def of(findings: Mapping[str, Finding], *names: str) -> list[tuple[str, str]]:
    """Verdict and detail of some beliefs."""
    return [(findings[name].verdict.value, findings[name].detail) for name in names]
