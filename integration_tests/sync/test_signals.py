"""Commands that get a signal before they have anything to stop, as a process and as process 1."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from integration_tests.support.connector import ROOT, TIMEOUT_SECONDS

# The namespace's first process is unshare's child. Without the rights of root this is not possible.
AS_PROCESS_1 = ["unshare", "--pid", "--fork", "--kill-child"]
CAN_BE_PROCESS_1 = shutil.which("unshare") and not subprocess.call([*AS_PROCESS_1, "true"])  # noqa: S603


@contextmanager
def start_importing(folder: Path, *, under: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """The command `spec` while it imports the CDK, which takes for ever here."""
    package = folder / "airbyte_cdk"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import time\nprint('importing', flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(  # noqa: S603 - our own program
        [*under, sys.executable, str(ROOT / "main.py"), "spec"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "importing\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, -15), (signal.SIGINT, 130), (signal.SIGHUP, -1)]
)
def test_signal__during_the_imports(tmp_path: Path, number: int, code: int) -> None:
    """A signal ends a command in its first second; a parent sees that SIGTERM was no failure."""
    with start_importing(tmp_path) as process:
        process.send_signal(number)

        assert process.wait(TIMEOUT_SECONDS) == code


@pytest.mark.skipif(not CAN_BE_PROCESS_1, reason="unshare needs the rights of root")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal__during_the_imports_of_process_1(tmp_path: Path, number: int, code: int) -> None:
    """The kernel drops what process 1 of a container does not listen for."""
    with start_importing(tmp_path, under=AS_PROCESS_1) as process:
        [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), number)

        assert process.wait(TIMEOUT_SECONDS) == code


@pytest.mark.parametrize(
    ("under", "number"),
    [
        (["nohup"], signal.SIGHUP),
        (["sh", "-c", "trap '' INT; exec \"$@\"", "sh"], signal.SIGINT),  # a shell's background job
    ],
    ids=["nohup", "background"],
)
def test_signal__ignored_before(tmp_path: Path, under: list[str], number: int) -> None:
    """A signal that was ignored when the command was started does not end it."""
    with start_importing(tmp_path, under=under) as process:
        process.send_signal(number)
        process.terminate()

        assert process.wait(TIMEOUT_SECONDS) == -15
