"""The ways in which an API may order its pages and lead from one to the next.

What is known is that a bookmark is the id of a contact and that pages ascend by id in byte order
[seen A, and the blog of 2015-06-23]. All else is open (docs/autopilot-api.md, "Pages and
bookmarks"), so each possibility that anybody thought of is here, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from hashlib import md5
from random import Random
from typing import Any, NamedTuple

ORDERS: dict[str, Callable[[str], Any]] = {
    "id": lambda contact_id: contact_id,  # bytes [seen A]
    "icu": lambda contact_id: (contact_id.lower(), contact_id.swapcase()),  # CouchDB's views
    "none": lambda contact_id: md5(contact_id.encode(), usedforsecurity=False).digest(),
}
"""Order -> the key by which ids are sorted; of two letters, ICU puts the small one first."""


class Bookmark(NamedTuple):
    """Which contact a page's bookmark names, and where the page that it leads to begins.

    `offset` counts from the next page's first contact; `begins_behind` the one that is named.
    """

    offset: int
    begins_behind: bool


BOOKMARKS = {
    "last": Bookmark(-1, begins_behind=True),  # the page's last contact: what CouchDB's clients do
    "next": Bookmark(0, begins_behind=False),  # the next page's first: CouchDB's start key
    "overlap": Bookmark(-2, begins_behind=True),  # both pages have a row [seen, blog; not certain]
}


@dataclass(frozen=True)
class Page:
    """A page: where in its chain it begins, the numbers of its contacts, and of the bookmark's."""

    begin: int
    numbers: list[int]
    bookmark: int | None


@dataclass(frozen=True)
class Chain:
    """The numbers of contacts in the order of their pages."""

    numbers: Sequence[int]
    page_size: int
    bookmark: Bookmark

    def page(self, begin: int, step: int = 1) -> Page:
        """The page that begins at this position, and has every `step`th contact."""
        end = min(begin + self.page_size * step, len(self.numbers))
        numbers = list(self.numbers[begin:end:step])
        more = end < len(self.numbers)
        return Page(begin, numbers, self.numbers[end + self.bookmark.offset] if more else None)


UNKNOWN: dict[str, Callable[[Chain, int, Random], Page | None]] = {
    "start_key": lambda chain, position, dice: chain.page(position),
    "not_found": lambda chain, position, dice: None,
    "first_page": lambda chain, position, dice: chain.page(0),
    "empty": lambda chain, position, dice: Page(position, [], None),
    "no_bookmark": lambda chain, position, dice: replace(chain.page(position), bookmark=None),
    "every_third": lambda chain, position, dice: chain.page(position, step=3),
    "some_page": lambda chain, position, dice: chain.page(dice.randrange(len(chain.numbers) + 1)),
    "late": lambda chain, position, dice: chain.page(min(position + 3, len(chain.numbers))),
}
"""What a bookmark gets that no contact of the chain ever had; None is a 404.

From the chain, the position at which such an id would be, and dice. `/contacts/bookmark` and
`/contacts/1` gave a first page [client H, I], `/list/{id}/contacts/void` gave 200 [client]: a start
key explains all three, `first_page` does as well.
"""


@dataclass(frozen=True)
class Ways:
    """One way out of each table."""

    bookmark: str = "last"
    unknown: str = "start_key"
    order: str = "id"

    def __post_init__(self) -> None:
        for name, table in TABLES.items():
            chosen = getattr(self, name)
            if chosen not in table:
                raise ValueError(f"{name} is {chosen!r}: expected one of {', '.join(table)}")

    @classmethod
    def from_json(cls, document: object) -> Ways:
        """`{"order": "icu"}` -> the ways, the others as usual; ValueError if there are none."""
        names = [field.name for field in fields(cls)]
        if not isinstance(document, dict) or not set(document) <= set(names):
            raise ValueError(f"ways are a JSON object of {', '.join(names)}, not {document!r:.80}")
        return cls(**document)

    def to_json(self) -> dict[str, str]:
        """The opposite of `from_json`."""
        return asdict(self)


TABLES: dict[str, Mapping[str, object]] = {
    "bookmark": BOOKMARKS,
    "unknown": UNKNOWN,
    "order": ORDERS,
}

USUAL_WAYS = Ways()
"""Those that fit best what is known."""
