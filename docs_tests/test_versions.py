"""The version is written in four places, and they agree."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
METADATA = yaml.safe_load((ROOT / "metadata.yaml").read_text())["data"]


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("setup.py", r'version="(.+?)"'),
        ("Dockerfile", r"io\.airbyte\.version=(\S+)"),
        ("CHANGELOG.md", r"\n## (\S+) \("),
    ],
)
def test_version__agrees_with_the_metadata(file: str, pattern: str) -> None:
    """What Airbyte shows is what was built and what the changelog describes first."""
    assert re.findall(pattern, (ROOT / file).read_text())[0] == METADATA["dockerImageTag"]


def test_dockerfile__agrees_with_the_metadata() -> None:
    """The name and the base are Airbyte's, too."""
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert f"io.airbyte.name={METADATA['dockerRepository']} " in dockerfile
    assert f"ARG BASE_IMAGE={METADATA['connectorBuildOptions']['baseImage']}\n" in dockerfile
