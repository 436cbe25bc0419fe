"""Start keys: ids that were never issued, asked for in place of a bookmark. Pure.

Pages ascend by contact id in byte order [seen A, and the blog of 2015-06-23], so an id that nobody
has probably leads to the page that begins behind it [guess]. A question whose answer is known
proves it: a key from the middle of a page that is already there.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from source_autopilot.records.page import Page

MIN_ROWS_TO_PROVE = 4
_POSITION_DIGITS = 8  # of the UUID: 32 bits tell four billion contacts apart

_ID = re.compile(
    r"(?P<prefix>.*?)"
    r"(?P<uuid>[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.DOTALL,
)


@dataclass(frozen=True)
class IdForm:
    """How ids are written: `person_<UUID>`, `person_AP2-<uuid>` [doc, seen], and whatever comes.

    Attributes:
        prefix: what stands before the UUID.
        digits: of the UUID, in upper or in lower case; both ascend.
    """

    prefix: str
    digits: str

    @classmethod
    def find(cls, contact_id: str) -> IdForm | None:
        """The form of an id; None if it does not end with a UUID."""
        match = _ID.fullmatch(contact_id)
        if not match:
            return None
        is_lower = any(char.islower() for char in match["uuid"])
        return cls(match["prefix"], "0123456789abcdef" if is_lower else "0123456789ABCDEF")

    def write(self, uuid: UUID) -> str:
        """An id of this form."""
        text = str(uuid)
        return self.prefix + (text.upper() if "F" in self.digits else text)

    def key(self, number: int) -> str:
        """A key of this form whose UUID begins with this number of 32 bits."""
        return self.write(UUID(int=number << 96 | 0x4000_8000 << 48))

    def position(self, text: str) -> float:
        """Which share of all ids of this form is before a text, from 0 to 1."""
        if not text.startswith(self.prefix):
            return float(text > self.prefix)
        share, width = 0.0, 1.0
        for char in text[len(self.prefix) :][:_POSITION_DIGITS]:
            width /= len(self.digits)
            share += bisect_left(self.digits, char) * width
            if char not in self.digits:
                break
        return share


def ascends(ids: Sequence[str]) -> bool:
    """Whether each id is larger than the one before it, in byte order."""
    return all(one < other for one, other in pairwise(ids))


def find_proving_key(ids: Sequence[str]) -> str | None:
    """A key in the middle of a page; None if its ids do not ascend, or not all end with a UUID."""
    if len(ids) < MIN_ROWS_TO_PROVE or not ascends(ids) or not all(map(IdForm.find, ids)):
        return None
    before, behind = ids[len(ids) // 2 - 1 : len(ids) // 2 + 1]
    form = IdForm.find(before)
    number = UUID(before[-36:]).int + 1
    if form is None or number >= 2**128:
        return None
    key = form.write(UUID(int=number))
    return key if before < key < behind else None


def proves_start_keys(ids: Sequence[str], answer: Page) -> bool:
    """Whether the page that a proving key led to is the one that a start key leads to.

    `ids` are those that the key is from. The last of them do not count: contacts come and go there,
    where the sync reads on meanwhile.
    """
    expected = tuple(ids[len(ids) // 2 : len(ids) - len(ids) // 10])
    return (
        answer.bookmark is not None
        and ascends(answer.sent)
        and answer.sent[: len(expected)] == expected
    )


@dataclass(frozen=True)
class Gap:
    """Ids that are still to be read: behind `after`, and before `to` if there is one."""

    after: str
    to: str | None = None


class IdSpace:
    """How many rows lie between two ids, learned from the ids that were read.

    Of each form of ids it is known how many came from which share of them. A form that nobody has
    seen has no rows here until a page has one of it; the total of the table makes up for it.
    """

    def __init__(self) -> None:
        self._seen: Counter[IdForm] = Counter()

    def learn(self, ids: Iterable[str]) -> None:
        """Count the ids of rows that were read."""
        self._seen.update(form for form in map(IdForm.find, ids) if form)

    def measure(self, gaps: Sequence[Gap], rows_left: float) -> list[float]:
        """How many of the rows that are left lie in each gap; `gaps` are all that is left."""
        weights = self._weigh(gaps)
        masses = [_mass(weights, gap.after, gap.to) for gap in gaps]
        scale = rows_left / (sum(masses) or 1.0)
        return [mass * scale for mass in masses]

    def find_middle(self, gap: Gap, gaps: Sequence[Gap]) -> str | None:
        """A key behind which half of a gap's rows lie; None if there is none."""
        weights = self._weigh(gaps)
        half = _mass(weights, gap.after, gap.to) / 2
        if not half:
            return None

        def count_before(key: str) -> float:
            return _mass(weights, gap.after, key)

        def find_key(form: IdForm) -> str:
            number = bisect_left(
                range(2**32), half, key=lambda number: count_before(form.key(number))
            )
            return form.key(min(number, 2**32 - 1))

        # Ids of other forms lie between those of one: only the form in the middle has a key there.
        key = min(map(find_key, weights), key=lambda key: abs(count_before(key) - half))
        return key if gap.after < key and (gap.to is None or key < gap.to) else None

    def _weigh(self, gaps: Sequence[Gap]) -> dict[IdForm, float]:
        """The rows of each form, if those that are left are as dense as those that were read."""
        weights = {}
        for form, rows in self._seen.items():
            read = 1.0 - sum(_share(form, gap.after, gap.to) for gap in gaps)
            weights[form] = rows / read if read > 0 else 0.0
        return weights


def _share(form: IdForm, after: str, to: str | None) -> float:
    end = 1.0 if to is None else form.position(to)
    return max(end - form.position(after), 0.0)


def _mass(weights: dict[IdForm, float], after: str, to: str | None) -> float:
    return sum(weight * _share(form, after, to) for form, weight in weights.items())
