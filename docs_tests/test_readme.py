"""The commands of the README and of docs/autopilot.md, as a reader types them.

They run as they are, but for addresses and secrets. The commands for Docker are in test_image.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
PAGE = (ROOT / "docs" / "autopilot.md").read_text()
PORT = re.compile(r"127\.0\.0\.1:\d+")
# Streams are read side by side, so they may end in any order.
COMPLETE_STREAM = re.compile(r"  \w+ +[\d,]+ rows")
SECONDS = re.compile(r"(?<=\d rows) in \d+ s\b")


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
    blocks = [*shell_blocks(README), *shell_blocks(PAGE)]
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


def demo_lines() -> list[str]:
    """The lines of the README's demo."""
    [block] = re.findall(r"```console\n\$ make demo\n(.+?)```", README, re.S)
    return [line for line in str(block).splitlines() if line != "..."]


def normalize(lines: list[str]) -> Iterator[str]:
    """The lines, without what differs from run to run."""
    alike = [SECONDS.sub("", PORT.sub("127.0.0.1:PORT", line)) for line in lines]
    complete = iter(sorted(line for line in alike if COMPLETE_STREAM.fullmatch(line)))
    for line in alike:
        yield next(complete) if COMPLETE_STREAM.fullmatch(line) else line


@needs_pyairbyte
def test_demo__prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Every line that the README shows is printed, in that order."""
    demo = subprocess.run(  # noqa: S603 - our own program
        [
            sys.executable,
            "-m",
            "autopilot_loader",
            "duckdb",
            "--demo",
            "--database",
            str(tmp_path / "autopilot.duckdb"),
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        cwd=ROOT,
        check=True,
    )
    printed = demo.stdout.replace(str(tmp_path), "demo").splitlines()

    rest = normalize(printed)
    missing = [line for line in normalize(demo_lines()) if line not in rest]
    assert missing == []


def test_commands__all_are_tested() -> None:
    """The documents show no commands but those that are tested here or in test_image."""
    shown_in_readme = [heading for heading, _ in shell_blocks(README)]

    assert shown_in_readme == ["Use it"] * 4 + ["Use it with Docker"]
    assert [heading for heading, _ in shell_blocks(PAGE)] == ["Without Airbyte"]
    assert re.findall(r"^\$ (.+)$", README + PAGE, re.M) == ["make demo", "make test"]


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
    """The README's two commands for DuckDB fill the file once, and until ctrl-C."""
    once, watch = commands("Use it", "duckdb --config").splitlines()
    with Simulator(Account(contacts=5), key=KEY) as autopilot:
        environment = {"AUTOPILOT_API_URL": autopilot.url}
        stdout = run_script(once, checkout, environment)
        assert "\ncontacts: 5 rows\n" in stdout
        (checkout / "autopilot.duckdb").unlink()
        with subprocess.Popen(  # noqa: S603 - the README's command
            shlex.split(watch),
            cwd=checkout,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ) as script:
            assert script.stdout
            assert any(line.startswith("next sync at ") for line in script.stdout)
            script.send_signal(signal.SIGINT)
            assert script.wait(timeout=TIMEOUT_SECONDS) == 0
    assert (checkout / "autopilot.duckdb").exists()


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
        demo = run_script(commands("Without Airbyte", "--demo"), checkout, environment)
        count = "psql -d warehouse -Atc 'SELECT count(*) FROM autopilot.contacts'"
        left = run_script(count, checkout, environment)

    assert "\ncontacts: 3 rows\n" in stdout
    assert stdout.endswith("(3 rows)\n\n")
    assert demo.count("\ncontacts: 2,500 rows\n") == 2
    assert left == "3\n"  # a demo does not touch the real tables
    assert (checkout / "demo" / "autopilot.duckdb").exists()
