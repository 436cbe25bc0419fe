"""What Airbyte reads of the connector before it runs it: metadata.yaml and icon.svg."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from xml.etree import ElementTree

import pytest
import yaml

from benchmarks.workloads import WORKLOADS
from source_autopilot import SourceAutopilot
from source_autopilot.api.base_url import find_base_url
from source_autopilot.streams.tables import STREAM_NAMES

ROOT = Path(__file__).parent.parent
METADATA = yaml.safe_load((ROOT / "metadata.yaml").read_text())
DATA = METADATA["data"]
ICON = (ROOT / "icon.svg").read_text()
SVG = "{http://www.w3.org/2000/svg}"
MEBIBYTE = 2**20


@pytest.fixture
def validated() -> Callable[[dict[str, Any]], Any]:
    """Airbyte's own model of metadata.yaml, which raises for what it does not know."""
    models = pytest.importorskip(
        "airbyte_connector_models.metadata.v0.connector_metadata_definition_v0",
        reason="airbyte-connector-models does not support this Python",
    )
    validate: Callable[[dict[str, Any]], Any] = models.ConnectorMetadataDefinitionV0.model_validate
    return validate


def test_metadata__valid(validated: Callable[[dict[str, Any]], Any]) -> None:
    """Airbyte's model takes it as it is."""
    metadata = validated(METADATA)

    assert metadata.data.definition_id == UUID(DATA["definitionId"])


def test_metadata__an_unknown_field_is_invalid(
    validated: Callable[[dict[str, Any]], Any],
) -> None:
    """The model is strict: a mistyped field would be found."""
    with pytest.raises(ValueError, match="allowedHost"):
        validated({**METADATA, "data": {**DATA, "allowedHost": {"hosts": []}}})


def test_metadata__allowed_hosts() -> None:
    """Airbyte lets the connector talk to the API's host and to no other."""
    assert DATA["allowedHosts"] == {"hosts": [urlsplit(find_base_url({})).hostname]}


def test_metadata__documentation() -> None:
    """The form and the metadata lead to the same page."""
    specification = SourceAutopilot().spec(logging.getLogger("test"))

    assert specification.documentationUrl == DATA["documentationUrl"]


def test_metadata__suggested_streams() -> None:
    """A new connection begins with every stream that the source has."""
    assert DATA["suggestedStreams"] == {"streams": STREAM_NAMES}


def test_metadata__package() -> None:
    """The package has the name and the licence of pyproject.toml, and is on no registry yet."""
    package = (ROOT / "pyproject.toml").read_text().splitlines()

    assert DATA["remoteRegistries"]["pypi"]["enabled"] is False
    assert f'name = "{DATA["remoteRegistries"]["pypi"]["packageName"]}"' in package
    assert f'license = "{DATA["license"]}"' in package
    assert (ROOT / "LICENSE").read_text().startswith(f"{DATA['license']} License")


def test_metadata__release_date() -> None:
    """The first release is the one that the changelog ends with."""
    releases = re.findall(r"^## \S+ \((\S+)\)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert DATA["releaseDate"].isoformat() == releases[-1]


def test_metadata__suites_are_there() -> None:
    """Both suites are named, and each is a folder of tests."""
    folders = {"unitTests": ROOT / "unit_tests", "integrationTests": ROOT / "integration_tests"}

    named = [option["suite"] for option in DATA["connectorTestSuitesOptions"]]
    assert named == list(folders)
    assert [suite for suite in named if not any(folders[suite].rglob("test_*.py"))] == []


def test_metadata__resources() -> None:
    """Twice the largest peak that was measured is there for certain, and twice that at most."""
    [sync] = DATA["resourceRequirements"]["jobSpecific"]
    needs = sync["resourceRequirements"]
    performance = (ROOT / "docs/performance.md").read_text()
    ours = [line.split("|") for line in re.findall(r"^\| source-autopilot.*", performance, re.M)]
    peaks = [float(cells[5]) for cells in ours]
    # At full speed, which is the API's: the run without latency or limit shows what a CPU can do.
    cores = [float(cells[4]) / float(cells[2]) for cells in ours if cells[3].strip() != "-"]

    assert sync["jobType"] == "sync"
    assert len(peaks) == len(WORKLOADS)
    assert max(peaks) * 1e6 * 2 <= _bytes(needs["memory_request"])
    assert _bytes(needs["memory_limit"]) == 2 * _bytes(needs["memory_request"])
    assert max(cores) <= float(needs["cpu_request"]) <= float(needs["cpu_limit"]) <= 1


def _bytes(text: str) -> int:
    [mebibytes] = re.fullmatch(r"(\d+)Mi", text).groups()  # type: ignore[union-attr]
    return int(mebibytes) * MEBIBYTE


def test_icon__square_and_small() -> None:
    """Airbyte shows it in a square, in lists of hundreds."""
    icon = ElementTree.fromstring(ICON)  # noqa: S314 - our own file

    assert DATA["icon"] == "icon.svg"
    assert icon.tag == f"{SVG}svg"
    left, top, width, height = map(float, icon.attrib["viewBox"].split())
    assert (left, top, width) == (0, 0, height)
    assert icon.attrib["width"] == icon.attrib["height"]
    assert len(ICON) < 2_000


def test_icon__only_shapes() -> None:
    """Nothing runs, nothing is fetched: shapes of plain colours and a title."""
    icon = ElementTree.fromstring(ICON)  # noqa: S314 - our own file

    shapes = list(icon.iter())
    assert {shape.tag.removeprefix(SVG) for shape in shapes} == {
        "svg",
        "title",
        "rect",
        "circle",
        "path",
    }
    geometry = {*["viewBox", "width", "height", "x", "y", "rx", "cx", "cy", "r", "d"], "fill"}
    fills = {shape.attrib.get("fill", "#000000") for shape in shapes}
    assert {name for shape in shapes for name in shape.attrib} <= geometry
    assert [fill for fill in fills if not re.fullmatch("#[0-9a-f]{6}", fill)] == []
    assert "<!" not in ICON
