"""What a run finds of pages, bookmarks and start keys, for each way an API may have them."""

from bisect import bisect_right
from collections.abc import Callable

import pytest

from source_autopilot.api.transport import Reply
from verification.asking import NoAnswer
from verification.questions import FAR_ID
from verification.tests.support import (
    DOES_NOT_HOLD,
    HOLDS,
    NOT_MET,
    Autopilot,
    begin_with,
    contacts_of,
    find,
    make_ids,
    of,
    reply_with,
)

IDS = make_ids(900)
CONTACTS = contacts_of(IDS)
Start = Callable[[list[str], str], int | None]


def known_or(otherwise: Callable[[list[str], str], int | None]) -> Start:
    """Begin behind the id of a contact; what an unknown one brings is given."""
    return lambda ids, key: ids.index(key) + 1 if key in ids else otherwise(ids, key)


@pytest.mark.parametrize(
    ("start", "seen"),
    [
        (bisect_right, "begins behind it"),
        (known_or(lambda ids, key: None), "status 404"),
        (known_or(lambda ids, key: 0), "the first page again"),
        (known_or(lambda ids, key: len(ids)), "an empty page"),
        (lambda ids, key: max(bisect_right(ids, key) - 1, 0), "begins before it"),
        (
            known_or(lambda ids, key: min(bisect_right(ids, key) + 2, len(ids))),
            "begins behind it, but leaves some out",
        ),
    ],
)
def test_start_key__in_each_way(start: Start, seen: str) -> None:
    """Only a page that begins right behind a key that was never issued makes it a start key."""
    verdict = HOLDS if seen == "begins behind it" else DOES_NOT_HOLD

    assert of(find(Autopilot(CONTACTS, start=start)), "start-key") == [(verdict, seen)]


def test_start_key__without_a_bookmark() -> None:
    """A page from which no other follows, although there are more contacts, is no start."""
    last = reply_with({"contacts": CONTACTS[50:150], "total_contacts": 900})
    far = reply_with({"contacts": CONTACTS[450:550], "total_contacts": 900})
    keys = {f"contacts/{IDS[49]}0": last, f"contacts/{FAR_ID}": far}

    findings = find(Autopilot(CONTACTS, replies=keys))

    assert of(findings, "start-key", "start-key-far") == [
        (DOES_NOT_HOLD, "begins behind it, but has no bookmark"),
        (DOES_NOT_HOLD, "begins behind it, but has no bookmark"),
    ]


def test_start_key__every_third_contact() -> None:
    """A page that begins right but leaves out contacts behind its first is no start."""
    thinned = reply_with({"contacts": CONTACTS[50:350:3], "bookmark": IDS[349]})

    findings = find(Autopilot(CONTACTS, replies={f"contacts/{IDS[49]}0": thinned}))

    assert of(findings, "start-key") == [(DOES_NOT_HOLD, "begins behind it, but leaves some out")]


def test_start_key__without_order() -> None:
    """An id works as a bookmark also where ids do not ascend."""
    start = known_or(lambda ids, key: None)

    findings = find(Autopilot(contacts_of(IDS[::-1]), start=start))

    assert of(findings, "any-id") == [(HOLDS, "begins behind it")]


def test_start_key__in_a_small_account() -> None:
    """Where nothing follows the first contact, nothing can be told of it."""
    findings = find(Autopilot(CONTACTS[:1]))

    assert of(findings, "any-id", "start-key", "start-key-far") == [(NOT_MET, "")] * 3
    assert of(find(Autopilot(CONTACTS[:2])), "any-id", "start-key") == [
        (HOLDS, "begins behind it"),
        (HOLDS, "begins behind it"),
    ]


def test_start_key__far_and_behind_all() -> None:
    """A key that is far from the first page, and one behind all ids, are asked for, too."""
    findings = find(Autopilot(CONTACTS))

    assert of(findings, "start-key-far", "start-key-end") == [
        (HOLDS, "begins behind it"),
        (HOLDS, "an empty page"),
    ]


def test_bookmark__last_of_its_page() -> None:
    """An exclusive bookmark: its page begins behind it, and no contact is on two pages."""
    findings = find(Autopilot(CONTACTS))

    assert of(findings, "bookmark", "border", "overlap", "any-id", "order") == [
        (HOLDS, "the last id of its page"),
        (HOLDS, "begins behind it"),
        (HOLDS, "none on both"),
        (HOLDS, "begins behind it"),
        (HOLDS, "ascending"),
    ]


def test_bookmark__first_of_the_next_page() -> None:
    """An inclusive bookmark: its page begins with it."""
    findings = find(Autopilot(CONTACTS, start=begin_with, bookmark=lambda ids, end: ids[end]))

    assert of(findings, "bookmark", "border", "overlap", "any-id") == [
        (HOLDS, "the first id of the next page"),
        (HOLDS, "begins with it"),
        (HOLDS, "none on both"),
        (HOLDS, "begins with it"),
    ]


@pytest.mark.parametrize(("back", "seen"), [(1, "one on both"), (3, "several on both")])
def test_overlap(back: int, seen: str) -> None:
    """Rows that two neighbours share are seen, and are no break of the order."""
    autopilot = Autopilot(CONTACTS, start=begin_with, bookmark=lambda ids, end: ids[end - back])

    findings = find(autopilot)

    assert of(findings, "overlap") == [(DOES_NOT_HOLD, seen)]
    assert findings["order"].verdict.value == HOLDS


@pytest.mark.parametrize("ids", [IDS[::-1], IDS[100:200] + IDS[:100]])
def test_order__of_another_kind(ids: list[str]) -> None:
    """Ids that do not ascend, on a page or from one to the next, refute the order."""
    autopilot = Autopilot(contacts_of(ids), start=known_or(lambda ids, key: None))

    assert find(autopilot)["order"].verdict.value == DOES_NOT_HOLD


def test_order__by_bytes() -> None:
    """Not by alphabet: upper case comes before lower case."""
    ids = ["person_B", "person_a", "person_é", "person_北"]

    assert of(find(Autopilot(contacts_of(ids))), "order") == [(HOLDS, "ascending")]


@pytest.mark.parametrize(
    ("end", "verdict", "seen"),
    [
        ({}, HOLDS, "absent"),
        ({"bookmark": None}, DOES_NOT_HOLD, "null"),
        ({"bookmark": ""}, DOES_NOT_HOLD, "empty text"),
        ({"bookmark": IDS[0]}, DOES_NOT_HOLD, "text"),
    ],
)
def test_last_bookmark(end: dict[str, object], verdict: str, seen: str) -> None:
    """How a chain ends is what its last page has for a bookmark."""
    page = {"contacts": CONTACTS[:1], "total_contacts": 1, **end}

    findings = find(Autopilot(documents={"contacts": page, f"contacts/{IDS[0]}": page}))

    assert of(findings, "last-bookmark") == [(verdict, seen)]


@pytest.mark.parametrize(
    ("total", "verdict", "seen"),
    [
        (3, HOLDS, "exact"),
        (2, DOES_NOT_HOLD, "too low by more than 1 %"),
        (4, DOES_NOT_HOLD, "too high by more than 1 %"),
    ],
)
def test_total_exact(total: int, verdict: str, seen: str) -> None:
    """A chain that was read to its end is counted."""
    page = {"contacts": CONTACTS[:3], "total_contacts": total}

    assert of(find(Autopilot(documents={"contacts": page})), "total-exact") == [(verdict, seen)]


def test_total_exact__of_a_small_segment() -> None:
    """A large account's chain is not read to its end; a small segment's is."""
    members = CONTACTS[:250]
    autopilot = Autopilot(
        CONTACTS,
        segments={"contactlist_sseg 1/2": members},
        documents={"smart_segments": {"segments": [{"segment_id": "contactlist_sseg 1/2"}]}},
    )

    assert of(find(autopilot), "total-exact", "last-bookmark") == [
        (HOLDS, "exact"),
        (HOLDS, "absent"),
    ]


def test_total_exact__unknown_in_a_large_account() -> None:
    """Nothing is said of a chain whose end was not seen."""
    assert of(find(Autopilot(CONTACTS)), "total-exact") == [(NOT_MET, "")]


def test_bookmark_again() -> None:
    """A bookmark that brings another page the second time is seen."""
    pages = iter([CONTACTS[100:200], CONTACTS[300:400], *[[]] * 30])

    def ask(path: str, key: object) -> Reply | NoAnswer:
        if path == "contacts":
            return reply_with({"contacts": CONTACTS[:100], "bookmark": IDS[99]})
        return reply_with({"contacts": next(pages) if IDS[99] in path else []})

    assert of(find(ask), "bookmark-again") == [(DOES_NOT_HOLD, "another page")]
    assert of(find(Autopilot(CONTACTS)), "bookmark-again") == [(HOLDS, "the same page")]


@pytest.mark.parametrize("failure", [reply_with(b"<html>", 500), NoAnswer("ReadTimeout")])
def test_start_key__that_fails(failure: Reply | NoAnswer) -> None:
    """Trouble is no answer to the question, and the table says which it was."""
    key = f"{IDS[49]}0"
    reason = failure.kind if isinstance(failure, NoAnswer) else "status 500"

    findings = find(Autopilot(CONTACTS, replies={f"contacts/{key}": failure}))

    assert of(findings, "start-key") == [(NOT_MET, reason)]
