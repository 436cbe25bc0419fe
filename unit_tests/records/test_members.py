"""Tests of `members`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.members import decode_members
from source_autopilot.records.page import Body, UnreadableBody, UnreadablePage, decode, parse_page
from unit_tests.support.documents import JSON, contacts

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

    assert decode_members(body).value == {"contacts": [{"contact_id": "p1"}], "bookmark": "p1"}


@pytest.mark.parametrize(
    "odd", ['"\\ud83d"', "NaN", "123456789012345678901234567890", '"\\u0000"', '"\\u0000\\ud83d"']
)
def test_decode_members__values_that_no_one_wants(odd: str) -> None:
    """A value of a contact that nothing can store does not cost the page of members."""
    body = f'{{"contacts": [{{"contact_id": "p1", "Name": {odd}}}]}}'.encode()

    assert verdict(decode_members(body))[0] == ["p1"]


def test_decode_members__mends_an_id() -> None:
    """An id is mended as it is in the table of contacts, so that they can be joined."""
    for odd in (b"\\u0000", b"\\ud83d"):
        body = b'{"contacts": [{"contact_id": "p' + odd + b'1"}]}'

        assert verdict(decode_members(body))[0] == ["p\ufffd1"]


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
