"""Tests of `files`, and of whole commands with files that are no good."""

import copy
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests_mock
from airbyte_cdk.utils.airbyte_secrets_utils import update_secrets
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from source_autopilot.errors import UserFacingError
from source_autopilot.files import read_catalog, read_config, read_states
from source_autopilot.run import CommandLineSource, execute
from source_autopilot.sync.shutdown import StopSignals
from unit_tests.support.constants import KEY
from unit_tests.support.documents import JSON

LISTS: dict[str, Any] = {
    "stream": {
        "name": "lists",
        "json_schema": {"properties": {"title": {"type": ["null", "string"]}}},
        "supported_sync_modes": ["full_refresh"],
        "source_defined_primary_key": [["list_id"]],
    },
    "sync_mode": "full_refresh",
    "destination_sync_mode": "overwrite",
}
CONTACTS = {**LISTS, "stream": {**LISTS["stream"], "name": "contacts"}}
STATE: dict[str, Any] = {
    "type": "STREAM",
    "stream": {
        "stream_descriptor": {"name": "contacts"},
        "stream_state": {
            "states": [{"partition": {}, "cursor": {"bookmark": "b1"}}],
            "job": "41",
        },
    },
}
GOOD: dict[str, Any] = {
    "config": {"api_key": KEY, "start_date": "2020-01-01", "frequency": 30},
    "catalog": {"streams": [LISTS, CONTACTS]},
    "state": [STATE],
}
READERS: dict[str, Callable[[str], Any]] = {
    "--config": read_config,
    "--catalog": read_catalog,
    "--state": read_states,
}


def with_stream(**fields: Any) -> Any:
    """A catalog whose first stream has these fields."""
    return {"streams": [{**LISTS, "stream": {**LISTS["stream"], **fields}}]}


def refuse(option: str, path: Path) -> str:
    """What is said of a file that is no good, behind its name."""
    with pytest.raises(UserFacingError) as raised:
        READERS[option](str(path))
    sentence = str(raised.value)
    beginning = f"The file of {option}, {path}, cannot be used: "
    assert sentence.startswith(beginning)
    assert raised.value.__suppress_context__
    return sentence.removeprefix(beginning)


@pytest.mark.parametrize("option", READERS)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty."),
        (b" \n", "it is empty."),
        (b'{"a":\n 1', "Expecting ',' delimiter: line 2 column 3 (char 8)."),
        (b'{"type": "STATE"}\n{"type": "STATE"}\n', "Extra data: line 2 column 1 (char 18)."),
        (b'{"a": "\xe9"}', "it is not UTF-8 (at byte 8)."),
        (b"\x1f\x8b\x08", "it is not UTF-8 (at byte 2)."),
        (b'{"a": NaN}', "it has NaN in it, which is no JSON."),
        (b"[-Infinity]", "it has -Infinity in it, which is no JSON."),
        (b"[" * 100_000, "it is nested too deeply."),
    ],
)
def test_read__no_json(tmp_path: Path, option: str, content: bytes, reason: str) -> None:
    """A file that is no JSON is a config error that says where it ends to be JSON.

    A cron job whose last sync was cut off while it wrote its state meets such a file.
    """
    path = tmp_path / "file.json"
    path.write_bytes(content)

    assert refuse(option, path) == reason


@pytest.mark.parametrize(
    ("option", "content", "reason"),
    [
        *[
            (option, content, f"it is {kind}: expected an {expected}.")
            for content, kind in [(5, "a number"), ("x", "a text"), (True, "a boolean")]
            for option, expected in [
                ("--config", "object"),
                ("--catalog", "object"),
                ("--state", "array"),
            ]
        ],
        ("--config", [1], "it is an array: expected an object."),
        ("--config", None, "it is null: expected an object."),
        ("--catalog", {"api_key": KEY}, "streams is missing."),
        ("--catalog", {"streams": None}, "streams is null: expected an array."),
        ("--catalog", {"streams": [LISTS, 1]}, "streams[1] is a number: expected an object."),
        (
            "--catalog",
            with_stream(json_schema=None),
            "streams[0].stream.json_schema is null: expected an object.",
        ),
        (
            "--catalog",
            with_stream(name=5),
            "streams[0].stream.name is a number: expected a text.",
        ),
        (
            "--catalog",
            {"streams": [{**LISTS, "sync_mode": "a mode that nobody knows"}]},
            "streams[0].sync_mode is \"a mode that nobody k\": expected 'full_refresh' or"
            " 'incremental'.",
        ),
        (
            "--catalog",
            {"streams": [{**LISTS, "sync_mode": {"key": KEY}}]},
            "streams[0].sync_mode is an object: expected 'full_refresh' or 'incremental'.",
        ),
        (
            "--catalog",
            {"streams": [{**LISTS, "generation_id": "x"}]},
            'Schema validation failed: - "x" is not of type "integer"'
            " (instance_path='streams/0/generation_id').",
        ),
        ("--state", {"api_key": KEY}, "it is an object: expected an array."),
        ("--state", [STATE, None], "[1] is null: expected an object."),
        ("--state", [{}], "[0].type is missing."),
        (
            "--state",
            [{"type": "STATE", "state": STATE}],
            "[0].type is \"STATE\": expected 'STREAM', 'GLOBAL' or 'LEGACY'.",
        ),
        (
            "--state",
            [{**STATE, "stream": {**STATE["stream"], "stream_state": []}}],
            "[0].stream.stream_state is an array: expected an object.",
        ),
        (
            "--state",
            [{"type": "GLOBAL", "global": {"stream_states": {}}}],
            "[0].global.stream_states is an object: expected an array.",
        ),
    ],
)
def test_read__not_what_was_expected(
    tmp_path: Path, option: str, content: Any, reason: str
) -> None:
    """JSON of another kind is a config error that says where, what was seen, what was expected."""
    path = tmp_path / "file.json"
    path.write_text(json.dumps(content))

    assert refuse(option, path) == reason


@pytest.mark.parametrize("option", READERS)
def test_read__no_file(tmp_path: Path, option: str) -> None:
    """A file that is not there, or a folder, which Docker makes of a mount that is not there."""
    assert refuse(option, tmp_path / "missing") == "No such file or directory."
    assert refuse(option, tmp_path) == "Is a directory."


@pytest.mark.parametrize("known", [True, False])
def test_read__no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    """A file that the container's user may not read: which user that is, and both remedies."""

    def refuse_permission(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse_permission)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    path = tmp_path / "config.json"
    owner = "with the number of its owner"
    if known:
        path.touch()
        owner = str(path.stat().st_uid)

    assert refuse("--config", path) == (
        "user 1000, as which this runs, may not read it; give it to that user (chown 1000), or run"
        f" as its owner (docker run --user {owner})."
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_read__encodings(tmp_path: Path, encoding: str) -> None:
    """A byte order mark is no fault, nor is what PowerShell writes."""
    path = tmp_path / "file.json"
    path.write_text(json.dumps({"api_key": "北京"}, ensure_ascii=False), encoding=encoding)

    assert read_config(str(path)) == {"api_key": "北京"}


@pytest.mark.parametrize("content", ["{}", "[]", "null", None])
def test_read_states__none(tmp_path: Path, content: str | None) -> None:
    """No state, in every spelling, is the start."""
    path = tmp_path / "file.json"
    if content is not None:
        path.write_text(content)

    assert read_states(str(path) if content is not None else None) == []


def test_read__usable_files(tmp_path: Path) -> None:
    """What makes sense is read as it is."""
    paths = {name: tmp_path / name for name in GOOD}
    for name, path in paths.items():
        path.write_text(json.dumps(GOOD[name]))

    assert read_config(str(paths["config"])) == GOOD["config"]
    catalog = read_catalog(str(paths["catalog"]))
    assert [configured.stream.name for configured in catalog.streams] == ["lists", "contacts"]
    assert catalog.streams[0].stream.json_schema == LISTS["stream"]["json_schema"]
    [state] = read_states(str(paths["state"]))
    assert state.stream is not None
    assert vars(state.stream.stream_state) == STATE["stream"]["stream_state"]


# Whole commands


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    level = logging.getLogger("airbyte").level
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setenv("REQUEST_CACHE_PATH", "")  # the CDK sets it
    monkeypatch.delenv("AUTOPILOT_API_URL", raising=False)
    monkeypatch.delenv("WORKER_JOB_ID", raising=False)
    yield
    logging.getLogger("airbyte").setLevel(level)
    update_secrets([])


@st.composite
def spoiled(draw: st.DrawFn, content: Any) -> Any:
    """A file's content with anything in the place of one of its parts, or with one part missing."""
    root = {"": copy.deepcopy(content)}
    holder: Any = root
    part: Any = ""
    while isinstance(holder[part], dict | list) and holder[part] and draw(st.integers(0, 3)):
        holder = holder[part]
        part = draw(
            st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder)))
        )
    if holder is root or draw(st.booleans()):
        holder[part] = draw(JSON)
    else:
        del holder[part]
    return root[""]


@pytest.mark.parametrize(
    ("verb", "name"),
    [("check", "config"), ("read", "config"), ("read", "catalog"), ("read", "state")],
)
@settings(
    max_examples=40,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_execute__any_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, name: str, data: st.DataObject
) -> None:
    """Whatever is in a file: the command does its work, or the file is a config error.

    It is never a fault of ours, and never a success that says nothing.
    """
    spoilt = data.draw(spoiled(GOOD[name]))
    key = spoilt.get("api_key") if isinstance(spoilt, dict) else None
    # The CDK masks a key wherever its letters are: "2" also within the numbers of a message.
    assume(not isinstance(key, str | int | float) or len(str(key)) >= 8)
    arguments = [verb]
    for file in ["config"] if verb == "check" else ["config", "catalog", "state"]:
        path = tmp_path / file
        path.write_text(json.dumps(spoilt if file == name else GOOD[file]))
        arguments += [f"--{file}", str(path)]
    code: Any = 0
    with requests_mock.Mocker() as autopilot:
        autopilot.get(requests_mock.ANY, json={"lists": [], "contacts": [], "segments": []})

        try:
            execute(CommandLineSource(in_batches=True), arguments, StopSignals())
        except SystemExit as ended:
            code = ended.code

    messages = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    traces = [message["trace"] for message in messages if message["type"] == "TRACE"]
    errors = [trace["error"] for trace in traces if trace["type"] == "ERROR"]
    assert {error["failure_type"] for error in errors} <= {"config_error"}
    if verb == "check":
        assert [message["type"] for message in messages].count("CONNECTION_STATUS") == 1
    else:
        assert (code == 1) == bool(errors)
