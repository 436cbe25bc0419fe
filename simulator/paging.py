"""From a bookmark to a page of one account, in the ways of `bookmarks`.

Any id of a contact that the chain has, or that was deleted from it, is a known bookmark. So a
client may resume against a restarted simulator.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .account import Account
from .bookmarks import BOOKMARKS, ORDERS, UNKNOWN, USUAL_WAYS, Chain, Page, Ways
from .ids import make_dice

AWKWARD_SUFFIX = "/a?b#c%2Fd e+ü"
"""Characters of every kind that has to be percent-encoded in a path."""


@dataclass
class Paging:
    """Cuts chains of contacts into pages.

    `suffix` is appended to every bookmark; one without it is refused. `ways` may be changed. Pages
    of one contact that overlap would never come to an end, so there are none.
    """

    account: Account
    page_size: int = 100
    suffix: str = ""
    ways: Ways = USUAL_WAYS

    def __post_init__(self) -> None:
        if self.page_size < 2:
            raise ValueError(f"page_size is {self.page_size}: expected 2 or more")
        self._sorted: dict[tuple[str | None, str], tuple[int, Sequence[int]]] = {}

    def page(self, segment_id: str | None, bookmark: str | None) -> Page | None:
        """The first page of a segment's members or, for None, of all contacts; or another one.

        None if the bookmark is refused; KeyError for a foreign segment.
        """
        numbers = self._sort(segment_id)
        chain = Chain(numbers, self.page_size, BOOKMARKS[self.ways.bookmark])
        if bookmark is None:
            return chain.page(0)
        if not bookmark.endswith(self.suffix):
            return None
        contact_id = bookmark.removesuffix(self.suffix)
        position = bisect_left(numbers, ORDERS[self.ways.order](contact_id), key=self._key)
        found = numbers[position] if position < len(numbers) else None
        if found is not None and self.account.contact_id(found) == contact_id:
            return chain.page(position + chain.bookmark.begins_behind)
        if contact_id in self.account.deleted_ids:
            return chain.page(position)
        dice = make_dice(self.account.seed, f"unknown bookmark {contact_id}")
        return UNKNOWN[self.ways.unknown](chain, position, dice)

    def at_border(self, segment_id: str | None, bookmark: str | None, place: int) -> int | None:
        """The contact so many places behind the beginning of a page, before it if negative.

        None if there is no such contact, bookmark or segment.
        """
        try:
            page = self.page(segment_id, bookmark)
        except KeyError:
            return None
        numbers, position = self._sort(segment_id), page.begin + place if page else -1
        return numbers[position] if 0 <= position < len(numbers) else None

    def bookmark(self, number: int) -> str:
        """The bookmark that names this contact."""
        return self.account.contact_id(number) + self.suffix

    def _key(self, number: int) -> Any:
        return ORDERS[self.ways.order](self.account.contact_id(number))

    def _sort(self, segment_id: str | None) -> Sequence[int]:
        """The chain's numbers in order, sorted once as long as nothing changes."""
        version, numbers = self.account.version, self.account.members(segment_id)
        if not version and self.ways.order == "id":  # numbers ascend like ids
            return numbers
        kept = self._sorted.get((segment_id, self.ways.order))
        if kept is None or kept[0] != version:
            kept = version, sorted(numbers, key=self._key)
            self._sorted[segment_id, self.ways.order] = kept
        return kept[1]
