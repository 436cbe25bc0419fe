"""The README's demo prints what the README shows."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration_tests.connector import ROOT, SECONDS

PORT = re.compile(r"127\.0\.0\.1:\d+")
# Tables are read side by side, so they may end in any order.
ENDED = re.compile(r"  \w+ +[\d,]+ rows")


def shown() -> list[str]:
    """The lines of the README's demo."""
    [block] = re.findall(
        r"```console\n\$ make demo\n(.+?)```", (ROOT / "README.md").read_text(), re.S
    )
    return [line for line in str(block).splitlines() if line != "..."]


def comparable(lines: list[str]) -> Iterator[str]:
    """The lines, with those that may differ from run to run made equal."""
    ended = iter(sorted(line for line in lines if ENDED.fullmatch(line)))
    for line in lines:
        yield next(ended) if ENDED.fullmatch(line) else PORT.sub("127.0.0.1:PORT", line)


def test_demo__prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Every line that the README shows is printed, in that order."""
    pytest.importorskip("airbyte", reason="PyAirbyte does not support this Python")
    demo = subprocess.run(  # noqa: S603 - our own program
        [
            sys.executable,
            str(ROOT / "examples" / "sync_to_duckdb.py"),
            "--demo",
            "--database",
            str(tmp_path / "autopilot.duckdb"),
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=True,
    )
    printed = demo.stdout.replace(str(tmp_path), "demo").splitlines()

    rest = comparable(printed)
    missing = [line for line in comparable(shown()) if line not in rest]
    assert missing == []
