"""Tests that the documents say what the code does."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from source_autopilot import forecast
from source_autopilot.api import error_mapping as errors
from source_autopilot.config import EXPECTED, connection_specification
from source_autopilot.forecast import SCHEDULES, Forecast, Totals
from source_autopilot.source import STREAM_NAMES, SourceAutopilot
from source_autopilot.streams.base import AutopilotStream

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs" / "autopilot.md").read_text()
TOTALS = Totals(contacts=20_000, lists=10, segments=10, members=[4_000] * 10, page_seconds=0.1)


def table_under(heading: str, document: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = re.split(r"^#+ ", document.split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    [table, *_] = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    lines = table.splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def schema(stream: str) -> dict[str, Any]:
    """The columns of a stream, with their types and descriptions."""
    found = json.loads((ROOT / f"source_autopilot/schemas/{stream}.json").read_text())
    return dict(found["properties"])


def streams() -> list[AutopilotStream]:
    """The four streams."""
    found = SourceAutopilot().streams({"api_key": "key"})
    return [it for it in found if isinstance(it, AutopilotStream)]


def key_of(stream: AutopilotStream) -> list[str]:
    """The columns of a stream's primary key."""
    key = stream.primary_key
    return [key] if isinstance(key, str) else key


def type_of(column: dict[str, Any]) -> str:
    """The type of a column, in the documents' words."""
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

    assert [row[:4] for row in table_under("Settings", README)] == expected


def test_readme__tables() -> None:
    """The README names the four tables and their keys."""
    keys = {f"`{it.name}`": ", ".join(f"`{name}`" for name in key_of(it)) for it in streams()}

    assert {row[0]: row[1] for row in table_under("Tables", README)} == keys


def test_page__form() -> None:
    """The page tells what each field of the setup form wants, by its title, in the form's order."""
    titles = [f"**{it['title']}**" for it in connection_specification()["properties"].values()]

    assert [row[0] for row in table_under("Fill in the form", PAGE)] == titles


def test_page__streams() -> None:
    """The page's table of streams has their keys, and the endpoints that they are read from."""
    expected = [
        [
            f"`{it.name}`",
            ", ".join(f"`{name}`" for name in key_of(it)),
            f"`GET /{'/'.join(it.path_parts({'segment_id': '{segment_id}'}))}`",
        ]
        for it in streams()
    ]

    assert table_under("Supported streams", PAGE) == expected


@pytest.mark.parametrize("stream", STREAM_NAMES)
def test_page__columns(stream: str) -> None:
    """The table of a stream's columns is its schema, in words."""
    assert table_under(stream, PAGE) == list(columns(schema(stream)))


def test_page__diagram() -> None:
    """The diagram has every column of the four tables, with its type, and the keys."""
    [diagram] = re.findall(r"```mermaid\nerDiagram\n(.+?)```", PAGE, re.S)
    entities = {
        name: [line.split() for line in body.splitlines()]
        for name, body in re.findall(r"^    (\w+) {\n(.+?)\n    }", diagram, re.M | re.S)
    }

    assert entities == {
        it.name: [
            [type_of(column), name, *(["PK"] if name in key_of(it) else [])]
            for name, column in schema(it.name).items()
        ]
        for it in streams()
    }


def test_page__schedules() -> None:
    """The table of schedules is what the forecast of the check computes."""
    expected = [
        [
            str(it.minutes),
            it.basic,
            f"`{it.cron}`",
            f"{Forecast(TOTALS, it.minutes).rows_a_month:,}",
        ]
        for it in SCHEDULES
    ]

    assert table_under("How often to sync", PAGE) == expected


def test_page__forecast() -> None:
    """The lines that the check logs are those that the page shows."""
    [block] = re.findall(r"```text\n(This account has .+?)```", PAGE, re.S)

    assert block.splitlines() == list(forecast.sentences(Forecast(TOTALS, 30)))


def test_page__stitch() -> None:
    """Whatever of ours the page maps Stitch's tables and columns to is there."""
    section = PAGE.split("## Coming from Stitch\n")[1].split("### Behaviour\n")[0]
    ours = [line.split(" | ", 1)[1] for line in section.splitlines() if line.startswith("|")]
    named = {it for cell in ours for it in re.findall(r"`(\w+)`", cell)}
    paths = [path for name in STREAM_NAMES for path, *_ in columns(schema(name))]
    known = {*STREAM_NAMES, *(it for path in paths for it in re.findall(r"\w+", path))}

    assert {it for it in named - known if not it.startswith("_airbyte_")} == set()


def test_page__changelog() -> None:
    """The page lists the versions of the changelog, and their dates."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## ([0-9.]+) \(([0-9-]+)\)$", changelog, re.MULTILINE)

    assert [tuple(row[:2]) for row in table_under("Changelog", PAGE)] == versions


NOT_SENTENCES = {
    errors.NEW_KEY,  # these three follow a sentence
    errors.TRY_LATER,
    errors.LOOK_AT_THE_NETWORK,
    errors._THE_STREAM_DECIDES.error_message,  # nobody sees it
}


def sentences(module: str) -> Iterator[str]:
    """What a module's errors say, up to the advice, with an ellipsis for each value in it.

    Those are its texts of four words and more that begin with a capital or a value.
    """
    tree = ast.parse((ROOT / "source_autopilot" / f"{module}.py").read_text())
    nodes = list(ast.walk(tree))
    others = {id(it) for node in nodes if isinstance(node, ast.JoinedStr) for it in node.values}
    others |= {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    for text in [skeleton(node) for node in nodes if id(node) not in others]:
        is_long = len(re.findall("[a-z]+", text)) >= 4
        if is_long and re.match("[A-Z…]", text) and text not in NOT_SENTENCES:
            yield re.split(r"(?<=[.)]) (?=[A-Z…])", text)[0].rstrip(".")


def skeleton(node: ast.AST) -> str:
    """A text in the code, with an ellipsis for each value in it; empty if the node is none."""
    if isinstance(node, ast.JoinedStr):
        return "".join(skeleton(it) if isinstance(it, ast.Constant) else "…" for it in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_page__errors() -> None:
    """The page says of every sentence that an error may have what to do, and of no other."""
    of_form = [
        f"{setting['title']} ({name}) is …: {EXPECTED[name]}"
        for name, setting in connection_specification()["properties"].items()
    ]
    modules = ["errors", "failures", "input_files", "termination", "source"]
    in_code = {*of_form, *(it for module in modules for it in sentences(module))}

    rows = table_under("Limitations and troubleshooting", PAGE)
    assert {row[0] for row in rows} == {f"`{it}`" for it in in_code}
    assert all(advice for _, advice in rows)


@pytest.mark.parametrize("document", ["README.md", "docs/autopilot.md", "docs/deployment.md"])
def test_links__lead_somewhere(document: str) -> None:
    """Files and headings that a document links to are there."""
    path = ROOT / document
    broken = []
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text()):
        file, _, anchor = target.partition("#")
        linked = (path.parent / file) if file else path
        headings = re.findall(r"^#+ (.+)$", linked.read_text() if anchor else "", re.MULTILINE)
        anchors = [re.sub(r"[^\w -]", "", it.lower()).replace(" ", "-") for it in headings]
        if not linked.exists() or (anchor and anchor not in anchors):
            broken.append(target)

    assert broken == []


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
