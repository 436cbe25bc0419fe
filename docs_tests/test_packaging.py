"""What pyproject.toml names is there: a tool that finds nothing at a path says nothing about it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    "setting", ["only_mutate", "also_copy", "pytest_add_cli_args_test_selection"]
)
def test_mutants__paths_are_there(setting: str) -> None:
    """`make mutants` changes and runs what it is meant to, also after files were moved."""
    [paths] = re.findall(rf"^{setting} = \[(.+?)\]$", PYPROJECT, re.MULTILINE | re.DOTALL)
    named = re.findall(r'"(.+?)"', paths)

    assert named != []
    assert [path for path in named if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize("python", ["", "no-such-python", "another-python"])
def test_makefile__wrong_python(python: str, tmp_path: Path) -> None:
    """A Python that is not there or not supported is a sentence, before anything is made."""
    for name in ["Makefile", "pyproject.toml", "requirements.lock"]:
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "another-python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "another-python").chmod(0o755)
    path = tmp_path / python if python == "another-python" else python
    made = subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "demo", f"PYTHON={path}"],  # noqa: S607
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert made.returncode == 2
    assert f"3.13 is needed, which {path or 'python3'} is not: install one" in made.stdout
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    "path", ["secrets/config.json", "autopilot/config.json", "autopilot.duckdb", "a.duckdb.wal"]
)
def test_gitignore__personal_data(path: str) -> None:
    """Files that the documents tell a reader to make are not committed by accident."""
    ignored = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=ROOT, check=False)  # noqa: S603, S607

    assert ignored.returncode == 0
