"""Whole syncs over real sockets, compared record by record with the simulator's account."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from integration_tests.support.connector import ALL_TIME, KEY, run, select_stream
from integration_tests.support.rows import STREAMS, assert_complete, expected_rows, sorted_rows
from simulator import Account, Fault, Simulator


@pytest.mark.parametrize("contacts", [0, 1, 100, 101, 550])
def test_read__every_record(contacts: int, catalog: dict[str, Any]) -> None:
    """An account of any size is read exactly, with one request per page."""
    account = Account(contacts=contacts)
    with Simulator(account, key=KEY) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

        assert_complete(output, account)
        pages_of_contacts = max(1, -(-contacts // 100))
        assert autopilot.log.count("/contacts*") == pages_of_contacts
        assert autopilot.log.count("/lists") == 1
        assert autopilot.log.count("/smart_segments") == 2  # its own stream, and the pairs'


def test_read__twenty_thousand_contacts(catalog: dict[str, Any]) -> None:
    """20,000 contacts and 40,000 pairs are read exactly, every id once."""
    account = Account(seed=2, contacts=20_000, pairs=40_000)
    with Simulator(account, key=KEY) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

    contacts = Counter(row["contact_id"] for row in output.rows["contacts"])
    pairs = Counter(
        (row["segment_id"], row["contact_id"]) for row in output.rows["smart_segments_contacts"]
    )
    assert (len(contacts), len(pairs)) == (20_000, 40_000)
    assert set(contacts.values()) == set(pairs.values()) == {1}
    assert_complete(output, account)


def test_read__start_date(catalog: dict[str, Any]) -> None:
    """Older contacts are left out and counted in the log; lists, segments and pairs are whole."""
    account = Account(contacts=300)
    start = "2025-06-01T00:00:00.000Z"
    with Simulator(account, key=KEY) as autopilot:
        config = {"api_key": KEY, "start_date": "2025-06-01T02:00:00+02:00"}
        output = run("read", config, url=autopilot.url, catalog=catalog)

    expected = expected_rows(account)
    recent = [row for row in expected["contacts"] if row.get("updated_at", start) >= start]
    assert 0 < len(recent) < 300
    assert sorted_rows(output.rows) == sorted_rows({**expected, "contacts": recent})
    assert f"{300 - len(recent)} contacts left out: last updated before" in output.log


@pytest.mark.parametrize("stream", STREAMS)
def test_read__one_stream(stream: str, catalog: dict[str, Any]) -> None:
    """Each stream can be read alone."""
    account = Account(contacts=120, segments=3)
    with Simulator(account, key=KEY) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=select_stream(catalog, stream))

    assert sorted_rows(output.rows) == sorted_rows({stream: expected_rows(account)[stream]})


def test_read__awkward_bookmarks(catalog: dict[str, Any]) -> None:
    """Bookmarks with slashes, question marks and other letters find their pages."""
    account = Account(contacts=250, segment_sizes=[250])
    with Simulator(account, key=KEY, awkward_bookmarks=True) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

    assert_complete(output, account)


@pytest.mark.parametrize("retry_after", [None, "seconds", "http-date"])
def test_read__rate_limit(retry_after: str | None, catalog: dict[str, Any]) -> None:
    """An account with a lower limit than ours is read exactly; 429s cost only time."""
    account = Account(contacts=500, segments=2, pairs=300)
    # Far below the rate at which a sync begins, so that also a busy machine exceeds it.
    with Simulator(account, key=KEY, rate_limit=2, retry_after=retry_after) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

        assert_complete(output, account)
        assert autopilot.log.count("*", status=429) > 0


PASSING_FAULTS = [
    Fault("status", status=500),
    Fault("status", path="/lists", status=408, times=2),
    Fault("status", path="/contacts*", after=1, status=503, retry_after="1"),
    Fault("reset", path="/contacts*", after=2),
    Fault("close", path="/smart_segments/*", after=1),
    Fault("cut_json", path="/contacts*", after=3),
    Fault("html", path="/smart_segments"),
    Fault("total", path="/contacts*", after=4, value="many"),
]


def test_read__faults_that_pass(catalog: dict[str, Any]) -> None:
    """After faults that pass, the sync is complete and exact."""
    account = Account(contacts=550, segments=4)
    with Simulator(account, key=KEY, faults=PASSING_FAULTS) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

    assert_complete(output, account)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault("null_rows"), '"contacts" is null or missing instead of an array'),
        (Fault("missing_rows"), '"contacts" is null or missing instead of an array'),
        (Fault("rows", value={}), '"contacts" is an object instead of an array'),
        (Fault("rows", value=[{"Name": "Ann"}]), 'row 1 has no "contact_id"'),
        (Fault("rows", value=[{"contact_id": 7}]), 'row 1 has no "contact_id" (a number)'),
        (Fault("repeat_bookmark", times=None), "it leads back to the bookmark"),
        (Fault("body", text='["contacts"]'), "it is an array instead of an object"),
        (Fault("status", status=404), "does not find the page at bookmark"),
        (Fault("status", status=302, location="http://127.0.0.1:1/"), "a redirect (302)"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_read__never_loses_quietly(fault: Fault, sentence: str, catalog: dict[str, Any]) -> None:
    """A page that cannot be used fails its stream, in a sentence; the other streams are complete.

    The fault hits the second page of contacts, so that a page has been delivered before.
    """
    account = Account(contacts=350, segments=2)
    second_page = replace(fault, path="/contacts*", after=1)
    with Simulator(account, key=KEY, faults=[second_page]) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

    assert output.code == 1
    [error] = output.errors
    assert sentence in error["message"]
    assert error["failure_type"] == "transient_error"
    assert error["stream_descriptor"] == {"name": "contacts"}
    assert output.statuses == {**dict.fromkeys(STREAMS, "COMPLETE"), "contacts": "INCOMPLETE"}
    assert len(output.rows["contacts"]) == 100
    assert KEY not in output.stdout + output.stderr


def test_read__trouble_that_stays(catalog: dict[str, Any]) -> None:
    """A fault for ever is given up after a few tries, as a transient error."""
    outage = Fault("status", status=503, times=None)
    with Simulator(Account(), key=KEY, faults=[outage]) as autopilot:
        lists = select_stream(catalog, "lists")
        output = run("read", ALL_TIME, url=autopilot.url, catalog=lists)

        assert autopilot.log.count("/lists") == 6
    assert output.code == 1
    [error] = output.errors
    assert error["failure_type"] == "transient_error"
    assert error["message"].startswith("Autopilot has trouble on its side (503).")


def test_read__key_revoked_in_mid_sync(catalog: dict[str, Any]) -> None:
    """A key that stops working is a config error at once: no retry, one request per worker."""
    revoked = Fault("status", status=401, after=3, times=None)
    with Simulator(Account(), key=KEY, faults=[revoked]) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

        assert 1 <= autopilot.log.count("*", status=401) <= 20
    assert output.code == 1
    failed = [stream for stream, status in output.statuses.items() if status == "INCOMPLETE"]
    assert "contacts" in failed
    assert output.failed_streams == sorted(failed)
    assert {error["failure_type"] for error in output.errors} == {"config_error"}
    for error in output.errors:
        assert error["message"].startswith("Autopilot does not accept the API key (401).")


def test_read__unknown_stream(catalog: dict[str, Any]) -> None:
    """A catalog with a stream that does not exist is a config error that names it."""
    [first, *_] = catalog["streams"]
    deals = {**first, "stream": {**first["stream"], "name": "deals"}}
    with Simulator(Account(), key=KEY) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog={"streams": [first, deals]})

        assert autopilot.log.count() == 0
    assert output.code == 1
    [error] = output.errors
    assert error["failure_type"] == "config_error"
    assert "Autopilot has no stream deals" in error["message"]
