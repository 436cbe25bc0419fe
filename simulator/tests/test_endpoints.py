"""Every endpoint and every refusal, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from simulator import Account, Simulator
from simulator.tests.client import get

KEY = "fedcba98765432100123456789abcdef"


@pytest.fixture(scope="module")
def autopilot() -> Iterator[Simulator]:
    """A small account; these tests only read."""
    with Simulator(Account(contacts=150, segment_sizes=[3, 120]), key=KEY) as simulator:
        yield simulator


def test_contacts__is_a_page_of_documents(autopilot: Simulator) -> None:
    """The first page: 100 contacts as the account has them, the total, the last one's id."""
    account = autopilot.account

    answer = get(autopilot, "/contacts")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "contacts": [account.document(index) for index in range(100)],
        "total_contacts": 150,
        "bookmark": account.contact_id(99),
    }


def test_contacts__follows_a_bookmark_to_the_last_page(autopilot: Simulator) -> None:
    """The last page has the rest, and no bookmark at all."""
    account = autopilot.account

    answer = get(autopilot, f"/contacts/{account.contact_id(99)}")

    assert answer.json() == {
        "contacts": [account.document(index) for index in range(100, 150)],
        "total_contacts": 150,
    }


def test_lists__are_all_there(autopilot: Simulator) -> None:
    """/lists isn't paginated."""
    body = get(autopilot, "/lists").json()

    assert body == {"lists": autopilot.account.lists()}
    assert len(body["lists"]) == 10
    assert body["lists"][0]["title"] == "1k.csv"


def test_smart_segments__are_all_there(autopilot: Simulator) -> None:
    """/smart_segments isn't paginated."""
    body = get(autopilot, "/smart_segments").json()

    assert body == {"segments": autopilot.account.segments()}
    assert [segment["title"] for segment in body["segments"]] == ["Ladies", "Trial users"]


def test_smart_segment_contacts__is_a_page_of_full_documents(autopilot: Simulator) -> None:
    """A segment's page has whole contacts, and the segment's own total."""
    account = autopilot.account
    small, large = account.segment_ids

    first = get(autopilot, f"/smart_segments/{small}/contacts").json()
    second = get(autopilot, f"/smart_segments/{large}/contacts").json()

    members = list(account.members(large))
    assert first == {
        "contacts": [account.document(index) for index in account.members(small)],
        "total_contacts": 3,
    }
    assert second == {
        "contacts": [account.document(index) for index in members[:100]],
        "total_contacts": 120,
        "bookmark": account.contact_id(members[99]),
    }


def test_custom_fields__is_a_bare_array(autopilot: Simulator) -> None:
    """The definitions come without an object round them, and without deleted fields."""
    assert get(autopilot, "/contacts/custom_fields").json() == [
        {"name": "Test Field", "fieldType": "string"},
        {"name": "Favourite colour", "fieldType": "string"},
        {"name": "Répondu à l'enquête", "fieldType": "boolean"},
        {"name": "Renewal date", "fieldType": "date"},
        {"name": "Seats", "fieldType": "integer"},
        {"name": "Score", "fieldType": "float"},
        {"name": "Interests", "fieldType": "list"},
    ]


def test_account_endpoint__answers_something(autopilot: Simulator) -> None:
    """An object with the fields that a client reads."""
    answer = get(autopilot, "/account")

    assert (answer.status_code, set(answer.json())) == (200, {"instanceId", "fullName", "email"})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/nothing",
        "/contacts/a/b",
        "/contacts/custom_fields/b",
        "/smart_segments/contactlist_sseg1/contacts/a/b",
        "/lists/contactlist_1",
        "/smart_segments/contactlist_sseg1/contacts",
        "/smart_segments/contactlist_sseg1",
        "/../contacts",
        "/../v2/contacts",
    ],
)
def test_unknown_path__is_404(autopilot: Simulator, path: str) -> None:
    """A path that isn't an endpoint is refused with the documented body."""
    request = requests.Request("GET", autopilot.url, headers={"autopilotapikey": KEY}).prepare()
    request.url = autopilot.url + path  # requests would remove the dots

    with requests.Session() as session:
        answer = session.send(request, timeout=60)

    assert answer.status_code == 404
    assert answer.json().keys() == {"error", "message"}
    assert answer.json()["error"] == "Not Found"


@pytest.mark.parametrize(
    ("key", "status", "body"),
    [
        (None, 400, {"error": "Bad Request", "message": "No autopilotapikey header provided."}),
        (
            "0" * 32,
            401,
            {"error": "Unauthorized", "message": "Provided autopilotapikey not valid."},
        ),
        (
            KEY.upper(),
            401,
            {"error": "Unauthorized", "message": "Provided autopilotapikey not valid."},
        ),
    ],
)
@pytest.mark.parametrize("path", ["/contacts", "/lists", "/account", "/nothing"])
def test_key__is_needed_everywhere(
    autopilot: Simulator, path: str, key: str | None, status: int, body: dict[str, str]
) -> None:
    """Without the right key there is nothing to see, not even what exists."""
    answer = get(autopilot, path, key=key)

    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_method__other_than_get_is_405(autopilot: Simulator, method: str) -> None:
    """A wrong method has the API's other shape of error."""
    answer = requests.request(
        method, autopilot.url + "/contacts", headers={"autopilotapikey": KEY}, timeout=60
    )

    assert answer.status_code == 405
    assert answer.json() == {
        "code": "MethodNotAllowedError",
        "message": f"{method} is not allowed",
    }
