"""Tests of `run`: whole commands through the entrypoint."""

import gc
import json
import logging
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.logger import PRINT_BUFFER
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStreamState,
    ConnectorSpecification,
    FailureType,
    StreamDescriptor,
    Type,
)
from airbyte_cdk.sources.connector_state_manager import HashableStreamDescriptor
from airbyte_cdk.utils.airbyte_secrets_utils import update_secrets
from requests_mock import Mocker

from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.errors import UserFacingError
from source_autopilot.records.rows import Row
from source_autopilot.run import CommandLineSource, Entrypoint, execute, run, write_lines
from source_autopilot.source import SourceAutopilot
from source_autopilot.sync.record_batch import RecordBatch
from source_autopilot.sync.shutdown import StopSignals
from unit_tests.support.constants import KEY

URL = "https://api2.autopilothq.com/v1/"
LOGGER = logging.getLogger("airbyte")
Messages = list[dict[str, Any]]
Command = Callable[..., Messages]
CommandLine = Callable[..., Messages]


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch, limiter: RateLimiter) -> Iterator[None]:
    """What the CDK and the command change in the process is as before afterwards."""
    level = LOGGER.level
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.delenv("AUTOPILOT_API_URL", raising=False)
    monkeypatch.delenv("WORKER_JOB_ID", raising=False)
    monkeypatch.setattr("source_autopilot.source.RateLimiter", lambda: limiter)
    monkeypatch.setenv("REQUEST_CACHE_PATH", "")  # the CDK sets it
    yield
    LOGGER.setLevel(level)
    update_secrets([])


@pytest.fixture
def arguments(tmp_path: Path) -> Callable[..., list[str]]:
    """Write the files of a command; returns its arguments."""

    def write(verb: str, config: dict[str, Any], *streams: str) -> list[str]:
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
        files = {"config": config, "catalog": catalog} if streams else {"config": config}
        argv = [verb]
        for name, content in files.items():
            path = tmp_path / f"{name}.json"
            path.write_text(json.dumps(content))
            argv += [f"--{name}", str(path)]
        return argv

    return write


@pytest.fixture
def command(arguments: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command with the given settings; returns the messages on stdout."""

    def messages_of(verb: str, config: dict[str, Any], *streams: str) -> Messages:
        execute(SourceAutopilot(in_batches=True), arguments(verb, config, *streams), StopSignals())
        return written(capsys)

    return messages_of


@pytest.fixture
def command_line(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Run a command with these arguments; returns the messages on stdout."""

    def messages_of(*argv: str) -> Messages:
        execute(CommandLineSource(in_batches=True), list(argv), StopSignals())
        return written(capsys)

    return messages_of


def written(capsys: pytest.CaptureFixture[str]) -> Messages:
    """The messages on stdout since this was asked last."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class Stdout:
    """A stdout as a process has it, with the bytes that were written so far."""

    def __init__(self) -> None:
        self.buffer = self
        self.written: list[bytes] = []

    def write(self, data: str | bytes) -> None:
        if data:
            self.written.append(data if isinstance(data, bytes) else data.encode())

    def flush(self) -> None:
        pass


def status_of(messages: Messages) -> dict[str, Any]:
    """The one connection status among the messages."""
    [status] = [
        message["connectionStatus"]
        for message in messages
        if message["type"] == "CONNECTION_STATUS"
    ]
    found: dict[str, Any] = status
    return found


def errors_of(messages: Messages) -> list[dict[str, Any]]:
    """The errors among the messages."""
    traces = [message["trace"] for message in messages if message["type"] == "TRACE"]
    return [trace["error"] for trace in traces if trace["type"] == "ERROR"]


# execute


def test_execute__check(command: Command, autopilot: Mocker) -> None:
    """A key that Autopilot accepts is a check that succeeds."""
    autopilot.get(URL + "lists", json={"lists": []})

    assert status_of(command("check", {"api_key": KEY})) == {"status": "SUCCEEDED"}


EXPECTED_KEY = "expected the key shown in Autopilot under Settings > Autopilot API."
NO_KEY = f"API Key (api_key) is empty, or has characters that no key has: {EXPECTED_KEY}"
EXPECTED_DATE = "expected a day such as 2024-01-31, or nothing for the year before each sync."
EXPECTED_MINUTES = "expected whole minutes from 1 to 10080 (a week), such as 360."


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, f"API Key (api_key) is missing: {EXPECTED_KEY}"),
        ({"api_key": None}, f"API Key (api_key) is missing: {EXPECTED_KEY}"),
        *[({"api_key": key}, NO_KEY) for key in ["", "   ", "line\nbreak", "two words", "clé", 5]],
        *[
            ({"api_key": KEY, "start_date": date}, f"Start Date (start_date) is {seen}: ")
            for date, seen in [
                ("31/01", "'31/01'"),
                ("", "''"),
                (1706659200, "1706659200"),
                (True, "True"),
                # The form's pattern takes it, the calendar does not.
                ("2024-02-30", "'2024-02-30', and there is no such day or time"),
                (
                    "2030-01-01",
                    "'2030-01-01', which is in the future: the clock here says 2026-11-24 12:00"
                    " UTC",
                ),
            ]
        ],
        *[
            ({"api_key": KEY, "frequency": minutes}, f"Planned Sync Interval (frequency) is {seen}")
            for minutes, seen in [
                (0, "0: "),
                (-5, "-5: "),
                (10081, "10081: "),
                (7.5, "7.5: "),  # the form's integer field lets it through
                ("5", "'5': "),
                (True, "True: "),
                ([30], "an array: "),
            ]
        ],
    ],
)
def test_execute__check_of_wrong_settings(
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


def test_execute__check_of_several_wrong_settings(command: Command) -> None:
    """Everything that is wrong is said in one check."""
    status = status_of(command("check", {"start_date": "31/01", "frequency": 7.5}))

    assert status["message"] == (
        f"API Key (api_key) is missing: {EXPECTED_KEY}"
        f" Start Date (start_date) is '31/01': {EXPECTED_DATE}"
        f" Planned Sync Interval (frequency) is 7.5: {EXPECTED_MINUTES}"
    )


@pytest.mark.parametrize("name", ["start_date", "frequency"])
def test_execute__check_of_null(command: Command, autopilot: Mocker, name: str) -> None:
    """A null in an optional setting is the same as leaving it out."""
    autopilot.get(URL + "lists", json={"lists": []})

    assert status_of(command("check", {"api_key": KEY, name: None})) == {"status": "SUCCEEDED"}


def test_execute__check_of_a_wrong_key(command: Command, autopilot: Mocker) -> None:
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


def test_execute__spec(command_line: CommandLine) -> None:
    """The spec needs no settings, and is one message."""
    [message] = command_line("spec")

    assert message["type"] == "SPEC"
    assert message["spec"]["connectionSpecification"]["required"] == ["api_key"]


def test_execute__read(command: Command, autopilot: Mocker) -> None:
    """A read prints RUNNING, the records, and behind them a state that counts them."""
    rows = [{"list_id": f"contactlist_{number}", "title": "Ladies"} for number in range(3)]
    autopilot.get(URL + "lists", json={"lists": rows})

    messages = command("read", {"api_key": KEY}, "lists")

    kinds = [
        message["trace"].get("stream_status", {}).get("status", message["trace"]["type"])
        if message["type"] == "TRACE"
        else message["type"]
        for message in messages
    ]
    assert kinds == [
        "STARTED",
        "RUNNING",
        *["RECORD"] * 3,
        "ESTIMATE",
        "STATE",
        "COMPLETE",
    ]
    assert [
        message["record"]["data"] for message in messages if message["type"] == "RECORD"
    ] == rows
    [state] = [message["state"] for message in messages if message["type"] == "STATE"]
    assert state["sourceStats"] == {"recordCount": 3.0}


def test_execute__in_few_pieces(
    arguments: Callable[..., list[str]], autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages are kept until there is a page, a line of the log, or the end: a write for all."""
    stdout = Stdout()
    monkeypatch.setattr(sys, "__stdout__", stdout)
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(PRINT_BUFFER, "flush_interval", float("inf"))
    # A worker logs the forecast, at any moment.
    monkeypatch.setattr(logging.getLogger("airbyte.forecast"), "disabled", True)
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}, {"list_id": "l2"}]})

    execute(
        SourceAutopilot(in_batches=True),
        arguments("read", {"api_key": KEY}, "lists"),
        StopSignals(),
    )

    assert [
        [json.loads(line)["type"] for line in piece.splitlines()] for piece in stdout.written
    ] == [
        ["LOG"],  # what is read
        ["TRACE", "TRACE"],  # started, running
        ["RECORD", "RECORD"],
        ["TRACE", "STATE", "LOG"],  # an estimate; what became of the stream
        ["TRACE"],  # complete
    ]


def test_execute__failed_streams(
    command: Command, autopilot: Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed sync ends with exit code 1 and one error, not with a second one of the CDK's."""
    autopilot.get(URL + "lists", status_code=401)

    with pytest.raises(SystemExit) as ended:
        command("read", {"api_key": KEY}, "lists")

    messages = written(capsys)
    assert ended.value.code == 1
    assert [error["failure_type"] for error in errors_of(messages)] == ["config_error"]
    assert KEY not in json.dumps(messages)


def test_execute__unusable_settings(
    command: Command, autopilot: Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    """A read with unusable settings ends with exit code 1 and a sentence, without a stack trace."""
    with pytest.raises(SystemExit) as ended:
        command("read", {"api_key": KEY, "start_date": "31/01"}, "lists")

    [error] = errors_of(written(capsys))
    assert ended.value.code == 1
    assert error == {
        "message": f"Start Date (start_date) is '31/01': {EXPECTED_DATE}",
        "failure_type": "config_error",
    }
    assert autopilot.call_count == 0


def test_execute__unusable_file(
    command_line: CommandLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that cannot be used ends the command with exit code 1, a sentence, and its status."""
    path = tmp_path / "missing.json"

    with pytest.raises(SystemExit) as ended:
        command_line("check", "--config", str(path))

    messages = written(capsys)
    sentence = f"The file of --config, {path}, cannot be used: No such file or directory."
    assert ended.value.code == 1
    assert errors_of(messages) == [{"message": sentence, "failure_type": "config_error"}]
    assert status_of(messages) == {"status": "FAILED", "message": sentence}


def test_execute__half_a_character(
    command: Command, capsys: pytest.CaptureFixture[str], autopilot: Mocker
) -> None:
    """A name that no message can have in it is escaped in the error that names it."""
    with pytest.raises(SystemExit):
        command("read", {"api_key": KEY}, "\ud800")

    [error] = errors_of(written(capsys))
    assert error["failure_type"] == "config_error"
    assert error["message"].startswith("Autopilot has no stream \\ud800: expected")


def test_execute__no_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command the usage is printed, not among the messages, and that has failed."""
    with pytest.raises(SystemExit) as ended:
        execute(CommandLineSource(), [], StopSignals())

    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert "{spec,check,discover,read}" in printed.err


def test_execute__fault_of_ours(
    command: Command, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that no sentence explains goes on to the CDK's handler, as it is."""
    fault = KeyError("oops")

    def check(*args: Any) -> None:
        raise fault

    monkeypatch.setattr(SourceAutopilot, "check_connection", check)

    with pytest.raises(KeyError) as raised:
        command("check", {"api_key": KEY})

    assert raised.value is fault


def test_execute__stopped(
    arguments: Callable[..., list[str]], autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped sync ends as its signal asks when its last state and its error are on stdout."""
    stdout = Stdout()
    monkeypatch.setattr(sys, "__stdout__", stdout)
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(PRINT_BUFFER, "flush_interval", float("inf"))
    source = SourceAutopilot(in_batches=True)
    ends: list[Messages] = []
    signals = StopSignals()

    def end_process() -> None:
        lines = b"".join(stdout.written).splitlines()
        ends.append([json.loads(line) for line in lines])

    def stop_meanwhile(request: Any, context: Any) -> str:
        assert source.stop()
        return '{"lists": []}'

    monkeypatch.setattr(signals, "exit", end_process)
    autopilot.get(URL + "lists", text=stop_meanwhile)

    execute(source, arguments("read", {"api_key": KEY}, "lists"), signals)

    [messages] = ends
    assert [message["type"] for message in messages] == [
        "LOG",  # what is read
        "TRACE",  # started
        "STATE",
        "LOG",  # what became of it
        "TRACE",  # incomplete
        "TRACE",  # the error
    ]
    assert errors_of(messages) == [
        {
            "message": "The sync was stopped from outside before it was complete. Its next attempt"
            " goes on from the last state.",
            "failure_type": "transient_error",
        }
    ]


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
def test_execute__level_of_the_log(command_line: CommandLine, level: int) -> None:
    """The logger "airbyte" has its level back when the command runs."""
    LOGGER.setLevel(level)

    command_line("spec")

    assert LOGGER.level == level


def test_execute__entrypoint_that_fails(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What the entrypoint says of itself is not logged, but its warnings are; the level is back."""
    fault = KeyError("oops")

    def make_entrypoint(source: SourceAutopilot) -> None:
        LOGGER.info("my limits")
        LOGGER.warning("my trouble")
        raise fault

    monkeypatch.setattr("source_autopilot.run.Entrypoint", make_entrypoint)
    LOGGER.setLevel(logging.INFO)

    with pytest.raises(KeyError):
        command_line("spec")

    assert caplog.messages == ["my trouble"]
    assert LOGGER.level == logging.INFO


# Entrypoint


def batch_of(*titles: str) -> RecordBatch:
    """Records of the lists."""
    rows: list[Row] = [{"title": title} for title in titles]
    return RecordBatch.from_rows("lists", rows, rows_read=len(rows) + 1)


def test_handle_record_counts() -> None:
    """A state says how many records came since the stream's last one: batches, and single ones."""
    counts: defaultdict[HashableStreamDescriptor, float] = defaultdict(float)
    batch, nothing = batch_of("a", "b"), batch_of()
    [single] = batch_of("c").to_messages()
    state = AirbyteMessage(
        type=Type.STATE,
        state=AirbyteStateMessage(
            type=AirbyteStateType.STREAM,
            stream=AirbyteStreamState(
                stream_descriptor=StreamDescriptor(name="lists"), stream_state=AirbyteStateBlob()
            ),
        ),
    )

    passed = [
        Entrypoint.handle_record_counts(message, counts)
        for message in (batch, nothing, single, batch, state)
    ]

    assert passed == [batch, nothing, single, batch, state]
    assert all(isinstance(passed[place], RecordBatch) for place in (0, 1, 3))
    assert state.state
    assert state.state.sourceStats
    assert state.state.sourceStats.recordCount == 5.0
    assert counts == {HashableStreamDescriptor(name="lists"): 0.0}


def test_validate_connection() -> None:
    """Settings are judged by our sentences, not by a schema validator's."""
    specification = ConnectorSpecification(connectionSpecification={"required": ["more"]})

    Entrypoint.validate_connection(specification, {"api_key": KEY})
    with pytest.raises(UserFacingError, match="Start Date") as raised:
        Entrypoint.validate_connection(specification, {"api_key": KEY, "start_date": 5})

    assert raised.value.failure_type == FailureType.config_error


# run


@pytest.fixture
def _collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("_collector")
def test_run(
    arguments: Callable[..., list[str]],
    autopilot: Mocker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command line's own process stops on signals, reads in batches, and collects rarely."""
    signals = StopSignals()
    batches: list[bytes] = []
    _, *other_thresholds = gc.get_threshold()
    monkeypatch.setattr("source_autopilot.run.write_lines", batches.append)
    autopilot.get(URL + "lists", json={"lists": [{"list_id": "l1"}, {"list_id": "l2"}]})
    argv = arguments("read", {"api_key": KEY}, "lists")
    monkeypatch.setattr(sys, "argv", ["source-autopilot", *argv])

    run(signals)

    assert signals.stop()
    assert [batch.count(b"\n") for batch in batches] == [2]
    assert {message["type"] for message in written(capsys)} == {"TRACE", "STATE"}
    assert gc.get_threshold() == (50_000, *other_thresholds)
    assert gc.get_freeze_count() > 0


# write_lines


def test_write_lines__in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that a worker logs meanwhile comes before the lines of a page or behind, never within.

    The CDK's print buffer, which takes log lines, is flushed by whichever thread fills it.
    """
    other = threading.Thread(target=PRINT_BUFFER.flush)

    class Interrupted(Stdout):
        def write(self, data: str | bytes) -> None:
            if data == b"page\n":
                PRINT_BUFFER.buffer.write("log\n")
                other.start()
                other.join(timeout=0.05)
            super().write(data)

    stdout = Interrupted()
    monkeypatch.setattr(sys, "__stdout__", stdout)
    monkeypatch.setattr(sys, "stdout", PRINT_BUFFER)

    write_lines(b"page\n")
    other.join(timeout=10)

    assert stdout.written == [b"page\n", b"log\n"]


def test_write_lines__behind_what_was_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page comes behind everything that was printed so far, also what is still in the buffer."""
    stdout = Stdout()
    monkeypatch.setattr(sys, "__stdout__", stdout)
    monkeypatch.setattr(sys, "stdout", PRINT_BUFFER)
    monkeypatch.setattr(PRINT_BUFFER, "flush_interval", float("inf"))
    print("status")

    write_lines(b"page\n")
    print("state")
    PRINT_BUFFER.flush()

    assert stdout.written == [b"status\n", b"page\n", b"state\n"]
