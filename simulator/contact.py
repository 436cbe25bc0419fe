"""Contacts made on demand: the n-th is always the same, and none of them is kept.

A contact is its own part (id, name, e-mail, times), different for everybody, and a profile, one of
a thousand that are made once and kept as ready JSON. That is what makes a contact cost some
microseconds, so that a benchmark measures the connector and not its test data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import orjson

from .custom_fields import CustomField
from .dice import dice
from .field import Field, moment, plain
from .profile import WRITTEN, YEAR_MS, profile
from .seed import Identities
from .vocabulary import COMPANIES, FIRST_NAMES, LAST_NAMES, Company

PROFILES = 1000


class _Profile(NamedTuple):
    """Both ends of a profile, as JSON objects without their closing brace."""

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
        self._identities = Identities(seed, "contact")
        self._profile = lru_cache(maxsize=PROFILES)(self._make_profile)
        self.contact_id = self._identities.person
        self.index_of = self._identities.person_index

    def document(self, index: int) -> bytes:
        """The contact as the API sends it: a JSON object."""
        shared = self._profile(index % PROFILES)
        return _merged(
            shared.document, {f.key: f.sent for f in self._own(index, shared.company) if f.key}
        )

    def row(self, index: int) -> bytes:
        """The contact as the product must deliver it: a JSON object."""
        shared = self._profile(index % PROFILES)
        own = {field.column: field.expected for field in self._own(index, shared.company)}
        return _merged(shared.row, own)

    def _own(self, index: int, company: Company) -> Iterator[Field]:
        chance = dice(self._seed, f"contact {index}")
        first, first_ascii = chance.choice(FIRST_NAMES)
        last, last_ascii = chance.choice(LAST_NAMES)
        updated_ms = self._now_ms - int(chance.random() * 3 * YEAR_MS)
        created_ms = updated_ms - int(chance.random() * 2 * YEAR_MS)
        yield plain("contact_id", "contact_id", self.contact_id(index))
        email = f"{first_ascii}.{last_ascii}{index}@{company.domain}"
        yield plain("Email", "email", email)
        if chance.random() < 0.9:
            yield plain("FirstName", "first_name", first)
            yield plain("LastName", "last_name", last)
            yield plain("Name", "name", f"{first} {last}")
        yield moment("created_at", "created_at", created_ms, chance.choice(WRITTEN))
        if chance.random() < 0.9:
            yield moment("updated_at", "updated_at", updated_ms, chance.choice(WRITTEN))

    def _make_profile(self, number: int) -> _Profile:
        chance = dice(self._seed, f"profile {number}")
        company = chance.choice(COMPANIES)
        fields = list(
            profile(
                chance,
                company=company,
                list_ids=self._list_ids,
                custom_fields=self._custom_fields,
                now_ms=self._now_ms,
            )
        )
        document = orjson.dumps({field.key: field.sent for field in fields if field.key})
        row = orjson.dumps({field.column: field.expected for field in fields})
        return _Profile(company, document[:-1], row[:-1])


def _merged(open_object: bytes, own: dict[str, object]) -> bytes:
    """Two JSON objects with different keys in one; `open_object` lacks its closing brace."""
    return b"%b,%b" % (open_object, orjson.dumps(own)[1:])
