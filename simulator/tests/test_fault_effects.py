"""Every kind of fault that changes an answer, as a client meets it on a real socket."""

from __future__ import annotations

import json

import pytest
import requests

from simulator import Account, Fault, Simulator
from simulator.breakdown import BREAKDOWNS
from simulator.fault_effects import CHANGES
from simulator.faults import KINDS

ACCOUNT = Account(contacts=250, segment_sizes=[50])
SOON_SECONDS = 0.1


def answer(fault: Fault, path: str = "/contacts") -> requests.Response:
    """The answer to a request that the fault befalls."""
    with Simulator(ACCOUNT, faults=[fault]) as autopilot:
        return get(autopilot, path)


def get(autopilot: Simulator, path: str) -> requests.Response:
    """GET a path below /v1 with the right key, without following redirects."""
    headers = {"autopilotapikey": autopilot.key}
    return requests.get(autopilot.url + path, headers=headers, timeout=60, allow_redirects=False)


def normal(path: str = "/contacts") -> dict[str, object]:
    """The body without any fault."""
    with Simulator(ACCOUNT) as autopilot:
        body: dict[str, object] = get(autopilot, path).json()
        return body


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "Bad Request", "message": "No autopilotapikey header provided."}),
        (401, {"error": "Unauthorized", "message": "Provided autopilotapikey not valid."}),
        (404, {"error": "Not Found", "message": "The requested resource was not found."}),
        (429, {"error": "Too Many Requests", "message": "Rate limit exceeded."}),
        (500, {"error": "Internal Server Error", "message": "Something went wrong."}),
        (503, {"error": "Service Unavailable", "message": "Service Unavailable."}),
        (599, {"error": "Unknown", "message": "Unknown."}),
    ],
)
def test_status__has_the_body_that_goes_with_it(status: int, body: dict[str, str]) -> None:
    """The documented body where there is one, one of the same shape elsewhere."""
    response = answer(Fault("status", status=status))

    assert (response.status_code, response.json()) == (status, body)
    assert not {"Retry-After", "Location"} & set(response.headers)


def test_status__may_say_when_to_retry() -> None:
    """retry_after is sent as it is, sense or nonsense."""
    response = answer(Fault("status", status=429, retry_after="in a while"))

    assert response.headers["Retry-After"] == "in a while"


def test_status__may_send_the_client_elsewhere() -> None:
    """A redirect that a client had better not follow with its key."""
    response = answer(Fault("status", status=302, location="http://127.0.0.1:9/v1/contacts"))

    assert response.status_code == 302
    assert response.headers["Location"] == "http://127.0.0.1:9/v1/contacts"


def test_html__is_a_page_for_people() -> None:
    """200, as a proxy's sign-in page would be."""
    response = answer(Fault("html"))

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.text.startswith("<!DOCTYPE html>")


def test_body__is_sent_as_it_is() -> None:
    """200, called JSON, whatever it is."""
    response = answer(Fault("body", text="{} é trailing"))

    assert (response.status_code, response.content) == (200, "{} é trailing".encode())
    assert response.headers["Content-Type"].startswith("application/json")


def test_cut_json__is_complete_http_and_half_a_text() -> None:
    """Nothing but the JSON parser can notice."""
    response = answer(Fault("cut_json"))

    assert response.status_code == 200
    assert int(response.headers["Content-Length"]) == len(response.content) > 10_000
    assert response.text.startswith('{"contacts":[{"')
    with pytest.raises(ValueError, match=r"."):
        json.loads(response.content)


@pytest.mark.parametrize(
    ("path", "rows_key"),
    [
        ("/contacts", "contacts"),
        ("/lists", "lists"),
        ("/smart_segments", "segments"),
        (f"/smart_segments/{ACCOUNT.segment_ids[0]}/contacts", "contacts"),
    ],
)
def test_rows__can_be_null_missing_or_anything(path: str, rows_key: str) -> None:
    """Each fault changes the rows and leaves the rest of the body alone."""
    body = normal(path)
    rest = {key: value for key, value in body.items() if key != rows_key}

    assert answer(Fault("null_rows"), path).json() == {**rest, rows_key: None}
    assert answer(Fault("missing_rows"), path).json() == rest
    assert answer(Fault("rows", value={"a": [1]}), path).json() == {**rest, rows_key: {"a": [1]}}


@pytest.mark.parametrize("total", [None, "250", -1, 10**15])
def test_total__can_be_anything(total: object) -> None:
    """Only total_contacts is replaced."""
    assert answer(Fault("total", value=total)).json() == {**normal(), "total_contacts": total}


@pytest.mark.parametrize("kind", ["null_rows", "missing_rows", "rows", "total", "repeat_bookmark"])
def test_page_faults__wait_for_a_page(kind: str) -> None:
    """An answer without rows or pages is spared, and the fault is kept for the next one."""
    with Simulator(ACCOUNT, faults=[Fault(kind)]) as autopilot:
        spared = get(autopilot, "/account")
        get(autopilot, "/contacts")
        second = f"/contacts/{ACCOUNT.contact_id(99)}"
        hit = [get(autopilot, "/contacts").json(), get(autopilot, second).json()]

    assert spared.json()["name"] == "Simulated account"
    assert hit == [normal(), normal(second)], "the fault was due on the page before these"


def test_repeat_bookmark__never_gets_on() -> None:
    """Whoever follows the bookmarks gets the second page again and again."""
    fault = Fault("repeat_bookmark", path="/contacts*", times=None)

    with Simulator(ACCOUNT, faults=[fault]) as autopilot:
        path, pages = "/contacts", []
        for _ in range(4):
            pages.append(get(autopilot, path).json())
            path = f"/contacts/{pages[-1]['bookmark']}"

    assert pages[0] == normal()
    assert pages[1] == pages[2] == pages[3]
    assert {page["bookmark"] for page in pages} == {ACCOUNT.contact_id(99)}


def test_repeat_bookmark__makes_a_last_page_endless() -> None:
    """The page that should have ended the chain names itself as the next."""
    path = f"/contacts/{ACCOUNT.contact_id(199)}"

    assert "bookmark" not in normal(path)
    assert answer(Fault("repeat_bookmark"), path).json()["bookmark"] == ACCOUNT.contact_id(199)


def test_kinds__each_do_something_in_one_place() -> None:
    """A kind that no table knows would be accepted and never happen."""
    assert sorted(KINDS) == sorted([*CHANGES, *BREAKDOWNS])
