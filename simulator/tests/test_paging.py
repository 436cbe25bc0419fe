"""Chains of pages: every contact once, and paths that are read as they were sent."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import quote

import pytest

from simulator import Account, Simulator, Ways
from simulator.request_log import split_path
from simulator.tests.client import get

SIZES = [0, 1, 99, 100, 101, 200, 550]


def read_chain(autopilot: Simulator, path: str) -> list[list[str]]:
    """The contact ids of each page, following the bookmarks as a client should."""
    path = quote(path)
    page = get(autopilot, path).json()
    pages = [[contact["contact_id"] for contact in page["contacts"]]]
    while "bookmark" in page:
        page = get(autopilot, f"{path}/{quote(page['bookmark'], safe='')}").json()
        pages.append([contact["contact_id"] for contact in page["contacts"]])
    return pages


def split_into_pages(ids: list[str], size: int) -> list[list[str]]:
    """What the pages must be: full ones and a rest; an empty chain is one empty page."""
    return [ids[start : start + size] for start in range(0, len(ids), size)] or [[]]


@pytest.mark.parametrize("contacts", SIZES)
@pytest.mark.parametrize("page_size", [100, 7])
def test_paging__covers_all_contacts_once(contacts: int, page_size: int) -> None:
    """Each contact once and in order, and no empty page after a full last one."""
    account = Account(contacts=contacts)

    with Simulator(account, page_size=page_size) as autopilot:
        pages = read_chain(autopilot, "/contacts")

    assert pages == split_into_pages(
        [account.contact_id(index) for index in range(contacts)], page_size
    )
    assert autopilot.log.count() == len(pages)


@pytest.mark.parametrize("awkward", [False, True])
def test_paging__covers_every_segment_once(awkward: bool) -> None:
    """Each pair once, at all sizes that a chain can have, whatever the bookmarks look like."""
    account = Account(contacts=550, segment_sizes=SIZES)

    with Simulator(account, awkward_bookmarks=awkward) as autopilot:
        chains = {
            segment_id: read_chain(autopilot, f"/smart_segments/{segment_id}/contacts")
            for segment_id in account.segment_ids
        }

    members: dict[str, list[str]] = {segment_id: [] for segment_id in account.segment_ids}
    for segment_id, contact_id in account.pairs():
        members[segment_id].append(contact_id)
    assert chains == {segment_id: split_into_pages(ids, 100) for segment_id, ids in members.items()}


def test_bookmark__survives_a_restart() -> None:
    """A client may resume tomorrow, against another process."""
    with Simulator(Account()) as autopilot:
        bookmark = get(autopilot, "/contacts").json()["bookmark"]
    with Simulator(Account(), ways=Ways(unknown="not_found")) as autopilot:
        page = get(autopilot, f"/contacts/{bookmark}").json()

    assert page["contacts"][0] == Account().document(100)


@pytest.mark.parametrize(
    ("raw_target", "segments"),
    [
        ("/v1/contacts/a%2Fb%20%C3%BC?x=/y", ("contacts", "a/b ü")),
        ("/v1/contacts/a%252Fb+c#d", ("contacts", "a%2Fb+c")),
        ("/v1/contacts/ü", ("contacts", "'\\xfc'")),
        ("/v1/contacts/%FC", ("contacts", "'%FC'")),
        ("/v1", ()),
        ("/contacts", ("..", "contacts")),
    ],
)
def test_path__is_decoded_once_and_strictly(raw_target: str, segments: tuple[str, ...]) -> None:
    """A segment that isn't encoded correctly is escaped, and so is no endpoint."""
    assert split_path(raw_target) == segments


def get_raw(autopilot: Simulator, target: bytes) -> int:
    """The status of a request whose target is sent byte for byte."""
    key = autopilot.key.encode()
    with socket.create_connection(autopilot.address, timeout=60) as connection:
        connection.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n" % target)
        connection.sendall(b"autopilotapikey: %b\r\nConnection: close\r\n\r\n" % key)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status


def test_awkward_bookmarks__are_understood_only_if_encoded_once() -> None:
    """The path is decoded exactly once: too little or too much encoding isn't forgiven."""
    with Simulator(Account(), awkward_bookmarks=True) as autopilot:
        bookmark = get(autopilot, "/contacts").json()["bookmark"]
        encoded = quote(bookmark, safe="")
        statuses = {
            "once": get_raw(autopilot, f"/v1/contacts/{encoded}".encode()),
            "with a query": get_raw(autopilot, f"/v1/contacts/{encoded}?x=1".encode()),
            "twice": get_raw(autopilot, f"/v1/contacts/{quote(encoded)}".encode()),
            "slash": get_raw(autopilot, f"/v1/contacts/{quote(bookmark, safe='/')}".encode()),
            "question mark": get_raw(autopilot, f"/v1/contacts/{quote(bookmark, '?')}".encode()),
            "hash": get_raw(autopilot, f"/v1/contacts/{quote(bookmark, '#')}".encode()),
            "percent": get_raw(autopilot, f"/v1/contacts/{quote(bookmark, '%')}".encode()),
            "form": get_raw(autopilot, f"/v1/contacts/{encoded.replace('%20', '+')}".encode()),
            "utf-8": get_raw(autopilot, f"/v1/contacts/{encoded.replace('%C3%BC', 'ü')}".encode()),
            "latin-1": get_raw(
                autopilot, f"/v1/contacts/{encoded.replace('C3%BC', 'FC')}".encode()
            ),
            "bare id": get_raw(autopilot, f"/v1/contacts/{Account().contact_id(99)}".encode()),
        }

    assert all(character in bookmark for character in "/?#%+ ü")
    assert "%2F" in bookmark
    assert {name for name, status in statuses.items() if status == 200} == {"once", "with a query"}
    assert set(statuses.values()) <= {200, 400, 404}
