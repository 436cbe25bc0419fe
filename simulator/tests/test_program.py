"""The simulator as a program: its options, its end, its errors."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from simulator import Account
from simulator.bookmarks import ORDERS
from simulator.tests.client import send_get

ROOT = Path(__file__).parent.parent.parent
PROGRAM = [sys.executable, "-m", "simulator"]


class Program:
    """A running simulator: its address, its key, its process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready.keys() == {"url", "key"}
        self.process = process
        self.url: str = ready["url"]
        self.key: str = ready["key"]

    def get(self, path: str) -> requests.Response:
        """GET a path below /v1, with the key."""
        return requests.get(self.url + path, headers={"autopilotapikey": self.key}, timeout=60)

    def control(self, name: str) -> str:
        """The address of one of the simulator's own endpoints."""
        return self.url.replace("/v1", "/_simulator/") + name


@contextmanager
def start(*options: str) -> Iterator[Program]:
    """The program with these options, ready for requests."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end: for options with which it ends at once."""
    return subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, *options], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_program__obeys_its_options() -> None:
    """Each option is seen in the answers: none is ignored."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = (
        f"--port {port} --contacts 30 --lists 3 --segments 2 --pairs 40 --seed 7 --key K"
        " --rate-limit 0.00001 --retry-after seconds --page-size 10"
        " --awkward-bookmarks --latency-ms 30 --gzip --host localhost --page-seconds 0.03"
        " --bookmark next --order none --newer-ids 0.5 --lower-case-ids 0.1"
        " --numbered-ids 0.2 --transport steady"
    ).split()
    account = Account(
        7, 30, lists=3, segments=2, pairs=40, newer_ids=0.5, lower_case_ids=0.1, numbered_ids=0.2
    )
    in_order = sorted(range(30), key=lambda number: ORDERS["none"](account.contact_id(number)))

    with start(*options) as program:
        first = program.get("/contacts")
        second = program.get("/contacts")

    assert (program.url, program.key) == (f"http://localhost:{port}/v1", "K")
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.elapsed.total_seconds() >= 0.06  # a lower bound: it holds on any machine
    assert first.json()["total_contacts"] == 30
    assert first.json()["contacts"] == [account.document(number) for number in in_order[:10]]
    assert first.json()["bookmark"].startswith(account.contact_id(in_order[10]))
    assert quote(first.json()["bookmark"], safe="-_") != first.json()["bookmark"]
    assert second.status_code == 429
    assert 96_400 <= int(second.headers["Retry-After"]) <= 100_000  # an hour of slack


def test_program__serves_the_account_and_the_faults_of_its_options(tmp_path: Path) -> None:
    """It has the numbers of lists, segments and pairs, and plays the faults of the file."""
    schedule = tmp_path / "schedule.json"
    schedule.write_text('[{"kind": "html", "path": "/account"}]')

    with start(
        "--contacts", "30", "--lists", "3", "--segments", "2", "--pairs", "40",
        "--faults", str(schedule), "--unknown-bookmark", "not_found",
    ) as program:  # fmt: skip
        lists = program.get("/lists").json()["lists"]
        segments = program.get("/smart_segments").json()["segments"]
        totals = [
            program.get(f"/smart_segments/{segment['segment_id']}/contacts").json()
            for segment in segments
        ]
        page = program.get("/account")
        unknown = program.get("/contacts/person_5")

    assert unknown.status_code == 404
    assert (len(lists), len(segments)) == (3, 2)
    assert sum(total["total_contacts"] for total in totals) == 40
    assert page.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_program__ends_at_once_even_while_a_client_waits(number: signal.Signals) -> None:
    """A signal ends it with 0 and without a word, silent and idle connections or not."""
    with start() as program:
        requests.put(program.control("faults"), json=[{"kind": "silence"}], timeout=60)
        port = int(program.url.split(":")[2].removesuffix("/v1"))
        with send_get(("127.0.0.1", port), program.key, "/lists"):
            while not requests.get(program.control("requests"), timeout=60).json():
                pass
            program.process.send_signal(number)
            output, errors = program.process.communicate(timeout=60)

    assert (program.process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rate-limit", "0"], "rate_limit is 0.0: expected more than 0"),
        (["--contacts", "1", "--pairs", "99"], "99 pairs don't fit 10 segments"),
        (["--faults", "/does/not/exist.json"], "No such file"),
        (["--port", "99999"], "port must be 0-65535"),
        (["--retry-after", "tomorrow"], "invalid choice"),
    ],
)
def test_program__says_what_it_cannot_do(options: list[str], message: str) -> None:
    """Exit code 2 and a sentence, no traceback."""
    ended = run(*options)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_program__explains_itself() -> None:
    """--help has a word on every option."""
    ended = run("--help")

    assert ended.returncode == 0
    for option in (
        "--port --contacts --lists --segments --pairs --seed --key --rate-limit --latency-ms"
        " --retry-after --faults --page-size --awkward-bookmarks --host --gzip --page-seconds"
        " --bookmark --unknown-bookmark --order --newer-ids --lower-case-ids --numbered-ids"
        " --transport"
    ).split():
        assert option in ended.stdout
