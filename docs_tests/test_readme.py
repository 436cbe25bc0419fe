"""The commands of the README and of the loader's section, as a reader types them.

They run as they are, but for addresses and secrets. The commands for Docker are in test_image.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from autopilot_loader.__main__ import make_parser, open_destination
from autopilot_loader.destination import MARK
from autopilot_loader.duckdb_file import DuckDBFile
from integration_tests.support.connector import ALL_TIME, KEY, ROOT, TIMEOUT_SECONDS, Output
from integration_tests.support.loader import needs_pyairbyte
from integration_tests.support.postgres import (
    PASSWORD,
    find_programs,
    needs_postgres,
    run_postgresql,
)
from integration_tests.support.rows import expected_rows, sorted_rows
from integration_tests.support.shell import run_script
from simulator import Account, Simulator

README = (ROOT / "README.md").read_text()
LOADER = "The loader"  # a section of docs/deployment.md, whose others are tested elsewhere
PAGE = (ROOT / "docs" / "deployment.md").read_text()
SECTION = f"## {LOADER}\n" + PAGE.split(f"\n## {LOADER}\n")[1].split("\n## ")[0]
PORT = re.compile(r"127\.0\.0\.1:\d+")
MAX_LINES_SHOWN = 20


def shell_blocks(document: str) -> list[tuple[str, str]]:
    """The commands of each block for a shell, and the heading that it stands under."""
    heading, blocks = "", []
    for title, block in re.findall(r"^#+ (.+)$|^```sh\n([^`]+)```$", document, re.M):
        heading = title or heading
        if block:
            blocks.append((heading, block))
    return blocks


def commands(heading: str, word: str) -> str:
    """The only block under a heading that contains a word."""
    blocks = [*shell_blocks(README), *shell_blocks(SECTION)]
    [found] = [block for title, block in blocks if title == heading and word in block]
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like this repository after `make demo`, with a config file."""
    package = ["source_autopilot", "autopilot_loader", "pyproject.toml", "setup.py", "README.md"]
    for name in [*package, "examples", "simulator"]:
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "config.json").write_text(str(ALL_TIME).replace("'", '"'))
    return tmp_path


def demo_pattern() -> str:
    """What the README shows of the demo, as a pattern: an ellipsis stands for one line or more."""
    [block] = re.findall(r"```console\n\$ make demo\n(.+?)^\$ ", README, re.DOTALL | re.MULTILINE)
    assert len(block.splitlines()) <= MAX_LINES_SHOWN
    excerpts = re.split(r"^\.\.\.\n", PORT.sub("PORT", block), flags=re.MULTILINE)
    return r"(?:.*\n)+".join(map(re.escape, excerpts))


@needs_pyairbyte
def test_demo__prints_what_the_readme_shows(checkout: Path) -> None:
    """The output is the README's from its first line to its last, but for the ellipses."""
    into_duckdb, _ = commands(LOADER, "--demo").splitlines()
    printed = PORT.sub("PORT", run_script(into_duckdb, checkout))

    assert re.fullmatch(demo_pattern(), printed), printed
    assert (checkout / "demo" / "autopilot.duckdb").exists()
    [makes] = re.findall(r"^demo: .*\n\t@\$\(DEMO\)(.+)$", (ROOT / "Makefile").read_text(), re.M)
    assert f".venv{makes}" == into_duckdb


def test_commands__all_are_tested() -> None:
    """The documents show no commands but those that are tested here or in test_image."""
    shown_in_readme = [heading for heading, _ in shell_blocks(README)]

    docker = ["Use it with Docker", "Try Docker without an account"]
    assert shown_in_readme == ["Use it"] * 4 + docker
    assert [heading for heading, _ in shell_blocks(SECTION)] == [LOADER]
    assert re.findall(r"^\$ (.+)$", README + SECTION, re.M) == ["make demo", "make test"]


def test_commands__connector(checkout: Path) -> None:
    """After `pip install` the README's commands deliver every record."""
    (checkout / "source_autopilot").unlink()  # pip writes beside the package
    shutil.copytree(ROOT / "source_autopilot", checkout / "source_autopilot")
    venv = checkout / "venv"
    settings = commands("Use it", "chmod").replace("YOUR-KEY", KEY)
    create_venv, use_it = commands("Use it", "pip install").split("\n", 1)
    run_script(settings, checkout)
    run_script(create_venv.replace("python3", shlex.quote(sys.executable)), checkout)
    [site] = venv.glob("lib/python*/site-packages")
    # The venv of the tests lends the dependencies, so that nothing is downloaded.
    (site / "lent.pth").write_text(f"{Path(pytest.__file__).parent.parent}\n")
    shutil.rmtree(site / "setuptools", ignore_errors=True)  # Python's own, which may be too old
    environment = {
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say yes to this one
    }
    account = Account(contacts=150, segments=3)
    with Simulator(account, key=KEY) as autopilot:
        environment["AUTOPILOT_API_URL"] = autopilot.url
        stdout = run_script(use_it, checkout, environment)

    lines = [line for line in stdout.split("\n") if line.startswith("{")]
    output = Output(0, "\n".join(lines), "")
    kinds = {message["type"] for message in output.messages}
    assert kinds >= {"SPEC", "CONNECTION_STATUS", "CATALOG", "RECORD", "STATE"}
    assert sorted_rows(output.rows) == sorted_rows(expected_rows(account))
    assert list(site.glob("source_autopilot"))


@needs_pyairbyte
def test_commands__duckdb(checkout: Path) -> None:
    """The README's commands for DuckDB fill the file, once and until ctrl-C."""
    once, watch = commands("Use it", "duckdb --config").splitlines()
    options = parse_loader(once)
    assert parse_loader(watch) == {**options, "watch": True}
    assert options["destination"] == DuckDBFile(Path("autopilot.duckdb"), MARK)
    with Simulator(Account(contacts=5), key=KEY) as autopilot:
        environment = {"AUTOPILOT_API_URL": autopilot.url}
        with subprocess.Popen(  # noqa: S603 - the README's command
            shlex.split(watch),
            cwd=checkout,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ) as script:
            assert script.stdout
            shown = list(
                takewhile(lambda line: not line.startswith("next sync at "), script.stdout)
            )
            script.send_signal(signal.SIGINT)
            assert script.wait(timeout=TIMEOUT_SECONDS) == 0
    assert "contacts: 5 rows\n" in shown
    assert (checkout / "autopilot.duckdb").exists()


def parse_loader(command: str) -> dict[str, Any]:
    """The options of a command that runs the loader, with its destination in place of names."""
    python, dash_m, module, *arguments = shlex.split(command)
    assert (python, dash_m, module) == (".venv/bin/python", "-m", "autopilot_loader")
    options = make_parser().parse_args(arguments)
    return {**vars(options), "database": None, "destination": open_destination(options)}


@needs_pyairbyte
@needs_postgres
def test_commands__postgresql(checkout: Path) -> None:
    """The commands for PostgreSQL, of the README and the page, fill the tables and show them."""
    with run_postgresql() as server, Simulator(Account(contacts=3), key=KEY) as autopilot:
        environment = {
            **server,
            "AUTOPILOT_API_URL": autopilot.url,
            "PATH": f"{os.environ['PATH']}:{find_programs()}",
        }
        run_script("psql -c 'CREATE DATABASE warehouse'", checkout, environment)
        script = commands("Use it", "psql").replace("YOUR-PASSWORD", shlex.quote(PASSWORD))
        stdout = run_script(script, checkout, environment)
        _, demo_into_postgresql = commands(LOADER, "--demo").splitlines()
        demo = run_script(demo_into_postgresql, checkout, environment)
        count = "psql -d warehouse -Atc 'SELECT count(*) FROM autopilot.contacts'"
        left = run_script(count, checkout, environment)

    assert "\ncontacts: 3 rows\n" in stdout
    assert stdout.endswith("(3 rows)\n\n")
    assert "\ncontacts: 2,500 rows\n" in demo
    assert left == "3\n"  # a demo does not touch the real tables


DOCKER = """#!/bin/bash
while [ "$1" != source-autopilot ]; do
  case "$1" in --env) export "$2" ;; -v) mounted=${2%%:*} ;; esac
  shift
done
shift
exec "$PYTHON" "$MAIN" "${@//\\/secrets/$mounted}"
"""


def test_commands__docker_without_an_account(checkout: Path) -> None:
    """The simulator, as the README starts it, takes the key of the config that it shows."""
    [command] = re.findall(r"`\.venv/bin/python (-m simulator --port 8080)`", README)
    script = commands("Try Docker without an account", "docker run")
    port = str(find_free_port())
    docker = checkout / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    environment = {
        "PATH": f"{checkout}:{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "MAIN": str(ROOT / "main.py"),
    }
    with subprocess.Popen(  # noqa: S603 - the README's command
        [sys.executable, *command.replace("8080", port).split()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as simulator:
        assert simulator.stdout
        ready = simulator.stdout.readline()
        stdout = run_script(script.replace("8080", port), checkout, environment)
        simulator.terminate()

    assert f'"key": "{json.loads((checkout / "demo/config.json").read_text())["api_key"]}"' in ready
    assert '"status":"SUCCEEDED"' in stdout


def find_free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
