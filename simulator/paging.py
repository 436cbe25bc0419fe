"""From a bookmark to a page: which contacts are on it, and where the next one starts.

A bookmark is the id of the last contact on a page. A chain accepts the bookmarks of its own pages,
also before it has sent them: a client may resume against a restarted simulator. Two chains that end
a page with the same contact share its bookmark, and no others.
"""

from __future__ import annotations

from dataclasses import dataclass

from .account import Account
from .segments import Members

AWKWARD_SUFFIX = "/a?b#c%2Fd e+ü"
"""Characters of every kind that has to be percent-encoded in a path."""


@dataclass(frozen=True)
class Page:
    """The numbers of the contacts on a page; `next_bookmark` is None on the last one."""

    indexes: list[int]
    next_bookmark: str | None


@dataclass(frozen=True)
class Paging:
    """Cuts chains of contacts into pages; `suffix` is appended to every bookmark."""

    account: Account
    page_size: int = 100
    suffix: str = ""

    def __post_init__(self) -> None:
        if self.page_size < 1:
            raise ValueError(f"page_size is {self.page_size}: expected 1 or more")

    def page(self, chain: Members, bookmark: str | None) -> Page | None:
        """The first page, or the one after `bookmark`; None if the chain has no such bookmark."""
        start = 0 if bookmark is None else self._start_after(chain, bookmark)
        if start is None:
            return None
        end = min(start + self.page_size, len(chain))
        indexes = [chain[position] for position in range(start, end)]
        more = end < len(chain)
        return Page(indexes, self.bookmark(indexes[-1]) if more else None)

    def bookmark(self, index: int) -> str:
        """The bookmark of a page that ends with this contact."""
        return self.account.contact_id(index) + self.suffix

    def _start_after(self, chain: Members, bookmark: str) -> int | None:
        index = self.account.index_of(bookmark.removesuffix(self.suffix))
        if index is None or self.bookmark(index) != bookmark:
            return None
        position = chain.position(index)
        if position is None:
            return None
        start = position + 1
        return start if start % self.page_size == 0 and start < len(chain) else None
