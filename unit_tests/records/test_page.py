"""Tests of `responses`."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.page import (
    Body,
    Page,
    UnreadableBody,
    UnreadablePage,
    decode,
    parse_page,
    path_part,
)
from unit_tests.support.documents import JSON

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ROWS = [{"contact_id": "person_1"}, {"contact_id": "person_2"}]


def contacts_page(body: Any) -> Page:
    """Parse a body as a page of contacts."""
    return parse_page(Body(body, {}), rows_field="contacts", key="contact_id")


def test_parse_page__with_more_to_come() -> None:
    """A page in the middle has rows, the bookmark of the next one, and a total."""
    body = {"contacts": ROWS, "total_contacts": 400, "bookmark": "person_2"}

    page = contacts_page(body)
    assert (page.rows, page.bookmark, page.total) == (ROWS, "person_2", 400)


@pytest.mark.parametrize("end", [{}, {"bookmark": None}, {"bookmark": ""}])
def test_parse_page__last(end: dict[str, Any]) -> None:
    """A bookmark that is absent, null or empty ends the chain."""
    page = contacts_page({"contacts": ROWS, **end})
    assert (page.rows, page.bookmark, page.total) == (ROWS, None, None)


def test_parse_page__keys() -> None:
    """Pages with the same rows are told from pages with others."""
    one, other = contacts_page({"contacts": ROWS}), contacts_page({"contacts": ROWS[:1]})
    again = contacts_page({"contacts": [{**row, "Name": "Ann"} for row in ROWS]})

    assert one.keys == again.keys != other.keys


@pytest.mark.parametrize(
    ("total", "expected"),
    [("400", 400), (-1, 0), (None, None), ("many", None), ([], None), (10**400, None)],
)
def test_parse_page__total(total: Any, expected: int | None) -> None:
    """The total is only for estimates: a strange one is no reason to give up."""
    assert contacts_page({"contacts": [], "total_contacts": total}).total == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "an array instead of an object"),
        (None, "null or missing instead of an object"),
        ("contacts", "a text instead of an object"),
        ({}, '"contacts" is null or missing'),
        ({"contacts": None}, '"contacts" is null or missing'),
        ({"contacts": {"1": ROWS[0]}}, '"contacts" is an object'),
        ({"contacts": [ROWS[0], "person_2"]}, "row 2 is a text"),
        ({"contacts": [None]}, "row 1 is null or missing"),
        ({"contacts": [ROWS[0], {}]}, 'row 2 has no "contact_id"'),
        ({"contacts": [{"contact_id": ""}]}, 'row 1 has no "contact_id"'),
        ({"contacts": [{"contact_id": 7}]}, 'row 1 has no "contact_id" (a number)'),
        ({"contacts": [], "bookmark": 7}, "bookmark is a number"),
        ({"contacts": [], "bookmark": {}}, "bookmark is an object"),
    ],
)
def test_parse_page__unreadable(body: Any, reason: str) -> None:
    """A page that has no rows to trust is an error that says why, never an empty page."""
    with pytest.raises(UnreadablePage) as raised:
        contacts_page(body)

    assert reason in str(raised.value)


@given(JSON | st.fixed_dictionaries({}, optional={"contacts": JSON, "bookmark": JSON}))
def test_parse_page__any_json(body: Any) -> None:
    """Any JSON is either a page with a key in every row, or unreadable; nothing else happens."""
    try:
        page = contacts_page(body)
    except UnreadablePage:
        return
    assert page.rows == body["contacts"]
    assert all(row["contact_id"] for row in page.rows)


@given(st.dictionaries(TEXT, TEXT | st.integers(-(2**63), 2**63 - 1) | st.none()))
def test_decode__json(value: dict[str, Any]) -> None:
    """What JSON writes, decode reads."""
    assert decode(json.dumps(value).encode()).value == value


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"contacts":[{"contact_id":"pers'])
def test_decode__no_json(body: bytes) -> None:
    """An empty, cut-off or foreign body is an error."""
    with pytest.raises(UnreadableBody, match="not JSON"):
        decode(body)


@given(st.text(min_size=1).filter(lambda name: name not in (".", "..")))
def test_path_part__survives_the_way(name: str) -> None:
    """Whatever is in a bookmark, it arrives as one part of the path, after requests' own rules."""
    request = requests.Request("GET", "https://autopilot.example/v1/contacts/" + path_part(name))

    url = urlsplit(str(request.prepare().url))

    assert [unquote(part) for part in url.path.split("/")] == ["", "v1", "contacts", name]
    assert (url.query, url.fragment) == ("", "")


@pytest.mark.parametrize("name", [".", ".."])
def test_path_part__dots(name: str) -> None:
    """Dots would make every client walk up the path: such a bookmark cannot be followed."""
    with pytest.raises(UnreadablePage):
        path_part(name)
