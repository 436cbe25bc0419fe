"""A `docker` without an engine: `docker run` runs the connector of this checkout instead.

It writes its container's process id into the file that CONTAINER names, and knows the mount, the
variable and the arguments that examples/sync_from_cron.sh gives it.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main(arguments: list[str]) -> None:
    """Become the connector, or do nothing."""
    if arguments[0] != "run":
        return
    Path(os.environ["CONTAINER"]).write_text(str(os.getpid()))
    folder = arguments[arguments.index("-v") + 1].split(":")[0]
    variable, value = arguments[arguments.index("--env") + 1].split("=")
    command = [it.replace("/sync/", f"{folder}/") for it in arguments[arguments.index("read") :]]
    program = [sys.executable, str(ROOT / "main.py"), *command]
    os.execve(sys.executable, program, {**os.environ, variable: value})  # noqa: S606 - ours


if __name__ == "__main__":
    main(sys.argv[1:])
