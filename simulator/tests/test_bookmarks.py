"""The ways in which pages follow each other: each is chosen by name and does what it says."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Account, Simulator, Ways
from simulator.bookmarks import ORDERS, UNKNOWN
from simulator.paging import Paging
from simulator.tests.client import get
from simulator.tests.test_paging import read_chain

ACCOUNT = Account(contacts=350, segment_sizes=[230])
IDS = [ACCOUNT.contact_id(number) for number in range(350)]
NEVER_ISSUED = IDS[120][:-1] + "!"
"""In byte order directly in front of the contact with number 120."""


def page_ids(paging: Paging, bookmark: str) -> list[str] | None:
    """The ids of a page, or None if the bookmark is refused."""
    page = paging.page(None, bookmark)
    return None if page is None else [paging.account.contact_id(n) for n in page.numbers]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("bookmark", "shared"), [("last", 0), ("next", 0), ("overlap", 1)], ids=str
)
def test_ways__lead_through_every_chain(bookmark: str, shared: int, order: str) -> None:
    """Whatever a bookmark names and pages are ordered by, every contact comes, borders as said."""
    account = Account(contacts=350, segment_sizes=[230], lower_case_ids=0.3)
    [segment_id] = account.segment_ids
    with Simulator(account, ways=Ways(bookmark, order=order)) as autopilot:
        pages = read_chain(autopilot, "/contacts")
        members = read_chain(autopilot, f"/smart_segments/{segment_id}/contacts")

    met = [contact_id for page in pages for contact_id in page]
    first_times = list(dict.fromkeys(met))
    assert first_times == sorted(first_times, key=ORDERS[order])
    assert len(first_times) == 350
    assert [len(page) for page in pages] == [100, 100, 100, 50 + 3 * shared]
    assert pages[0][-shared:] == pages[1][:shared] if shared else pages[0][-1] != pages[1][0]
    assert {contact_id for page in members for contact_id in page} == {
        contact_id for _, contact_id in account.pairs()
    }


def test_orders__differ() -> None:
    """Bytes put all capitals first, ICU puts letters beside each other, and the last mixes all."""
    ids = ["person_aB", "person_5", "person_AP2-0", "person_B0", "person_ab"]

    in_order = {name: sorted(ids, key=key) for name, key in ORDERS.items()}

    assert in_order["id"] == ["person_5", "person_AP2-0", "person_B0", "person_aB", "person_ab"]
    assert in_order["icu"] == ["person_5", "person_ab", "person_aB", "person_AP2-0", "person_B0"]
    assert in_order["none"] not in (in_order["id"], in_order["icu"], ids)


@pytest.mark.parametrize(
    ("unknown", "expected", "leads_to"),
    [
        ("start_key", IDS[120:220], IDS[219]),
        ("not_found", None, None),
        ("first_page", IDS[:100], IDS[99]),
        ("empty", [], None),
        ("no_bookmark", IDS[120:220], None),
        ("every_third", IDS[120::3], None),
        ("late", IDS[123:223], IDS[222]),
    ],
)
def test_unknown__bookmark(unknown: str, expected: list[str] | None, leads_to: str | None) -> None:
    """What a bookmark gets that no contact ever had."""
    paging = Paging(ACCOUNT, ways=Ways(unknown=unknown))

    page = paging.page(None, NEVER_ISSUED)

    assert page_ids(paging, NEVER_ISSUED) == expected
    assert leads_to == (
        (page and page.bookmark is not None and paging.bookmark(page.bookmark)) or None
    )


def test_unknown__some_page() -> None:
    """Somewhere else in the chain, and at the same place each time."""
    paging = Paging(ACCOUNT, ways=Ways(unknown="some_page"))
    ids = page_ids(paging, NEVER_ISSUED)

    assert ids
    assert ids == page_ids(paging, NEVER_ISSUED) == IDS[IDS.index(ids[0]) :][: len(ids)]
    assert ids[0] not in (IDS[0], IDS[120])


def test_unknown__is_not_what_was_deleted() -> None:
    """The bookmark of a contact that is gone leads on; so does any contact's id."""
    account = Account(contacts=350)
    paging = Paging(account, ways=Ways(unknown="not_found"))
    account.delete(99)

    assert page_ids(paging, IDS[99]) == page_ids(paging, IDS[98]) == IDS[100:200]


@pytest.mark.parametrize("bookmark", ["bookmark", "1"])
def test_start_key__explains_what_clients_saw(bookmark: str) -> None:
    """`/contacts/bookmark` and `/contacts/1` gave a first page, `void` an empty one."""
    with Simulator(ACCOUNT) as autopilot:
        assert get(autopilot, f"/contacts/{bookmark}").json() == get(autopilot, "/contacts").json()
        assert get(autopilot, "/contacts/void").json() == {"contacts": [], "total_contacts": 350}


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_unknown__over_http(unknown: str) -> None:
    """A page, or a 404 with the documented body."""
    with Simulator(ACCOUNT, ways=Ways(unknown=unknown)) as autopilot:
        answer = get(autopilot, "/contacts/person_5")

    assert (answer.status_code, sorted(answer.json())[-1]) in (
        (404, "message"),
        (200, "total_contacts"),
    )
    assert (answer.status_code == 404) == (unknown == "not_found")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"order": "random"}, "order is 'random': expected one of id, icu, none"),
        ({"bookmark": "first"}, "bookmark is 'first': expected one of last, next, overlap"),
        ({"unknown": None}, "unknown is None"),
        ({"bookmarks": "last"}, "ways are a JSON object of bookmark, unknown, order, not"),
        (["last"], "ways are a JSON object"),
    ],
)
def test_ways__that_do_not_exist_are_refused(document: Any, message: str) -> None:
    """A misspelt way would be a test of the usual one."""
    with pytest.raises(ValueError, match=message):
        Ways.from_json(document)


def test_ways__survive_json() -> None:
    """What is written is what is read."""
    ways = Ways("overlap", "late", "icu")

    assert Ways.from_json(ways.to_json()) == ways
    assert Ways.from_json({}) == Ways()
