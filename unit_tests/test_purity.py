"""Tests of the architecture: the core does no I/O and the imports point one way."""

import ast
from pathlib import Path

import pytest

import source_autopilot

PACKAGE = Path(source_autopilot.__file__).parent
PURE = (
    "api_url chain config contact custom_columns custom_field custom_values forecast lenient_json"
    " members moments naming pace patience responses row state values wording"
).split()


def imports_of(module: str) -> set[str]:
    """The modules that a module of the package imports, as they are written."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    nodes = list(ast.walk(tree))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("module", PURE)
def test_pure_module__does_no_io(module: str) -> None:
    """A pure module knows neither HTTP nor Airbyte, nor a module that does."""
    allowed = {f"source_autopilot.{name}" for name in PURE}
    for name in imports_of(module):
        assert name.split(".")[0] not in {"requests", "airbyte_cdk", "logging", "os", "sys"}
        assert not name.startswith("source_autopilot") or name in allowed


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_module__is_small(path: Path) -> None:
    """A module is one concept in at most 200 lines."""
    assert len(path.read_text().splitlines()) <= 200
