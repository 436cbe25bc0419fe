"""The program: against a simulator, and with settings that cannot be used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from requests_mock import ANY, Mocker

from simulator import Account, Simulator
from verification.__main__ import main

ROOT = Path(__file__).parent.parent.parent
EXPECTED = {
    "key-shape": "holds",
    "address": "was not met",
    "wrong-key": "holds",
    "missing-key": "holds",
    "unknown-segment": "holds",
    "lists": "holds",
    "lists-rows": "holds",
    "segments-rows": "holds",
    "definitions-rows": "holds",
    "page-size": "holds",
    "last-bookmark": "holds",
    "bookmark": "holds",
    "bookmark-again": "holds",
    "total-exact": "holds",
    "contact-id": "holds",
    "updated-at": "holds",
    "empty-maps": "holds",
}
"""What the simulator does today, of the beliefs that it has no switches for."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config file with the simulator's key."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"api_key": Simulator(Account(contacts=1)).key}))
    return path


def test_program__against_the_simulator(config: Path) -> None:
    """The table has a verdict for each belief, after 30 GET requests at most."""
    with Simulator(Account(contacts=250, segments=1)) as autopilot:
        run = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "verification", "--config", str(config)],
            cwd=ROOT,
            env={**os.environ, "AUTOPILOT_API_URL": autopilot.url},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=True,
        )
        requests = autopilot.log.requests()

    verdicts = dict(re.findall(r"^\| ([a-z-]+) \|.*?\| \**([a-z ]+?)\** \| ", run.stdout, re.M))
    assert {name: verdicts[name] for name in EXPECTED} == EXPECTED
    assert len(requests) <= 30
    assert f" after {len(requests)} questions." in run.stdout
    assert {request.method for request in requests} == {"GET"}


def test_main__wrong_key(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is not accepted: one sentence that says what to do, and no table."""
    monkeypatch.setenv("AUTOPILOT_API_URL", "https://autopilot.example/v1")
    with Mocker() as autopilot:
        autopilot.get(ANY, status_code=401)
        code = main(["--config", str(config)])

    printed = capsys.readouterr()
    assert (code, printed.out) == (1, "")
    assert printed.err.splitlines()[1:] == [
        "Autopilot does not accept the API key (401): copy the key from Autopilot (Settings >"
        f" Autopilot API) into api_key in {config}."
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "The config file {path} cannot be used: "),
        ("{", "The config file {path} cannot be used: "),
        ("[]", "The config file {path} cannot be used: expected a JSON object."),
        ("{}", "API Key (api_key) is missing: expected the key shown in Autopilot"),
    ],
)
def test_main__unusable_config(
    text: str | None, sentence: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence that says what is wrong, and exit code 1."""
    config.unlink()
    if text is not None:
        config.write_text(text)

    code = main(["--config", str(config)])

    printed = capsys.readouterr()
    assert (code, printed.out, printed.err.count("\n")) == (1, "", 1)
    assert printed.err.startswith(sentence.format(path=config))


def test_main__unusable_address(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is judged as the connector does: no key over plain http to elsewhere."""
    monkeypatch.setenv("AUTOPILOT_API_URL", "http://autopilot.example/v1")

    assert main(["--config", str(config)]) == 1

    assert "AUTOPILOT_API_URL is no address" in capsys.readouterr().err
