"""Tests of `stdout`, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
WRITE = r"print('\u5317\u4eac\nzwei'); print('Z\xfcrich', file=sys.stderr)"  # in ASCII: an argument


def run(program: str, *, redirect: str = "", **environment: str) -> Any:
    """Run a program behind `replace_stdout`, with redirections of the shell."""
    script = (
        "import sys\nfrom source_autopilot.stdout import replace_stdout\nreplace_stdout()\n"
        + program
    )
    return subprocess.run(  # noqa: S603 - our own program
        ["/bin/sh", "-c", f'"$0" -c "$1" {redirect}', sys.executable, script],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "utf-16"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "de_DE.ISO-8859-1", "PYTHONUTF8": "0"},
    ],
    ids=str,
)
def test_replace_stdout__encoding(environment: dict[str, str]) -> None:
    """Messages and errors are UTF-8 with line feeds, whatever the environment says."""
    done = run(WRITE, **environment)

    assert done.stdout == "北京\nzwei\n".encode()
    assert done.stderr == "Zürich\n".encode()
    assert done.returncode == 0


def test_replace_stdout__half_a_character() -> None:
    """What UTF-8 cannot write is escaped: in a JSON text it means the same."""
    assert run("print('\\ud800')").stdout == b"\\ud800\n"


@pytest.mark.parametrize(
    ("redirect", "reason"),
    [
        (">/dev/full", "No space left on device"),
        (">&-", "Bad file descriptor"),
        ("| true", "Broken pipe"),
    ],
)
@pytest.mark.parametrize(
    "program",
    [
        "import time\nfor _ in range(500):\n  print('x' * 10_000, flush=True); time.sleep(0.01)",
        "import threading, time\nsys.stdout.buffer.write(b'x')\n"
        "threading.Thread(target=lambda: [print(time.sleep(0.1), flush=True) for _ in range(50)]"
        ").start()",
        "import logging, time\nlogging.basicConfig(stream=sys.stdout)\n"
        "for _ in range(50):\n  logging.error('x'); time.sleep(0.1)",
        "import time\ntime.sleep(0.1)\nprint('x')",
    ],
    ids=["print", "thread", "log", "at the end"],
)
def test_replace_stdout__cannot_be_written(redirect: str, reason: str, program: str) -> None:
    """A stdout that is closed or full ends the process with a sentence, wherever it is noticed."""
    # The status of a pipe is its last command's: the sentence has to do.
    done = run(program, redirect=redirect)

    sentence = f"Nothing more can be written to stdout: {reason}. The command ends here.\n"
    assert (done.stdout, done.stderr.decode()) == (b"", sentence)
    assert done.returncode == (0 if "|" in redirect else 1)


def test_replace_stdout__nor_can_stderr() -> None:
    """Without stdout and stderr there is still the exit code."""
    done = run("print('x', flush=True)", redirect=">/dev/full 2>&-")

    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 1)
