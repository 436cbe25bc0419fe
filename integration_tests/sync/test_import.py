"""Importing the package, in a process of its own."""

import subprocess
import sys

import pytest

from integration_tests.support.connector import ROOT, TIMEOUT_SECONDS


def run_python(program: str) -> str:
    """The stdout of a Python program that has to succeed, without a warning."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(("before", "after"), [("gc.enable()", "True"), ("gc.disable()", "False")])
def test_import__collector(before: str, after: str) -> None:
    """Importing leaves the garbage collector on or off, as it was."""
    program = f"import gc; {before}; import source_autopilot; print(gc.isenabled())"

    assert run_python(program) == f"{after}\n"


def test_import__signals_first() -> None:
    """What listens for signals and replaces stdout is there without anything slow."""
    program = (
        "import sys, source_autopilot.__main__\n"
        "slow = {'airbyte_cdk', 'pydantic', 'requests'} & set(sys.modules)\n"
        "from source_autopilot import SourceAutopilot\n"
        "print(slow, SourceAutopilot.__name__, hasattr(source_autopilot, 'SourcePilot'))"
    )

    assert run_python(program) == "set() SourceAutopilot False\n"
