"""Tests that the documents say what the code does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from source_autopilot.config import connection_specification
from source_autopilot.source import STREAM_NAMES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def table_under(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading of the README, without its head."""
    section = re.split(r"^#+ ", README.split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def type_of(column: dict[str, Any]) -> str:
    """The type of a column, in the README's words."""
    types = [column["type"]] if isinstance(column["type"], str) else column["type"]
    [kind] = [it for it in types if it != "null"]
    return "timestamp" if column.get("format") else {"string": "text"}.get(kind, kind)


def columns(properties: dict[str, Any], path: str = "") -> Iterator[list[str]]:
    """Path, type and description of every column, nested ones after the column they are in."""
    for name, column in properties.items():
        yield [f"`{path}{name}`", type_of(column), column["description"]]
        yield from columns(column.get("properties", {}), f"{path}{name}.")
        yield from columns(column.get("items", {}).get("properties", {}), f"{path}{name}[].")


def test_readme__settings() -> None:
    """The table of settings is the setup form."""
    specification = connection_specification()
    expected = [
        [
            f"`{name}`",
            setting["title"],
            setting["type"],
            "yes" if name in specification["required"] else "no",
        ]
        for name, setting in specification["properties"].items()
    ]

    assert [row[:4] for row in table_under("Settings")] == expected


@pytest.mark.parametrize("stream", STREAM_NAMES)
def test_readme__columns(stream: str) -> None:
    """The table of a stream's columns is its schema, in words."""
    schema = json.loads((ROOT / f"source_autopilot/schemas/{stream}.json").read_text())

    assert table_under(stream) == list(columns(schema["properties"]))


def test_contributing__names_every_room() -> None:
    """Every module of the connector has its place on the map."""
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    modules = {path.name for path in (ROOT / "source_autopilot").glob("[a-z]*.py")}

    assert [name for name in sorted(modules) if name not in contributing] == []


def test_makefile__every_task_has_help() -> None:
    """What the Makefile can do, `make help` lists."""
    makefile = (ROOT / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)

    assert sorted(phony.split()) == sorted(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
