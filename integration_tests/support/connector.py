"""The connector as Airbyte sees it: a process, its arguments, and lines on stdout."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
# Longer than any command here may take; a hang must end the test, not CI.
SECONDS = 240

Message = dict[str, Any]


@dataclass(frozen=True)
class Output:
    """What a finished command left behind."""

    code: int
    stdout: str
    stderr: str

    @cached_property
    def messages(self) -> list[Message]:
        """Every line of stdout; a line that is no JSON object is an error."""
        return [json.loads(line) for line in self.stdout.strip("\n").split("\n")]

    @cached_property
    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """The records by stream, in order."""
        found: dict[str, list[dict[str, Any]]] = {}
        for message in self.messages:
            if message["type"] == "RECORD":
                found.setdefault(message["record"]["stream"], []).append(message["record"]["data"])
        return found

    @property
    def catalog(self) -> dict[str, Any]:
        """The one catalog of a discover."""
        [catalog] = [it["catalog"] for it in self.messages if it["type"] == "CATALOG"]
        return dict(catalog)

    @property
    def connection_status(self) -> dict[str, Any]:
        """The one answer of a check."""
        [status] = [
            it["connectionStatus"] for it in self.messages if it["type"] == "CONNECTION_STATUS"
        ]
        return dict(status)

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The error traces."""
        traces = [it["trace"] for it in self.messages if it["type"] == "TRACE"]
        return [trace["error"] for trace in traces if trace["type"] == "ERROR"]

    @property
    def statuses(self) -> dict[str, str]:
        """The last status of each stream."""
        traces = [it["trace"] for it in self.messages if it["type"] == "TRACE"]
        found = [trace["stream_status"] for trace in traces if trace["type"] == "STREAM_STATUS"]
        return {it["stream_descriptor"]["name"]: it["status"] for it in found}

    @property
    def log(self) -> str:
        """The log lines."""
        return "\n".join(it["log"]["message"] for it in self.messages if it["type"] == "LOG")


@contextmanager
def started(
    verb: str,
    config: Mapping[str, Any] | None = None,
    *,
    url: str | None = None,
    catalog: Mapping[str, Any] | None = None,
    state: Sequence[Message] | None = None,
    job: str = "",
    environment: Mapping[str, str] | None = None,
    docker: Sequence[str] = (),
) -> Iterator[subprocess.Popen[str]]:
    """A command of the connector while it runs; it is killed if it still does afterwards.

    `url` is the API's address, the vendor's if None; `job` is WORKER_JOB_ID, as Airbyte's platform
    sets it, and `environment` has more variables. `docker` are an image, and options before it, to
    run the command in instead.
    """
    own = {"AUTOPILOT_API_URL": url or "", "WORKER_JOB_ID": job, **(environment or {})}
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        folder.chmod(0o755)  # the container's user reads it, too
        arguments = [verb]
        for name, content in {"config": config, "catalog": catalog, "state": state}.items():
            if content is not None:
                path = folder / f"{name}.json"
                path.write_text(json.dumps(content))
                arguments += [f"--{name}", f"/files/{path.name}" if docker else str(path)]
        here = [sys.executable, str(ROOT / "main.py")]
        program = _docker_run(folder, own, docker) if docker else here
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, **own},
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


def _docker_run(folder: Path, environment: Mapping[str, str], image: Sequence[str]) -> list[str]:
    """`docker run`, on the host's network, where the simulator is."""
    variables = [f"--env={name}={value}" for name, value in environment.items()]
    files = f"--volume={folder}:/files:ro"
    return ["docker", "container", "run", "--rm", "--network=host", files, *variables, *image]


def run(
    verb: str,
    config: Mapping[str, Any] | None = None,
    *,
    seconds: float = SECONDS,
    **circumstances: Any,
) -> Output:
    """Run a command of the connector to its end, under the circumstances of `started`.

    Raises subprocess.TimeoutExpired.
    """
    with started(verb, config, **circumstances) as process:
        stdout, stderr = process.communicate(timeout=seconds)
    return Output(process.returncode, stdout, stderr)


def full_refresh(catalog: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Configure a discovered catalog to read the named streams, or all if none is named."""
    return {
        "streams": [
            {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
            for stream in catalog["streams"]
            if not names or stream["name"] in names
        ]
    }
