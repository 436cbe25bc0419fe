"""The simulator's own endpoints, which are no part of the API."""

from __future__ import annotations

import pytest
import requests

from simulator import Account, Fault, Simulator
from simulator.tests.client import get


def control_url(autopilot: Simulator, name: str) -> str:
    """The address of one of the simulator's own endpoints."""
    return autopilot.url.replace("/v1", "/_simulator/") + name


def test_control__reads_the_log() -> None:
    """Without a key, and without leaving a trace in the log itself."""
    with Simulator(Account()) as autopilot:
        get(autopilot, "/lists")
        get(autopilot, "/account?x=1", key=None)
        logs = [
            requests.get(control_url(autopilot, "requests"), timeout=60).json() for _ in range(2)
        ]

    assert logs[0] == logs[1]
    assert [entry.pop("time") > 0 for entry in logs[0]] == [True, True]
    assert logs[0] == [
        {"method": "GET", "raw_path": "/v1/lists", "status": 200, "key": "right"},
        {"method": "GET", "raw_path": "/v1/account?x=1", "status": 400, "key": "missing"},
    ]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_control__replaces_the_faults(method: str) -> None:
    """The new schedule is in force when it is answered, and can be read back."""
    schedule = [{"kind": "status", "status": 503}]

    with Simulator(Account(), faults=[Fault("silence", times=None)]) as autopilot:
        written = requests.request(
            method, control_url(autopilot, "faults"), json=schedule, timeout=60
        ).json()
        statuses = [get(autopilot, "/lists").status_code for _ in range(2)]
        read = requests.get(control_url(autopilot, "faults"), timeout=60).json()

    assert written == read == schedule
    assert statuses == [503, 200]


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("changes", [{"kind": "delete", "after": 2, "place": -1}]),
        ("ways", {"bookmark": "overlap", "unknown": "late", "order": "icu"}),
    ],
)
def test_control__replaces_what_happens_and_how(name: str, setting: object) -> None:
    """Changes and ways are replaced like faults."""
    with Simulator(Account()) as autopilot:
        written = requests.put(control_url(autopilot, name), json=setting, timeout=60).json()
        read = requests.get(control_url(autopilot, name), timeout=60).json()

    assert written == read == setting


def test_control__is_in_force_at_once() -> None:
    """Pages are in the new order, and the change happens."""
    account = Account(contacts=150)
    with Simulator(account) as autopilot:
        before = get(autopilot, "/contacts").json()["bookmark"]
        requests.put(control_url(autopilot, "ways"), json={"bookmark": "next"}, timeout=60)
        changes = [{"kind": "delete", "path": "/contacts"}]
        requests.put(control_url(autopilot, "changes"), json=changes, timeout=60)
        after = get(autopilot, "/contacts").json()

    assert before == account.contact_id(99)
    assert after["bookmark"] == account.contact_id(101)
    assert after["total_contacts"] == 149


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[{]", "unexpected character"),
        ('{"kind": "reset"}', "a schedule of faults is a JSON array of objects"),
        ('[{"kind": "reset"}, {"kind": "boom"}]', "fault kind 'boom'"),
    ],
)
def test_control__refuses_a_bad_schedule_and_keeps_the_old_one(body: str, message: str) -> None:
    """A schedule is replaced as a whole or not at all."""
    with Simulator(Account(), faults=[Fault("status", status=503)]) as autopilot:
        refused = requests.put(control_url(autopilot, "faults"), data=body, timeout=60)
        status = get(autopilot, "/lists").status_code

    assert refused.status_code == 400
    assert message in refused.json()["error"]
    assert status == 503


def test_control__knows_nothing_else() -> None:
    """A misspelt control path is an error of its own, not one of the API's."""
    with Simulator(Account()) as autopilot:
        wrong = [
            requests.get(control_url(autopilot, "log"), timeout=60),
            requests.delete(control_url(autopilot, "requests"), timeout=60),
            requests.put(control_url(autopilot, "requests"), json=[], timeout=60),
        ]

    assert [answer.status_code for answer in wrong] == [404, 404, 404]
    assert wrong[0].json() == {"error": "the simulator has no GET log"}
