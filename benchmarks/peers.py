"""The connector and its alternatives, each in a venv of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .workloads import TABLES

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(__file__).parent / "programs"
VENVS = ROOT / ".venv-benchmarks"
START_DATE = "2000-01-01"

_CDK = ["--constraint", str(ROOT / "requirements.lock"), "airbyte-cdk"]


@dataclass(frozen=True)
class Peer:
    """A program that reads the tables that it is told.

    `command` gets the folder of a run, with config.json, catalog.json and so on, and the folder of
    the venv's programs. The program prints the rows or writes them into the folder of the run. A
    `sequential` one has one request under way at most.
    """

    name: str
    title: str
    venv: str
    requirements: list[str]
    command: Callable[[Path, Path], list[str]]
    sequential: bool = False

    def install(self) -> Path:
        """Create the venv if it is missing; returns the folder of its programs.

        Raises subprocess.CalledProcessError.
        """
        bin_folder = VENVS / self.venv / "bin"
        done = VENVS / self.venv / "installed"
        if not done.exists() or self.venv == "ours":
            print(f"Installing {' '.join(self.requirements)} ...", flush=True)
            subprocess.check_call([sys.executable, "-m", "venv", bin_folder.parent])  # noqa: S603
            pip = [str(bin_folder / "python"), "-m", "pip", "install", "--quiet"]
            subprocess.check_call(  # noqa: S603 - our own list
                [*pip, "--disable-pip-version-check", *self.requirements], cwd=ROOT
            )
            done.touch()
        return bin_folder


def prepare(folder: Path, url: str, key: str, tables: Sequence[str] = TABLES) -> dict[str, str]:
    """Write the files that the commands name; returns the environment that they need."""
    config = {"api_key": key, "start_date": START_DATE, "url": url}
    files: Mapping[str, Any] = {
        "config": config,
        "ours": {"api_key": key, "start_date": START_DATE},
        "singer": config | {"start_date": f"{START_DATE}T00:00:00Z"},
        "catalog": {"streams": [_configure(name) for name in tables]},
        "properties": {"streams": [_select(name) for name in tables]},
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    manifest = yaml.safe_load((PROGRAMS / "low_code.yaml").read_text())
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    (folder / "manifest-budget.yaml").write_text(yaml.safe_dump(manifest | _TWENTY_A_SECOND))
    return {
        "AUTOPILOT_API_URL": url,
        "BENCHMARK_URL": url,
        "BENCHMARK_KEY": key,
        "BENCHMARK_TABLES": " ".join(tables),
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }


def _configure(name: str) -> dict[str, Any]:
    """The stream in Airbyte's catalog: without columns for custom fields, which no peer has."""
    schema = json.loads((ROOT / f"source_autopilot/schemas/{name}.json").read_text())
    stream = {"name": name, "json_schema": schema, "supported_sync_modes": ["full_refresh"]}
    return {
        "stream": stream,
        "sync_mode": "full_refresh",
        "destination_sync_mode": "overwrite",
    }


def _select(name: str) -> dict[str, Any]:
    """The stream in Singer's catalog."""
    selected = {"breadcrumb": [], "metadata": {"selected": True}}
    return {"tap_stream_id": name, "stream": name, "schema": {}, "metadata": [selected]}


_TWENTY_A_SECOND = {
    "api_budget": {
        "type": "HTTPAPIBudget",
        "policies": [
            {
                "type": "MovingWindowCallRatePolicy",
                "rates": [{"limit": 20, "interval": "PT1S"}],
                "matchers": [],
            }
        ],
    }
}


def _read_command(program: list[str], folder: Path, config: str = "config") -> list[str]:
    """A read as Airbyte starts it."""
    files = ["--config", str(folder / f"{config}.json"), "--catalog", str(folder / "catalog.json")]
    return [*program, "read", *files]


def _low_code_command(manifest: str) -> Callable[[Path, Path], list[str]]:
    def command(folder: Path, programs: Path) -> list[str]:
        program = [str(programs / "source-declarative-manifest")]
        return [*_read_command(program, folder), "--manifest-path", str(folder / manifest)]

    return command


OURS = Peer(
    "source-autopilot",
    "this connector",
    "ours",
    ["--constraint", str(ROOT / "requirements.lock"), str(ROOT)],
    lambda folder, programs: _read_command([str(programs / "source-autopilot")], folder, "ours"),
)
PEERS = [
    OURS,
    Peer(
        "naive",
        "a sequential connector on the same CDK",
        "cdk",
        _CDK,
        lambda folder, programs: _read_command(
            [str(programs / "python"), str(PROGRAMS / "naive.py")], folder
        ),
        sequential=True,
    ),
    Peer(
        "low-code",
        "a manifest on the same CDK, 20 workers",
        "cdk",
        _CDK,
        _low_code_command("manifest.yaml"),
    ),
    Peer(
        "low-code-budget",
        "the same with an API budget of 20/s",
        "cdk",
        _CDK,
        _low_code_command("manifest-budget.yaml"),
    ),
    Peer(
        "dlt",
        "dlt's rest_api source, parallel, up to the rows in files",
        "dlt",
        ["dlt"],
        lambda folder, programs: [str(programs / "python"), str(PROGRAMS / "dlt_rest_api.py")],
    ),
    Peer(
        "tap-autopilot",
        "the Singer tap",
        "tap",
        ["tap-autopilot"],
        lambda folder, programs: [
            *[str(programs / "python"), str(PROGRAMS / "tap.py")],
            *["--config", str(folder / "singer.json")],
            *["--properties", str(folder / "properties.json")],
        ],
        sequential=True,
    ),
]
