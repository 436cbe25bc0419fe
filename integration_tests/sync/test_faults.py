"""Faults of the API and the network: survived exactly or given up clearly.

The key is nowhere in the output. Pages that cannot be used are in `test_read`.
"""

import base64
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from integration_tests.support.connector import (
    JOB,
    ROOT,
    TIMEOUT_SECONDS,
    Message,
    Output,
    run,
    select_stream,
    start,
)
from integration_tests.support.rows import STREAMS, assert_complete, expected_rows, sorted_rows
from integration_tests.support.wire import Wire, make_certificate
from simulator import Account, Fault, Simulator

KEY = "k%y/+=&?'\"<0123456789abcdef>"  # looks different in every encoding
ALL_TIME = {"api_key": KEY, "start_date": "2000-01-01"}
ENCODED_KEYS = {KEY, quote(KEY), quote(KEY, safe=""), json.dumps(KEY)[1:-1]} | {
    encode(KEY.encode()).decode() for encode in (base64.b64encode, base64.urlsafe_b64encode)
}
COMPLETE = "__ab_full_refresh_sync_complete"
ACCOUNT = Account(contacts=350, segment_sizes=[150, 30, 0])


def read(url: str, catalog: Message, **options: Any) -> Output:
    """A read that never shows the key, and whose stdout is JSON lines."""
    output = run("read", ALL_TIME, url=url, catalog=catalog, **options)
    assert output.messages
    assert not [key for key in ENCODED_KEYS if key in output.stdout + output.stderr]
    return output


def assert_given_up(output: Output, stream: str, failure_type: str, sentence: str) -> None:
    """One stream failed, in a sentence; nothing says it is complete, and the others are."""
    assert output.code == 1
    [error] = output.errors
    assert sentence in error["message"]
    assert error["failure_type"] == failure_type
    assert output.statuses == {**dict.fromkeys(STREAMS, "COMPLETE"), stream: "INCOMPLETE"}
    for name, state in output.states.items():
        assert state["stream"]["stream_state"].get(COMPLETE, False) == (name != stream)


@pytest.mark.parametrize(
    "faults",
    [
        *[[Fault("status", status=status, times=3)] for status in (500, 502, 503, 504, 408)],
        [Fault("status", path="/contacts*", status=429, retry_after="2")],
        [Fault("status", status=429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT", times=5)],
        [Fault("reset", path="/contacts/*", times=2), Fault("reset", path="/lists")],
        [Fault("close", times=4)],
        [Fault("cut_json", path="*contacts*", times=3), Fault("html", path="/smart_segments")],
        *[[Fault("total", times=None, value=value)] for value in (None, "50", 0, 1, 100)],
    ],
    ids=lambda faults: f"{faults[0].kind}-{faults[0].status}-{faults[0].value}",
)
def test_survived(faults: list[Fault], catalog: Message) -> None:
    """A fault that passes costs time, and nothing else."""
    with Simulator(ACCOUNT, key=KEY, faults=faults) as autopilot:
        output = read(autopilot.url, catalog)

    assert_complete(output, ACCOUNT)


@pytest.mark.parametrize("value", ["350", 101, 10**9])
def test_survived__totals_of_something_else(value: Any, catalog: Message) -> None:
    """Totals far above the rows are for nothing but the estimates, where that is said."""
    fault = Fault("total", times=None, value=value)
    with Simulator(ACCOUNT, key=KEY, faults=[fault]) as autopilot:
        output = read(autopilot.url, catalog, environment={"AUTOPILOT_CHECK_TOTALS": "off"})

    assert_complete(output, ACCOUNT)


MIXTURE = [
    Fault("status", status=503),
    Fault("status", status=503, retry_after="1"),
    Fault("status", status=429),
    Fault("status", status=429, retry_after="1"),
    Fault("cut_json"),
    Fault("reset"),
    Fault("html"),
]


def page_paths(account: Account) -> list[str]:
    """The path of every page of contacts, of all and of each segment."""
    chains = {"/contacts": account.members(None)}
    for segment_id in account.segment_ids:
        chains[f"/smart_segments/{segment_id}/contacts"] = account.members(segment_id)
    paths = []
    for path, members in chains.items():
        lasts = range(99, len(members) - 1, 100)
        paths += [path, *(f"{path}/{account.contact_id(members[last])}" for last in lasts)]
    return paths


@pytest.mark.parametrize("seed", range(2))
def test_survived__mixture(seed: int, catalog: Message) -> None:
    """Faults of all kinds, mixed over the pages of a sync, cost a request each and nothing else."""
    account = Account(contacts=750, segment_sizes=[320, 150, 30, 0])
    paths = page_paths(account)
    dice = random.Random(seed)  # noqa: S311 - no secret
    faults = [replace(fault, path=dice.choice(paths)) for fault in MIXTURE * 2]
    dice.shuffle(faults)
    with Simulator(account, key=KEY, faults=faults) as autopilot:
        output = read(autopilot.url, catalog)

        assert_complete(output, account)
        # Beside the pages: the lists, and the segments for their own stream and for the pairs.
        assert autopilot.log.count() == len(paths) + 3 + len(faults)
        assert autopilot.log.count(status=503) == 4
        assert autopilot.log.count(status=429) == 4


def test_survived__burst_of_refusals(catalog: Message) -> None:
    """Twenty workers that get a 429 at once all wait, and then all succeed."""
    account = Account(contacts=350, segment_sizes=[150] * 30)
    burst = Fault("status", path="/smart_segments/*", after=2, status=429, times=20)
    with Simulator(account, key=KEY, faults=[burst], latency_seconds=1) as autopilot:
        output = read(autopilot.url, catalog)

        assert autopilot.log.count(status=429) == 20
    assert_complete(output, account)


def test_survived__contact_seen_twice(catalog: Message) -> None:
    """A contact that is on the next page as well is delivered again only if it has changed."""
    rows = [ACCOUNT.document(index) for index in range(97, 200)]
    rows[0]["Title"] = "Head of Changes"
    moved = Fault("rows", path="/contacts/*", value=rows)
    with Simulator(ACCOUNT, key=KEY, faults=[moved]) as autopilot:
        output = read(autopilot.url, catalog)

    expected = expected_rows(ACCOUNT)
    expected["contacts"].append({**expected["contacts"][97], "title": "Head of Changes"})
    assert output.code == 0
    assert sorted_rows(output.rows) == sorted_rows(expected)
    assert "2 rows left out: repeated at the border of two pages." in output.log


def test_survived__refused_many_times_in_a_row(catalog: Message) -> None:
    """A rate limit that another integration uses up is waited out, however often it refuses.

    That a sync gives up after ten minutes is in `unit_tests/api/test_client.py`.
    """
    refusals = Fault("status", path="/contacts/*", status=429, times=9)
    with Simulator(ACCOUNT, key=KEY, faults=[refusals]) as autopilot:
        output = read(autopilot.url, catalog)

        assert autopilot.log.count("/contacts/*") == 9 + 3
    assert_complete(output, ACCOUNT)


@pytest.mark.parametrize("tls", [False, True], ids=["reset", "handshake"])
def test_survived__broken_connections(tls: bool, catalog: Message, tmp_path: Path) -> None:
    """Connections and TLS handshakes that break off are retried."""
    file, context = make_certificate(tmp_path, "localhost")
    with Simulator(ACCOUNT, key=KEY) as autopilot:
        wire = Wire(autopilot.url, tls=context if tls else None, broken=4)
        with wire.listen("localhost") as url:
            output = read(url, catalog, environment={"REQUESTS_CA_BUNDLE": str(file)})

    assert wire.connections > 4
    assert_complete(output, ACCOUNT)


def test_survived__refused_connections(catalog: Message) -> None:
    """A server that refuses connections at first is retried."""
    outputs: list[Output] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(TIMEOUT_SECONDS)
        port = server.getsockname()[1]
        url = f"http://127.0.0.1:{port}/v1"
        reader = threading.Thread(target=lambda: outputs.append(read(url, catalog)))
        reader.start()
        server.accept()[0].close()  # the first try; the next are refused until the simulator starts
    with Simulator(ACCOUNT, key=KEY, port=port):
        reader.join(TIMEOUT_SECONDS)

    assert_complete(outputs[0], ACCOUNT)
    assert "ConnectionError" in outputs[0].log


def test_survived__no_dns(catalog: Message) -> None:
    """A name that is not found is looked up again."""
    environment = {
        "PYTHONPATH": str(ROOT / "integration_tests" / "support" / "failing_dns"),
        "FAILING_LOOK_UPS": "3",
    }
    with Simulator(ACCOUNT, key=KEY) as autopilot:
        url = autopilot.url.replace("127.0.0.1", "localhost")
        output = read(url, catalog, environment=environment)

    assert_complete(output, ACCOUNT)
    assert "Autopilot's address was not found" in output.log


def test_survived__segment_deleted_meanwhile(catalog: Message) -> None:
    """A segment that is deleted during the sync has no pairs, but a warning."""
    deleted = ACCOUNT.segment_ids[0]
    fault = Fault("status", path=f"/smart_segments/{deleted}/*", status=404, times=None)
    with Simulator(ACCOUNT, key=KEY, faults=[fault]) as autopilot:
        output = read(autopilot.url, catalog)

    expected = expected_rows(ACCOUNT)
    pairs = expected["smart_segments_contacts"]
    expected["smart_segments_contacts"] = [pair for pair in pairs if pair["segment_id"] != deleted]
    assert output.code == 0
    assert sorted_rows(output.rows) == sorted_rows(expected)
    assert f"segment {deleted} was deleted while the sync ran" in output.log


@pytest.mark.parametrize("account", [Account(lists=0, segments=0), Account(contacts=0, segments=3)])
def test_survived__empty_account(account: Account, catalog: Message) -> None:
    """Empty tables are complete tables."""
    with Simulator(account, key=KEY) as autopilot:
        assert_complete(read(autopilot.url, catalog), account)


def test_survived__values_that_nothing_can_store(catalog: Message) -> None:
    """Each record is a line of valid JSON, and a warning counts what was replaced."""
    odd = (
        r'{"contact_id": "p1", "Name": "\ud83d", "Notes": "a\u0000b", "Score": NaN,'
        r' "Number": 123456789012345678901234567890, "updated_at": "", "Twitter": "%s"}'
    ) % ("x" * 10_000_000)
    page = Fault("body", path="/contacts", text=f'{{"contacts": [{odd}]}}')
    with Simulator(ACCOUNT, key=KEY, faults=[page]) as autopilot:
        output = read(autopilot.url, catalog)

    [row] = output.rows["contacts"]
    assert output.code == 0
    assert row["name"] == "\ufffd"
    assert row["other_fields"] == {
        "Notes": "a\ufffdb",
        "Number": "123456789012345678901234567890",
    }
    assert len(row["twitter"]) == 10_000_000
    assert "updated_at" not in row
    assert output.log.count("contacts: 1 value of column name could not be stored") == 1
    assert output.log.count("contacts: 3 values of column other_fields could not be stored") == 1


PERMANENT_FAULTS = [
    (Fault("reset", times=None), "The connection to Autopilot failed or broke off"),
    (Fault("cut_json", times=None), "Autopilot's answer cannot be read"),
    (Fault("html", times=None), "Autopilot's answer cannot be read"),
    (Fault("status", status=503, times=None), "Autopilot has trouble on its side (503)"),
]


def test_given_up__for_ever(catalog: Message) -> None:
    """A fault that never passes is given up after a few tries, as a transient error.

    The faults are played at the same time, because the connector only waits. Silence and answers
    that trickle are in `unit_tests/api`, and in the tests of check: a read gives them minutes.
    """

    def read_with(fault: Fault) -> Output:
        second_page = replace(fault, path="/contacts/*")
        with Simulator(ACCOUNT, key=KEY, faults=[second_page]) as autopilot:
            output = read(autopilot.url, catalog)
            assert 2 <= autopilot.log.count("/contacts/*") <= 7
        return output

    with ThreadPoolExecutor(len(PERMANENT_FAULTS)) as threads:
        outputs = list(threads.map(read_with, [fault for fault, _ in PERMANENT_FAULTS]))

    for output, (_, sentence) in zip(outputs, PERMANENT_FAULTS, strict=True):
        assert_given_up(output, "contacts", "transient_error", sentence)


def test_given_up__answer_that_never_begins() -> None:
    """A status line at a byte a second is given up, too."""
    with Wire("http://127.0.0.1:1/v1", drips=True).listen() as url:
        output = run("check", ALL_TIME, url=url)

    assert output.connection_status["status"] == "FAILED"
    assert "did not answer in time" in output.connection_status["message"]


def test_given_up__wrong_certificate(tmp_path: Path) -> None:
    """A server that cannot prove its name gets no request."""
    file, context = make_certificate(tmp_path, "elsewhere.example")
    with Simulator(ACCOUNT, key=KEY) as autopilot:
        with Wire(autopilot.url, tls=context).listen("localhost") as url:
            output = run("check", ALL_TIME, url=url, environment={"REQUESTS_CA_BUNDLE": str(file)})

        assert autopilot.log.count() == 0
    assert output.connection_status["status"] == "FAILED"
    assert "No secure connection" in output.connection_status["message"]


def test_given_up__redirect(catalog: Message) -> None:
    """The target of a redirect never gets a request, and so never the key."""
    with Simulator(ACCOUNT, key=KEY) as elsewhere:
        fault = Fault(
            "status", path="/contacts/*", status=307, location=f"{elsewhere.url}/contacts"
        )
        with Simulator(ACCOUNT, key=KEY, faults=[fault]) as autopilot:
            output = read(autopilot.url, catalog)

        assert elsewhere.log.count() == 0
    assert_given_up(output, "contacts", "transient_error", "a redirect (307)")


@pytest.mark.parametrize("compress", [False, True])
def test_given_up__answer_too_large_to_hold(compress: bool, catalog: Message) -> None:
    """A page of unreasonable size is not taken into memory, compressed or not."""
    bomb = Fault("body", path="/contacts/*", text="[" + " " * 80_000_000, times=None)
    with Simulator(ACCOUNT, key=KEY, faults=[bomb], compress=compress) as autopilot:
        output = read(autopilot.url, catalog)

        assert autopilot.log.count("/contacts/*") == 1
    assert_given_up(
        output, "contacts", "transient_error", "page 2 from Autopilot cannot be used: it has more"
    )


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_given_up__bookmark_refused(status: int, catalog: Message) -> None:
    """A refused bookmark ends the table; when the next attempt meets it too, it starts over."""
    refused = Fault("status", path="/contacts/*", status=status)
    with Simulator(ACCOUNT, key=KEY, faults=[refused]) as autopilot:
        first = read(autopilot.url, catalog, job=JOB)
        assert_given_up(first, "contacts", "transient_error", f"({status})")

        autopilot.set_faults([refused])
        states = list(first.states.values())
        second = read(autopilot.url, catalog, state=states, job=JOB)

    assert second.code == 0
    assert "is read again from the start" in second.log
    contacts = {"contacts": expected_rows(ACCOUNT)["contacts"]}
    assert sorted_rows(second.rows) == sorted_rows(contacts)


@contextmanager
def serve_endless_pages(new_rows: bool) -> Iterator[str]:
    """The URL of an API whose contacts go on for ever, each page with a bookmark of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            number = int(self.path.split("/")[3]) if self.path.count("/") > 2 else 0
            ids = range(number * 100, number * 100 + 100) if new_rows else range(100)
            rows = [{"contact_id": f"p{contact}"} for contact in ids]
            page = {"contacts": rows, "total_contacts": 350, "bookmark": str(number + 1)}
            body = json.dumps(page).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.mark.parametrize(
    ("new_rows", "sentence"),
    [(False, "it has no new rows and leads on to"), (True, "far beyond the rows that Autopilot")],
)
def test_given_up__pages_without_end(new_rows: bool, sentence: str, catalog: Message) -> None:
    """A chain that never ends is given up, and the error names a bookmark."""
    with serve_endless_pages(new_rows) as url:
        output = read(url, select_stream(catalog, "contacts"))

    assert output.code == 1
    [error] = output.errors
    assert sentence in error["message"]
    assert "leads on to the bookmark" in error["message"]
    assert output.statuses == {"contacts": "INCOMPLETE"}


def test_key__not_in_the_process_list(catalog: Message) -> None:
    """Neither the arguments nor the environment of the process have the key, in any form."""
    silence = Fault("silence", times=None)
    with (
        Simulator(ACCOUNT, key=KEY, faults=[silence]) as autopilot,
        start("read", ALL_TIME, url=autopilot.url, catalog=catalog) as process,
    ):
        while not autopilot.log.count():
            time.sleep(0.05)
        folder = Path(f"/proc/{process.pid}")
        visible = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()

    assert not [key for key in ENCODED_KEYS if key.encode() in visible]
    assert urlsplit(autopilot.url).netloc.encode() in visible
