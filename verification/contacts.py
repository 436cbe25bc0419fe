"""Looks at contacts: which fields they have, in which types and spellings. Pure.

The fields are those of docs/autopilot-api.md ("A contact"), and a test compares the two.
"""

import re
from collections.abc import Mapping
from typing import Any

from verification.evidence import Evidence
from verification.shapes import (
    describe_keys,
    describe_known,
    describe_time,
    describe_type,
    show_shape,
)

_TEXT = frozenset({"text", "empty text"})
_BOOLEAN = frozenset({"true or false"})
_WHOLE = frozenset({"a whole number"})
_ARRAY = frozenset({"an array", "an empty array"})
_MAP = frozenset({"an object", "an empty object", "an empty array"})

TIMES = (
    "created_at updated_at first_visit_at first_conversion_at unsubscribed_at lastEngagement"
    " latestSubscribe"
).split()
VISIT_MAPS = "anywhere_page_visits anywhere_form_submits anywhere_utm".split()
MAIL_MAPS = (
    "mail_received mail_opened mail_clicked mail_bounced mail_hardbounced mail_complained"
    " mail_unsubscribed mail_sent mail_replied"
).split()
FIELDS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        "contact_id Name FirstName LastName Salutation Email Phone MobilePhone Fax Twitter LinkedIn"
        " Title Company Industry Website MailingStreet MailingCity MailingState MailingPostalCode"
        " MailingCountry type Status LeadSource owner_name owner_first_name lastTimezone"
        " lastLocation".split(),
        _TEXT,
    ),
    **dict.fromkeys("company_priority api_originated unsubscribed Unsubscribed".split(), _BOOLEAN),
    **dict.fromkeys([*TIMES, "NumberOfEmployees"], _TEXT | _WHOLE),
    **dict.fromkeys([*VISIT_MAPS, *MAIL_MAPS], _MAP),
    "employeesRange": frozenset({"an object"}),
    "lists": _ARRAY | {"null"},
    "custom_fields": _ARRAY,
}
"""Documented field -> its types."""
INTERNAL_FIELDS = ["_rev", "_id", "from-salesforce", "is-crm-owner"]
"""Documented by their names alone."""

CUSTOM_TYPES: Mapping[str, frozenset[str]] = {
    "string": _TEXT,
    "integer": _WHOLE,
    "float": _WHOLE | {"a number with a fraction"},
    "boolean": _BOOLEAN,
    "date": _WHOLE | {"text"},
}
_CUSTOM_KEYS = ["kind", "value", "fieldType", "deleted"]

LIST_ID_PREFIX = "contactlist_"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID_SHAPES = {
    "`person_` and a UUID in upper case": re.compile("person_" + _UUID.replace("a-f", "A-F")),
    "`person_` and a UUID in lower case": re.compile(f"person_{_UUID}"),
    "`person_AP2-` and a UUID": re.compile(f"person_AP2-{_UUID}", re.IGNORECASE),
}


class ContactReader:
    """Looks at one contact after the other, and puts what it sees into the evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._unknown_names: set[str] = set()

    def look_at(self, contact: Mapping[str, Any]) -> None:
        """Observe one contact."""
        self._evidence.contacts += 1
        for name, value in contact.items():
            if name in FIELDS:
                self._look_at_field(name, value)
            elif name in INTERNAL_FIELDS:
                self._evidence.observe_field(name, describe_type(value))
            elif name not in self._unknown_names:
                self._unknown_names.add(name)
                self._evidence.observe("unknown-fields", show_shape(name))
        self._look_at_absence(contact)
        self._look_at_lists(contact.get("lists"))
        for name in VISIT_MAPS:
            self._look_at_visits(contact.get(name))
        for name in MAIL_MAPS:
            self._look_at_mails(name, contact.get(name))
        self._look_at_custom_fields(contact.get("custom_fields"))

    def _look_at_field(self, name: str, value: Any) -> None:
        kind = describe_type(value)
        fits = kind in FIELDS[name]
        observation = "as described" if fits else f"`{name}` is {kind}"
        self._evidence.observe("standard-types", observation)
        if name in TIMES:
            kind = describe_time(value)
            self._evidence.observe("times", kind)
        self._evidence.observe_field(name, kind)

    def _look_at_absence(self, contact: Mapping[str, Any]) -> None:
        observe = self._evidence.observe
        observe("contact-id", describe_id(contact.get("contact_id")))
        observe("email", "there" if contact.get("Email") else "absent")
        observe("updated-at", "there" if contact.get("updated_at") else "absent")
        observe("custom-map", "there" if "custom" in contact else "absent")
        spelled = [name for name in ("unsubscribed", "Unsubscribed") if name in contact]
        observe("unsubscribed", " and ".join(f"`{name}`" for name in spelled) or "neither")

    def _look_at_lists(self, lists: Any) -> None:
        for list_id in lists if isinstance(lists, list) else []:
            self._evidence.observe("lists-of-contact", describe_list_id(list_id))

    def _look_at_visits(self, visits: Any) -> None:
        self._look_at_emptiness(visits)
        for value in visits.values() if isinstance(visits, dict) else []:
            self._evidence.observe("visits", describe_type(value))

    def _look_at_mails(self, name: str, mails: Any) -> None:
        self._look_at_emptiness(mails)
        if mails is not None:
            self._evidence.observe("mail-names", f"`{name}`")
        for key, value in mails.items() if isinstance(mails, dict) else []:
            self._evidence.observe("mails", describe_time(value))
            length = "up to" if len(key) <= 130 else "more than"
            self._evidence.observe("mail-ids", f"{length} 130 characters")

    def _look_at_emptiness(self, held: Any) -> None:
        if held in ({}, []):
            self._evidence.observe("empty-maps", describe_type(held))

    def _look_at_custom_fields(self, entries: Any) -> None:
        if not isinstance(entries, list) or not entries:
            absence = "absent" if entries is None else describe_type(entries)
            self._evidence.observe("custom-absent", absence)
            return
        for entry in entries:
            if not isinstance(entry, dict):
                self._evidence.observe("custom-entries", describe_type(entry))
                continue
            self._evidence.observe("custom-entries", describe_keys(entry, _CUSTOM_KEYS))
            self._look_at_custom_value(entry.get("fieldType"), entry.get("value"))

    def _look_at_custom_value(self, field_type: Any, value: Any) -> None:
        name = describe_known(field_type, CUSTOM_TYPES)
        kind = describe_type(value)
        fits = kind in CUSTOM_TYPES.get(name, ())
        self._evidence.observe("custom-values", "as its type says" if fits else f"{name}: {kind}")
        if name == "date" and (fits or value == ""):
            self._evidence.observe("custom-dates", describe_time(value))


def describe_id(contact_id: Any) -> str:
    """The kind of a contact's id, or its shape if it is of no documented kind."""
    if not isinstance(contact_id, str):
        return "absent" if contact_id is None else describe_type(contact_id)
    kinds = (kind for kind, shape in _ID_SHAPES.items() if shape.fullmatch(contact_id))
    return next(kinds, show_shape(contact_id))


def describe_list_id(list_id: Any) -> str:
    """Whether a list's id begins as documented, or the shape of one that does not."""
    if isinstance(list_id, str) and list_id.startswith(LIST_ID_PREFIX):
        return f"begins with `{LIST_ID_PREFIX}`"
    return show_shape(list_id) if isinstance(list_id, str) else describe_type(list_id)
