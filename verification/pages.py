"""Looks at pages of contacts: order, bookmarks, borders between two pages, start keys. Pure.

Ids are compared in byte order, here and nowhere else, and only the outcome is put into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from verification.evidence import Evidence
from verification.shapes import describe_amount, describe_keys, describe_type

PAGE_SIZE = 100
_KEYS = ["contacts", "total_contacts", "bookmark"]
_FAR_OFF = 0.01


@dataclass(frozen=True)
class Page:
    """A page as it came: an object with an array of contacts."""

    document: Mapping[str, Any]

    @cached_property
    def contacts(self) -> list[dict[str, Any]]:
        """The contacts that are objects."""
        return [contact for contact in self.document["contacts"] if isinstance(contact, dict)]

    @cached_property
    def ids(self) -> list[str]:
        """The ids that are texts, in the page's order."""
        ids = [contact.get("contact_id") for contact in self.contacts]
        return [contact_id for contact_id in ids if isinstance(contact_id, str)]

    @property
    def bookmark(self) -> str | None:
        """Of the next page; None if there is nothing to ask with."""
        bookmark = self.document.get("bookmark")
        return bookmark if isinstance(bookmark, str) and bookmark else None

    @property
    def total(self) -> int | None:
        """How many contacts the chain is said to have; None if no number says it."""
        total = self.document.get("total_contacts")
        return total if type(total) is int else None


def parse_page(document: object) -> Page | None:
    """A page, or None if the JSON is of another shape."""
    if isinstance(document, dict) and isinstance(document.get("contacts"), list):
        return Page(document)
    return None


def look_at_page(evidence: Evidence, page: Page) -> None:
    """Observe what one page shows alone."""
    evidence.observe("page", describe_keys(page.document, _KEYS))
    if len(page.ids) > 1:
        evidence.observe("order", "ascending" if _ascends(page.ids) else "not ascending")
    if page.bookmark is not None:
        evidence.observe("page-size", _describe_rows(len(page.contacts)))
    if page.total is not None:
        evidence.observe("total", describe_amount(page.total))
    else:
        evidence.observe("total", describe_type(page.document.get("total_contacts")))


def look_at_chain(evidence: Evidence, pages: Sequence[Page]) -> None:
    """Observe what pages in a row show, beginning with the first of their chain."""
    for page, following in pairwise(pages):
        _look_at_border(evidence, page, following)
    last = pages[-1]
    rows = len(list_ids(pages))
    is_end = last.bookmark is None
    if is_end or (last.total is not None and rows >= last.total):
        is_there = "bookmark" in last.document
        seen = describe_type(last.document["bookmark"]) if is_there else "absent"
        evidence.observe("last-bookmark", seen)
    if is_end and last.total is not None:
        evidence.observe("total-exact", _describe_difference(rows, last.total))


def _describe_rows(rows: int) -> str:
    if rows == PAGE_SIZE:
        return f"{PAGE_SIZE} contacts"
    return f"{'fewer' if rows < PAGE_SIZE else 'more'} than {PAGE_SIZE} contacts"


def _describe_difference(rows: int, total: int) -> str:
    if rows == total:
        return "exact"
    direction = "too high" if total > rows else "too low"
    near = abs(total - rows) <= _FAR_OFF * max(total, rows)
    return f"{direction} by {'at most' if near else 'more than'} 1 %"


def _look_at_border(evidence: Evidence, page: Page, following: Page) -> None:
    """Observe two neighbours, the first of which has a bookmark."""
    if not (page.ids and following.ids and page.bookmark):
        return
    bookmark = page.bookmark
    evidence.observe("bookmark", _find_bookmark(bookmark, page.ids, following.ids))
    evidence.observe("border", _describe_beginning(following.ids, bookmark))
    known = set(page.ids)
    new = [contact_id for contact_id in following.ids if contact_id not in known]
    shared = len(following.ids) - len(new)
    evidence.observe("overlap", f"{('none', 'one')[shared] if shared < 2 else 'several'} on both")
    if new:
        rises = _ascends([page.ids[-1], new[0]])
        evidence.observe("order", "ascending" if rises else "not from page to page")


def _find_bookmark(bookmark: str, ids: Sequence[str], following: Sequence[str]) -> str:
    if bookmark == ids[-1]:
        return "the last id of its page"
    if bookmark == following[0]:
        return "the first id of the next page"
    if bookmark in ids:
        return "another id of its page"
    return "another id of the next page" if bookmark in following else "no id of the two pages"


def _describe_beginning(ids: Sequence[str], key: str) -> str:
    if ids[0] == key:
        return "begins with it"
    return "begins behind it" if _ascends([key, ids[0]]) else "begins before it"


def list_ids(pages: Sequence[Page]) -> list[str]:
    """The ids on these pages, each once, in their order."""
    return list(dict.fromkeys(contact_id for page in pages for contact_id in page.ids))


def describe_start(key: str, found: Page, known: Sequence[str], position: int | None = None) -> str:
    """What a start key brought.

    Args:
        key: that was asked for.
        found: the page that came.
        known: the first ids of the chain, at least one.
        position: the key's place: behind so many of the known ids; None if it is not among them.
    """
    if not found.ids:
        return "an empty page" + ("" if found.bookmark is None else " with a bookmark")
    if found.ids[0] == known[0] and _ascends([known[0], key]):
        return "the first page again"
    follows = position is not None and found.ids[0] in known[position : position + 1]
    seen = "begins behind it" if follows else _describe_beginning(found.ids, key)
    has_more = len(found.contacts) >= PAGE_SIZE
    if position is not None:
        passed, expected = set(known[:position]), known[position:]
        new = [contact_id for contact_id in found.ids if contact_id not in passed]
        if new[: len(expected)] != expected[: len(new)]:
            seen += ", but leaves some out"
        has_more = len(new) < len(expected)
    if has_more and found.bookmark is None:
        seen += ", but has no bookmark"
    return seen


def _ascends(ids: Sequence[str]) -> bool:
    """Whether each id is greater than the one before, in byte order."""
    as_bytes = [contact_id.encode("utf-8", "surrogatepass") for contact_id in ids]
    return all(before < behind for before, behind in pairwise(as_bytes))
