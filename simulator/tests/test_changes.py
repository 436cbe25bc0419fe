"""Contacts that come, go and change right before a page is answered."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Account, Change, Simulator, Ways
from simulator.tests.client import get
from simulator.tests.test_paging import read_chain


def read(account: Account, *changes: Change, ways: Ways = Ways()) -> list[list[str]]:  # noqa: B008
    """The pages of all contacts, while the changes happen."""
    with Simulator(account, changes=changes, ways=ways, page_size=10) as autopilot:
        return read_chain(autopilot, "/contacts")


def ids(account: Account) -> list[str]:
    """The ids of all contacts that there are, in order."""
    return [row["contact_id"] for row in account.rows()]


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (Change("create", place=0), True),
        (Change("create", place=-1), False),
        (Change("create", after=1, place=3), True),
    ],
)
def test_create__lands_behind_the_border_or_in_front_of_it(change: Change, seen: bool) -> None:
    """A new contact is met by the walk if its id lies behind the page's beginning."""
    account = Account(contacts=30)
    before = ids(account)

    met = [contact_id for page in read(account, change) for contact_id in page]

    [new] = set(ids(account)) - set(before)
    assert met == (ids(account) if seen else before)
    assert (new in met) == seen


@pytest.mark.parametrize("ways", [Ways("last"), Ways("next")], ids=str)
def test_delete__of_a_bookmarks_contact_loses_no_other(ways: Ways) -> None:
    """The contact at each border disappears right before its page is asked for."""
    account = Account(contacts=35)
    before = ids(account)
    place = -1 if ways.bookmark == "last" else 0

    pages = read(account, Change("delete", place=place, times=None), ways=ways)

    gone = set(before) - set(ids(account))
    assert len(gone) == 3
    met = [contact_id for page in pages for contact_id in page]
    assert [contact_id for contact_id in met if contact_id not in gone] == ids(account)


def test_edit__is_seen_in_what_comes_later() -> None:
    """A contact of the page is sent, and expected, with its new name."""
    account = Account(contacts=20)
    old = account.document(12)
    with Simulator(account, changes=[Change("edit", place=2)], page_size=10) as autopilot:
        bookmark = get(autopilot, "/contacts").json()["bookmark"]
        sent = get(autopilot, f"/contacts/{bookmark}").json()["contacts"][2]

    assert sent == account.document(12) != old
    assert sent["contact_id"] == old["contact_id"]


def test_change__of_a_segment() -> None:
    """A contact that is created at a segment's border joins that segment."""
    account = Account(contacts=40, segment_sizes=[25, 25])
    one, other = account.segment_ids
    changes = [Change("create", path=f"/smart_segments/{one}/contacts/*")]
    with Simulator(account, changes=changes, page_size=10) as autopilot:
        met = [
            [contact_id for page in read_chain(autopilot, path) for contact_id in page]
            for path in (f"/smart_segments/{one}/contacts", f"/smart_segments/{other}/contacts")
        ]

    assert [len(each) for each in met] == [26, 25]
    assert [(one, contact_id) for contact_id in sorted(met[0])] == sorted(
        pair for pair in account.pairs() if pair[0] == one
    )


@pytest.mark.parametrize(
    ("path", "place"),
    [("/contacts", -1), ("/contacts", 99), ("/lists", 0), ("/smart_segments/x/contacts", 0)],
)
def test_change__without_a_contact_is_nothing(path: str, place: int) -> None:
    """In front of the first page there is no contact, and a list has no border."""
    account = Account(contacts=30)
    changes = [Change("delete", path=path, place=place)]
    with Simulator(account, changes=changes) as autopilot:
        get(autopilot, path)

    assert account.contact_count == 30


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"kind": "rename"}, "change kind 'rename': expected one of create, delete, edit"),
        ({"kind": "edit", "place": "last"}, "place is 'last': expected a number of contacts"),
        ({"kind": "edit", "status": 500}, "a change has no status"),
    ],
)
def test_change__that_makes_no_sense_is_refused(document: dict[str, Any], message: str) -> None:
    """A misspelt change that never happens would be a test that can't fail."""
    with pytest.raises(ValueError, match=message):
        Change.from_json(document)
