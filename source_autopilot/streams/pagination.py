"""The walk from page to page of one partition. Pure.

A public client once looped for ever because it carried one segment's bookmark over to the next
[client]: a paginator belongs to one partition, and its bookmarks to it.
"""

import math
from collections.abc import Mapping

from source_autopilot.errors import UnreadablePage
from source_autopilot.records.page import PackedPage, Page

# What is read as one walk: a table is {}, a segment's members are {"segment_id": ...}.
Partition = Mapping[str, str]

PAGE_SIZE = 100  # rows [doc, client]
# A page may repeat while contacts move under the walk, and totals may lag behind: these bounds are
# for walks that have no end, not for totals that are a little off.
MAX_STALE_PAGES = 10
MAX_ROWS_BEYOND_TOTAL = 10_000


class Paginator:
    """A walk from a bookmark, or from the first page, to the last page.

    Attributes:
        bookmark: where the next page begins; None for the first page.
        ended: whether the last page was read.
        pages: how many pages were read in this walk.
    """

    def __init__(self, bookmark: str | None) -> None:
        self.bookmark = bookmark
        self.ended = False
        self.pages = 0
        self._seen_bookmarks = {bookmark} if bookmark else set()
        self._seen_pages: set[int] = set()
        self._before: PackedPage | None = None
        self._stale_pages = 0
        self._rows_left = math.inf
        self._rows_allowed = math.inf

    @property
    def pages_left(self) -> float:
        """How many pages are still to come, by the API's total; infinity if it is unknown."""
        return self._rows_left / PAGE_SIZE

    def advance(self, page: Page) -> Page:
        """Move past a page. Raises UnreadablePage if the walk would not come to an end.

        Returns the page without the rows that the page before had, too.
        """
        if page.bookmark in self._seen_bookmarks:
            raise UnreadablePage(f"it leads back to the bookmark {page.bookmark}")
        # A total that the first page alone disproves says nothing.
        if self.pages == 0 and page.total is not None and len(page.rows) <= page.total:
            self._rows_left = page.total
            self._rows_allowed = 2 * page.total + MAX_ROWS_BEYOND_TOTAL
        new = page.without_repeated(self._before) if self._before else page
        self._require_an_end(new, hash(page.keys))
        if page.bookmark:
            self._seen_bookmarks.add(page.bookmark)
        self._rows_left = max(self._rows_left - len(new.rows), 0)
        self._before = PackedPage(page)
        self.pages += 1
        self.bookmark = page.bookmark
        self.ended = page.bookmark is None
        return new

    def _require_an_end(self, page: Page, seen_as: int) -> None:
        is_new = bool(page.rows) and seen_as not in self._seen_pages
        self._seen_pages.add(seen_as)
        self._stale_pages = 0 if is_new else self._stale_pages + 1
        self._rows_allowed -= len(page.rows)
        if not page.bookmark:
            return
        if self._stale_pages > MAX_STALE_PAGES:
            raise UnreadablePage(
                f"like the {MAX_STALE_PAGES} pages before it, it has no new rows and leads on to"
                f" the bookmark {page.bookmark}"
            )
        if self._rows_allowed < 0:
            raise UnreadablePage(
                "it is far beyond the rows that Autopilot counts, and leads on to the bookmark"
                f" {page.bookmark}"
            )
