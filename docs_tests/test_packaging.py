"""What pyproject.toml names is there: a tool that finds nothing at a path says nothing about it."""

import re
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
