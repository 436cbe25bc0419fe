"""stdout as Airbyte's protocol needs it: UTF-8, a line feed after each message, and never lost.

Python takes encoding and line ends from the environment. And an error of stdout would be reported
on stdout: by the log, by the CDK's handler for uncaught exceptions, and by the interpreter's end.
"""

import io
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn


class _RequiredFile(io.FileIO):
    """A file without which this process has nothing to do."""

    def write(self, data: Any) -> Any:
        try:
            return super().write(data)
        except OSError as problem:
            _end(problem)


def replace_stdout() -> None:
    """Replace sys.stdout. If it is closed or full, now or later, the process ends at once.

    With a sentence on stderr and the exit code 1, on whatever thread this is noticed: no record and
    no state can be delivered any more.
    """
    if sys.stderr:
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        file = _RequiredFile(1, "wb", closefd=False)
    except OSError as problem:
        _end(problem)
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(  # type: ignore[misc]
        io.BufferedWriter(file), encoding="utf-8", errors="backslashreplace", newline="\n"
    )


def _end(problem: OSError) -> NoReturn:
    sentence = f"Nothing more can be written to stdout: {problem.strerror}. The command ends here."
    with suppress(OSError):
        os.write(2, f"{sentence}\n".encode())
    os._exit(1)
