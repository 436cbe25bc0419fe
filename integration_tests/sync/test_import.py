"""The package as somebody's Python imports it, in a process of its own."""

import subprocess
import sys

import pytest

from integration_tests.support.connector import ROOT, SECONDS


def output_of(program: str) -> str:
    """What a Python program prints, which has nothing to complain of."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(("before", "after"), [("gc.enable()", "True"), ("gc.disable()", "False")])
def test_import__collector(before: str, after: str) -> None:
    """The garbage collector, which is off meanwhile, is on or off as it was."""
    program = f"import gc; {before}; import source_autopilot; print(gc.isenabled())"

    assert output_of(program) == f"{after}\n"


def test_import__nothing_to_collect() -> None:
    """The collector looks at nothing of what importing leaves: not meanwhile, and not at once."""
    program = """
import gc, sys
looks = []
gc.callbacks.append(lambda phase, _: looks.append(phase) if "airbyte_cdk" in sys.modules else None)
import source_autopilot
lists = [[] for _ in range(500)]
print(len(looks))
"""
    assert output_of(program) == "0\n"
