"""The schedule of faults: which request is hit, and what a schedule may say."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from simulator import Account, Fault, Simulator
from simulator.schedule import Schedule
from simulator.tests.client import get


def fits_always(fault: Fault) -> bool:
    """Every fault fits the answer."""
    return True


def fits_never(fault: Fault) -> bool:
    """No fault fits the answer."""
    return False


def find_hits(faults: list[Fault], paths: list[str]) -> list[int | None]:
    """For each request, the number of the fault that hits it."""
    schedule = Schedule(faults)
    taken = [schedule.take(path, fits=fits_always) for path in paths]
    return [None if fault is None else faults.index(fault) for fault in taken]


def test_schedule__hits_once_by_default() -> None:
    """A fault without numbers hits the first request and no other."""
    assert find_hits([Fault("reset")], ["/a", "/b", "/c"]) == [0, None, None]


def test_schedule__spares_the_first_and_hits_that_many() -> None:
    """`after` requests are spared, then `times` are hit."""
    assert find_hits([Fault("reset", after=2, times=2)], ["/a"] * 6) == [
        None,
        None,
        0,
        0,
        None,
        None,
    ]


def test_schedule__hits_for_ever() -> None:
    """times=None never ends."""
    assert find_hits([Fault("reset", after=1, times=None)], ["/a"] * 50) == [None] + [0] * 49


def test_schedule__counts_only_the_paths_that_match() -> None:
    """The glob is on the whole path, and other paths don't count."""
    fault = Fault("reset", path="/smart_segments/*/contacts*", after=1)
    paths = ["/contacts", "/smart_segments/1/contacts", "/lists", "/smart_segments/2/contacts/x"]

    assert find_hits([fault], paths) == [None, None, None, 0]


def test_schedule__the_first_match_wins_and_all_of_them_count() -> None:
    """`after` counts all requests, also those that another fault hits."""
    faults = [Fault("reset", path="/a*"), Fault("close", after=1), Fault("silence", after=1)]

    assert find_hits(faults, ["/a", "/a", "/a", "/a"]) == [0, 1, 2, None]


def test_schedule__spares_what_a_fault_does_not_fit() -> None:
    """A fault that can't do anything to an answer isn't used up by it."""
    schedule = Schedule([Fault("null_rows")])

    takes = [schedule.take("/a", fits=fits) for fits in (fits_never, fits_always, fits_always)]

    assert takes == [None, Fault("null_rows"), None]


def test_schedule__starts_again_when_replaced() -> None:
    """A new schedule begins to count at 0."""
    schedule = Schedule([Fault("reset")])
    schedule.take("/a", fits=fits_always)

    schedule.replace([Fault("reset")])

    assert schedule.take("/a", fits=fits_always) == Fault("reset")


EXAMPLES = [
    Fault("status", status=503, retry_after="7", path="/lists", after=3, times=None),
    Fault("status", status=302, location="http://127.0.0.1:1/"),
    Fault("status", status=404, shape="empty"),
    Fault("rows", value=[{"contact_id": 5}, None]),
    Fault("total", value="many", times=9),
    Fault("body", text="[]"),
    Fault("drip", interval_seconds=0.01),
    *(Fault(kind) for kind in Fault.options if kind != "status"),
]


@pytest.mark.parametrize("fault", EXAMPLES, ids=str)
def test_fault__survives_json(fault: Fault) -> None:
    """What is written to a schedule's file is what comes out of it."""
    assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault


def test_fault__is_written_without_its_defaults() -> None:
    """A schedule's file is for people: it leaves out what goes without saying."""
    assert Fault("status", status=500, times=None).to_json() == {
        "kind": "status",
        "times": None,
        "status": 500,
    }


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"kind": "earthquake"}, "fault kind 'earthquake': expected one of status, html"),
        ({"kind": ["reset"]}, "fault kind"),
        ({}, "needs a kind"),
        ({"kind": "reset", "path_glob": "*"}, "a fault has no path_glob"),
        ({"kind": "reset", "status": 500}, "a fault of kind reset has no status"),
        ({"kind": "status"}, "status is None: expected a number such as 500"),
        ({"kind": "status", "status": "500"}, "status is '500'"),
        ({"kind": "status", "status": 404, "shape": "round"}, "shape is 'round': expected one of"),
        ({"kind": "reset", "after": -1}, "after is -1"),
        ({"kind": "reset", "after": None}, "after is None"),
        ({"kind": "reset", "times": 0}, "times is 0"),
        ({"kind": "reset", "times": "1"}, "times is '1'"),
    ],
)
def test_fault__that_makes_no_sense_is_refused(document: dict[str, Any], message: str) -> None:
    """A misspelt fault that never happens would be a test that can't fail."""
    with pytest.raises(ValueError, match=message):
        Fault.from_json(document)


def test_simulator__spares_requests_that_it_refuses_anyway() -> None:
    """A refused request is refused as documented and uses up no fault."""
    with Simulator(Account(), faults=[Fault("status", status=500)]) as autopilot:
        url, headers = autopilot.url + "/lists", {"autopilotapikey": autopilot.key}
        statuses = [
            get(autopilot, "/lists", key=None).status_code,
            requests.post(url, headers=headers, timeout=60).status_code,
            get(autopilot, "/lists").status_code,
            get(autopilot, "/lists").status_code,
        ]

    assert statuses == [400, 405, 500, 200]


def test_simulator__matches_faults_with_the_decoded_path() -> None:
    """A glob is written as people read paths, without /v1 and percent signs."""
    with Simulator(Account(), faults=[Fault("html", path="/a b/é")]) as autopilot:
        answer = get(autopilot, "/a%20b/%C3%A9?x=1")

    assert answer.headers["Content-Type"].startswith("text/html")


def test_set_faults__takes_effect_at_once() -> None:
    """A test may replace the faults while the simulator runs."""
    with Simulator(Account(), faults=[Fault("status", status=500, times=None)]) as autopilot:
        before = get(autopilot, "/lists").status_code
        autopilot.set_faults([])
        after = get(autopilot, "/lists").status_code

    assert (before, after) == (500, 200)
