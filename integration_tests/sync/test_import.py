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


def test_import__nothing_to_collect() -> None:
    """The collector does not run during the import, nor at once after it."""
    program = """
import gc, sys
looks = []
gc.callbacks.append(lambda phase, _: looks.append(phase) if "airbyte_cdk" in sys.modules else None)
import source_autopilot
lists = [[] for _ in range(500)]
print(len(looks))
"""
    assert run_python(program) == "0\n"
