"""Tests of `run`: whole commands through the entrypoint."""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.logger import PRINT_BUFFER
from requests_mock import Mocker

from source_autopilot.run import execute, write_lines
from source_autopilot.source import SourceAutopilot
from unit_tests.support.constants import KEY

URL = "https://api2.autopilothq.com/v1/"
Messages = list[dict[str, Any]]
Command = Callable[..., Messages]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run a command with the given settings; returns the messages on stdout."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the CDK sets its own
    monkeypatch.delenv("AUTOPILOT_API_URL", raising=False)

    def messages_of(verb: str, config: dict[str, Any], *streams: str) -> Messages:
        catalog = {
            "streams": [
                {
                    "stream": {
                        "name": name,
                        "json_schema": {},
                        "supported_sync_modes": ["full_refresh"],
                    },
                    "sync_mode": "full_refresh",
                    "destination_sync_mode": "overwrite",
                }
                for name in streams
            ]
        }
        arguments = {"config": config, "catalog": catalog} if streams else {"config": config}
        argv = [verb]
        for name, content in arguments.items():
            path = tmp_path / f"{name}.json"
            path.write_text(json.dumps(content))
            argv += [f"--{name}", str(path)]
        execute(SourceAutopilot(in_pages=True), argv)
        return [json.loads(line) for line in capsys.readouterr().out.strip().split("\n")]

    return messages_of


def status_of(messages: Messages) -> dict[str, Any]:
    """The one connection status among the messages."""
    [status] = [it["connectionStatus"] for it in messages if it["type"] == "CONNECTION_STATUS"]
    found: dict[str, Any] = status
    return found


def test_run__check(command: Command, autopilot: Mocker) -> None:
    """A key that Autopilot accepts is a check that succeeds."""
    autopilot.get(URL + "lists", json={"lists": []})

    assert status_of(command("check", {"api_key": KEY})) == {"status": "SUCCEEDED"}


EXPECTED_KEY = "expected the key shown in Autopilot under Settings > Autopilot API."
NO_KEY = f"API Key (api_key) is empty, or has characters that no key has: {EXPECTED_KEY}"
EXPECTED_DATE = (
    "expected a date such as 2024-01-31 or 2024-01-31T00:00:00Z, not in the future, or nothing for"
    " one year before each sync."
)
EXPECTED_MINUTES = "expected whole minutes from 1 to 10080 (a week), such as 360."


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, f"API Key (api_key) is missing: {EXPECTED_KEY}"),
        ({"api_key": None}, f"API Key (api_key) is missing: {EXPECTED_KEY}"),
        *[({"api_key": key}, NO_KEY) for key in ["", "   ", "line\nbreak", "two words", "clé", 5]],
        *[
            ({"api_key": KEY, "start_date": date}, f"Start Date (start_date) is {date!r}: ")
            for date in [
                "31/01",
                "2024-02-30",  # the form's pattern takes it, the calendar does not
                "2024-13-45T99:99:99Z",
                "2030-01-01",
                "",
                1706659200,
                True,
            ]
        ],
        *[
            ({"api_key": KEY, "frequency": minutes}, f"Replication Frequency (frequency) is {seen}")
            for minutes, seen in [
                (0, "0: "),
                (-5, "-5: "),
                (10081, "10081: "),
                (7.5, "7.5: "),  # the form's integer field lets it through
                ("5", "'5': "),
                (True, "True: "),
                ([30], "[30]: "),
            ]
        ],
    ],
)
def test_run__check_of_wrong_settings(
    command: Command, autopilot: Mocker, settings: dict[str, Any], sentence: str
) -> None:
    """What the form lets through is FAILED in our sentence, which names the field by its title."""
    expected = {"start_date": EXPECTED_DATE, "frequency": EXPECTED_MINUTES}

    status = status_of(command("check", settings))

    assert status == {
        "status": "FAILED",
        "message": sentence + "".join(text for name, text in expected.items() if name in settings),
    }
    assert autopilot.call_count == 0


def test_run__check_of_several_wrong_settings(command: Command) -> None:
    """Everything that is wrong is said in one check."""
    status = status_of(command("check", {"start_date": "31/01", "frequency": 7.5}))

    assert status["message"] == (
        f"API Key (api_key) is missing: {EXPECTED_KEY}"
        f" Start Date (start_date) is '31/01': {EXPECTED_DATE}"
        f" Replication Frequency (frequency) is 7.5: {EXPECTED_MINUTES}"
    )


@pytest.mark.parametrize("name", ["start_date", "frequency"])
def test_run__check_of_null(command: Command, autopilot: Mocker, name: str) -> None:
    """A null in an optional setting is the same as leaving it out."""
    autopilot.get(URL + "lists", json={"lists": []})

    assert status_of(command("check", {"api_key": KEY, name: None})) == {"status": "SUCCEEDED"}


def test_run__check_of_a_wrong_key(command: Command, autopilot: Mocker) -> None:
    """A refused key is FAILED with what to do, and is not repeated anywhere."""
    autopilot.get(
        URL + "lists",
        status_code=401,
        json={"error": "Unauthorized", "message": f"Provided autopilotapikey {KEY} not valid."},
    )

    messages = command("check", {"api_key": f" {KEY} "})

    status = status_of(messages)
    assert status["status"] == "FAILED"
    assert status["message"].startswith("Autopilot does not accept the API key (401).")
    assert KEY not in json.dumps(messages)


def test_run__failed_streams(
    command: Command, autopilot: Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed sync ends with exit code 1 and one error, not with a second one of the CDK's."""
    autopilot.get(URL + "lists", status_code=401)

    with pytest.raises(SystemExit) as ended:
        command("read", {"api_key": KEY}, "lists")

    lines = [json.loads(line) for line in capsys.readouterr().out.strip().split("\n")]
    errors = [it["trace"]["error"] for it in lines if it.get("trace", {}).get("type") == "ERROR"]
    assert ended.value.code == 1
    assert [error["failure_type"] for error in errors] == ["config_error"]
    assert KEY not in json.dumps(lines)


def test_run__read(command: Command, autopilot: Mocker) -> None:
    """A read prints RUNNING, the records, and behind them a state that counts them."""
    rows = [{"list_id": f"contactlist_{number}", "title": "Ladies"} for number in range(3)]
    autopilot.get(URL + "lists", json={"lists": rows})

    messages = command("read", {"api_key": KEY}, "lists")

    told = [it for it in messages if it["type"] != "LOG"]
    kinds = [it["trace"]["type"] if it["type"] == "TRACE" else it["type"] for it in told]
    assert [it["record"]["data"] for it in messages if it["type"] == "RECORD"] == rows
    assert [it for it in kinds if it != "ESTIMATE"] == [
        "STREAM_STATUS",  # started
        "STREAM_STATUS",  # running
        *["RECORD"] * 3,
        "STATE",
        "STREAM_STATUS",  # complete
    ]
    [state] = [it["state"] for it in messages if it["type"] == "STATE"]
    assert state["sourceStats"] == {"recordCount": 3.0}


def test_write_lines__in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that a worker logs meanwhile comes before the lines of a page or behind, never within.

    The CDK's print buffer, which takes log lines, is flushed by whichever thread fills it.
    """
    written: list[bytes] = []
    other = threading.Thread(target=PRINT_BUFFER.flush)

    class Out:
        def write(self, data: Any) -> None:
            if data == b"page\n":
                PRINT_BUFFER.buffer.write("log\n")
                other.start()
                other.join(timeout=0.05)
            written.append(data if isinstance(data, bytes) else data.encode())

        def flush(self) -> None:
            pass

        buffer = property(lambda self: self)

    monkeypatch.setattr(sys, "__stdout__", Out())
    monkeypatch.setattr(sys, "stdout", PRINT_BUFFER)

    write_lines(b"page\n")
    other.join(timeout=10)

    assert [it for it in written if it] == [b"page\n", b"log\n"]
