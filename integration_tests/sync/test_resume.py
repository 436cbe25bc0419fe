"""Syncs that are killed, resumed, abandoned or slowed down."""

import random
import re
import signal
import subprocess
import time
from itertools import islice
from pathlib import Path

import pytest

from integration_tests.support.connector import (
    ALL_TIME,
    JOB,
    KEY,
    TIMEOUT_SECONDS,
    Message,
    Output,
    resume,
    run,
    start,
)
from integration_tests.support.rows import (
    Rows,
    collect_committed,
    expected_rows,
    merge_rows,
    sorted_rows,
)
from simulator import Account, Fault, Simulator


def read_and_kill(url: str, catalog: Message, states: dict[str, Message], lines: int) -> list[str]:
    """Start a sync from the states and kill it after so many lines; the lines that it wrote."""
    with start(
        "read", ALL_TIME, url=url, catalog=catalog, state=list(states.values()), job=JOB
    ) as process:
        assert process.stdout is not None
        written = list(islice(process.stdout, lines))
        process.kill()
        written += process.stdout.readlines()
    return [line for line in written if line.endswith("\n")]


@pytest.mark.parametrize("seed", range(3))
def test_read__killed_again_and_again(seed: int, catalog: Message) -> None:
    """The attempt after a SIGKILL goes on: nothing is lost and nothing is doubled."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    account = Account(seed=seed, contacts=1_500, segment_sizes=[900, 450, 0, 100, 1, 250])
    rows: Rows = {}
    states: dict[str, Message] = {}
    with Simulator(account, key=KEY, latency_seconds=0.1) as autopilot:
        for _ in range(5):
            lines = read_and_kill(autopilot.url, catalog, states, dice.randrange(20, 1_500))
            committed, newer = collect_committed(lines)
            rows = merge_rows(rows, committed)
            states.update(newer)
        last = resume(autopilot.url, catalog, states)

    assert last.code == 0
    assert sorted_rows(merge_rows(rows, last.rows)) == sorted_rows(expected_rows(account))


def test_read__a_finished_state_outside_the_platform(catalog: Message) -> None:
    """Outside the platform, the next sync reads everything again, also from a finished state."""
    account = Account(contacts=120, segments=2)
    with Simulator(account, key=KEY) as autopilot:
        first = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)
        states = list(first.states.values())
        again = run("read", ALL_TIME, url=autopilot.url, catalog=catalog, state=states)

    assert sorted(first.states) == sorted(expected_rows(account))
    assert sorted_rows(again.rows) == sorted_rows(expected_rows(account))


def test_read__a_finished_state_in_the_same_job(catalog: Message) -> None:
    """Under the platform a finished stream is skipped, with no request but the list of segments."""
    with Simulator(Account(contacts=120, segments=2), key=KEY) as autopilot:
        first = run("read", ALL_TIME, url=autopilot.url, catalog=catalog, job=JOB)
        requests = autopilot.log.count()
        again = resume(autopilot.url, catalog, first.states)

        assert autopilot.log.paths()[requests:] in ([], ["/smart_segments"])
    assert again.rows == {}
    assert set(again.statuses.values()) == {"COMPLETE"}


def test_read__a_state_of_another_job(catalog: Message) -> None:
    """Under a platform a state that another job left, finished or not, leaves nothing out."""
    account = Account(contacts=350, segment_sizes=[150, 30])
    with Simulator(account, key=KEY) as autopilot:
        autopilot.set_faults([Fault("null_rows", path="/contacts/*")])
        first = run("read", ALL_TIME, url=autopilot.url, catalog=catalog, job="1")
        autopilot.set_faults([])
        second = resume(autopilot.url, catalog, first.states)

    assert set(first.statuses.values()) == {"COMPLETE", "INCOMPLETE"}
    assert sorted_rows(second.rows) == sorted_rows(expected_rows(account))
    assert f"is not of this job ({JOB}): everything is read from the start." in second.log


def test_read__stdout_closed(catalog: Message) -> None:
    """When the reader closes stdout, the connector ends, with all its workers."""
    with (
        Simulator(Account(contacts=5_000), key=KEY) as autopilot,
        start("read", ALL_TIME, url=autopilot.url, catalog=catalog) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        try:
            process.wait(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail("it still runs")
        assert process.returncode == 1
        assert process.stderr is not None
        assert process.stderr.read() == (
            "Nothing more can be written to stdout: Broken pipe. The command ends here.\n"
        )


def test_read__slow_destination(catalog: Message) -> None:
    """While stdout is not read the workers wait and memory does not grow; nothing is lost."""
    account = Account(contacts=8_000, pairs=4_000)
    with (
        Simulator(account, key=KEY) as autopilot,
        start("read", ALL_TIME, url=autopilot.url, catalog=catalog) as process,
    ):
        requests = -1
        while requests < autopilot.log.count() or requests == 0:
            requests = autopilot.log.count()
            time.sleep(3)
        status = Path(f"/proc/{process.pid}/status").read_text()
        stdout, _ = process.communicate(timeout=TIMEOUT_SECONDS)

        assert requests < autopilot.log.count()
    output = Output(process.returncode, stdout, "")
    [peak_kb] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    assert int(peak_kb) < 160_000
    assert sorted_rows(output.rows) == sorted_rows(expected_rows(account))


@pytest.mark.parametrize("segments", [1, 500])
def test_read__any_number_of_segments(segments: int, catalog: Message) -> None:
    """With one segment or five hundred: no deadlock, every pair once, and few or small states."""
    account = Account(contacts=300, segments=segments, pairs=segments * 20)
    with Simulator(account, key=KEY) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

    assert sorted_rows(output.rows) == sorted_rows(expected_rows(account))
    lines = output.stdout.split("\n")
    states = [len(line) for line in lines if '"type":"STATE"' in line]
    # One every ten seconds, the last of each stream, and what is small beside its rows.
    every_ten_seconds = 500 / 20 / 10 + len(output.statuses)
    assert len(states) <= every_ten_seconds or sum(states) < 0.02 * len(output.stdout)


@pytest.mark.parametrize("lines", [30, 300, 1_500])
def test_read__asked_to_stop(lines: int, catalog: Message) -> None:
    """SIGTERM ends a sync with a state for every record; the next attempt has the rest.

    It ends without waiting for the answer that does not come, and without another try.
    """
    account = Account(contacts=1_500, segment_sizes=[900, 450, 250])
    silence = Fault("silence", path="*lists*", times=None)
    with Simulator(account, key=KEY, latency_seconds=0.1) as autopilot:
        autopilot.set_faults([silence])
        with start("read", ALL_TIME, url=autopilot.url, catalog=catalog, job=JOB) as process:
            assert process.stdout is not None
            written = list(islice(process.stdout, lines))
            process.terminate()
            written += process.stdout.readlines()
            code = process.wait(timeout=TIMEOUT_SECONDS)
        assert autopilot.log.count("*lists*") <= 1
        autopilot.set_faults([])
        committed, states = collect_committed(written)
        last = resume(autopilot.url, catalog, states)

    stopped = Output(code, "".join(written), "")
    assert code == -signal.SIGTERM
    assert {stream: rows for stream, rows in committed.items() if rows} == stopped.rows
    assert set(stopped.statuses) == {entry["stream"]["name"] for entry in catalog["streams"]}
    assert set(stopped.statuses.values()) <= {"INCOMPLETE", "COMPLETE"}
    [error] = stopped.errors
    assert error["failure_type"] == "transient_error"
    assert "stopped from outside" in error["message"]
    rows = merge_rows(committed, last.rows)
    assert sorted_rows(rows) == sorted_rows(expected_rows(account))


def test_asked_to_stop__stdout_not_read(catalog: Message) -> None:
    """SIGTERM also ends a sync whose output is not read."""
    account = Account(contacts=20_000, segments=0)
    with (
        Simulator(account, key=KEY) as autopilot,
        start("read", ALL_TIME, url=autopilot.url, catalog=catalog) as process,
    ):
        requests = -1
        while not autopilot.log.count() or autopilot.log.count() != requests:
            requests = autopilot.log.count()
            time.sleep(1)  # until the queue is full and no page is requested any more
        process.terminate()

        assert process.wait(timeout=TIMEOUT_SECONDS) == -signal.SIGTERM
    assert requests < account.contact_count / 100


@pytest.mark.parametrize("verb", ["check", "discover", "read"])
def test_asked_to_stop__before_the_first_answer(verb: str, catalog: Message) -> None:
    """SIGTERM also ends a command that waits for its first answer."""
    silent = Fault("silence", times=None)
    with (
        Simulator(Account(), key=KEY, faults=[silent]) as autopilot,
        start(
            verb, ALL_TIME, url=autopilot.url, catalog=catalog if verb == "read" else None
        ) as process,
    ):
        while not autopilot.log.count():
            time.sleep(0.05)
        process.terminate()

        assert process.wait(timeout=TIMEOUT_SECONDS) == -signal.SIGTERM
