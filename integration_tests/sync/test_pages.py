"""Pages in all the ways in which they may follow each other, and contacts that change meanwhile."""

from typing import Any

import pytest

from integration_tests.support.connector import ALL_TIME, KEY, run, select_stream
from integration_tests.support.rows import STREAMS, assert_complete, without_nulls
from simulator import Account, Change, Simulator, Ways


@pytest.mark.parametrize(
    ("ways", "shared_rows"),
    [(Ways("next", "not_found", "icu"), 0), (Ways("overlap", "not_found", "none"), 3)],
    ids=["next-icu", "overlap-none"],
)
def test_read__in_any_way(ways: Ways, shared_rows: int, catalog: dict[str, Any]) -> None:
    """Whatever a bookmark names and pages are ordered by, each row arrives once."""
    account = Account(contacts=350, segment_sizes=[350, 150], lower_case_ids=0.3)
    with Simulator(account, key=KEY, ways=ways) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

    assert_complete(output, account)
    repeated = "left out: repeated at the border of two pages."
    assert (f"{shared_rows} rows {repeated}" in output.log) == bool(shared_rows)
    assert output.log.count(repeated) == (2 if shared_rows else 0)


@pytest.mark.parametrize("bookmark", ["last", "next", "overlap"])
def test_read__changes_at_the_borders(bookmark: str, catalog: dict[str, Any]) -> None:
    """Contacts that come, go and change at each border of pages cost no other contact its row.

    A contact that two pages have, and that changed between them, arrives with both contents.
    """
    account = Account(contacts=650, segments=0)
    before = {row["contact_id"]: without_nulls(row) for row in account.rows()}
    changes = [
        Change("create", times=1),
        Change("delete", after=1, times=1, place=-1),
        Change("delete", after=2, times=1),
        Change("edit", after=3, times=1, place=0),
        Change("create", after=4, times=1, place=-1),
    ]
    with Simulator(account, key=KEY, changes=changes, ways=Ways(bookmark)) as autopilot:
        contacts = select_stream(catalog, "contacts")
        output = run("read", ALL_TIME, url=autopilot.url, catalog=contacts)

    after = {row["contact_id"]: without_nulls(row) for row in account.rows()}
    rows = output.rows["contacts"]
    edited = [key for key in before.keys() & after.keys() if before[key] != after[key]]
    untouched = (before.keys() & after.keys()) - set(edited)
    assert output.statuses == {"contacts": "COMPLETE"}
    assert (len(edited), len(untouched)) == (1, 650 - 2 - 1)
    assert all(row in (before.get(row["contact_id"]), after.get(row["contact_id"])) for row in rows)
    ids = [row["contact_id"] for row in rows]
    assert [ids.count(key) for key in untouched] == [1] * len(untouched)
    assert after[edited[0]] in rows
    assert (before[edited[0]] in rows) == (bookmark == "overlap")


def test_read__four_seconds_a_page(catalog: dict[str, Any]) -> None:
    """A page takes as long as one that was published, and the sync is complete."""
    account = Account(contacts=150, segment_sizes=[30])
    with Simulator(account, key=KEY, page_seconds=4) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

    assert_complete(output, account)
    assert set(output.rows) == set(STREAMS)
