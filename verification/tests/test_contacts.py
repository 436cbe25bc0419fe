"""What a run finds of the fields of contacts."""

from typing import Any

import pytest

from verification.tests.support import (
    DOES_NOT_HOLD,
    HOLDS,
    NOT_MET,
    Autopilot,
    contacts_of,
    find,
    investigate,
    make_ids,
    of,
)

[ID] = make_ids(1)


def find_in(*contacts: dict[str, Any], names: str) -> list[tuple[str, str]]:
    """Verdicts and details, for an account with these contacts."""
    whole = [{"contact_id": ID, **contact} for contact in contacts]
    page = {"contacts": whole, "total_contacts": len(whole)}
    return of(find(Autopilot(documents={"contacts": page})), *names.split())


@pytest.mark.parametrize(
    ("value", "verdict", "seen"),
    [
        ("2017-02-03T16:26:54.000Z", HOLDS, "`9999-99-99a99:99:99.999a`"),
        ("Tue, 12 May 2015 21:41:31 GMT", HOLDS, "`aaa, 99 aaa 9999 99:99:99 aaa`"),
        (
            "2020-04-26T19:36:31.386736701-04:00",
            HOLDS,
            "`9999-99-99a99:99:99.999999999-99:99`",
        ),
        (1488326400000, HOLDS, "a whole number of 13 digits"),
        ("", HOLDS, "empty text"),
        ("2017-02-03 16:26", DOES_NOT_HOLD, "`9999-99-99 99:99`"),
        (1488326400, DOES_NOT_HOLD, "a whole number of 10 digits"),
        (10**25, DOES_NOT_HOLD, "a whole number of too many digits"),
        (True, DOES_NOT_HOLD, "true or false"),
    ],
)
def test_times(value: object, verdict: str, seen: str) -> None:
    """The spelling of a time is its shape; those that the page lists are known."""
    assert find_in({"created_at": value}, names="times") == [(verdict, seen)]


@pytest.mark.parametrize(
    ("contact_id", "verdict", "seen"),
    [
        (ID, HOLDS, "`person_` and a UUID in upper case"),
        (ID.lower(), HOLDS, "`person_` and a UUID in lower case"),
        (f"person_AP2-{ID[7:].lower()}", HOLDS, "`person_AP2-` and a UUID"),
        ("Nr. 12 | `x`", DOES_NOT_HOLD, "`aa. 99 ? ?a?`"),
        (12, DOES_NOT_HOLD, "a whole number"),
        (None, DOES_NOT_HOLD, "absent"),
    ],
)
def test_contact_id(contact_id: object, verdict: str, seen: str) -> None:
    """An id of a documented kind is named by it, another one shown as a shape."""
    assert find_in({"contact_id": contact_id}, names="contact-id") == [(verdict, seen)]


def test_standard_types() -> None:
    """A documented field of another type is named: its name is nobody's secret."""
    assert find_in({"Fax": 12}, {"type": "Lead"}, {}, names="standard-types") == [
        (DOES_NOT_HOLD, "as described (80 %); `Fax` is a whole number (20 %)")
    ]


def test_unknown_fields() -> None:
    """An undocumented field's name may be personal: each one is shown once, as a shape."""
    contacts = [{"Müller 7": 1}, {"Müller 7": 2}, {"Kin": 1, "from-salesforce": True}]

    assert find_in(*contacts, names="unknown-fields") == [
        (HOLDS, "`aaaaaa 9` (50 %); `aaa` (50 %)")
    ]
    assert find_in({}, names="unknown-fields") == [(NOT_MET, "")]


@pytest.mark.parametrize(
    ("field", "value", "belief"),
    [
        ("Email", "ann@example.com", "email"),
        ("updated_at", "2017-02-03T16:26:54.000Z", "updated-at"),
    ],
)
def test_absence(field: str, value: str, belief: str) -> None:
    """That a field may be absent is confirmed by one contact without it, and refuted by none."""
    assert find_in({field: value}, {}, names=belief) == [(HOLDS, "there (50 %); absent (50 %)")]
    assert find_in({field: value}, names=belief) == [(NOT_MET, "there")]


@pytest.mark.parametrize(
    ("contact", "verdict", "seen"),
    [
        ({"Unsubscribed": True}, HOLDS, "`Unsubscribed`"),
        ({"unsubscribed": True, "Unsubscribed": True}, HOLDS, "`unsubscribed` and `Unsubscribed`"),
        ({"unsubscribed": True}, NOT_MET, "`unsubscribed`"),
    ],
)
def test_unsubscribed(contact: dict[str, Any], verdict: str, seen: str) -> None:
    """Both spellings are looked for."""
    assert find_in(contact, names="unsubscribed") == [(verdict, seen)]


def test_lists_of_contact() -> None:
    """Ids of lists are looked at, and another shape of them is shown."""
    names = "lists-of-contact"

    assert find_in({"lists": ["contactlist_1 b"]}, {"lists": None}, names=names) == [
        (HOLDS, "begins with `contactlist_`")
    ]
    assert find_in({"lists": ["My list"]}, names=names) == [(DOES_NOT_HOLD, "`aa aaaa`")]


@pytest.mark.parametrize(
    ("value", "verdict", "seen"),
    [([], HOLDS, "an empty array"), ({}, NOT_MET, "an empty object"), ({"a": True}, NOT_MET, "")],
)
def test_empty_maps(value: object, verdict: str, seen: str) -> None:
    """What an empty map arrives as, whatever it would hold."""
    contacts = [{"anywhere_utm": value}, {"mail_sent": value}]

    assert [find_in(contact, names="empty-maps") for contact in contacts] == [[(verdict, seen)]] * 2


def test_maps() -> None:
    """What visits and mails map to, and how long a message's id is."""
    names = "visits mails mail-ids mail-names"
    usual = {"anywhere_utm": {"//fr": True}, "mail_replied": {"x" * 130: 1488326400000}}
    other = {"anywhere_utm": {"//fr": "yes"}, "mail_opened": {"x" * 131: None}}

    assert find_in(usual, names=names) == [
        (HOLDS, "true or false"),
        (HOLDS, "a whole number of 13 digits"),
        (HOLDS, "up to 130 characters"),
        (HOLDS, "`mail_replied`"),
    ]
    assert find_in(other, names=names) == [
        (DOES_NOT_HOLD, "text"),
        (DOES_NOT_HOLD, "null"),
        (DOES_NOT_HOLD, "more than 130 characters"),
        (NOT_MET, "`mail_opened`"),
    ]


def entry(field_type: object, value: object) -> dict[str, Any]:
    """A contact with one custom field."""
    custom = {"kind": "Pet", "value": value, "fieldType": field_type, "deleted": False}
    return {"custom_fields": [custom]}


@pytest.mark.parametrize(
    ("field_type", "value", "verdict", "seen"),
    [
        ("string", "Rex", HOLDS, "as its type says"),
        ("integer", 3, HOLDS, "as its type says"),
        ("float", 3, HOLDS, "as its type says"),
        ("boolean", True, HOLDS, "as its type says"),
        ("date", "2017-02-03", HOLDS, "as its type says"),
        ("date", "", DOES_NOT_HOLD, "date: empty text"),
        ("float", "3.5", DOES_NOT_HOLD, "float: text"),
        ("integer", 3.5, DOES_NOT_HOLD, "integer: a number with a fraction"),
        ("string", None, DOES_NOT_HOLD, "string: null"),
        ("Pets", ["Rex"], DOES_NOT_HOLD, "`aaaa`: an array"),
        (None, "Rex", DOES_NOT_HOLD, "null: text"),
    ],
)
def test_custom_values(field_type: object, value: object, verdict: str, seen: str) -> None:
    """A value that does not fit its type is shown by both types."""
    assert find_in(entry(field_type, value), names="custom-values") == [(verdict, seen)]


def test_custom_fields() -> None:
    """Their entries, their absence, the spelling of their dates, and the map that never comes."""
    names = "custom-entries custom-absent custom-dates custom-map"
    usual: list[dict[str, Any]] = [entry("date", "2017-02-03T16:26:54Z"), {}]
    other: list[dict[str, Any]] = [
        {"custom_fields": [{"kind": "Pet", "Owner": "Ann"}], "custom": {}},
        {"custom_fields": []},
        entry("date", "soon"),
    ]

    assert find_in(*usual, names=names) == [
        (HOLDS, "kind, value, fieldType, deleted"),
        (HOLDS, "absent"),
        (HOLDS, "`9999-99-99a99:99:99a`"),
        (HOLDS, "absent"),
    ]
    assert find_in(*other, names=names) == [
        (DOES_NOT_HOLD, "kind, 1 more (50 %); kind, value, fieldType, deleted (50 %)"),
        (DOES_NOT_HOLD, "an empty array"),
        (DOES_NOT_HOLD, "`aaaa`"),
        (DOES_NOT_HOLD, "absent (67 %); there (33 %)"),
    ]


def test_fields__are_counted() -> None:
    """Each documented field, by its type or spelling; of the internal ones only the type."""
    contacts = contacts_of([ID], Fax="", created_at="soon", _rev="1-abc")

    evidence = investigate(Autopilot(contacts))

    assert evidence.contacts == 1
    assert evidence.fields == {
        "contact_id": {"text": 1},
        "Fax": {"empty text": 1},
        "created_at": {"`aaaa`": 1},
        "_rev": {"text": 1},
    }
