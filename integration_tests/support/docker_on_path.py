"""A `docker` whose containers reach a simulator, for commands that are not ours."""

import shutil
from pathlib import Path

import pytest


def put_docker_on_path(url: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Put a `docker` on PATH that gives containers the host's network and this URL."""
    folder.mkdir(exist_ok=True)
    wrapper = folder / "docker"
    real = shutil.which("docker")
    run = f"container run --network=host --env AUTOPILOT_API_URL={url}"
    wrapper.write_text(
        f'#!/bin/sh\nif [ "$1" = run ]; then shift; exec "{real}" {run} "$@"; fi\n'
        f'exec "{real}" "$@"\n'
    )
    wrapper.chmod(0o755)
    patch.setenv("PATH", str(folder), prepend=":")
