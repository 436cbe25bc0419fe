"""The commands of docs/deployment.md, run as they are."""

import dataclasses
import json
import re
import shlex
import shutil
import subprocess
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from integration_tests.support.airbyte_stub import AirbyteStub, serve_airbyte_stub
from integration_tests.support.connector import ALL_TIME, KEY, ROOT, Output
from integration_tests.support.docker_on_path import put_docker_on_path
from integration_tests.support.docker_stand_in import put_stand_in_on_path
from integration_tests.support.rows import expected_rows, sorted_rows
from integration_tests.support.shell import run_script
from simulator import Account, Fault, Simulator

PAGE = (ROOT / "docs/deployment.md").read_text()
EXAMPLES = ROOT / "examples/airbyte_api"
SECRETS = {"CLIENT_SECRET": "s3cret", "AUTOPILOT_API_KEY": KEY}
IDS = {"CLIENT_ID": "client-1", "WORKSPACE_ID": "workspace-1", "DESTINATION_ID": "destination-1"}


def blocks_under(heading: str) -> list[str]:
    """The shell blocks of a section."""
    section = re.split(r"\n##+ ", PAGE.split(f"# {heading}\n")[1])[0]
    return re.findall(r"```sh\n(.+?)```", section, re.S)


@pytest.fixture
def airbyte(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the page's commands post, given the variables that it exports beforehand."""
    missing = [program for program in ("curl", "jq") if not shutil.which(program)]
    if missing:
        pytest.skip(f"the page's commands need {' and '.join(missing)}")
    _, block = blocks_under("The same by API")
    with serve_airbyte_stub() as stub:
        for name, value in {**IDS, **SECRETS, "AIRBYTE": stub.url}.items():
            monkeypatch.setenv(name, value)
        run_script(block, ROOT)
    return stub


def test_api__exports_what_the_commands_need() -> None:
    """The page says which variables to set."""
    exports, block = blocks_under("The same by API")

    assert sorted(re.findall(r"(\w+)=", exports)) == sorted([*IDS, *SECRETS, "AIRBYTE"])
    for name in [*IDS, *SECRETS, "AIRBYTE"]:
        assert name in block


def test_api__requests(airbyte: AirbyteStub) -> None:
    """Token, definition, source, connection: the examples, with the ids of those before them."""
    bodies = {
        name: json.loads((EXAMPLES / f"{name}.json").read_text())
        for name in ("source_definition", "source", "connection")
    }
    source, connection = bodies["source"], bodies["connection"]
    ids = {"workspaceId": "workspace-1", "definitionId": "definition-1"}
    configuration = {**source["configuration"], "api_key": KEY}

    assert airbyte.posted == [
        (
            "/api/v1/applications/token",
            None,
            {"client_id": "client-1", "client_secret": "s3cret"},
        ),
        (
            "/api/public/v1/workspaces/workspace-1/definitions/sources",
            "Bearer t0ken",
            bodies["source_definition"],
        ),
        (
            "/api/public/v1/sources",
            "Bearer t0ken",
            {**source, **ids, "configuration": configuration},
        ),
        (
            "/api/public/v1/connections",
            "Bearer t0ken",
            {**connection, "sourceId": "source-1", "destinationId": "destination-1"},
        ),
    ]


def test_api__goes_where_airbytes_client_goes(airbyte: AirbyteStub) -> None:
    """Airbyte's own client posts to the same addresses."""
    airbyte_api = pytest.importorskip("airbyte_api")
    models = pytest.importorskip("airbyte_api.models")
    request = pytest.importorskip("airbyte_api.api").CreateSourceDefinitionRequest
    with serve_airbyte_stub() as stub:
        client = airbyte_api.AirbyteAPI(
            server_url=f"{stub.url}/api/public/v1", security=models.Security(bearer_auth="t0ken")
        )
        client.source_definitions.create_source_definition(
            request(
                workspace_id="workspace-1",
                create_definition_request=models.CreateDefinitionRequest("1", "image", "name"),
            )
        )
        client.sources.create_source(models.SourceCreateRequest({}, "name", "workspace-1"))
        client.connections.create_connection(
            models.ConnectionCreateRequest("destination-1", "source-1")
        )

    ours = [(address, key) for address, key, _ in airbyte.posted[1:]]
    assert ours == [(address, key) for address, key, _ in stub.posted]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("source_definition", "CreateDefinitionRequest"),
        ("source", "SourceCreateRequest"),
        ("connection", "ConnectionCreateRequest"),
    ],
)
def test_api__has_the_fields_of_airbytes_client(name: str, model: str) -> None:
    """What is posted is what Airbyte's client could post: no field is unknown or missing."""
    models = pytest.importorskip("airbyte_api.models")
    body = json.loads((EXAMPLES / f"{name}.json").read_text())

    assert misfits(getattr(models, model), body) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schedul": {}}, "schedul is unknown"),
        ({"schedule": {"scheduleType": "basic"}}, "schedule.scheduleType is 'basic'"),
        ({"schedule": {}}, "schedule.scheduleType is missing"),
        ({"configurations": {"streams": [{}]}}, "configurations.streams[].name is missing"),
        ({"prefix": 5}, "prefix is 5"),
    ],
)
def test_misfits__are_found(change: dict[str, Any], complaint: str) -> None:
    """The comparison with Airbyte's client finds a mistake at every depth."""
    models = pytest.importorskip("airbyte_api.models")
    body = json.loads((EXAMPLES / "connection.json").read_text())

    assert misfits(models.ConnectionCreateRequest, {**body, **change}) == [complaint]


def misfits(model: Any, value: Any, path: str = "") -> list[str]:
    """What of a JSON value a type of Airbyte's client could not have sent."""
    if dataclasses.is_dataclass(model):
        return _misfits_of_object(model, value, f"{path}." if path else "")
    inner = [argument for argument in get_args(model) if argument is not type(None)]
    if isinstance(value, list) and inner:
        return [found for item in value for found in misfits(inner[0], item, f"{path}[]")]
    if len(inner) == 1:  # an Optional
        return misfits(inner[0], value, path)
    if (
        len(inner) > 1
    ):  # the settings of any source that the client knows; ours are tested elsewhere
        return []
    if _is_enum(model):
        fits = value in [member.value for member in model]
    else:
        fits = isinstance(value, model)
    return [] if fits else [f"{path} is {value!r}"]


def _is_enum(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, Enum)


def _misfits_of_object(model: Any, value: dict[str, Any], path: str) -> list[str]:
    hints, known, found = get_type_hints(model), set(), []
    for field in dataclasses.fields(model):
        name = field.metadata["dataclasses_json"]["letter_case"](field.name)
        known.add(name)
        if name in value:
            found += misfits(hints[field.name], value[name], f"{path}{name}")
        elif field.default is dataclasses.MISSING:
            found.append(f"{path}{name} is missing")
    return found + [f"{path}{name} is unknown" for name in value if name not in known]


@pytest.mark.parametrize(
    "docker", ["stand-in", pytest.param("real", marks=pytest.mark.image_tests)]
)
def test_cron__commands(docker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands make one complete sync of the account in a folder that they make."""
    [script] = blocks_under("Cron and Docker")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    account = Account(contacts=150, segments=3)
    with Simulator(account, key=KEY) as autopilot:
        if docker == "real":
            put_docker_on_path(autopilot.url, tmp_path / "bin", monkeypatch)
        else:
            put_stand_in_on_path(autopilot.url, tmp_path / "bin", monkeypatch)
        run_script(script.replace("YOUR-KEY", KEY), tmp_path)

    [file] = (tmp_path / "autopilot").glob("sync-*.jsonl")
    assert sorted_rows(Output(0, file.read_text(), "").rows) == sorted_rows(expected_rows(account))


def test_crontab__tries_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The crontab's line tries again when the first sync fails, and cron passes it on as it is."""
    [line] = re.findall(r"```crontab\n(.+sync_from_cron.+)\n```", PAGE)
    command = line.split(" ", 5)[5]
    for there, here in {
        "/opt/autopilot/": f"{shlex.quote(str(ROOT / 'examples'))}/",
        "/var/lib/autopilot": str(tmp_path),
        "sleep 300": "sleep 0",
    }.items():
        assert there in command
        command = command.replace(there, here)
    (tmp_path / "config.json").write_text(json.dumps(ALL_TIME))
    shutil.copy(ROOT / "examples" / "catalog.json", tmp_path)
    refused_once = Fault("status", path="/lists", status=401, times=1)
    account = Account(contacts=150, segments=3)
    with Simulator(account, key=KEY, faults=[refused_once]) as autopilot:
        put_stand_in_on_path(autopilot.url, tmp_path / "bin", monkeypatch)
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)  # noqa: S603

    assert "%" not in line
    assert done.returncode == 0
    assert done.stderr.count(b"is not complete (exit code 1)") == 1
    [file] = tmp_path.glob("sync-*.jsonl")
    assert sorted_rows(Output(0, file.read_text(), "").rows) == sorted_rows(expected_rows(account))


@pytest.mark.image_tests
def test_image__is_tagged_for_a_cluster(tmp_path: Path) -> None:
    """The commands that name the image work; kind and a registry are not at hand."""
    commands = [
        line
        for block in blocks_under("Where Airbyte finds the image")
        for line in block.splitlines()
        if line.startswith("docker tag ")
    ]
    tags = " ".join(line.split()[-1] for line in commands)
    inspect = f"docker image inspect --format='{{{{.Id}}}}' source-autopilot {tags}"
    tidy_up = f"docker image rm {tags} >/dev/null"
    stdout = run_script("\n".join([*commands, inspect, tidy_up]), tmp_path)

    images = stdout.split()
    assert len(images) == 3
    assert len(set(images)) == 1
