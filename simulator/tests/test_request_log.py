"""The request log: complete, exact, and silent about keys."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
import requests

from simulator import Account, Fault, Simulator
from simulator.request_log import Request, RequestLog
from simulator.tests.client import get, send_get

KEY = "5ec2e75ec2e75ec2e75ec2e75ec2e750"


def test_log__has_every_request_in_order() -> None:
    """Time, method, path as it was sent, status, and whether the key was right."""
    before = time.time()
    with Simulator(Account(), key=KEY, faults=[Fault("close", path="/account")]) as autopilot:
        get(autopilot, "/lists")
        get(autopilot, "/lists?x=%20", key="wrong")
        get(autopilot, "/nothing/b%2Fc", key=None)
        with pytest.raises(requests.ConnectionError):
            get(autopilot, "/account")
        requests.post(autopilot.url + "/contacts", timeout=60)

    log = autopilot.log.requests()
    assert [request[1:] for request in log] == [
        ("GET", "/v1/lists", 200, "right"),
        ("GET", "/v1/lists?x=%20", 401, "wrong"),
        ("GET", "/v1/nothing/b%2Fc", 400, "missing"),
        ("GET", "/v1/account", None, "right"),
        ("POST", "/v1/contacts", 405, "missing"),
    ]
    times = [before, *(request.time for request in log), time.time()]
    assert times == sorted(times)
    assert autopilot.log.paths() == ["/lists", "/lists", "/nothing/b/c", "/account", "/contacts"]


def test_count__is_by_path_and_status() -> None:
    """Globs are on the decoded path below /v1, exactly like those of faults."""
    log = RequestLog()
    for raw_path, status in [
        ("/v1/contacts", 200),
        ("/v1/contacts/a%20b?x=1", 200),
        ("/v1/contacts/c", 404),
        ("/v1/lists", 200),
        ("/contacts", 404),
    ]:
        log.add(Request(0.0, "GET", raw_path, None, "right"))(status)

    assert log.count() == 5
    assert log.count("/contacts*") == 3
    assert log.count("/contacts/*", status=200) == 1
    assert log.count("/contacts/a b") == 1
    assert log.count(status=404) == 2
    assert log.count("/lists", status=404) == 0


def test_log__has_no_status_before_there_is_one() -> None:
    """The status of a request without an answer is None."""
    log = RequestLog()

    set_status = log.add(Request(0.0, "GET", "/v1/lists", None, "right"))
    before = log.requests()[0].status
    set_status(200)

    assert (before, log.requests()[0].status) == (None, 200)


def test_log__has_an_answer_before_its_reader_has() -> None:
    """A client that has read an answer finds it in the log: exact counts need no waiting."""
    with Simulator(Account(), key=KEY) as autopilot, requests.Session() as session:
        session.headers["autopilotapikey"] = KEY
        for number in range(1, 101):
            session.get(autopilot.url + "/lists", timeout=60)
            assert autopilot.log.count(status=200) == number


def test_log__loses_nothing_to_concurrency() -> None:
    """Eight clients at once are counted as exactly as one."""
    with Simulator(Account(), key=KEY) as autopilot:
        clients = [
            threading.Thread(target=lambda: [get(autopilot, "/lists") for _ in range(20)])
            for _ in range(8)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    assert autopilot.log.count("/lists", status=200) == 160


def test_log__never_shows_a_key() -> None:
    """Neither the right key nor a wrong one: only whether it was right."""
    with Simulator(Account(), key=KEY) as autopilot:
        get(autopilot, "/lists")
        get(autopilot, "/lists", key="a-wrong-key")
        control = autopilot.url.replace("/v1", "/_simulator")
        served = requests.get(f"{control}/requests", timeout=60).text

    shown = repr(autopilot.log.requests()) + served
    assert "right" in shown
    assert KEY not in shown
    assert "a-wrong-key" not in shown


def test_log__has_no_status_for_a_client_that_left() -> None:
    """A client that hangs up before the answer is due gets none: the request is dropped."""
    with Simulator(Account(), key=KEY, latency_seconds=0.2) as autopilot:
        with send_get(autopilot.address, KEY, "/account"):
            while not autopilot.log.count():
                time.sleep(0.001)
        get(autopilot, "/lists")  # arrives later, so it is answered later

    assert [request.status for request in autopilot.log.requests()] == [None, 200]


def test_latency__delays_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """latency_seconds pass between a request's arrival in the log and its answer."""
    sleeps = []

    async def sleep(seconds: float) -> None:
        sleeps.append((seconds, autopilot.log.requests()[-1].status))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with Simulator(Account(), key=KEY, latency_seconds=3600) as autopilot:
        get(autopilot, "/lists")

    assert sleeps[0] == (3600, None)
    assert autopilot.log.count(status=200) == 1


def test_page_seconds__delay_pages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of contacts takes longer than a list, or a refusal."""
    sleeps = []

    async def sleep(seconds: float) -> None:
        sleeps.append((autopilot.log.paths()[-1], seconds))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    account = Account(segment_sizes=[3])
    path = f"/smart_segments/{account.segment_ids[0]}/contacts"
    with Simulator(account, key=KEY, latency_seconds=1, page_seconds=4) as autopilot:
        for each in ("/lists", "/contacts", path, "/nothing"):
            get(autopilot, each)

    assert [entry for entry in sleeps if entry[1]] == [
        ("/lists", 1),
        ("/contacts", 5),
        (path, 5),
        ("/nothing", 1),
    ]
