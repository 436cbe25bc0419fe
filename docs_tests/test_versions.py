"""pyproject.toml has the version; what cannot read it there has a copy that agrees."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
METADATA = yaml.safe_load((ROOT / "metadata.yaml").read_text())["data"]
[VERSION] = re.findall(r'^version = "(.+?)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("metadata.yaml", r"\n  dockerImageTag: (\S+)\n"),
        ("CHANGELOG.md", r"\n## (\S+) \("),
    ],
)
def test_version__copied(file: str, pattern: str) -> None:
    """What Airbyte shows is what was built and what the changelog describes first."""
    assert re.findall(pattern, (ROOT / file).read_text())[0] == VERSION


def test_version__in_no_other_file_that_builds() -> None:
    """The shim and the Dockerfile have no copy that could be forgotten."""
    builders = ["setup.py", "Makefile", "Dockerfile"]

    assert [name for name in builders if VERSION in (ROOT / name).read_text()] == []


def test_version__label_of_the_image() -> None:
    """`make image` writes it on the image."""
    command = ["make", "--dry-run", "--no-print-directory", "image"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)  # noqa: S603

    assert f"--label io.airbyte.version={VERSION}" in done.stdout


def test_dockerfile__agrees_with_the_metadata() -> None:
    """The name and the base are Airbyte's, too."""
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert f"io.airbyte.name={METADATA['dockerRepository']}\n" in dockerfile
    assert f"ARG BASE_IMAGE={METADATA['connectorBuildOptions']['baseImage']}\n" in dockerfile
