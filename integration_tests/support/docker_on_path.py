"""A `docker` for commands that are not ours, whose containers talk to a simulator."""

import shutil
from pathlib import Path

import pytest


def docker_that_reaches(url: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Put it on PATH: `docker run` gets the host's network and the simulator's address."""
    folder.mkdir(exist_ok=True)
    wrapper = folder / "docker"
    real = shutil.which("docker")
    run_here = f"container run --network=host --env AUTOPILOT_API_URL={url}"
    wrapper.write_text(
        f'#!/bin/sh\nif [ "$1" = run ]; then shift; exec "{real}" {run_here} "$@"; fi\n'
        f'exec "{real}" "$@"\n'
    )
    wrapper.chmod(0o755)
    patch.setenv("PATH", str(folder), prepend=":")
