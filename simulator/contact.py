"""Contacts made on demand: the n-th is always the same, and none of them is kept.

A contact has a part of its own (name, e-mail, times) beside its id, and shares the rest: one of a
thousand profiles, each made once and kept as JSON. So a contact costs some microseconds, and a
benchmark measures the connector, not its test data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import orjson

from .custom_fields import CustomField
from .field import Field, internal, make_document, make_row, plain, timestamp
from .ids import make_dice
from .profile import TIMESTAMP_FORMATS, YEAR_MS, make_profile
from .vocabulary import COMPANIES, FIRST_NAMES, LAST_NAMES, Company

PROFILE_COUNT = 1000


class _Profile(NamedTuple):
    """What a profile sends and must become: JSON objects without their closing brace."""

    company: Company
    document: bytes
    row: bytes


class Contacts:
    """All possible contacts of one account, by number."""

    def __init__(
        self,
        *,
        seed: int,
        list_ids: Sequence[str],
        custom_fields: Sequence[CustomField],
        now_ms: int,
    ) -> None:
        self._seed = seed
        self._list_ids = list_ids
        self._custom_fields = custom_fields
        self._now_ms = now_ms
        self._profile = lru_cache(maxsize=PROFILE_COUNT)(self._make_profile)

    def document(self, number: int, contact_id: str, *, edits: int = 0) -> bytes:
        """The contact as the API sends it, after so many edits: a JSON object."""
        shared = self._profile(number % PROFILE_COUNT)
        own = self._own(number, contact_id, edits, shared.company)
        return _merge(shared.document, make_document(own))

    def row(self, number: int, contact_id: str, *, edits: int = 0) -> bytes:
        """The contact as the product must deliver it: a JSON object."""
        shared = self._profile(number % PROFILE_COUNT)
        own = self._own(number, contact_id, edits, shared.company)
        return _merge(shared.row, make_row(own))

    def _own(self, number: int, contact_id: str, edits: int, company: Company) -> Iterator[Field]:
        dice = make_dice(self._seed, f"contact {number}" + (f" edit {edits}" if edits else ""))
        first, first_ascii = dice.choice(FIRST_NAMES)
        last, last_ascii = dice.choice(LAST_NAMES)
        updated_ms = self._now_ms - int(dice.random() * 3 * YEAR_MS)
        created_ms = updated_ms - int(dice.random() * 2 * YEAR_MS)
        yield plain("contact_id", "contact_id", contact_id)
        if dice.random() < 0.9:
            yield plain("FirstName", "first_name", first)
            yield plain("LastName", "last_name", last)
            yield plain("Name", "name", f"{first} {last}")
        yield timestamp("created_at", "created_at", created_ms, dice.choice(TIMESTAMP_FORMATS))
        if dice.random() < 0.75:  # [seen A]: absent in two of eight
            yield timestamp("updated_at", "updated_at", updated_ms, dice.choice(TIMESTAMP_FORMATS))
        if dice.random() < 0.95:  # several may share one, or have none [doc]
            own_name = "office" if number % 20 == 7 else f"{first_ascii}.{last_ascii}{number}"
            yield plain("Email", "email", f"{own_name}@{company.domain}")
        if dice.random() < 0.3:  # of the document store behind the API [seen]
            yield internal("_id", contact_id)
            yield internal("_rev", f"{edits + 1}-{dice.getrandbits(128):032x}")

    def _make_profile(self, number: int) -> _Profile:
        dice = make_dice(self._seed, f"profile {number}")
        company = dice.choice(COMPANIES)
        fields = list(
            make_profile(
                dice,
                company=company,
                list_ids=self._list_ids,
                custom_fields=self._custom_fields,
                now_ms=self._now_ms,
            )
        )
        document, row = orjson.dumps(make_document(fields)), orjson.dumps(make_row(fields))
        return _Profile(company, document[:-1], row[:-1])


def _merge(open_object: bytes, own: dict[str, object]) -> bytes:
    """Two JSON objects with different keys in one; `open_object` lacks its closing brace."""
    return b"%b,%b" % (open_object, orjson.dumps(own)[1:])
