"""What contacts share: work, address, marketing, activity, lists.

Each group is a generator of fields with the likelihood that a contact has them: the API leaves out
what isn't known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from random import Random

from .custom_fields import CustomField, make_custom_fields
from .field import EMPTY, EPOCH_MS, ISO, Field, mail_map, plain, timestamp, url_map
from .vocabulary import (
    COLOURS,
    FORMS,
    JOB_TITLES,
    LEAD_SOURCES,
    OWNERS,
    PAGES,
    PLACES,
    SALUTATIONS,
    STATUSES,
    STREETS,
    UTM_TAGS,
    Company,
)

YEAR_MS = 365 * 24 * 60 * 60 * 1000
TIMESTAMP_FORMATS = (ISO, ISO, ISO, EPOCH_MS, EPOCH_MS, EMPTY)
"""As often as the API uses each."""

LikelyField = tuple[float, Field]

_UNSUBSCRIBED_KEYS = ((), ("unsubscribed",), ("Unsubscribed",), ("unsubscribed", "Unsubscribed"))
_EMPTY_MAPS: tuple[object, ...] = ({}, [])
_MAIL_MAPS = {
    "mail_received": 0.7,
    "mail_opened": 0.5,
    "mail_clicked": 0.3,
    "mail_sent": 0.2,
    "mail_replied": 0.1,
    "mail_bounced": 0.1,
    "mail_hardbounced": 0.1,
    "mail_complained": 0.1,
    "mail_unsubscribed": 0.1,
}


def make_profile(
    dice: Random,
    *,
    company: Company,
    list_ids: Sequence[str],
    custom_fields: Sequence[CustomField],
    now_ms: int,
) -> Iterator[Field]:
    """The fields of one profile, for contacts that work at `company`."""
    likely_fields = chain(
        _work(dice, company),
        _reach(dice),
        _address(dice),
        _marketing(dice, now_ms),
        _visits(dice, company, now_ms),
        _mails(dice, now_ms),
        _lists(dice, list_ids),
    )
    yield from (field for likelihood, field in likely_fields if dice.random() < likelihood)
    unknown = {
        key: value
        for likelihood, key, value in _undocumented(dice, list_ids)
        if dice.random() < likelihood
    }
    yield from (Field(key, value, None, None) for key, value in unknown.items())
    if unknown:
        yield Field(None, None, "other_fields", unknown)
    yield from make_custom_fields(dice, now_ms, custom_fields)


def _work(dice: Random, company: Company) -> Iterator[LikelyField]:
    bounds = {"min": company.min_employees, "max": company.max_employees}
    known_bounds = {name: bound for name, bound in bounds.items() if bound is not None}
    yield 1.0, plain("Company", "company", company.name)
    yield 1.0, plain("Industry", "industry", company.industry)
    yield 0.5, plain("Title", "title", dice.choice(JOB_TITLES))
    yield 0.6, plain("company_priority", "company_priority", dice.random() < 0.5)
    yield 0.6, plain("NumberOfEmployees", "number_of_employees", str(company.min_employees))
    yield 0.6, plain("employeesRange", "employees_range", known_bounds)
    yield 0.5, plain("Website", "website", f"https://www.{company.domain}/")


def _reach(dice: Random) -> Iterator[LikelyField]:
    number = dice.randrange(10**7)
    yield 0.3, plain("Salutation", "salutation", dice.choice(SALUTATIONS))
    yield 0.6, plain("Phone", "phone", f"+61 2 {number:07d}")
    yield 0.4, plain("MobilePhone", "mobile_phone", f"04{number:08d}")
    yield 0.1, plain("Fax", "fax", f"(02) {number:07d}")
    yield 0.3, plain("Twitter", "twitter", f"@user{number}")
    yield 0.3, plain("LinkedIn", "linkedin", f"https://www.linkedin.com/in/{number}")


def _address(dice: Random) -> Iterator[LikelyField]:
    place = dice.choice(PLACES)
    yield 0.6, plain("MailingStreet", "mailing_street", dice.choice(STREETS))
    yield 0.8, plain("MailingCity", "mailing_city", place.city)
    if place.state:
        yield 0.7, plain("MailingState", "mailing_state", place.state)
    yield 0.6, plain("MailingPostalCode", "mailing_postal_code", place.postal_code)
    yield 0.7, plain("MailingCountry", "mailing_country", place.country)


def _marketing(dice: Random, now_ms: int) -> Iterator[LikelyField]:
    unsubscribed = dice.random() < 0.3
    yield 1.0, plain("type", "type", dice.choice(("Contact", "Lead")))
    yield 0.5, plain("Status", "status", dice.choice(STATUSES))
    yield 0.5, plain("LeadSource", "lead_source", dice.choice(LEAD_SOURCES))
    yield 0.4, plain("owner_name", "owner_name", dice.choice(OWNERS))
    yield 0.6, plain("api_originated", "api_originated", dice.random() < 0.5)
    for key in dice.choice(_UNSUBSCRIBED_KEYS):
        yield 1.0, plain(key, "unsubscribed", unsubscribed)
    if unsubscribed:
        yield 0.8, _any_time(dice, "unsubscribed_at", now_ms)


def _visits(dice: Random, company: Company, now_ms: int) -> Iterator[LikelyField]:
    pages = [f"https://www.{company.domain}{path}" for path in _choose(dice, PAGES)]
    forms = [f"https://www.{company.domain}{path}" for path in _choose(dice, FORMS)]
    empty = dice.choice(_EMPTY_MAPS)
    yield 0.5, _any_time(dice, "first_visit_at", now_ms)
    yield 0.5, _any_time(dice, "first_conversion_at", now_ms)
    yield 0.6, url_map("anywhere_page_visits", "anywhere_page_visits", pages, empty=empty)
    yield 0.4, url_map("anywhere_form_submits", "anywhere_form_submits", forms, empty=empty)
    yield 0.4, url_map("anywhere_utm", "anywhere_utm", _choose(dice, UTM_TAGS), empty=empty)


def _mails(dice: Random, now_ms: int) -> Iterator[LikelyField]:
    for key, likelihood in _MAIL_MAPS.items():
        mails = {
            f"{dice.getrandbits(96):024x}": now_ms - dice.randrange(YEAR_MS)
            for _ in range(dice.randrange(4))
        }
        yield likelihood, mail_map(key, key, mails, empty=dice.choice(_EMPTY_MAPS))


def _lists(dice: Random, list_ids: Sequence[str]) -> Iterator[LikelyField]:
    joined = None if dice.random() < 0.15 else _choose(dice, list_ids)
    yield 0.9, plain("lists", "lists", joined)


def _undocumented(
    dice: Random, list_ids: Sequence[str]
) -> Iterator[tuple[float, str, str | float]]:
    """Attributes that no description of the API mentions: they may appear at any time."""
    if list_ids:
        yield 0.3, "LastListJoined", dice.choice(list_ids)
    yield 0.3, "leadScore", dice.choice((0, 7, 42, 99.5))
    yield 0.2, "favouriteColor", dice.choice(COLOURS)


def _choose(dice: Random, words: Sequence[str]) -> list[str]:
    """None to four of the words, in any order."""
    return dice.sample(words, dice.randrange(min(len(words), 4) + 1))


def _any_time(dice: Random, name: str, now_ms: int) -> Field:
    at_ms = now_ms - dice.randrange(3 * YEAR_MS)
    return timestamp(name, name, at_ms, dice.choice(TIMESTAMP_FORMATS))
