"""The commands spec, check and discover, as processes, and what stdout is for all."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import (
    ALL_TIME,
    KEY,
    ROOT,
    TIMEOUT_SECONDS,
    full_refresh,
    run,
    select_stream,
)
from simulator import Account, CustomField, Fault, Simulator

NO_SERVER = "http://127.0.0.1:9/v1"


def test_spec__settings() -> None:
    """The spec needs no config, and declares exactly the three settings."""
    output = run("spec")

    [spec] = output.contents("SPEC")
    properties = spec["connectionSpecification"]["properties"]
    assert sorted(properties) == ["api_key", "frequency", "start_date"]


def test_check__works() -> None:
    """With a good key it succeeds, and says what a sync will cost for a few requests."""
    account = Account(contacts=12_345, segments=7)
    with Simulator(account, key=KEY) as autopilot:
        output = run("check", {"api_key": KEY}, url=autopilot.url)

        assert autopilot.log.count() == 3 + 7
    assert "has 12,345 contacts, 10 lists and 7 smart segments with about" in output.log
    assert output.connection_status == {"status": "SUCCEEDED"}
    assert output.code == 0


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"api_key": "0" * 32}, "Autopilot does not accept the API key (401). Copy the key from"),
        ({}, "API Key (api_key) is missing: expected the key"),
        ({"api_key": ""}, "API Key (api_key) is empty"),
        ({"api_key": KEY, "start_date": "2999-01-01"}, "Start Date (start_date) is '2999-01-01'"),
        ({"api_key": KEY, "start_date": "31/01"}, "Start Date (start_date) is '31/01'"),
        ({"api_key": KEY, "frequency": 0}, "Planned Sync Interval (frequency) is 0"),
        ({"api_key": KEY, "frequency": 7.5}, "Planned Sync Interval (frequency) is 7.5"),
    ],
)
def test_check__wrong_settings(config: dict[str, Any], sentence: str) -> None:
    """A wrong setting is FAILED, in a sentence that says what to do."""
    with Simulator(Account(), key=KEY) as autopilot:
        output = run("check", config, url=autopilot.url)

    assert output.connection_status["status"] == "FAILED"
    assert output.connection_status["message"].startswith(sentence)
    assert "0" * 32 not in output.stdout


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault("silence", times=None), "Autopilot did not answer in time"),
        (Fault("status", status=500, times=None), "Autopilot has trouble on its side (500)"),
        (Fault("status", status=429, times=None), "Autopilot is limiting requests (429)"),
        (
            Fault("status", status=429, retry_after="3600", times=None),
            "Autopilot asks to wait for 60 minutes",
        ),
        (Fault("html", times=None), "Autopilot's answer cannot be read"),
        (Fault("reset", times=None), "The connection to Autopilot failed or broke off"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_check__api_in_trouble(fault: Fault, sentence: str) -> None:
    """In any trouble of the API the check gives up soon and says what it saw."""
    with Simulator(Account(), key=KEY, faults=[fault]) as autopilot:
        output = run("check", {"api_key": KEY}, url=autopilot.url)

        assert autopilot.log.count() <= 4
    assert output.connection_status["status"] == "FAILED"
    assert output.connection_status["message"].startswith(sentence)


@pytest.mark.parametrize(
    ("faults", "latency_seconds", "sentence"),
    [
        ([Fault("silence", path="/contacts", times=None)], 0, "did not answer in time"),
        ([Fault("drip", path="/smart_segments/*", times=None)], 0, "did not answer in time"),
        ([Fault("status", path="/*contacts", status=429, times=None)], 0, "limiting requests"),
        ([Fault("status", path="/contacts", status=401, times=None)], 0, "does not accept"),
        ([Fault("total", path="/contacts", value="9" * 400)], 0, "No forecast"),
        ([], 4, "with about"),
    ],
    ids=["silence", "drip", "limit", "key", "total", "slow"],
)
def test_check__trouble_with_the_forecast(
    faults: list[Fault], latency_seconds: float, sentence: str
) -> None:
    """In trouble after the first answer the check still passes, and says what it saw."""
    with Simulator(
        Account(segments=25), key=KEY, faults=faults, latency_seconds=latency_seconds
    ) as autopilot:
        output = run("check", {"api_key": KEY}, url=autopilot.url)

        assert autopilot.log.count() <= 3 + 20
    assert output.connection_status == {"status": "SUCCEEDED"}
    assert sentence in output.log


def test_check__no_network() -> None:
    """Without a connection to the API the check says so."""
    output = run("check", {"api_key": KEY}, url=NO_SERVER)

    assert output.connection_status["status"] == "FAILED"
    assert "check that api2.autopilothq.com can be reached" in output.connection_status["message"]


def test_check__passing_trouble() -> None:
    """A check passes while a sync uses up the rate limit."""
    busy = Fault("status", status=429, times=2)
    with Simulator(Account(), key=KEY, faults=[busy]) as autopilot:
        output = run("check", {"api_key": KEY}, url=autopilot.url)

    assert output.connection_status == {"status": "SUCCEEDED"}


def test_check__unusable_environment() -> None:
    """With certificates that are not there nothing is sent, and the check says which variable."""
    missing = {"REQUESTS_CA_BUNDLE": "/not/there.pem"}
    output = run("check", {"api_key": KEY}, environment=missing)

    assert output.connection_status == {
        "status": "FAILED",
        "message": "No request can be sent: REQUESTS_CA_BUNDLE names /not/there.pem for"
        " certificates: No such file or directory. Correct that environment variable where the"
        " connector runs, or remove it.",
    }
    assert output.code == 0


def test_discover__streams() -> None:
    """It finds the four streams and their keys."""
    with Simulator(Account(), key=KEY) as autopilot:
        output = run("discover", ALL_TIME, url=autopilot.url)

    assert output.code == 0
    keys = {
        stream["name"]: stream["source_defined_primary_key"] for stream in output.catalog["streams"]
    }
    assert keys == {
        "contacts": [["contact_id"]],
        "lists": [["list_id"]],
        "smart_segments": [["segment_id"]],
        "smart_segments_contacts": [["segment_id"], ["contact_id"]],
    }


def test_discover__no_network() -> None:
    """Without a connection to the API discover fails, and another try may mend it."""
    output = run("discover", ALL_TIME, url=NO_SERVER)

    assert output.code == 1
    [error] = output.errors
    assert error["failure_type"] == "transient_error"
    assert "check that api2.autopilothq.com can be reached" in error["message"]
    assert output.contents("CATALOG") == []


def test_api_url__plain_http() -> None:
    """Plain http to another host is refused, before anything is sent."""
    output = run("check", {"api_key": KEY}, url="http://autopilot.example/v1")

    assert output.connection_status["status"] == "FAILED"
    assert "AUTOPILOT_API_URL" in output.connection_status["message"]


def test_discover_and_read__locale_that_is_not_utf8() -> None:
    """Messages are UTF-8 where the locale is not, and so are the files of a command."""
    account = Account(contacts=10, custom_fields=[CustomField("北京", "string", "custom_", 1.0)])
    locale = {"PYTHONIOENCODING": "cp1252", "LC_ALL": "C", "PYTHONUTF8": "0"}
    with Simulator(account, key=KEY) as autopilot:
        found = run("discover", ALL_TIME, url=autopilot.url, environment=locale)
        contacts = select_stream(full_refresh(found.catalog), "contacts")
        output = run("read", ALL_TIME, url=autopilot.url, catalog=contacts, environment=locale)

    titles = [
        column.get("title")
        for column in contacts["streams"][0]["stream"]["json_schema"]["properties"].values()
    ]
    assert "北京" in titles
    assert (output.code, output.stderr) == (0, "")
    assert "北京" in {
        entry["kind"] for row in output.rows["contacts"] for entry in row.get("custom_fields", [])
    }


@pytest.mark.parametrize("verb", ["spec", "check", "discover", "read"])
def test_stdout__full(verb: str, tmp_path: Path, catalog: dict[str, Any]) -> None:
    """If stdout cannot be written to, a command ends with exit code 1 and a sentence on stderr."""
    arguments = [verb]
    files = {"config": ALL_TIME, "catalog": catalog}
    for name in {"spec": [], "read": ["config", "catalog"]}.get(verb, ["config"]):
        (tmp_path / name).write_text(json.dumps(files[name]))
        arguments += [f"--{name}", str(tmp_path / name)]
    with (
        Simulator(Account(contacts=300), key=KEY) as autopilot,
        Path("/dev/full").open("w") as full,
    ):
        ended = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, str(ROOT / "main.py"), *arguments],
            env={"AUTOPILOT_API_URL": autopilot.url},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    assert ended.returncode == 1
    assert ended.stderr == (
        "Nothing more can be written to stdout: No space left on device. The command ends here.\n"
    )


def test_usage() -> None:
    """Without a command the program says which there are, not on stdout, and has failed."""
    output = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(ROOT / "main.py")], capture_output=True, text=True, check=False
    )

    assert (output.returncode, output.stdout) == (2, "")
    assert output.stderr.startswith("usage: main.py [-h] {spec,check,discover,read} ...")


def test_read__fails_with_stdout_redirected(tmp_path: Path) -> None:
    """On a terminal that sees no messages, a failure says where the reason is."""
    terminal, stderr = pty.openpty()
    command = [
        sys.executable,
        str(ROOT / "main.py"),
        "read",
        "--config",
        "none",
        "--catalog",
        "none",
    ]
    with (tmp_path / "messages.jsonl").open("w") as messages:
        code = subprocess.call(command, stdout=messages, stderr=stderr)  # noqa: S603
    shown = os.read(terminal, 1000).decode()
    for descriptor in (terminal, stderr):
        os.close(descriptor)

    assert code == 1
    assert shown.startswith("It failed. The reason is where the messages went: grep '")
    pattern = shown.split("'")[1]
    assert pattern in (tmp_path / "messages.jsonl").read_text()
