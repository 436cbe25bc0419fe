"""Which questions are asked, in which order, and what is looked at in each answer.

25 at most, fewer in a small account. Answers become evidence at once; only pages of contacts are
kept until the next ones have been compared with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import quote

from pydantic import SecretStr

from source_autopilot.api.base_url import VENDOR_URL
from source_autopilot.api.transport import Reply
from verification.asking import Ask, BudgetSpent, Key, NoAnswer
from verification.contacts import CUSTOM_TYPES, ContactReader, describe_list_id
from verification.evidence import Evidence
from verification.pages import (
    PAGE_SIZE,
    Page,
    describe_start,
    list_ids,
    look_at_chain,
    look_at_page,
    parse_page,
)
from verification.shapes import (
    describe_keys,
    describe_known,
    describe_seconds,
    describe_size,
    describe_type,
)

MAX_PAGES = 3  # of one chain
MAX_SEGMENTS = 3

FAR_ID = "person_80000000-0000-0000-0000-000000000000"  # in the middle of all UUIDs
LAST_ID = "person_~"  # behind all ids
UNKNOWN_SEGMENT = "contactlist_sseg00000000-0000-0000-0000-000000000000"

_ERROR_KEYS = ["error", "message", "code"]
_CONTENT_TYPES = {"application/json", "text/html", "text/plain"}
_LIMIT_HEADERS = ["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]


class KeyRefused(Exception):
    """Autopilot does not accept the account's key: there is nothing to see."""


def collect(ask: Ask, *, base_url: str, api_key: SecretStr) -> Evidence:
    """Ask all questions; what was seen.

    Ends early, with what there is, when the first question gets no answer at all or the budget is
    spent. Raises KeyRefused.

    Args:
        ask: sends a question.
        base_url: that `ask` sends it to.
        api_key: that it sends; only its shape is looked at.
    """
    evidence = Evidence()
    is_usual = re.fullmatch("[0-9a-fA-F]{32}", api_key.get_secret_value())
    evidence.observe("key-shape", "32 hexadecimal digits" if is_usual else "another shape")
    try:
        _Survey(ask, evidence, base_url == VENDOR_URL).run()
    except BudgetSpent:
        evidence.is_complete = False
    return evidence


class _Survey:
    def __init__(self, ask: Ask, evidence: Evidence, at_vendor: bool) -> None:
        self._send = ask
        self._at_vendor = at_vendor
        self._evidence = evidence
        self._reader = ContactReader(evidence)

    def run(self) -> None:
        reply = self._ask("contacts", "contacts")
        if reply is None and "let-through" not in self._evidence.seen:
            return
        if reply and reply.status == 401:
            raise KeyRefused
        first = self._read_page("contacts", reply)
        self._ask_refusals()
        self._look_at_rows("lists", "lists", "list_id")
        segments = self._look_at_rows("smart_segments", "segments", "segment_id")
        self._look_at_definitions()
        self._look_at_account()
        if first:
            self._look_at_contacts(first)
        for segment_id in segments[:MAX_SEGMENTS]:
            self._look_at_members(segment_id)

    def _ask_refusals(self) -> None:
        for belief, path, key in (
            ("wrong-key", "lists", Key.WRONG),
            ("missing-key", "lists", Key.NONE),
            ("unknown-segment", f"smart_segments/{UNKNOWN_SEGMENT}/contacts", Key.OWN),
            ("unknown-path", "no_such_thing", Key.OWN),
        ):
            reply = self._ask(belief, path, key)
            if reply:
                body = _describe_body(reply.body)
                self._evidence.observe(belief, f"{reply.status}, {body}")

    def _look_at_rows(self, path: str, rows_key: str, id_key: str) -> list[str]:
        """Observe an endpoint without pages; the ids of its rows."""
        document = self._read_json(rows_key, self._ask(rows_key, path))
        if document is None:
            return []
        observe = self._evidence.observe
        observe(rows_key, _describe_document(document, [rows_key, "bookmark"]))
        rows = document.get(rows_key) if isinstance(document, dict) else None
        ids = []
        for row in rows if isinstance(rows, list) else []:
            observe(f"{rows_key}-rows", _describe_document(row, [id_key, "title"]))
            row_id = row.get(id_key) if isinstance(row, dict) else None
            observe(f"{rows_key}-ids", describe_list_id(row_id))
            if isinstance(row_id, str):
                ids.append(row_id)
                observe(f"{rows_key}-spaces", "with a space" if " " in row_id else "without one")
        return ids

    def _look_at_definitions(self) -> None:
        reply = self._ask("definitions", "contacts/custom_fields")
        fields = self._read_json("definitions", reply)
        if fields is None:
            return
        keys = ["name", "fieldType"]
        self._evidence.observe("definitions", _describe_document(fields, keys))
        for field in fields if isinstance(fields, list) else []:
            self._evidence.observe("definitions-rows", _describe_document(field, keys))
            field_type = field.get("fieldType") if isinstance(field, dict) else None
            self._evidence.observe("custom-types", describe_known(field_type, CUSTOM_TYPES))

    def _look_at_account(self) -> None:
        account = self._read_json("account", self._ask("account", "account"))
        if account is not None:
            known = ["instanceId", "fullName", "email"]
            self._evidence.observe("account", _describe_document(account, known))

    def _look_at_contacts(self, first: Page) -> None:
        pages = self._walk("contacts", "contacts", first)
        if first.bookmark and len(pages) > 1:
            again = self._ask_page("bookmark-again", _join("contacts", first.bookmark))
            if again:
                same = "the same page" if again.ids == pages[1].ids else "another page"
                self._evidence.observe("bookmark-again", same)
        known = list_ids(pages)
        if not known:
            return
        position = (len(list_ids([first])) + 1) // 2
        if position < len(known):
            inside = known[position - 1]
            self._ask_start("any-id", inside, known, position)
            # Longer than an id, and so none; behind `inside` and before the next id.
            self._ask_start("start-key", f"{inside}0", known, position)
        if first.bookmark:
            self._ask_start("start-key-far", FAR_ID, known)
        self._ask_start("start-key-end", LAST_ID, known)

    def _ask_start(
        self, belief: str, key: str, known: Sequence[str], position: int | None = None
    ) -> None:
        reply = self._ask(belief, _join("contacts", key))
        if reply and reply.status >= 400:  # a refusal is an answer to this question
            self._evidence.observe(belief, f"status {reply.status}")
            return
        found = self._read_page(belief, reply)
        if found:
            seen = describe_start(key, found, known, position)
            self._evidence.observe(belief, seen)

    def _look_at_members(self, segment_id: str) -> None:
        path = _join("smart_segments", segment_id, "contacts")
        first = self._ask_page("members", path)
        if first is None:
            return
        for contact in first.contacts:
            whole = "more than an id" if len(contact) > 1 else "an id alone"
            self._evidence.observe("members", whole)
        if first.total is None or first.total <= MAX_PAGES * PAGE_SIZE:
            self._walk("members", path, first)

    def _walk(self, question: str, path: str, first: Page) -> list[Page]:
        """Follow the bookmarks for some pages, and observe the chain; its pages."""
        pages = [first]
        while pages[-1].bookmark and len(pages) < MAX_PAGES:
            page = self._ask_page(question, f"{path}/{_join(pages[-1].bookmark)}")
            if page is None:
                break
            pages.append(page)
        look_at_chain(self._evidence, pages)
        return pages

    def _ask_page(self, question: str, path: str) -> Page | None:
        return self._read_page(question, self._ask(question, path))

    def _read_page(self, question: str, reply: Reply | None) -> Page | None:
        """A page of contacts, observed; None, and a failure, if the answer is none."""
        document = self._read_json(question, reply)
        if reply is None or document is None:
            return None
        page = parse_page(document)
        if page is None:
            self._evidence.fail(question, _describe_document(document, _ERROR_KEYS))
            return None
        self._evidence.observe("page-seconds", describe_seconds(reply.seconds))
        if len(page.contacts) == PAGE_SIZE:
            self._evidence.observe("page-bytes", describe_size(len(reply.body)))
        look_at_page(self._evidence, page)
        for contact in page.contacts:
            self._reader.look_at(contact)
        return page

    def _read_json(self, question: str, reply: Reply | None) -> object | None:
        """The JSON of an answer with status 200; None, and a failure, if there is none."""
        if reply is None:
            return None
        document = _decode(reply.body)
        if reply.status != 200:
            self._evidence.fail(question, f"status {reply.status}")
        elif document is None:
            self._evidence.fail(question, _describe_body(reply.body))
        else:
            return document
        return None

    def _ask(self, question: str, path: str, key: Key = Key.OWN) -> Reply | None:
        """The answer, its headers observed; None, and a failure, where it answers nothing."""
        reply = self._send(path, key)
        if self._at_vendor:
            kind = f"no answer: {reply.kind}" if isinstance(reply, NoAnswer) else "an answer"
            self._evidence.observe("address", kind)
        else:
            self._evidence.fail("address", "another address was asked")
        if isinstance(reply, NoAnswer):
            self._evidence.fail(question, reply.kind)
            return None
        self._look_at_headers(reply)
        self._evidence.observe("let-through", "429" if reply.status == 429 else "let through")
        if reply.status == 429 or reply.status // 100 not in (2, 4):
            self._evidence.fail(question, f"status {reply.status}")
            return None
        return reply

    def _look_at_headers(self, reply: Reply) -> None:
        headers = {name.casefold(): value for name, value in reply.headers.items()}
        observe = self._evidence.observe
        if reply.body:
            kind, _, parameters = headers.get("content-type", "").partition(";")
            charset = " with a charset" if "charset" in parameters else ""
            observe("content-type", describe_known(kind.strip(), _CONTENT_TYPES) + charset)
        length = "with a length" if "content-length" in headers else "without a length"
        is_chunked = headers.get("transfer-encoding", "").casefold() == "chunked"
        observe("framing", "chunked" if is_chunked else length)
        is_closed = headers.get("connection", "").casefold() == "close"
        observe("connection", "closed" if is_closed else "kept alive")
        named = [f"`{name}`" for name in _LIMIT_HEADERS if name.casefold() in headers]
        others = sum("ratelimit" in name.replace("-", "") for name in headers)
        if others and not named:
            named = ["another header on the rate limit"]
        observe("limit-headers", " and ".join(named) or "none")


def _join(*parts: str) -> str:
    # A text of JSON may hold half a character, which cannot be encoded otherwise.
    return "/".join(quote(part.encode("utf-8", "surrogatepass"), safe="") for part in parts)


def _decode(body: bytes) -> object | None:
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document


def _describe_body(body: bytes) -> str:
    document = _decode(body)
    if document is not None:
        return _describe_document(document, _ERROR_KEYS)
    if body.lstrip()[:1] == b"<":
        return "HTML"
    return "no JSON" if body.strip() else "an empty body"


def _describe_document(document: object, keys: Sequence[str]) -> str:
    """The type of a JSON value, and of an object also which of these keys it has."""
    if isinstance(document, dict) and document:
        return f"an object with {describe_keys(document, keys)}"
    return describe_type(document)
