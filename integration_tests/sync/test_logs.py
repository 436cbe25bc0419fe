"""The log of whole commands, line by line."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from integration_tests.support.connector import ALL_TIME, KEY, Output, run, select_stream
from integration_tests.support.rows import STREAMS
from simulator import Account, Fault, Simulator
from simulator.custom_fields import DEFINITIONS

CUSTOM_FIELDS = [field for field in DEFINITIONS if not field.odd]
ACCOUNT = Account(contacts=350, lists=10, segment_sizes=[150, 30, 0], custom_fields=CUSTOM_FIELDS)
BEGINNING = "INFO Reading contacts, lists, smart_segments and smart_segments_contacts."
# What only a developer of the CDK or of this connector understands.
INTERNALS = re.compile(
    r"Traceback|\.py|AirbyteTraced|Exception|_send|Response Content|http://|HTTP|Marking stream"
)


FORECAST = ("A sync reads about ", "Every sync replicates ", "Advice: ")


def lines(output: Output) -> list[str]:
    """Level and text of each line of the log but for the forecast's, in a fixed order.

    Seconds are `N s`.
    """
    texts = [f"{line['level']} {line['message']}" for line in output.contents("LOG")]
    return sorted(
        re.sub(r"\b\d+ s\b", "N s", text)
        for text in texts
        if not text.removeprefix("INFO ").startswith(FORECAST)
    )


def assert_readable(output: Output) -> None:
    """No internals in the log, nothing on stderr, no stack trace, and no contact's e-mail."""
    assert output.stderr == ""
    assert INTERNALS.findall(output.log) == []
    assert [error for error in output.errors if error.get("stack_trace")] == []
    emails = {row["email"] for row in output.rows.get("contacts", []) if row.get("email")}
    assert [email for email in emails if email in output.log] == []


def read(catalog: dict[str, Any], *faults: Fault, **options: Any) -> Output:
    """A sync of the account, with a readable log."""
    config = options.pop("config", ALL_TIME)
    with Simulator(ACCOUNT, key=KEY, faults=list(faults), **options) as autopilot:
        output = run("read", config, url=autopilot.url, catalog=catalog)
    assert_readable(output)
    return output


def test_log__complete(catalog: dict[str, Any]) -> None:
    """A sync without trouble is a line for its beginning and a line for each stream."""
    output = read(catalog, config={"api_key": KEY, "start_date": "2025-06-01"})

    delivered = len(output.rows["contacts"])
    assert 0 < delivered < 350
    assert lines(output) == [
        BEGINNING,
        f"INFO contacts: complete. {delivered} rows in 4 pages and N s; {350 - delivered} contacts"
        " left out: last updated before the start date 2025-06-01T00:00:00.000Z.",
        "INFO lists: complete. 10 rows in 1 page and N s.",
        "INFO smart_segments: complete. 3 rows in 1 page and N s.",
        "INFO smart_segments_contacts: complete. 180 rows in 4 pages and N s.",
    ]


def test_log__rate_limit(catalog: dict[str, Any]) -> None:
    """Refusals are logged once a minute, and counted at the end."""
    burst = [Fault("status", path="/contacts*", after=1, status=429, times=2)]
    burst += [Fault("status", path="/lists", status=429, retry_after="2")]
    output = read(catalog, *burst)

    first, last = [line for line in lines(output) if "complete" not in line and line != BEGINNING]
    assert output.code == 0
    assert first.startswith("INFO Autopilot is limiting requests (429): ")
    assert last == (
        "INFO Autopilot refused 3 requests because of its rate limit; the sync waited N s for that."
    )


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault("status", status=503), "Autopilot has trouble on its side (503)"),
        (Fault("status", status=503, retry_after="1"), "Autopilot has trouble on its side (503)"),
        (Fault("reset"), "The connection to Autopilot failed or broke off (ChunkedEncodingError)"),
        (Fault("cut_json"), "Autopilot's answer cannot be read: "),
    ],
    ids=["status", "pause", "reset", "cut_json"],
)
def test_log__trouble_that_passes(fault: Fault, sentence: str, catalog: dict[str, Any]) -> None:
    """The log says what was seen and when the next try is, and shows nothing of the answer."""
    output = read(catalog, replace(fault, path="/contacts*", times=2))

    [trouble] = [line for line in lines(output) if line.startswith("WARN")]
    assert output.code == 0
    assert trouble.startswith(f"WARN contacts: {sentence}")
    assert trouble.endswith("; trying again in N s.")
    assert "INFO Requests failed 2 times." in lines(output)


def test_log__segment_deleted(catalog: dict[str, Any]) -> None:
    """The summary says what is left out, and why."""
    gone = ACCOUNT.segment_ids[0]
    output = read(catalog, Fault("status", path=f"/smart_segments/{gone}/*", status=404))

    assert (
        "INFO smart_segments_contacts: complete. 30 rows in 2 pages and N s;"
        " 1 segment left out: deleted while the sync ran."
    ) in lines(output)


def test_log__stream_that_failed(catalog: dict[str, Any]) -> None:
    """The log says how far it got and what comes next; the TRACE, alone, says why it failed."""
    output = read(catalog, Fault("null_rows", path="/contacts/*"))

    assert output.code == 1
    assert len(output.errors) == 1
    assert lines(output)[-1] == (
        "WARN contacts: incomplete. 100 rows of about 350 in 1 page and N s."
        " The next attempt goes on from there."
    )
    complete = [line.split(":")[0] for line in lines(output)[1:-1]]
    assert complete == [f"INFO {stream}" for stream in STREAMS[1:]]


def test_log__failed_for_good(catalog: dict[str, Any]) -> None:
    """After the last try there is no stack trace: only what was seen, and what was read."""
    output = read(select_stream(catalog, "lists"), Fault("status", status=503, times=None))

    assert output.code == 1
    assert lines(output) == [
        "INFO Reading lists.",
        "INFO Requests failed 6 times.",
        "WARN lists: Autopilot has trouble on its side (503); trying again in N s.",
        "WARN lists: incomplete. Nothing was read.",
    ]


def test_log__pause_of_hours(catalog: dict[str, Any]) -> None:
    """A pause that is too long ends the sync at once, for all streams, each with one error."""
    output = read(catalog, Fault("status", path="/contacts", status=429, retry_after="9999"))

    assert output.code == 1
    assert {error["failure_type"] for error in output.errors} == {"transient_error"}
    for error in output.errors:
        assert error["message"].startswith("Autopilot asks to wait for 3 hours (429)")
    failed = [stream for stream, status in output.statuses.items() if status == "INCOMPLETE"]
    assert "contacts" in failed
    assert output.failed_streams == sorted(failed)


@pytest.mark.parametrize(
    ("verb", "log"),
    [
        ("check", []),
        (
            "read",
            [BEGINNING, *[f"WARN {stream}: incomplete. Nothing was read." for stream in STREAMS]],
        ),
    ],
)
def test_log__wrong_key(verb: str, log: list[str], catalog: dict[str, Any]) -> None:
    """A wrong key is one error that says what to do, of a check or of each stream."""
    with Simulator(ACCOUNT, key=KEY) as autopilot:
        output = run(
            verb,
            {"api_key": "0" * 32},
            url=autopilot.url,
            catalog=catalog if verb == "read" else None,
        )

    assert_readable(output)
    assert lines(output) == log
    assert output.failed_streams == ([""] if verb == "check" else sorted(STREAMS))
    for error in output.errors:
        assert error["message"].startswith("Autopilot does not accept the API key (401).")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"url": "http://example.com"}, "AUTOPILOT_API_URL"),
        ({"config": {**ALL_TIME, "frequency": 0}}, "Planned Sync Interval (frequency) is 0"),
        (
            {
                "state": [
                    {
                        "type": "STREAM",
                        "stream": {
                            "stream_descriptor": {"name": "lists"},
                            "stream_state": {"x": 1},
                        },
                    }
                ]
            },
            "The saved state of this connection (--state) cannot be used",
        ),
        ({"state": [1]}, "The file of --state"),
    ],
    ids=["url", "config", "state", "file"],
)
def test_log__unusable_input(
    options: dict[str, Any], sentence: str, catalog: dict[str, Any]
) -> None:
    """A sync that cannot begin writes one TRACE with our sentence, and no other line."""
    output = run("read", **{"config": ALL_TIME, "catalog": catalog, **options})

    [message] = output.messages
    error = message["trace"]["error"]
    assert (output.code, output.stderr) == (1, "")
    assert (error["failure_type"], "stack_trace" in error) == ("config_error", False)
    assert sentence in error["message"]


def test_log__check() -> None:
    """A check logs its forecast and its result."""
    with Simulator(ACCOUNT, key=KEY) as autopilot:
        output = run("check", ALL_TIME, url=autopilot.url)

    assert_readable(output)
    assert lines(output)[-1].startswith("INFO This account has 350 contacts")
    assert "INFO Check succeeded" in lines(output)


def test_log__debug(catalog: dict[str, Any]) -> None:
    """Debug logs have the requests, but no header and no contact's e-mail."""
    with Simulator(ACCOUNT, key=KEY) as autopilot:
        output = run(
            "read", ALL_TIME, url=autopilot.url, catalog=catalog, environment={"LOG_LEVEL": "debug"}
        )

    emails = {row["email"] for row in output.rows["contacts"] if row.get("email")}
    assert f"{autopilot.url}/lists" in output.log
    assert [email for email in emails if json.dumps(email)[1:-1] in output.log] == []
    assert "autopilotapikey" not in output.log
