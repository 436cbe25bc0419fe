"""What happens to an account while its pages are read: right before a page is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from .account import Account
from .paging import Paging
from .schedule import Planned


@dataclass(frozen=True)
class Change(Planned):
    """One change, at the border between the page that is asked for and the page before it.

    `place` says which contact: 0 is the first behind the border, -1 the last in front of it.

    kind    what happens
    create  a contact whose id is directly in front of this one's; it joins the page's segment
    delete  the contact is gone
    edit    the contact gets another name and other times
    """

    path: str = "*contacts/*"
    place: int = 0

    noun: ClassVar[str] = "change"
    options: ClassVar[dict[str, frozenset[str]]] = dict.fromkeys(
        ("create", "delete", "edit"), frozenset({"place"})
    )

    def _find_problems(self) -> Iterator[str]:
        yield from super()._find_problems()
        if not isinstance(self.place, int):
            yield f"place is {self.place!r}: expected a number of contacts such as -1"


_EFFECTS: dict[str, Callable[[Account, int, str | None], None]] = {
    "create": lambda account, number, segment_id: account.create(number, segment_id=segment_id),
    "delete": lambda account, number, segment_id: account.delete(number),
    "edit": lambda account, number, segment_id: account.edit(number),
}


def apply(change: Change, paging: Paging, segment_id: str | None, bookmark: str | None) -> None:
    """Change the account; nothing happens where there is no such contact or no such page."""
    number = paging.at_border(segment_id, bookmark, change.place)
    if number is not None:
        _EFFECTS[change.kind](paging.account, number, segment_id)
