"""Syncs that are killed, resumed, abandoned or slowed down."""

import json
import random
import re
import subprocess
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from integration_tests.conftest import ALL_TIME, KEY
from integration_tests.support.connector import SECONDS, Message, Output, run, started
from integration_tests.sync.test_read import expected_rows, sorted_rows
from simulator import Account, Fault, Simulator

Rows = dict[str, list[dict[str, Any]]]


def vouched_for(lines: Iterable[str]) -> tuple[Rows, dict[str, Message]]:
    """The records that came before the last state of their stream, and those states."""
    waiting: Rows = {}
    safe: Rows = {}
    states: dict[str, Message] = {}
    for line in lines:
        message = json.loads(line)
        if message["type"] == "RECORD":
            waiting.setdefault(message["record"]["stream"], []).append(message["record"]["data"])
        elif message["type"] == "STATE":
            stream = message["state"]["stream"]["stream_descriptor"]["name"]
            safe.setdefault(stream, []).extend(waiting.pop(stream, []))
            states[stream] = message["state"]
    return safe, states


def attempt(url: str, catalog: Message, states: dict[str, Message], lines: int) -> list[str]:
    """Start a sync from the states, kill it with SIGKILL after so many lines; what it wrote."""
    with started(
        "read", ALL_TIME, url=url, catalog=catalog, state=list(states.values()), job="42"
    ) as process:
        assert process.stdout is not None
        written = list(islice(process.stdout, lines))
        process.kill()
        written += process.stdout.readlines()
    return [line for line in written if line.endswith("\n")]


@pytest.mark.parametrize("seed", range(3))
def test_read__killed_again_and_again(seed: int, catalog: Message) -> None:
    """Whenever it is killed, the next attempt goes on: nothing is lost and nothing is doubled."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    account = Account(seed=seed, contacts=1_500, segment_sizes=[900, 450, 0, 100, 1, 250])
    rows: Rows = {}
    states: dict[str, Message] = {}
    with Simulator(account, key=KEY, latency_seconds=0.1) as autopilot:
        for _ in range(5):
            lines = attempt(autopilot.url, catalog, states, chance.randrange(20, 1_500))
            safe, newer = vouched_for(lines)
            for stream, found in safe.items():
                rows.setdefault(stream, []).extend(found)
            states.update(newer)
        last = run(
            "read",
            ALL_TIME,
            url=autopilot.url,
            catalog=catalog,
            state=list(states.values()),
            job="42",
        )

    for stream, found in last.rows.items():
        rows.setdefault(stream, []).extend(found)
    assert last.code == 0
    assert sorted_rows(rows) == sorted_rows(expected_rows(account))


def test_read__a_finished_state_outside_the_platform(catalog: Message) -> None:
    """Whoever keeps the state of a finished sync gets everything at the next one, too."""
    account = Account(contacts=120, segments=2)
    with Simulator(account, key=KEY) as autopilot:
        first = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)
        _, states = vouched_for(line + "\n" for line in first.stdout.strip("\n").split("\n"))
        again = run(
            "read", ALL_TIME, url=autopilot.url, catalog=catalog, state=list(states.values())
        )

    assert sorted(states) == sorted(expected_rows(account))
    assert sorted_rows(again.rows) == sorted_rows(expected_rows(account))


def test_read__a_finished_state_in_the_same_job(catalog: Message) -> None:
    """Under the platform a finished stream is skipped, with no request but the list of segments."""
    with Simulator(Account(contacts=120, segments=2), key=KEY) as autopilot:
        first = run("read", ALL_TIME, url=autopilot.url, catalog=catalog, job="42")
        _, states = vouched_for(line + "\n" for line in first.stdout.strip("\n").split("\n"))
        asked = autopilot.log.count()
        again = run(
            "read",
            ALL_TIME,
            url=autopilot.url,
            catalog=catalog,
            state=list(states.values()),
            job="42",
        )

        assert autopilot.log.paths()[asked:] in ([], ["/smart_segments"])
    assert again.rows == {}
    assert set(again.statuses.values()) == {"COMPLETE"}


def test_read__nobody_reads_on(catalog: Message) -> None:
    """When whoever reads stdout goes away, the connector ends, with all its workers."""
    with (
        Simulator(Account(contacts=5_000), key=KEY) as autopilot,
        started("read", ALL_TIME, url=autopilot.url, catalog=catalog) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        try:
            process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail("it still runs")
        assert process.returncode != 0


def test_read__slow_destination(catalog: Message) -> None:
    """While nobody reads stdout the workers wait, and memory stays what it is; nothing is lost."""
    account = Account(contacts=8_000, pairs=4_000)
    with (
        Simulator(account, key=KEY) as autopilot,
        started("read", ALL_TIME, url=autopilot.url, catalog=catalog) as process,
    ):
        asked = -1
        while asked < autopilot.log.count() or asked == 0:
            asked = autopilot.log.count()
            time.sleep(3)
        status = Path(f"/proc/{process.pid}/status").read_text()
        stdout, _ = process.communicate(timeout=SECONDS)

        assert asked < autopilot.log.count()
    output = Output(process.returncode, stdout, "")
    [peak_kb] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    assert int(peak_kb) < 160_000
    assert sorted_rows(output.rows) == sorted_rows(expected_rows(account))


@pytest.mark.parametrize("segments", [1, 500])
def test_read__any_number_of_segments(segments: int, catalog: Message) -> None:
    """One segment or five hundred: no deadlock, every pair once, and states that stay small."""
    account = Account(contacts=300, segments=segments, pairs=segments * 20)
    with Simulator(account, key=KEY) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)

    assert sorted_rows(output.rows) == sorted_rows(expected_rows(account))
    states = sum(len(line) for line in output.stdout.split("\n") if '"type":"STATE"' in line)
    assert states < 0.02 * len(output.stdout)


@pytest.mark.parametrize("after", [30, 300, 1_500])
def test_read__asked_to_stop(after: int, catalog: Message) -> None:
    """SIGTERM ends a sync at once with a state for every record; the next attempt has the rest.

    At once: without waiting for the answer that does not come, let alone for a second try.
    """
    account = Account(contacts=1_500, segment_sizes=[900, 450, 250])
    slow = Fault("silence", path="*lists*", times=None)
    with Simulator(account, key=KEY, latency_seconds=0.1) as autopilot:
        autopilot.set_faults([slow])
        with started("read", ALL_TIME, url=autopilot.url, catalog=catalog, job="42") as process:
            assert process.stdout is not None
            written = list(islice(process.stdout, after))
            process.terminate()
            written += process.stdout.readlines()
            code = process.wait(timeout=SECONDS)
        assert autopilot.log.count("*lists*") <= 1
        autopilot.set_faults([])
        safe, states = vouched_for(written)
        last = run(
            "read",
            ALL_TIME,
            url=autopilot.url,
            catalog=catalog,
            state=list(states.values()),
            job="42",
        )

    stopped = Output(code, "".join(written), "")
    assert code == 143
    assert {stream: rows for stream, rows in safe.items() if rows} == stopped.rows
    assert set(stopped.statuses) == {it["stream"]["name"] for it in catalog["streams"]}
    assert set(stopped.statuses.values()) <= {"INCOMPLETE", "COMPLETE"}
    [error] = stopped.errors
    assert error["failure_type"] == "transient_error"
    assert "stopped from outside" in error["message"]
    for stream, found in safe.items():
        last.rows.setdefault(stream, []).extend(found)
    assert sorted_rows(last.rows) == sorted_rows(expected_rows(account))


def test_asked_to_stop__nobody_reads(catalog: Message) -> None:
    """SIGTERM ends a sync in seconds also when whoever reads its output has stopped reading."""
    account = Account(contacts=20_000, segments=0)
    with (
        Simulator(account, key=KEY) as autopilot,
        started("read", ALL_TIME, url=autopilot.url, catalog=catalog) as process,
    ):
        before = -1
        while not autopilot.log.count() or autopilot.log.count() != before:
            before = autopilot.log.count()
            time.sleep(1)  # until the queue is full and no page is asked for any more
        process.terminate()

        assert process.wait(timeout=SECONDS) == 143
    assert before < account.contact_count / 100


@pytest.mark.parametrize("verb", ["check", "discover", "read"])
def test_asked_to_stop__nothing_to_keep(verb: str, catalog: Message) -> None:
    """A command that still waits for its first answer ends at once, too."""
    silent = Fault("silence", times=None)
    with (
        Simulator(Account(), key=KEY, faults=[silent]) as autopilot,
        started(
            verb, ALL_TIME, url=autopilot.url, catalog=catalog if verb == "read" else None
        ) as process,
    ):
        while not autopilot.log.count():
            time.sleep(0.05)
        process.terminate()

        assert process.wait(timeout=SECONDS) == 143
