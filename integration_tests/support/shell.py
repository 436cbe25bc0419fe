"""Commands of the documents, as a reader runs them in a shell."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from integration_tests.support.connector import TIMEOUT_SECONDS


def run_script(script: str, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """The stdout of commands that run in a folder; one that fails, fails the test."""
    done = subprocess.run(  # noqa: S603 - the documents' commands
        ["/bin/bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout
