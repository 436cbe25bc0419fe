"""The made-up contacts: every oddity occurs, and the expected rows are right."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from simulator import AWKWARD, TWENTY, Account, CustomField
from simulator.account import NOW
from simulator.custom_fields import DEFINITIONS

DOCUMENTED = set(
    """contact_id lists Name FirstName LastName Salutation Email Phone MobilePhone Fax Twitter
    LinkedIn Title Company company_priority Industry NumberOfEmployees employeesRange Website
    MailingStreet MailingCity MailingState MailingPostalCode MailingCountry type Status LeadSource
    owner_name api_originated unsubscribed Unsubscribed unsubscribed_at created_at updated_at
    first_visit_at first_conversion_at custom_fields anywhere_page_visits anywhere_form_submits
    anywhere_utm mail_received mail_opened mail_clicked mail_bounced mail_hardbounced
    mail_complained mail_unsubscribed mail_sent mail_replied owner_first_name lastEngagement
    lastTimezone lastLocation latestSubscribe""".split()
)
INTERNAL = {"_id", "_rev"}
OTHER = {
    *("LastListJoined", "leadScore", "favouriteColor", "from-salesforce", "is-crm-owner"),
    *("会社", "Дата договора", "Plan"),
}
TIME_KEYS = ("created_at", "updated_at", "first_visit_at", "first_conversion_at", "unsubscribed_at")
ENGAGEMENT_KEYS = ("lastEngagement", "latestSubscribe")


def iso_from_ms(at_ms: int) -> str:
    """The test's own way of writing a time."""
    at = datetime(1970, 1, 1) + timedelta(milliseconds=at_ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def read_time(sent: Any) -> str | None:
    """The test's own way of reading a time."""
    if isinstance(sent, int):
        return iso_from_ms(sent)
    if sent.endswith(" GMT"):
        at = datetime.strptime(sent, "%a, %d %b %Y %H:%M:%S GMT")
        return at.isoformat() + ".000Z"
    match = re.fullmatch(r"(.{19})\.(\d{6})\d{3}([+-]\d\d):00", sent)
    if match:
        local, microseconds, hours = match.groups()
        at = datetime.fromisoformat(local) - timedelta(hours=int(hours))
        return f"{at.isoformat()}.{microseconds}Z"
    return sent or None


def spelling(sent: Any) -> str:
    """The form of a time, with 9 for its digits."""
    return (
        type(sent).__name__
        if isinstance(sent, int)
        else re.sub("[A-Z][a-z]+", "A", re.sub(r"\d", "9", sent))
    )


def column(key: str) -> str:
    """The test's own way to a column name."""
    known = {"LinkedIn": "linkedin"}
    return known.get(key) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()


def value(key: str, sent: Any) -> Any:
    """The test's own way from what the API sends to what a row shows."""
    if key in (*TIME_KEYS, *ENGAGEMENT_KEYS):
        return read_time(sent)
    if key == "NumberOfEmployees":
        return str(sent)
    if key.startswith("anywhere_"):
        return [{"url": url, "value": sent[url]} for url in sent]
    if key.startswith("mail_"):
        return [{"id": name, "timestamp": iso_from_ms(sent[name])} for name in sent]
    if key == "custom_fields":
        return [
            {
                "kind": field["kind"],
                "value": text(field["value"]),
                "field_type": field["fieldType"],
                "deleted": field["deleted"],
            }
            for field in sent
        ]
    return sent


def read_row(document: dict[str, Any]) -> dict[str, Any]:
    """The test's own way from a document to its row, without the columns of custom fields."""
    others = {key: document[key] for key in document if key in OTHER}
    row = {
        column(key): value(key, sent)
        for key, sent in sorted(document.items(), key=lambda field: field[0] == "unsubscribed")
        if key not in OTHER | INTERNAL
    }
    if document.get("Unsubscribed", row.get("unsubscribed")) != row.get("unsubscribed"):
        others["Unsubscribed"] = document["Unsubscribed"]
    return {**row, "other_fields": others} if others else row


def text(custom: Any) -> Any:
    """A custom field's value as text; null stays null."""
    if custom is None or isinstance(custom, str):
        return custom
    return json.dumps(custom, separators=(",", ":"))


def convert(entry: dict[str, Any]) -> Any:
    """The test's own way from an entry of a custom field to the value of its column."""
    sent, field_type = entry["value"], entry["fieldType"]
    if sent is None or (sent == "" and field_type != "string"):
        return None
    if field_type == "date":
        if isinstance(sent, list) or sent == "soon":
            return None
        if isinstance(sent, int):
            return iso_from_ms(sent)
        return sent if len(sent) > len("2017-02-03") else f"{sent}T00:00:00.000Z"
    if field_type in ("integer", "float", "boolean"):
        return json.loads(sent) if isinstance(sent, str) else sent
    return text(sent)


def custom_columns(document: dict[str, Any], fields: Iterable[CustomField]) -> dict[str, Any]:
    """The test's own reading of the custom fields that have columns."""
    named = {field.name: field.column for field in fields}
    entries = [entry for entry in document.get("custom_fields", []) if not entry["deleted"]]
    return {named[entry["kind"]]: convert(entry) for entry in entries}


def test_contact__every_attribute_occurs_and_is_missing() -> None:
    """Every documented attribute, and some others, occur in the default account."""
    account = Account()

    seen = Counter(key for index in range(account.contact_count) for key in account.document(index))

    assert set(seen) == DOCUMENTED | OTHER | INTERNAL
    always = {"contact_id", "Company", "Industry", "type", "created_at"}
    assert {key for key in seen if seen[key] == account.contact_count} == always


def test_contact__every_oddity_of_the_api_occurs() -> None:
    """All that has surprised clients of the real API occurs in the default account."""
    account = Account()
    documents = [account.document(index) for index in range(account.contact_count)]

    for name in TIME_KEYS:
        sent = [document[name] for document in documents if name in document]
        assert {spelling(time) for time in sent} == {
            "9999-99-99T99:99:99.999Z", "A, 99 A 9999 99:99:99 GMT", "int", ""
        }, name  # fmt: skip
    for name in ("anywhere_page_visits", "mail_opened"):
        sent = [document[name] for document in documents if name in document]
        assert {} in sent, name
        assert [] in sent, name
        assert any(sent), name
    assert {type(document.get("lists")) for document in documents} == {list, type(None)}
    ranges = [set(document.get("employeesRange", {})) for document in documents]
    assert {"min"} in ranges
    assert {"min", "max"} in ranges
    assert {spelling(document.get("lastEngagement", "")) for document in documents} >= {
        "9999-99-99T99:99:99.999999999-99:99", "9999-99-99T99:99:99.999999999+99:99"
    }  # fmt: skip
    assert {
        document["Unsubscribed"] == document["unsubscribed"]
        for document in documents
        if {"unsubscribed", "Unsubscribed"} <= set(document)
    } == {True, False}
    assert {type(document.get("NumberOfEmployees")) for document in documents} == {
        str, int, type(None)
    }  # fmt: skip
    emails = Counter(document.get("Email") for document in documents)
    assert emails.pop(None) > 0
    assert max(emails.values()) > 1
    assert {bool(document.get("custom_fields", True)) for document in documents} == {True}
    mail_ids = {name for document in documents for name in document.get("mail_opened", ())}
    assert {24, 130} <= {len(name) for name in mail_ids}
    assert any("//fr" in document.get("anywhere_page_visits", ()) for document in documents)
    fields = [field for document in documents for field in document.get("custom_fields", [])]
    assert {type(field["value"]) for field in fields} == {
        str, bool, int, float, list, dict, type(None)
    }  # fmt: skip
    assert {field["fieldType"] for field in fields} == {
        "string", "boolean", "date", "integer", "float", "list"
    }  # fmt: skip
    assert {field["deleted"] for field in fields} == {True, False}
    everything = json.dumps(documents, ensure_ascii=False)
    assert all(odd in everything for odd in ('\\"', "\\n", "\\\\", "🚀", "伟", "ü", "<b>"))


@pytest.mark.parametrize("fields", [DEFINITIONS, TWENTY, AWKWARD], ids=["usual", "20", "awkward"])
def test_contact__rows_are_what_the_documents_mean(fields: tuple[CustomField, ...]) -> None:
    """For every profile, the expected row agrees with a slower reading of the document."""
    account = Account(contacts=1000, custom_fields=fields)

    for index in range(account.contact_count):
        document = account.document(index)
        read = read_row(document)
        assert account.row(index, without=account.custom_columns) == read
        assert account.row(index) == {**read, **custom_columns(document, fields)}


def test_contact__custom_fields_come_and_go() -> None:
    """A field that is defined has values and a column at once; a deleted one keeps its values."""
    account = Account(contacts=100, custom_fields=[])
    assert (account.custom_fields(), account.custom_columns) == ([], [])

    account.define(CustomField("Seats", "integer", "custom_seats", likelihood=1.0))
    assert account.custom_fields() == [{"name": "Seats", "fieldType": "integer"}]
    assert account.custom_columns == ["custom_seats"]
    defined = sum("custom_seats" in row for row in account.rows())

    account.delete_field("Seats")
    assert (account.custom_fields(), account.custom_columns) == ([], [])
    assert not any("custom_seats" in row for row in account.rows())
    entries = [entry for row in account.rows() for entry in row.get("custom_fields", [])]
    assert len(entries) == defined > 0
    assert all(entry["deleted"] for entry in entries)


def test_contact__updates_are_spread_over_the_three_years_before_now() -> None:
    """`now` moves all times, so that a start_date splits the account the same way for ever."""
    now = datetime(2020, 5, 17, 12, tzinfo=timezone.utc)
    account = Account(now=now)

    updated = [row["updated_at"] for row in account.rows() if row.get("updated_at")]

    years = Counter(
        int((now - datetime.fromisoformat(text[:19] + "+00:00")).days // 365) for text in updated
    )
    assert set(years) == {0, 1, 2}
    assert min(years.values()) > len(updated) // 5
    assert (
        max(row["updated_at"] for row in Account().rows() if row.get("updated_at"))
        < NOW.isoformat()
    )


def test_contact__documents_are_fresh() -> None:
    """Changing a document or a row changes no other."""
    account = Account(contacts=1100)
    before = json.dumps([account.document(3), account.row(3)])

    for own in (account.document(3), account.row(3), account.document(1003)):
        for nested in own.values():
            if isinstance(nested, (dict, list)):
                nested.clear()

    assert json.dumps([account.document(3), account.row(3)]) == before
