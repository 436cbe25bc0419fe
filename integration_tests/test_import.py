"""The package as somebody's Python imports it, in a process of its own."""

import subprocess
import sys

import pytest

from integration_tests.connector import ROOT, SECONDS


@pytest.mark.parametrize(("before", "after"), [("gc.enable()", "True"), ("gc.disable()", "False")])
def test_import__collector(before: str, after: str) -> None:
    """The garbage collector, which is off meanwhile, is on or off as it was."""
    program = f"import gc; {before}; import source_autopilot; print(gc.isenabled())"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
    )

    assert (done.stdout, done.stderr) == (f"{after}\n", "")
