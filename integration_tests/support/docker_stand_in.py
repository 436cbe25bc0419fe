"""A `docker` without an engine: `docker run` runs the connector of this checkout instead.

It writes the process id of its "container" into the file that CONTAINER names. It knows only the
mount, the variable and the arguments of examples/sync_from_cron.sh.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parent.parent.parent


def put_stand_in_on_path(url: str, folder: Path, patch: "pytest.MonkeyPatch") -> Path:
    """Put it on PATH with the simulator's URL; returns the file of the process id."""
    folder.mkdir(exist_ok=True)
    program, container = folder / "docker", folder / "container"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    program.chmod(0o755)
    patch.setenv("PATH", str(folder), prepend=os.pathsep)
    patch.setenv("CONTAINER", str(container))
    patch.setenv("AUTOPILOT_API_URL", url)
    return container


def main(arguments: list[str]) -> None:
    """Run the connector in this process for `run`; do nothing for other commands."""
    if arguments[0] != "run":
        return
    Path(os.environ["CONTAINER"]).write_text(str(os.getpid()))
    folder = arguments[arguments.index("-v") + 1].split(":")[0]
    variable, value = arguments[arguments.index("--env") + 1].split("=")
    command = arguments[arguments.index("read") :]
    command = [argument.replace("/sync/", f"{folder}/") for argument in command]
    program = [sys.executable, str(ROOT / "main.py"), *command]
    os.execve(sys.executable, program, {**os.environ, variable: value})  # noqa: S606 - ours


if __name__ == "__main__":
    main(sys.argv[1:])
