"""Start keys: ids that were never issued, asked for in place of a bookmark. Pure.

Pages ascend by contact id in byte order [seen A, and the blog of 2015-06-23], so an id that was
never issued probably leads to the page that begins behind it [guess]. A question whose answer is
known proves it: a key from the middle of a page that is already there.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from source_autopilot.records.page import Page

MIN_ROWS_TO_PROVE = 4
MIN_SHARE = 1e-9
MAX_NOISE = 2.0
"""Standard deviations: what is not explained may be chance, too."""
_POSITION_DIGITS = 8  # of the UUID: 32 bits tell four billion contacts apart

_ID = re.compile(
    r"(?P<prefix>.*?)"
    r"(?P<uuid>[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.DOTALL,
)


_UPPER = "0123456789ABCDEF"
_LOWER = _UPPER.lower()


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
        return cls(match["prefix"], _LOWER if is_lower else _UPPER)

    def write(self, uuid: UUID) -> str:
        """An id of this form."""
        text = str(uuid)
        return self.prefix + (text if self.digits == _LOWER else text.upper())

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


PUBLISHED = [IdForm("person_", _UPPER), IdForm("person_AP2-", _LOWER)]
"""The forms of all ids that somebody published [doc, seen]."""


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
    """Where the rows of a table lie, learned from the ids that were read.

    Of each form of ids it is known how many came from which share of them. Rows of the total that
    the known forms do not explain probably have the published one that did not come so far.
    """

    def __init__(self) -> None:
        self._read: Counter[IdForm] = Counter()

    def learn(self, ids: Iterable[str]) -> None:
        """Count the ids of rows that were read."""
        self._read.update(form for form in map(IdForm.find, ids) if form)

    def measure(self, gaps: Sequence[Gap], rows_left: float) -> RowsLeft:
        """Where the rows lie that are left; `gaps` are all that is left to read."""
        rows = {}
        left = {form: sum(_share(form, gap) for gap in gaps) for form in {*self._read, *PUBLISHED}}
        for form, read in self._read.items():
            rows[form] = read * left[form] / max(1.0 - left[form], MIN_SHARE)
        unexplained = rows_left - sum(rows.values())
        if unexplained > MAX_NOISE * rows_left / math.sqrt(self._read.total() or 1):
            unseen = [form for form in PUBLISHED if form not in rows and left[form]]
            rows |= {form: unexplained / len(unseen) for form in unseen}
        scale = rows_left / (sum(rows.values()) or 1.0)
        return RowsLeft({form: scale * rows[form] / left[form] for form in rows if left[form]})


@dataclass(frozen=True)
class RowsLeft:
    """How dense the rows lie that are left: of each form, how many all of its ids would be."""

    density: Mapping[IdForm, float]

    def count(self, gap: Gap) -> float:
        """About how many rows a gap has."""
        return sum(density * _share(form, gap) for form, density in self.density.items())

    def find_key(self, gap: Gap, rows: float) -> str | None:
        """A key with so many rows of the gap in front of it; None if there is none in the gap."""
        if not self.count(gap):
            return None

        def count_before(key: str) -> float:
            return self.count(Gap(gap.after, key))

        def find_key_of(form: IdForm) -> str:
            numbers = range(2**32 - 1)
            return form.key(bisect_left(numbers, rows, key=lambda it: count_before(form.key(it))))

        # Ids of other forms lie between those of one: only the form that lies there has a key.
        keys = map(find_key_of, self.density)
        key = min(keys, key=lambda key: abs(count_before(key) - rows))
        return key if gap.after < key and (gap.to is None or key < gap.to) else None


def _share(form: IdForm, gap: Gap) -> float:
    end = 1.0 if gap.to is None else form.position(gap.to)
    return max(end - form.position(gap.after), 0.0)
