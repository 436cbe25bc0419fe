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

from integration_tests.conftest import ALL_TIME, KEY
from integration_tests.support.connector import (
    ROOT,
    SECONDS,
    Message,
    Output,
    full_refresh,
    run,
    started,
)
from integration_tests.support.docker_on_path import docker_that_reaches
from integration_tests.sync.test_read import expected_rows, sorted_rows
from integration_tests.sync.test_resume import vouched_for
from simulator import Account, Simulator

pytestmark = pytest.mark.image_tests

IMAGE = "source-autopilot"
MEGABYTES_OF_OURS = 230  # 360 with the stand-in for Airbyte's base, which has 130
CONTAINED = """
import importlib.metadata, json, pathlib, os, sys
site = pathlib.Path(sys.prefix, "lib", f"python3.{sys.version_info.minor}", "site-packages")
here = pathlib.Path("/airbyte/integration_code")
print(json.dumps({
    "uid": os.getuid(),
    "packages": sorted(it.name.lower() for it in importlib.metadata.distributions()),
    "test folders": [str(it) for it in site.glob("**/tests") if it.is_dir()],
    "files": sorted(str(it.relative_to(here)) for it in here.glob("**/*")),
    "modules without bytecode": [
        str(it) for it in site.glob("airbyte_cdk/sources/**/*.py")
        if not list(it.parent.glob(f"__pycache__/{it.stem}.*.pyc"))
    ],
}))
"""


def docker(*arguments: str) -> str:
    """The stdout of a docker command that has to work."""
    done = subprocess.run(  # noqa: S603 - our own commands
        ["docker", *arguments],  # noqa: S607 - wherever the user has it
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
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

    assert [it["type"] for it in spec.messages if it["type"] != "LOG"] == ["SPEC"]
    assert check.connection_status == {"status": "SUCCEEDED"}
    assert read.code == 0
    assert sorted_rows(read.rows) == sorted_rows(expected_rows(account))
    assert KEY not in read.stdout + read.stderr


def test_read__read_only(account: Account, catalog: Message) -> None:
    """Nothing has to be written but /tmp, and no privilege is needed."""
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
        written = _written_until(
            ["docker", "kill", name], 1_500, autopilot, catalog, ["--name", name, IMAGE]
        )
        safe, states = vouched_for(line for line in written if line.endswith("\n"))
        rest = run(
            "read",
            ALL_TIME,
            url=autopilot.url,
            catalog=catalog,
            state=list(states.values()),
            job="42",
            docker=[IMAGE],
        )

    assert states
    for stream, found in safe.items():
        rest.rows.setdefault(stream, []).extend(found)
    assert sorted_rows(rest.rows) == sorted_rows(expected_rows(account))


def test_read__stopped(account: Account, catalog: Message, name: str) -> None:
    """`docker stop` ends it before Docker kills it, with a state for all that was delivered."""
    with Simulator(account, key=KEY, latency_seconds=0.1) as autopilot:
        written = _written_until(
            ["docker", "stop", "--time", "60", name],
            1_000,
            autopilot,
            catalog,
            ["--name", name, IMAGE],
        )

    stopped = Output(143, "".join(written), "")
    safe, states = vouched_for(written)
    assert states
    assert {stream: rows for stream, rows in safe.items() if rows} == stopped.rows
    assert "stopped from outside" in stopped.errors[0]["message"]


def _written_until(
    command: list[str], lines: int, autopilot: Simulator, catalog: Message, options: list[str]
) -> list[str]:
    """What a read in a container wrote until the command, given after so many lines, ended it."""
    with started(
        "read", ALL_TIME, url=autopilot.url, catalog=catalog, job="42", docker=options
    ) as process:
        assert process.stdout is not None
        written = list(islice(process.stdout, lines))
        ending = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
        written += process.stdout.readlines()
        assert ending.wait(timeout=SECONDS) == 0
    return written


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/v1", "https://127.0.0.1:{port}/v1"])
def test_check__in_the_cloud(url: str) -> None:
    """There the override reaches no private address, and the key is never sent in plain."""
    cloud = ["--env", "DEPLOYMENT_MODE=cloud", IMAGE]
    with Simulator(Account(), key=KEY) as autopilot:
        port = re.findall(r":(\d+)", autopilot.url)[0]
        check = run("check", ALL_TIME, url=url.format(port=port), docker=cloud)
        requests = autopilot.log.count()
    spec = run("spec", docker=cloud)

    assert check.connection_status["status"] == "FAILED"
    assert requests == 0
    assert [it["type"] for it in spec.messages if it["type"] != "LOG"] == ["SPEC"]


def test_image__what_is_in_it() -> None:
    """The connector and what it needs: no tests, no simulator, no pip; not run by root."""
    found = json.loads(docker("run", "--rm", "--entrypoint=python", IMAGE, "-c", CONTAINED))

    assert found["uid"] != 0
    assert "airbyte-source-autopilot" in found["packages"]
    assert not {"pip", "pytest", "airbyte", "duckdb"} & set(found["packages"])
    assert found["test folders"] == []
    assert found["modules without bytecode"] == []
    assert found["files"] == ["main.py"]


def test_image__what_airbyte_reads_of_it() -> None:
    """Labels, entry point, and the variable in which the platform looks for it."""
    [image] = json.loads(docker("image", "inspect", IMAGE))

    config = image["Config"]
    assert config["Labels"]["io.airbyte.name"] == "airbyte/source-autopilot"
    assert config["Labels"]["io.airbyte.version"]
    assert config["User"] == "airbyte"
    environment = dict(it.split("=", 1) for it in config["Env"])
    assert environment["AIRBYTE_ENTRYPOINT"].split(" ") == config["Entrypoint"]


def test_image__size() -> None:
    """What is ours of the image: the layers that the Dockerfile adds to its base."""
    layers = docker("history", "--human=false", "--format={{.Size}} {{.CreatedBy}}", IMAGE)
    ours = 0
    for line in layers.splitlines():
        size, created_by = line.split(" ", 1)
        ours += int(size)
        if "io.airbyte.name" in created_by:  # the first line of ours
            break
    else:
        pytest.fail("the label is not in the image's history")
    assert ours < MEGABYTES_OF_OURS * 1e6


def test_readme__commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's commands, in their order; only the API's address is another."""
    readme = (ROOT / "README.md").read_text()
    [block] = re.findall(r"## Use it with Docker\n.*?```sh\n(.+?)```", readme, re.S)
    commands = [line for line in block.splitlines() if line != "make image"]
    assert len(commands) < len(block.splitlines())
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    account = Account(contacts=150, segments=3)
    with Simulator(account, key=KEY) as autopilot:
        docker_that_reaches(autopilot.url, tmp_path / "bin", monkeypatch)
        script = "\n".join(["set -e -o pipefail", *commands]).replace("YOUR-KEY", KEY)
        done = subprocess.run(  # noqa: S603 - the README's commands
            ["/bin/bash", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )

    assert done.returncode == 0, done.stderr + done.stdout
    messages = (tmp_path / "secrets" / "messages.jsonl").read_text()
    counts = {stream: len(rows) for stream, rows in Output(0, messages, "").rows.items()}
    assert counts == {stream: len(rows) for stream, rows in expected_rows(account).items()}
