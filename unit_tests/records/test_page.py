"""Tests of `page`."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.errors import UnreadableBody, UnreadablePage
from source_autopilot.records.page import Body, PackedPage, Page, decode, decode_members, parse_page
from unit_tests.support.documents import JSON, contacts

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


def test_parse_page__sanitized() -> None:
    """A page says which values of its rows were replaced."""
    page = parse_page(Body({"lists": []}, {"title": 1}), rows_field="lists", key="list_id")

    assert page.sanitized == {"title": 1}


def test_parse_page__keys() -> None:
    """Pages with the same rows are told from pages with others."""
    one, other = contacts_page({"contacts": ROWS}), contacts_page({"contacts": ROWS[:1]})
    again = contacts_page({"contacts": [{**row, "Name": "Ann"} for row in ROWS]})

    assert one.keys == again.keys != other.keys


OLD, NEW = {"contact_id": "p1", "Name": "Ann"}, {"contact_id": "p1", "Name": "Anne"}
OTHER = {"contact_id": "p2"}


@pytest.mark.parametrize(
    ("before", "rows", "expected"),
    [
        ([OLD], [OLD, OTHER], [OTHER]),
        ([OLD, OTHER], [OLD, OTHER], []),
        ([OLD], [NEW, OTHER], [NEW, OTHER]),
        ([OTHER], [OLD, NEW], [OLD, NEW]),
        ([], [OLD, OLD], [OLD, OLD]),
        ([OLD], [], []),
    ],
    ids=["shared", "all of them", "changed", "on one page", "nothing before", "empty"],
)
def test_without_repeated(
    before: list[dict[str, Any]], rows: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    """What the page before had with the same content is left out, and nothing else."""
    page = contacts_page({"contacts": rows, "bookmark": "p2", "total_contacts": 7})

    new = page.without_repeated(PackedPage(contacts_page({"contacts": before})))

    assert new == replace(
        page,
        rows=expected,
        keys=tuple(row["contact_id"] for row in expected),
        repeated=len(rows) - len(expected),
        known=frozenset(page.keys) & {row["contact_id"] for row in before},
    )
    assert page.rows == rows


def test_without_repeated__knows_what_was_sent() -> None:
    """A page says which rows it was sent with, and which of them the page before had."""
    page = contacts_page({"contacts": [NEW, OTHER]})

    new = page.without_repeated(PackedPage(contacts_page({"contacts": [OLD, OTHER]})))

    assert (new.keys, new.sent, sorted(new.known)) == (("p1",), ("p1", "p2"), ["p1", "p2"])
    assert (page.sent, sorted(page.known)) == (("p1", "p2"), [])


@pytest.mark.parametrize("kept", [[], ["p1"], ["p2"], ["p1", "p2"]])
def test_select(kept: list[str]) -> None:
    """Of a page its rows can be chosen by their keys; what it was sent with stays known."""
    page = contacts_page({"contacts": [OLD, OTHER], "bookmark": "p2", "total_contacts": 7})

    selected = page.select(lambda key: key in kept)

    assert selected == replace(
        page,
        rows=[row for row in page.rows if row["contact_id"] in kept],
        keys=tuple(kept),
        sent=("p1", "p2"),
    )


@pytest.mark.parametrize("value", [2**70, 1.5, "é", None, {"a": [{}]}, [], True])
def test_without_repeated__any_value(value: Any) -> None:
    """Whatever JSON can hold is the same again on the next page."""
    row = {"contact_id": "p1", "Seats": value}

    page = contacts_page({"contacts": [row, OTHER]})

    assert page.without_repeated(PackedPage(contacts_page({"contacts": [row]}))).rows == [OTHER]


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        ("400", 400),
        (-1, 0),
        (None, None),
        ("many", None),
        ([], None),
        (10**400, None),
        (10**12, 10**12),
    ],
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
        ({"contacts": True}, '"contacts" is a boolean'),
        ({"contacts": 1.5}, '"contacts" is a number'),
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


BOOKMARKS = st.none() | st.just("") | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
PAGES = st.fixed_dictionaries(
    {"contacts": st.lists(contacts(), max_size=3)},
    optional={"bookmark": BOOKMARKS, "total_contacts": JSON, "more": JSON},
)


def verdict(body: Body) -> Any:
    """What a page of members comes to: ids, bookmark and total, or what is wrong with it."""
    try:
        page = parse_page(body, rows_field="contacts", key="contact_id")
    except UnreadablePage as unreadable:
        return str(unreadable)
    return [row["contact_id"] for row in page.rows], page.bookmark, page.total, page.keys


@given(PAGES)
def test_decode_members__as_the_whole(page: dict[str, Any]) -> None:
    """The ids, the bookmark and the total are those of the whole body."""
    body = json.dumps(page).encode()

    assert verdict(decode_members(body)) == verdict(decode(body))


@given(JSON | st.fixed_dictionaries({"contacts": JSON | st.lists(JSON | contacts(), max_size=3)}))
def test_decode_members__whatever_comes(value: Any) -> None:
    """What is wrong with a page is said in the same words."""
    body = json.dumps(value).encode()

    assert verdict(decode_members(body)) == verdict(decode(body))


def test_decode_members__nothing_else() -> None:
    """Nothing but the ids is read out of the contacts: that is what it is for."""
    body = b'{"contacts": [{"contact_id": "p1", "Name": "Ann", "lists": [1]}], "bookmark": "p1"}'

    assert decode_members(body) == Body(
        {"contacts": [{"contact_id": "p1"}], "bookmark": "p1"}, sanitized={}
    )


@pytest.mark.parametrize(
    "odd", ['"\\ud83d"', "NaN", "123456789012345678901234567890", '"\\u0000"', '"\\u0000\\ud83d"']
)
def test_decode_members__values_that_cannot_be_stored(odd: str) -> None:
    """A value of a contact that nothing can store does not cost the page of members."""
    body = f'{{"contacts": [{{"contact_id": "p1", "Name": {odd}}}]}}'.encode()

    assert decode_members(body) == Body({"contacts": [{"contact_id": "p1"}]}, sanitized={})


def test_decode_members__sanitizes_an_id() -> None:
    """An id is sanitized as it is in the table of contacts, so that they can be joined."""
    for odd in (b"\\u0000", b"\\ud83d"):
        body = b'{"contacts": [{"contact_id": "p' + odd + b'1"}]}'

        assert verdict(decode_members(body))[0] == ["p\ufffd1"]
        assert decode_members(body).sanitized == {"contact_id": 1}


NO_JSON = [
    b"",
    b"<html>",
    b'{"contacts": [{"contact_id": "p',
    b"\xff",
    b'{"contacts": [{"contact_id": "p\xff"}]}',
    b'{"contacts": [], "bookmark": "p\xff"}',
    b'{"contacts": [{"contact_id": "p", "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
]


@pytest.mark.parametrize("body", NO_JSON)
def test_decode_members__no_json(body: bytes) -> None:
    """What is no JSON is as unreadable as ever."""
    with pytest.raises(UnreadableBody, match=f"^{len(body)} bytes that are not JSON"):
        decode_members(body)
