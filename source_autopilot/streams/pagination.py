"""A chain of pages and where a walk along it has come. Pure.

A public client once looped for ever because it carried one segment's bookmark over to the next
[client]: a chain belongs to one partition, and its bookmarks to it.
"""

import math

from source_autopilot.records.page import Page, UnreadablePage

ROWS_PER_PAGE = 100  # [doc, client]
# A page may repeat while contacts move under the walk, and totals may lag behind: these are bounds
# for chains that have lost their end, not for those that are a little off.
MOST_STALE_PAGES = 10
ROWS_BEYOND_TOTAL = 10_000


class Chain:
    """One walk from a bookmark, or from the first page, to the last page.

    Attributes:
        bookmark: where the next page begins; None for the first page.
        ended: whether the last page was read.
        pages: how many pages were read in this walk.
    """

    def __init__(self, bookmark: str | None) -> None:
        self.bookmark = bookmark
        self.ended = False
        self.pages = 0
        self._resumed = bookmark is not None
        self._seen: set[str | None] = {bookmark} if bookmark else set()
        self._rows_left = math.inf
        self._rows_allowed = math.inf
        self._keys_of_pages: set[int] = set()
        self._stale_pages = 0

    @property
    def is_at_resumed_bookmark(self) -> bool:
        """Whether the next page is asked for by a bookmark of an earlier attempt."""
        return self._resumed and self.pages == 0

    @property
    def pages_left(self) -> float:
        """How many pages are still to come, by the vendor's total; infinity if nobody knows."""
        return self._rows_left / ROWS_PER_PAGE

    def advance(self, page: Page) -> None:
        """Move past a page. Raises UnreadablePage if it leads to where the walk has been."""
        if page.bookmark in self._seen:
            raise UnreadablePage(f"it leads back to the bookmark {page.bookmark}")
        # A total that the first page alone disproves says nothing.
        total = page.total
        if self.pages == 0 and total is not None and len(page.rows) <= total:
            self._rows_left = total
            self._rows_allowed = 2 * total + ROWS_BEYOND_TOTAL
        self._expect_an_end(page)
        self._seen.add(page.bookmark)
        self._rows_left = max(self._rows_left - len(page.rows), 0)
        self.pages += 1
        self.bookmark = page.bookmark
        self.ended = page.bookmark is None

    def _expect_an_end(self, page: Page) -> None:
        is_new = bool(page.rows) and page.keys not in self._keys_of_pages
        self._stale_pages = 0 if is_new else self._stale_pages + 1
        self._keys_of_pages.add(page.keys)
        self._rows_allowed -= len(page.rows)
        if not page.bookmark:
            return
        if self._stale_pages > MOST_STALE_PAGES:
            raise UnreadablePage(
                f"like the {MOST_STALE_PAGES} pages before it, it has no new rows and leads on to"
                f" the bookmark {page.bookmark}"
            )
        if self._rows_allowed < 0:
            raise UnreadablePage(
                "it is far beyond the rows that Autopilot counts, and leads on to the bookmark"
                f" {page.bookmark}"
            )
