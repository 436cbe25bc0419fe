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
TIMEOUT_SECONDS = 240
"""Longer than any command here takes: a hang must end the test, not CI."""

KEY = "fedcba9876543210fedcba9876543210"
ALL_TIME = {"api_key": KEY, "start_date": "2000-01-01"}
JOB = "42"
"""A WORKER_JOB_ID: attempts with the same one go on from each other's states."""

Message = dict[str, Any]

_CONTENT_FIELDS = {
    "CATALOG": "catalog",
    "CONNECTION_STATUS": "connectionStatus",
    "LOG": "log",
    "SPEC": "spec",
    "STATE": "state",
    "TRACE": "trace",
}


@dataclass(frozen=True)
class Output:
    """Exit code and output of a finished command."""

    code: int
    stdout: str
    stderr: str

    @cached_property
    def messages(self) -> list[Message]:
        """Every line of stdout; a line that is no JSON object is an error."""
        return [json.loads(line) for line in self.stdout.strip("\n").split("\n")]

    def contents(self, message_type: str) -> list[dict[str, Any]]:
        """What the messages of this type contain."""
        name = _CONTENT_FIELDS[message_type]
        return [message[name] for message in self.messages if message["type"] == message_type]

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
        [catalog] = self.contents("CATALOG")
        return catalog

    @property
    def connection_status(self) -> dict[str, Any]:
        """The one answer of a check."""
        [status] = self.contents("CONNECTION_STATUS")
        return status

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The error traces."""
        return [trace["error"] for trace in self.contents("TRACE") if trace["type"] == "ERROR"]

    @property
    def failed_streams(self) -> list[str]:
        """The stream that each error names, or "", sorted."""
        return sorted(error.get("stream_descriptor", {}).get("name", "") for error in self.errors)

    @property
    def statuses(self) -> dict[str, str]:
        """The last status of each stream."""
        statuses = [
            trace["stream_status"]
            for trace in self.contents("TRACE")
            if trace["type"] == "STREAM_STATUS"
        ]
        return {status["stream_descriptor"]["name"]: status["status"] for status in statuses}

    @property
    def states(self) -> dict[str, Message]:
        """The last state of each stream."""
        states = self.contents("STATE")
        return {state["stream"]["stream_descriptor"]["name"]: state for state in states}

    @property
    def log(self) -> str:
        """The log lines."""
        return "\n".join(line["message"] for line in self.contents("LOG"))


@contextmanager
def start(
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
    """Start a command of the connector; it is killed if it still runs when the block ends.

    `url` is the API's address (None: the vendor's), `job` the WORKER_JOB_ID that Airbyte's platform
    sets, `environment` more variables. `docker` runs the command in an image instead: options of
    `docker run`, then the image.
    """
    variables = {"AUTOPILOT_API_URL": url or "", "WORKER_JOB_ID": job, **(environment or {})}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # for the container's user
        arguments = [verb]
        for name, content in {"config": config, "catalog": catalog, "state": state}.items():
            if content is not None:
                path = folder / f"{name}.json"
                path.write_text(json.dumps(content))
                arguments += [f"--{name}", f"/files/{path.name}" if docker else str(path)]
        checkout = [sys.executable, str(ROOT / "main.py")]
        program = _docker_run(folder, variables, docker) if docker else checkout
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, **variables},
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


def _docker_run(folder: Path, environment: Mapping[str, str], image: Sequence[str]) -> list[str]:
    """The beginning of `docker run` on the host's network, where the simulator is."""
    variables = [f"--env={name}={value}" for name, value in environment.items()]
    files = f"--volume={folder}:/files:ro"
    return ["docker", "container", "run", "--rm", "--network=host", files, *variables, *image]


def run(
    verb: str,
    config: Mapping[str, Any] | None = None,
    *,
    seconds: float = TIMEOUT_SECONDS,
    **options: Any,
) -> Output:
    """Run a command of the connector to its end, with the options of `start`.

    Raises subprocess.TimeoutExpired.
    """
    with start(verb, config, **options) as process:
        stdout, stderr = process.communicate(timeout=seconds)
    return Output(process.returncode, stdout, stderr)


def resume(url: str, catalog: Message, states: Mapping[str, Message], **options: Any) -> Output:
    """Read from these states, as the next attempt of the same job."""
    return run(
        "read", ALL_TIME, url=url, catalog=catalog, state=list(states.values()), job=JOB, **options
    )


def full_refresh(catalog: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Configure a discovered catalog to read the named streams, or all if none is named."""
    return {
        "streams": [
            {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
            for stream in catalog["streams"]
            if not names or stream["name"] in names
        ]
    }


def select_stream(catalog: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A configured catalog with only the stream of this name."""
    return {"streams": [entry for entry in catalog["streams"] if entry["stream"]["name"] == name]}
