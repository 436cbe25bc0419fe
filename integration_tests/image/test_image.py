"""The image, as a user runs it: `make test-image`. The simulator is on the host's loopback."""

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import yaml

from integration_tests.support.connector import (
    ALL_TIME,
    JOB,
    KEY,
    ROOT,
    TIMEOUT_SECONDS,
    Message,
    Output,
    full_refresh,
    resume,
    run,
    start,
)
from integration_tests.support.docker_on_path import put_docker_on_path
from integration_tests.support.rows import (
    collect_committed,
    expected_rows,
    merge_rows,
    sorted_rows,
)
from integration_tests.support.shell import run_script
from simulator import Account, Simulator

pytestmark = pytest.mark.image_tests

IMAGE = "source-autopilot"
MAX_MEGABYTES_ADDED = 230  # to Airbyte's base, which has 130
LIST_CONTENTS = """
import importlib.metadata, json, pathlib, os, sys
site = pathlib.Path(sys.prefix, "lib", f"python3.{sys.version_info.minor}", "site-packages")
here = pathlib.Path("/airbyte/integration_code")
print(json.dumps({
    "uid": os.getuid(),
    "packages": sorted(package.name.lower() for package in importlib.metadata.distributions()),
    "test folders": [str(path) for path in site.glob("**/tests") if path.is_dir()],
    "files": sorted(str(path.relative_to(here)) for path in here.glob("**/*")),
    "modules without bytecode": [
        str(path) for path in site.glob("airbyte_cdk/sources/**/*.py")
        if not list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc"))
    ],
}))
"""


def docker(*arguments: str) -> str:
    """The stdout of a docker command that has to work."""
    done = subprocess.run(  # noqa: S603 - our own commands
        ["docker", *arguments],  # noqa: S607 - wherever the user has it
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    return done.stdout


@pytest.fixture
def account() -> Account:
    """A few thousand rows."""
    return Account(contacts=1_500, segment_sizes=[900, 450, 0, 250])


@pytest.fixture
def name() -> Iterator[str]:
    """A container's name; the container is gone afterwards, whatever happened to it."""
    name = f"source-autopilot-{uuid.uuid4().hex}"
    yield name
    subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)  # noqa: S603, S607


def test_commands__as_a_user_types_them(account: Account) -> None:
    """Spec, check, discover and read, and every record of the account."""
    with Simulator(account, key=KEY) as autopilot:
        spec = run("spec", docker=[IMAGE])
        check = run("check", ALL_TIME, url=autopilot.url, docker=[IMAGE])
        discover = run("discover", ALL_TIME, url=autopilot.url, docker=[IMAGE])
        catalog = full_refresh(discover.catalog)
        read = run("read", ALL_TIME, url=autopilot.url, catalog=catalog, docker=[IMAGE])

    assert {message["type"] for message in spec.messages} <= {"LOG", "SPEC"}
    assert len(spec.contents("SPEC")) == 1
    assert check.connection_status == {"status": "SUCCEEDED"}
    assert read.code == 0
    assert sorted_rows(read.rows) == sorted_rows(expected_rows(account))
    assert KEY not in read.stdout + read.stderr


def test_read__read_only(account: Account, catalog: Message) -> None:
    """It writes only to /tmp, and needs no privilege."""
    locked = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    with Simulator(account, key=KEY) as autopilot:
        read = run("read", ALL_TIME, url=autopilot.url, catalog=catalog, docker=[*locked, IMAGE])

    assert read.code == 0
    assert sorted_rows(read.rows) == sorted_rows(expected_rows(account))


def test_read__within_what_the_metadata_requests(account: Account, catalog: Message) -> None:
    """The memory and the share of a core that Airbyte reserves for a sync are enough for one."""
    metadata = yaml.safe_load((ROOT / "metadata.yaml").read_text())["data"]
    [sync] = metadata["resourceRequirements"]["jobSpecific"]
    needs = sync["resourceRequirements"]
    memory = needs["memory_request"].replace("Mi", "m")
    limits = [f"--memory={memory}", f"--memory-swap={memory}", f"--cpus={needs['cpu_request']}"]
    with Simulator(account, key=KEY) as autopilot:
        read = run("read", ALL_TIME, url=autopilot.url, catalog=catalog, docker=[*limits, IMAGE])

    assert read.code == 0
    assert sorted_rows(read.rows) == sorted_rows(expected_rows(account))


def test_read__killed_and_resumed(account: Account, catalog: Message, name: str) -> None:
    """`docker kill` loses nothing: the next attempt goes on from the last states."""
    with Simulator(account, key=KEY, latency_seconds=0.1) as autopilot:
        written = _read_and_end(
            ["docker", "kill", name], 1_500, autopilot, catalog, ["--name", name, IMAGE]
        )
        committed, states = collect_committed(line for line in written if line.endswith("\n"))
        rest = resume(autopilot.url, catalog, states, docker=[IMAGE])

    assert states
    rows = merge_rows(committed, rest.rows)
    assert sorted_rows(rows) == sorted_rows(expected_rows(account))


def test_read__stopped(account: Account, catalog: Message, name: str) -> None:
    """`docker stop` ends it before Docker kills it, with a state for all that was delivered."""
    with Simulator(account, key=KEY, latency_seconds=0.1) as autopilot:
        written = _read_and_end(
            ["docker", "stop", "--time", "60", name],
            1_000,
            autopilot,
            catalog,
            ["--name", name, IMAGE],
        )

    stopped = Output(143, "".join(written), "")
    committed, states = collect_committed(written)
    assert states
    assert {stream: rows for stream, rows in committed.items() if rows} == stopped.rows
    assert "stopped from outside" in stopped.errors[0]["message"]


def _read_and_end(
    command: list[str], lines: int, autopilot: Simulator, catalog: Message, options: list[str]
) -> list[str]:
    """Start a read in a container and end it by a command after so many lines; what it wrote."""
    with start(
        "read", ALL_TIME, url=autopilot.url, catalog=catalog, job=JOB, docker=options
    ) as process:
        assert process.stdout is not None
        written = list(islice(process.stdout, lines))
        ender = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
        written += process.stdout.readlines()
        assert ender.wait(timeout=TIMEOUT_SECONDS) == 0
    return written


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/v1", "https://127.0.0.1:{port}/v1"])
def test_check__in_the_cloud(url: str) -> None:
    """In the cloud the override reaches no private address, and the key is never sent in plain."""
    cloud = ["--env", "DEPLOYMENT_MODE=cloud", IMAGE]
    with Simulator(Account(), key=KEY) as autopilot:
        port = re.findall(r":(\d+)", autopilot.url)[0]
        check = run("check", ALL_TIME, url=url.format(port=port), docker=cloud)
        requests = autopilot.log.count()
    spec = run("spec", docker=cloud)

    assert check.connection_status["status"] == "FAILED"
    assert requests == 0
    assert {message["type"] for message in spec.messages} <= {"LOG", "SPEC"}
    assert len(spec.contents("SPEC")) == 1


def test_image__what_is_in_it() -> None:
    """The connector and what it needs: no tests, no simulator, no pip; not run by root."""
    found = json.loads(docker("run", "--rm", "--entrypoint=python", IMAGE, "-c", LIST_CONTENTS))

    assert found["uid"] != 0
    assert "airbyte-source-autopilot" in found["packages"]
    assert not {"pip", "pytest", "airbyte", "duckdb"} & set(found["packages"])
    assert found["test folders"] == []
    assert found["modules without bytecode"] == []
    assert found["files"] == ["main.py"]


def test_image__what_airbyte_reads_of_it() -> None:
    """Labels, user, and the entry point as the platform's variable repeats it."""
    [image] = json.loads(docker("image", "inspect", IMAGE))

    config = image["Config"]
    assert config["Labels"]["io.airbyte.name"] == "airbyte/source-autopilot"
    assert config["Labels"]["io.airbyte.version"]
    assert config["User"] == "airbyte"
    environment = dict(variable.split("=", 1) for variable in config["Env"])
    assert environment["AIRBYTE_ENTRYPOINT"].split(" ") == config["Entrypoint"]


def test_image__size() -> None:
    """The layers that the Dockerfile adds to its base are small enough."""
    layers = docker("history", "--human=false", "--format={{.Size}} {{.CreatedBy}}", IMAGE)
    added = 0
    for line in layers.splitlines():
        size, created_by = line.split(" ", 1)
        added += int(size)
        if "io.airbyte.name" in created_by:  # the first line of the Dockerfile's own
            break
    else:
        pytest.fail("the label is not in the image's history")
    assert added < MAX_MEGABYTES_ADDED * 1e6


def test_readme__commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's commands, in their order; only the API's address is another."""
    readme = (ROOT / "README.md").read_text()
    [block] = re.findall(r"## Use it with Docker\n.*?```sh\n(.+?)```", readme, re.S)
    commands = [line for line in block.splitlines() if line != "make image"]
    assert len(commands) < len(block.splitlines())
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    account = Account(contacts=150, segments=3)
    with Simulator(account, key=KEY) as autopilot:
        put_docker_on_path(autopilot.url, tmp_path / "bin", monkeypatch)
        run_script("\n".join(commands).replace("YOUR-KEY", KEY), tmp_path)

    messages = (tmp_path / "secrets" / "messages.jsonl").read_text()
    counts = {stream: len(rows) for stream, rows in Output(0, messages, "").rows.items()}
    assert counts == {stream: len(rows) for stream, rows in expected_rows(account).items()}
