"""Every kind of fault, as a client meets it on a real socket."""

from __future__ import annotations

import json
from contextlib import ExitStack
from itertools import islice

import pytest
import requests

from simulator import Account, Fault, Simulator
from simulator.fault_effects import BREAKDOWNS, CHANGES
from simulator.tests.client import get, send_get

ACCOUNT = Account(contacts=250, segment_sizes=[50])
SOON_SECONDS = 0.1


def answer(fault: Fault, path: str = "/contacts") -> requests.Response:
    """The answer to a request that the fault hits."""
    with Simulator(ACCOUNT, faults=[fault]) as autopilot:
        return get(autopilot, path)


def normal_body(path: str = "/contacts") -> dict[str, object]:
    """The JSON body without any fault."""
    with Simulator(ACCOUNT) as autopilot:
        body: dict[str, object] = get(autopilot, path).json()
        return body


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "Bad Request", "message": "No autopilotapikey header provided."}),
        (401, {"error": "Unauthorized", "message": "Provided autopilotapikey not valid."}),
        (404, {"error": "Not Found", "message": "The requested resource was not found."}),
        (
            429,
            {
                "error": "Too Many Requests",
                "message": "You have exceeded your request rate of 5 r/s.",
            },
        ),
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


@pytest.mark.parametrize(
    ("shape", "content_type", "body"),
    [
        ("restify", "application/json", b'{"code":"NotFoundError","message":"%b"}'),
        ("text", None, b"%b"),
        ("empty", None, b""),
    ],
)
def test_status__in_another_shape(shape: str, content_type: str | None, body: bytes) -> None:
    """Refusals were seen in restify's own shape, as plain text and without a body."""
    response = answer(Fault("status", status=404, shape=shape))

    message = b"The requested resource was not found."
    assert (response.status_code, response.content) == (404, body.replace(b"%b", message))
    assert response.headers.get("Content-Type") in (content_type, "application/octet-stream")


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
    body = normal_body(path)
    rest = {key: value for key, value in body.items() if key != rows_key}

    assert answer(Fault("null_rows"), path).json() == {**rest, rows_key: None}
    assert answer(Fault("missing_rows"), path).json() == rest
    assert answer(Fault("rows", value={"a": [1]}), path).json() == {**rest, rows_key: {"a": [1]}}


@pytest.mark.parametrize("total", [None, "250", -1, 10**15])
def test_total__can_be_anything(total: object) -> None:
    """Only total_contacts is replaced."""
    assert answer(Fault("total", value=total)).json() == {
        **normal_body(),
        "total_contacts": total,
    }


@pytest.mark.parametrize("kind", ["null_rows", "missing_rows", "rows", "total", "repeat_bookmark"])
def test_page_faults__wait_for_a_page(kind: str) -> None:
    """An answer without rows or pages is spared, and the fault is kept for the next one."""
    with Simulator(ACCOUNT, faults=[Fault(kind)]) as autopilot:
        spared = get(autopilot, "/account")
        get(autopilot, "/contacts")
        second = f"/contacts/{ACCOUNT.contact_id(99)}"
        hit = [get(autopilot, "/contacts").json(), get(autopilot, second).json()]

    assert spared.json()["fullName"] == "Simulated account"
    assert hit == [normal_body(), normal_body(second)], "the page before these should have been hit"


def test_repeat_bookmark__never_gets_any_further() -> None:
    """A client that follows the bookmarks gets the second page again and again."""
    fault = Fault("repeat_bookmark", path="/contacts*", times=None)

    with Simulator(ACCOUNT, faults=[fault]) as autopilot:
        path, pages = "/contacts", []
        for _ in range(4):
            pages.append(get(autopilot, path).json())
            path = f"/contacts/{pages[-1]['bookmark']}"

    assert pages[0] == normal_body()
    assert pages[1] == pages[2] == pages[3]
    assert {page["bookmark"] for page in pages} == {ACCOUNT.contact_id(99)}


def test_repeat_bookmark__makes_a_last_page_endless() -> None:
    """The page that should have ended the chain names itself as the next."""
    path = f"/contacts/{ACCOUNT.contact_id(199)}"

    assert "bookmark" not in normal_body(path)
    assert answer(Fault("repeat_bookmark"), path).json()["bookmark"] == ACCOUNT.contact_id(199)


def test_reset__breaks_a_promised_body() -> None:
    """The head promises a length, half of it arrives, then the connection is reset."""
    received = b""
    with Simulator(ACCOUNT, faults=[Fault("reset")]) as autopilot:
        connection = send_get(autopilot.address, autopilot.key, "/contacts")
        with connection as client, pytest.raises(ConnectionResetError):  # noqa: PT012
            while chunk := client.recv(65536):  # any of the calls may raise
                received += chunk
        assert get(autopilot, "/lists").status_code == 200

    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert len(body) == promised // 2
    assert autopilot.log.requests()[0].status is None


def test_close__gives_not_a_byte() -> None:
    """The connection ends politely, and empty."""
    with Simulator(ACCOUNT, faults=[Fault("close")]) as autopilot:
        with send_get(autopilot.address, autopilot.key, "/contacts") as client:
            assert client.recv(1) == b""
        assert get(autopilot, "/lists").status_code == 200

    assert [request.status for request in autopilot.log.requests()] == [None, 200]


def test_silence__lasts_until_the_simulator_stops() -> None:
    """The client that waits gets nothing; others are served, and the simulator can be stopped."""
    with ExitStack() as sockets:
        with Simulator(ACCOUNT, faults=[Fault("silence")]) as autopilot:
            client = sockets.enter_context(send_get(autopilot.address, autopilot.key, "/contacts"))
            client.settimeout(SOON_SECONDS)
            with pytest.raises(TimeoutError):
                client.recv(1)
            assert get(autopilot, "/lists").status_code == 200
        client.settimeout(60)
        assert client.recv(1) == b""

    assert [request.status for request in autopilot.log.requests()] == [None, 200]


def test_drip__sends_byte_after_byte() -> None:
    """A body that is always about to begin: no read times out, and none is the last."""
    fault = Fault("drip", interval_seconds=0.001)

    with Simulator(ACCOUNT, faults=[fault]) as autopilot:
        headers = {"autopilotapikey": autopilot.key}
        with requests.get(
            autopilot.url + "/contacts", headers=headers, stream=True, timeout=60
        ) as response:
            dripped = list(islice(response.iter_content(1), 20))
            assert autopilot.log.count(status=200) == 1

    assert dripped == [b" "] * 20


def test_kinds__each_do_something_in_one_place() -> None:
    """A kind that no table knows would be accepted and never happen."""
    assert sorted(Fault.options) == sorted([*CHANGES, *BREAKDOWNS])
