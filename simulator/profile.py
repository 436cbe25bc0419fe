"""What contacts share: work, address, marketing, activity, lists.

Each group is a generator of fields with the likelihood that a contact has them: the API leaves out
what isn't known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from random import Random

from .custom_fields import CustomField, make_custom_fields
from .field import (
    EMPTY,
    EPOCH_MS,
    ISO,
    NANOSECONDS,
    OTHER_FIELDS,
    RFC_1123,
    Field,
    mail_map,
    other,
    plain,
    timestamp,
    url_map,
)
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
    TIME_ZONES,
    UTM_TAGS,
    Company,
)

YEAR_MS = 365 * 24 * 60 * 60 * 1000
TIMESTAMP_FORMATS = (ISO, ISO, ISO, EPOCH_MS, RFC_1123, EMPTY)
"""The usual one as often as the others together: how often the API uses each is unknown."""

LikelyField = tuple[float, Field]

_UNSUBSCRIBED_KEYS = ((), ("unsubscribed",), ("Unsubscribed",), ("unsubscribed", "Unsubscribed"))
_EMPTY_MAPS: tuple[object, ...] = ({}, [])  # both [seen B]
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
        _engagement(dice, now_ms),
        _lists(dice, list_ids),
        _undocumented(dice, list_ids),
    )
    yield from (field for likelihood, field in likely_fields if dice.random() < likelihood)
    yield from make_custom_fields(dice, now_ms, custom_fields)


def _work(dice: Random, company: Company) -> Iterator[LikelyField]:
    bounds = {"min": company.min_employees, "max": company.max_employees}
    known_bounds = {name: bound for name, bound in bounds.items() if bound is not None}
    yield 1.0, plain("Company", "company", company.name)
    yield 1.0, plain("Industry", "industry", company.industry)
    yield 0.5, plain("Title", "title", dice.choice(JOB_TITLES))
    yield 0.6, plain("company_priority", "company_priority", dice.random() < 0.5)
    # Both spellings are known (docs/autopilot-api.md, "Fields").
    employees = dice.choice((str(company.min_employees), company.min_employees))
    text = str(company.min_employees)
    yield 0.6, Field("NumberOfEmployees", employees, "number_of_employees", text)
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
    yield 0.3, plain("owner_first_name", "owner_first_name", dice.choice(OWNERS).split()[0])
    keys = dice.choice(_UNSUBSCRIBED_KEYS)
    for key in keys[:1]:
        yield 1.0, plain(key, "unsubscribed", unsubscribed)
    for key in keys[1:]:  # the column's other spelling; a row shows it if it says something else
        repeats = dice.random() < 0.5
        column = "unsubscribed" if repeats else OTHER_FIELDS
        value = unsubscribed if repeats else not unsubscribed
        yield 1.0, Field(key, value, column, value)
    if unsubscribed:
        yield 0.8, _any_time(dice, "unsubscribed_at", now_ms)


def _visits(dice: Random, company: Company, now_ms: int) -> Iterator[LikelyField]:
    pages = [f"https://www.{company.domain}{path}" for path in _choose(dice, PAGES)]
    pages += ["//fr"] if dice.random() < 0.1 else []  # as some keys are
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
            _message_id(dice): now_ms - dice.randrange(YEAR_MS) for _ in range(dice.randrange(4))
        }
        yield likelihood, mail_map(key, key, mails, empty=dice.choice(_EMPTY_MAPS))


def _message_id(dice: Random) -> str:
    """Up to 130 characters [seen A]."""
    digits = dice.choice((24, 24, 24, 130))
    return f"{dice.getrandbits(4 * digits):0{digits}x}"


def _engagement(dice: Random, now_ms: int) -> Iterator[LikelyField]:
    """What the help page on webhooks shows, and a client in C# reads [doc E, client J]."""
    zone, country = dice.choice(TIME_ZONES)
    at_ms = now_ms - dice.randrange(YEAR_MS)
    yield 0.5, timestamp("lastEngagement", "last_engagement", at_ms, NANOSECONDS)
    yield 0.4, plain("lastTimezone", "last_timezone", zone)
    yield 0.4, plain("lastLocation", "last_location", country)
    yield 0.3, timestamp("latestSubscribe", "latest_subscribe", at_ms - YEAR_MS, EPOCH_MS)


def _lists(dice: Random, list_ids: Sequence[str]) -> Iterator[LikelyField]:
    joined = None if dice.random() < 0.15 else _choose(dice, list_ids)
    yield 0.9, plain("lists", "lists", joined)


def _undocumented(dice: Random, list_ids: Sequence[str]) -> Iterator[LikelyField]:
    """Attributes without a column: "it is possible to add and store any additional data" [doc]."""
    if list_ids:
        yield 0.3, other("LastListJoined", dice.choice(list_ids))
    yield 0.3, other("leadScore", dice.choice((0, 7, 42, 99.5)))
    yield 0.2, other("favouriteColor", dice.choice(COLOURS))
    yield 0.2, other("from-salesforce", dice.random() < 0.5)
    yield 0.1, other("is-crm-owner", True)
    yield 0.1, other("会社", "東京電機")
    yield 0.1, other("Дата договора", "12.05.2015")
    yield 0.1, other("Plan", {"name": "Pro", "seats": [1, 25], "trial": None})


def _choose(dice: Random, words: Sequence[str]) -> list[str]:
    """None to four of the words, in any order."""
    return dice.sample(words, dice.randrange(min(len(words), 4) + 1))


def _any_time(dice: Random, name: str, now_ms: int) -> Field:
    at_ms = now_ms - dice.randrange(3 * YEAR_MS)
    return timestamp(name, name, at_ms, dice.choice(TIMESTAMP_FORMATS))
