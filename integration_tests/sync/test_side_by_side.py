"""Pages of one table, read by several chains: whatever the API does with ids it never issued."""

from collections import Counter
from fnmatch import fnmatchcase
from itertools import islice, pairwise
from typing import Any

import pytest

from integration_tests.support.connector import (
    ALL_TIME,
    JOB,
    KEY,
    Message,
    Output,
    resume,
    run,
    start,
)
from integration_tests.support.rows import (
    Rows,
    all_rows,
    collect_committed,
    merge_rows,
    sorted_rows,
    without_nulls,
)
from simulator import Account, Change, Fault, Simulator, Ways

PAGE_SECONDS = 0.3
CONTACTS, MEMBERS = "/contacts*", "/smart_segments/*/contacts*"
TABLES = {"contacts": CONTACTS, "smart_segments_contacts": MEMBERS}
START_KEYS = "/*-0000-4000-8000-000000000000"
"""The ids that the connector asks for once it knows that they are taken for start keys."""

SHORT: dict[str, Any] = {"contacts": 1_200, "segment_sizes": [1_100]}
"""An account whose contacts, and whose segment, have enough pages to be read side by side."""


@pytest.fixture(scope="module")
def tables(catalog: Message) -> Message:
    """The two streams with pages."""
    streams = [entry for entry in catalog["streams"] if entry["stream"]["name"] in TABLES]
    return {"streams": streams}


@pytest.fixture(scope="module")
def contacts(catalog: Message) -> Message:
    """The contacts alone."""
    streams = [entry for entry in catalog["streams"] if entry["stream"]["name"] == "contacts"]
    return {"streams": streams}


def simulate(account: Account, **options: Any) -> Simulator:
    """An API that takes its time for a page: what it is asked meanwhile is asked side by side."""
    return Simulator(account, key=KEY, page_seconds=PAGE_SECONDS, **options)


def proving_key(account: Account) -> str:
    """A glob of the first id that is asked for though it was never issued.

    It comes directly after the id in the middle of the first page, which is no bookmark.
    """
    return f"/contacts/{account.contact_id(49)[:-4]}*"


def count_pages(account: Account) -> int:
    """The pages of all contacts and of the segment."""
    segments = [len(account.members(segment_id)) for segment_id in account.segment_ids]
    return sum(-(-rows // 100) for rows in (account.contact_count, *segments))


def count_requests(autopilot: Simulator) -> int:
    """The requests for pages of contacts."""
    return (
        autopilot.log.count(CONTACTS)
        - autopilot.log.count("*/custom_fields")
        + (autopilot.log.count(MEMBERS))
    )


def is_read_side_by_side(autopilot: Simulator, paths: str) -> bool:
    """Whether a page was asked for while another one of the same table was on its way."""
    times = sorted(
        request.time
        for request in autopilot.log.requests()
        if fnmatchcase(request.path, paths) and not request.path.endswith("custom_fields")
    )
    return any(later - earlier < PAGE_SECONDS * 0.9 for earlier, later in pairwise(times))


def expected(account: Account, *streams: str) -> dict[str, list[str]]:
    """What a complete sync of these streams delivers, or of both that have pages."""
    rows = {
        stream: [without_nulls(row) for row in rows]
        for stream, rows in all_rows(account).items()
        if stream in (streams or TABLES)
    }
    return sorted_rows(rows)


def assert_each_once(output: Output, account: Account, *streams: str) -> None:
    """Each record came once, as it should be, and the sync says so."""
    assert output.errors == []
    assert set(output.statuses.values()) == {"COMPLETE"}
    assert sorted_rows(output.rows) == expected(account, *streams)


@pytest.mark.parametrize(
    ("bookmark", "newer_ids"), [("last", 0.2), ("next", 0.0), ("overlap", 0.95)]
)
def test_read__start_keys_taken(bookmark: str, newer_ids: float, tables: Message) -> None:
    """Contacts and a segment are read side by side, each row once, with small states."""
    account = Account(**SHORT, newer_ids=newer_ids)
    with simulate(account, ways=Ways(bookmark)) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=tables)

        assert_each_once(output, account)
        assert is_read_side_by_side(autopilot, CONTACTS)
        assert is_read_side_by_side(autopilot, MEMBERS)
        assert autopilot.log.count(START_KEYS) >= 1
        assert count_requests(autopilot) <= 1.5 * count_pages(account)
    assert "read again" not in output.log
    states = [len(line) for line in output.stdout.split("\n") if '"type":"STATE"' in line]
    assert sum(states) < 0.02 * len(output.stdout)


@pytest.mark.parametrize(
    "unknown",
    ["not_found", "first_page", "empty", "no_bookmark", "every_third", "some_page", "late"],
)
def test_read__start_keys_not_taken(unknown: str, contacts: Message) -> None:
    """Whatever else an API does with an unknown id: every row once, for one request more."""
    account = Account(contacts=1_000, segments=0)
    with simulate(account, ways=Ways(unknown=unknown)) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=contacts)

        assert_each_once(output, account, "contacts")
        assert autopilot.log.count(CONTACTS) == 10 + 1
        assert autopilot.log.count(START_KEYS) == 0


def test_read__no_key_to_ask_for(contacts: Message) -> None:
    """Contacts whose ids have no UUID are read page behind page, and no request is lost."""
    account = Account(contacts=1_000, segments=0, numbered_ids=0.3)
    with simulate(account) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=contacts)

        assert_each_once(output, account, "contacts")
        assert autopilot.log.count(CONTACTS) == 10
        assert not is_read_side_by_side(autopilot, CONTACTS)


def test_read__turned_off(tables: Message) -> None:
    """AUTOPILOT_SIDE_BY_SIDE=off: a table has one chain, and no request is lost."""
    account = Account(**SHORT)
    off = {"AUTOPILOT_SIDE_BY_SIDE": "off"}
    with simulate(account) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=tables, environment=off)

        assert_each_once(output, account)
        assert count_requests(autopilot) == count_pages(account)
        assert not is_read_side_by_side(autopilot, CONTACTS)
        assert not is_read_side_by_side(autopilot, MEMBERS)


def test_read__not_on_or_off(tables: Message) -> None:
    """Another value of the environment's variables ends the sync at once, in a sentence."""
    neither = {"AUTOPILOT_SIDE_BY_SIDE": "no"}
    with Simulator(Account(contacts=1), key=KEY) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=tables, environment=neither)

        assert autopilot.log.count() == 0
    [error] = output.errors
    assert error["failure_type"] == "config_error"
    assert error["message"] == (
        "The environment variable AUTOPILOT_SIDE_BY_SIDE has to be on or off."
    )


def test_read__changes_at_the_borders_of_pieces(contacts: Message) -> None:
    """Contacts that come, go and change where a piece begins cost no other contact its row."""
    account = Account(contacts=3_000, segments=0)
    before = {row["contact_id"]: without_nulls(row) for row in account.rows()}
    starts = [
        Change("delete", path=START_KEYS, times=1, place=0),
        Change("delete", path=START_KEYS, after=1, times=1, place=-1),
        Change("create", path=START_KEYS, after=2, times=1, place=0),
        Change("edit", path=START_KEYS, after=3, times=1, place=0),
        # The first contact of the page before: that may be the start of a piece.
        Change("delete", path="/contacts/person_*", after=8, times=8, place=-100),
        Change("create", path="/contacts/person_*", after=16, times=8, place=-99),
    ]
    with simulate(account, changes=starts) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=contacts)

        assert autopilot.log.count(START_KEYS) >= 2
    after = {row["contact_id"]: without_nulls(row) for row in account.rows()}
    rows = output.rows["contacts"]
    stayed = before.keys() & after.keys()
    edited = {key for key in stayed if before[key] != after[key]}
    count = Counter(row["contact_id"] for row in rows)
    assert output.statuses == {"contacts": "COMPLETE"}
    assert len(stayed) == 3_000 - len(account.deleted_ids & before.keys()) < 3_000 - 5
    assert {count[key] for key in stayed - edited} == {1}
    assert all(count[key] in (1, 2) for key in edited)
    assert all(
        row in (before[row["contact_id"]], after[row["contact_id"]])
        for row in rows
        if row["contact_id"] in stayed
    )


def test_read__each_state_that_was_out(tables: Message) -> None:
    """From any state of a sync the next attempt has the rest: the pieces, and no question."""
    account = Account(contacts=2_400, segment_sizes=[1_600])
    with simulate(account) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=tables, job=JOB)
        lines = output.stdout.split("\n")
        ends = [number for number, line in enumerate(lines, 1) if '"type":"STATE"' in line]
        attempts = [collect_committed(lines[:end]) for end in ends]
        in_pieces = [
            (rows, states)
            for rows, states in attempts
            if any('"from"' in repr(state).replace("'", '"') for state in states.values())
        ]
        assert in_pieces
        for rows, states in (in_pieces[0], in_pieces[-1]):
            questions = autopilot.log.count(START_KEYS)
            rest = resume(autopilot.url, tables, states)
            assert sorted_rows(merge_rows(rows, rest.rows)) == expected(account)
            if set(states) == set(TABLES):
                assert autopilot.log.count(START_KEYS) == questions


def test_read__killed(tables: Message) -> None:
    """SIGKILL again and again, in the midst of pieces: each record once in the end."""
    account = Account(contacts=2_000, segment_sizes=[1_500])
    rows: Rows = {}
    states: dict[str, Message] = {}
    with simulate(account) as autopilot:
        for lines in (1_500, 400):
            with start(
                "read",
                ALL_TIME,
                url=autopilot.url,
                catalog=tables,
                state=[*states.values()],
                job=JOB,
            ) as process:
                assert process.stdout is not None
                written = list(islice(process.stdout, lines))
                process.kill()
                written += process.stdout.readlines()
            complete = [line for line in written if line.endswith("\n")]
            committed, newer = collect_committed(complete)
            rows = merge_rows(rows, committed)
            states.update(newer)
        last = resume(autopilot.url, tables, states)

    assert last.code == 0
    assert sorted_rows(merge_rows(rows, last.rows)) == expected(account)


def test_read__a_state_of_0_2_0(tables: Message) -> None:
    """A bookmark without anything else is gone on from, as one chain."""
    account = Account(**SHORT)
    [segment_id] = account.segment_ids
    member = account.contact_id(account.members(segment_id)[199])
    states = [
        make_state("contacts", {}, account.contact_id(299)),
        make_state("smart_segments_contacts", {"segment_id": segment_id}, member),
    ]
    with simulate(account) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=tables, state=states)

        assert count_requests(autopilot) == count_pages(account) - 3 - 2
    everything = {
        stream: [without_nulls(row) for row in rows]
        for stream, rows in all_rows(account).items()
        if stream in TABLES
    }
    assert sorted_rows(output.rows) == sorted_rows(
        {
            "contacts": everything["contacts"][300:],
            "smart_segments_contacts": everything["smart_segments_contacts"][200:],
        }
    )
    assert set(output.statuses.values()) == {"COMPLETE"}


def make_state(stream: str, partition: dict[str, str], bookmark: str) -> Message:
    """A state as version 0.2.0 wrote it."""
    entry = {"partition": partition, "cursor": {"bookmark": bookmark}}
    return {
        "type": "STREAM",
        "stream": {"stream_descriptor": {"name": stream}, "stream_state": {"states": [entry]}},
    }


NO_MORE = '{"contacts": [], "total_contacts": 1200}'


@pytest.mark.parametrize("pages", [2, 9], ids=["one-chain", "pieces"])
def test_read__pages_end_far_below_the_total(pages: int, tables: Message) -> None:
    """A table whose pages end early is incomplete, and the error has both numbers."""
    account = Account(contacts=1_200, segment_sizes=[1_200])
    ends = [
        Fault("body", path=f"{paths[:-1]}/person_*", after=pages, times=None, text=NO_MORE)
        for paths in TABLES.values()
    ]
    with simulate(account, faults=ends) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=tables)

    assert output.statuses == dict.fromkeys(TABLES, "INCOMPLETE")
    assert output.failed_streams == sorted(TABLES)
    for error in output.errors:
        assert error["failure_type"] == "transient_error"
        assert " rows, and Autopilot counts 1,200. " in error["message"]


def test_read__totals_of_something_else(tables: Message) -> None:
    """AUTOPILOT_CHECK_TOTALS=off: a table that ends far below its total is complete."""
    account = Account(**SHORT)
    total = Fault("total", times=None, value=9_999)
    off = {"AUTOPILOT_CHECK_TOTALS": "off"}
    with simulate(account, faults=[total]) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=tables, environment=off)

    assert_each_once(output, account)


def test_read__a_little_below_the_total(contacts: Message) -> None:
    """A hundred rows that do not come are a warning: contacts may be deleted meanwhile."""
    account = Account(contacts=1_000, segments=0)
    total = Fault("total", times=None, value=1_100)
    with simulate(account, faults=[total]) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=contacts)

    assert_each_once(output, account, "contacts")
    warnings = [line["message"] for line in output.contents("LOG") if line["level"] == "WARN"]
    counts = "contacts: Autopilot counts 100 rows more than came; "
    assert [line for line in warnings if line.startswith(counts)]


def test_read__refused_in_between(contacts: Message) -> None:
    """A rate limit, at questions too, costs neither rows nor the pieces."""
    account = Account(contacts=4_000, segments=0)
    refusals = [
        Fault("status", path=START_KEYS, status=429, times=2),
        Fault("status", path=CONTACTS, status=429, after=6, times=2),
    ]
    with simulate(account, faults=refusals) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=contacts)

        assert autopilot.log.count(CONTACTS, status=429) == 4
        assert autopilot.log.count(START_KEYS, status=200) >= 1
        assert is_read_side_by_side(autopilot, CONTACTS)
    assert_each_once(output, account, "contacts")


def test_read__a_pause_of_all_requests(catalog: Message) -> None:
    """What another request is refused for is no answer to a question that waits for its turn."""
    account = Account(contacts=3_000, segments=0)
    streams = [
        entry for entry in catalog["streams"] if entry["stream"]["name"] in ("contacts", "lists")
    ]
    pause = Fault("status", path="/lists", status=429, retry_after="11")
    with simulate(account, faults=[pause]) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog={"streams": streams})

        assert autopilot.log.count(START_KEYS, status=200) >= 1
        assert is_read_side_by_side(autopilot, CONTACTS)
    assert_each_once(output, account, "contacts", "lists")
    said = [line["message"] for line in output.contents("LOG")]
    paging = [line for line in said if line.startswith("Pages of one table are")]
    assert paging == [
        "Pages of one table are read side by side, because Autopilot takes start keys."
    ]


@pytest.mark.parametrize("kind", ["silence", "html"])
def test_read__the_first_question_in_trouble(kind: str, contacts: Message) -> None:
    """A question that gets no page means no; the chain reads on meanwhile, and alone."""
    account = Account(contacts=1_200, segments=0)
    asked = proving_key(account)
    fault = Fault(kind, path=asked, times=None)
    with simulate(account, faults=[fault]) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=contacts)

        assert 1 <= autopilot.log.count(asked) <= 2
        assert autopilot.log.count(CONTACTS) - autopilot.log.count(asked) == 12
        assert autopilot.log.count(START_KEYS) == 0
    assert_each_once(output, account, "contacts")


def test_read__later_questions_in_trouble(contacts: Message) -> None:
    """Start keys that get no page after a good proof cost two questions, each twice at most.

    The one chain that there is reads on meanwhile.
    """
    account = Account(contacts=1_600, segments=0)
    fault = Fault("status", path=START_KEYS, status=500, times=None)
    with simulate(account, faults=[fault]) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=contacts)

        keys = {path for path in autopilot.log.paths() if fnmatchcase(path, START_KEYS)}
        assert 1 <= len(keys) <= 2  # with the proof, three are lost
        assert autopilot.log.count(START_KEYS) <= 2 * len(keys)
        assert autopilot.log.count(CONTACTS, status=200) == 16 + 1
    assert_each_once(output, account, "contacts")
