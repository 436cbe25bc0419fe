"""Tests that the documents say what the code does."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from docs_tests.tables import table_under
from source_autopilot import forecast
from source_autopilot.api import error_mapping
from source_autopilot.api.error_mapping import Failure
from source_autopilot.config import EXPECTED, connection_specification
from source_autopilot.forecast import SCHEDULES, Forecast, Totals
from source_autopilot.source import SourceAutopilot
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.tables import STREAM_NAMES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "source_autopilot"
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs" / "autopilot.md").read_text()
STITCH = (ROOT / "docs" / "coming-from-stitch.md").read_text()
ERRORS = (ROOT / "docs" / "errors.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
DOCUMENTS = sorted(
    str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
)
TOTALS = Totals(contacts=20_000, lists=10, segments=10, members=[4_000] * 10, page_seconds=0.1)


def schema(stream: str) -> dict[str, Any]:
    """The columns of a stream, with their types and descriptions."""
    found = json.loads((PACKAGE / f"schemas/{stream}.json").read_text())
    return dict(found["properties"])


def streams() -> list[AutopilotStream]:
    """The four streams."""
    found = SourceAutopilot().streams({"api_key": "key"})
    return [stream for stream in found if isinstance(stream, AutopilotStream)]


def key_of(stream: AutopilotStream) -> list[str]:
    """The columns of a stream's primary key."""
    key = stream.primary_key
    return [key] if isinstance(key, str) else key


def type_of(column: dict[str, Any]) -> str:
    """The type of a column, in the documents' words."""
    types = [column["type"]] if isinstance(column["type"], str) else column["type"]
    [kind] = [name for name in types if name != "null"]
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
    keys = {
        f"`{stream.name}`": ", ".join(f"`{column}`" for column in key_of(stream))
        for stream in streams()
    }

    assert {row[0]: row[1] for row in table_under("Tables", README)} == keys


def test_page__form() -> None:
    """The page tells what each field of the setup form wants, by its title, in the form's order."""
    settings = connection_specification()["properties"].values()
    titles = [f"**{setting['title']}**" for setting in settings]

    assert [row[0] for row in table_under("Fill in the form", PAGE)] == titles


def test_page__streams() -> None:
    """The page's table of streams has their keys, and the endpoints that they are read from."""
    expected = [
        [
            f"`{stream.name}`",
            ", ".join(f"`{column}`" for column in key_of(stream)),
            f"`GET /{'/'.join(stream.path_parts({'segment_id': '{segment_id}'}))}`",
        ]
        for stream in streams()
    ]

    assert table_under("Supported Streams", PAGE) == expected


@pytest.mark.parametrize("stream", STREAM_NAMES)
def test_page__columns(stream: str) -> None:
    """The table of a stream's columns is its schema, in words."""
    assert table_under(stream, PAGE) == list(columns(schema(stream)))


def diagram_of(document: str) -> tuple[list[str], dict[str, list[list[str]]]]:
    """The relations of a document's diagram, and the columns of each table, split into words."""
    [diagram] = re.findall(r"```mermaid\nerDiagram\n(.+?)```", document, re.S)
    tables = re.findall(r"^    (\w+) {\n(.+?)\n    }", diagram, re.M | re.S)
    columns = {name: [line.split() for line in body.splitlines()] for name, body in tables}
    return re.findall(r"^    (\w+ \S+--\S+ .+)$", diagram, re.M), columns


def test_readme__picture() -> None:
    """The picture shows the keys of the four tables, and is a part of the page's diagram."""
    relations, tables = diagram_of(README)
    all_relations, all_columns = diagram_of(PAGE)

    assert relations == all_relations
    assert {
        name: [words[1] for words in columns if "PK" in words] for name, columns in tables.items()
    } == {stream.name: key_of(stream) for stream in streams()}
    assert [
        words
        for name, columns in tables.items()
        for words in columns
        if words not in all_columns[name]
    ] == []


def test_page__relations() -> None:
    """The table of relations says in words what the diagram's lines say."""
    relations, _ = diagram_of(PAGE)
    drawn = [{line.split()[0], line.split()[2]} for line in relations]
    rows = table_under("Relations", PAGE)
    told = [
        {cell.strip("`").split(".")[0] for cell in re.findall("`.+?`", " ".join(row[:2]))}
        for row in rows
    ]

    assert sorted(map(sorted, told)) == sorted(map(sorted, drawn))


def test_page__diagram() -> None:
    """The diagram has every column of the four tables, with its type, and the keys."""
    _, tables = diagram_of(PAGE)

    assert tables == {
        stream.name: [
            [type_of(column), name, *(["PK"] if name in key_of(stream) else [])]
            for name, column in schema(stream.name).items()
        ]
        for stream in streams()
    }


# Airbyte's connectors_qa, "Connectors documentation headers structure, naming and order": a heading
# of one's own may stand where an ellipsis is, and nowhere else.
TEMPLATE = [
    "Autopilot",
    "Prerequisites",
    "Setup guide",
    "Set up Autopilot",
    "Set up the Autopilot connector in Airbyte",
    "For Airbyte Cloud:",
    "For Airbyte Open Source:",
    ...,
    "Supported sync modes",
    "Supported Streams",
    ...,
    "Performance considerations",
    "Data type map",
    "Limitations & Troubleshooting",
    ...,
    "Changelog",
]


def test_page__headings() -> None:
    """The headings are those of Airbyte's template of connector pages, in its words and order."""
    text = re.sub(r"^```.+?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#{1,4} (.+)$", text, re.MULTILINE)
    shown = [heading if heading in TEMPLATE else ... for heading in headings]

    assert [heading for heading, _ in groupby(shown)] == TEMPLATE


def test_page__introduction() -> None:
    """What stands between the title and the prerequisites is hidden in Airbyte's interface."""
    [introduction] = re.findall(r"^# Autopilot\n\n(.+?)\n\n## ", PAGE, re.DOTALL)

    assert introduction.startswith("<HideInUI>\n\n")
    assert introduction.endswith("\n\n</HideInUI>")
    assert PAGE.count("HideInUI") == 2


def test_page__prerequisites() -> None:
    """Each setting that the form requires is named there, by its title."""
    specification = connection_specification()
    section = PAGE.split("## Prerequisites\n")[1].split("\n## ")[0]

    for name in specification["required"]:
        assert specification["properties"][name]["title"] in section


def test_page__links_work_wherever_it_is_shown() -> None:
    """Airbyte shows the page without its neighbours: it links to itself or to the whole web."""
    targets = re.findall(r"\]\(([^)]+)\)", PAGE)

    assert targets != []
    assert [target for target in targets if not target.startswith(("#", "https://"))] == []


def forecast_at(frequency: int) -> Forecast:
    """The forecast of the page's account."""
    return Forecast(TOTALS.chains, TOTALS.page_seconds, frequency)


def test_page__schedules() -> None:
    """The table of schedules is what the forecast of the check computes."""
    expected = [
        [
            str(schedule.minutes),
            schedule.basic,
            f"`{schedule.cron}`",
            f"{forecast_at(schedule.minutes).rows_a_month:,}",
        ]
        for schedule in SCHEDULES
    ]

    assert table_under("How often to sync", PAGE) == expected


def test_page__forecast() -> None:
    """The lines that the check logs are those that the page shows."""
    [block] = re.findall(r"```text\n(This account has .+?)```", PAGE, re.S)

    assert block.splitlines() == [
        *forecast.describe_account(TOTALS),
        *forecast.describe(forecast_at(30)),
    ]


def test_stitch_page__names() -> None:
    """The tables and columns that the page maps Stitch's to are there."""
    section = STITCH.split("## Tables\n")[1].split("## Behaviour\n")[0]
    ours = [line.split(" | ", 1)[1] for line in section.splitlines() if line.startswith("|")]
    named = {name for cell in ours for name in re.findall(r"`(\w+)`", cell)}
    paths = [path for stream in STREAM_NAMES for path, *_ in columns(schema(stream))]
    known = {*STREAM_NAMES, *(name for path in paths for name in re.findall(r"\w+", path))}

    assert {name for name in named - known if not name.startswith("_airbyte_")} == set()


def test_page__changelog() -> None:
    """The page lists the versions of the changelog, and their dates."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## ([0-9.]+) \(([0-9-]+)\)$", changelog, re.MULTILINE)

    assert [tuple(row[:2]) for row in table_under("Changelog", PAGE)] == versions


MAKERS = {"config_error", "transient_error", "super().__init__"}  # are called with a sentence


def error_sentences() -> set[str]:
    """The first sentence of each error that a person may read, with an ellipsis for each value.

    Those of the error mapping, and those that stand where an error is made.
    """
    mapped = list(vars(error_mapping).values())
    tables = [table for table in mapped if isinstance(table, Mapping)]
    mapped += [failure for table in tables for failure in table.values()]
    texts = [failure.seen for failure in mapped if isinstance(failure, Failure)]
    for path in PACKAGE.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in MAKERS:
                arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
                texts += [skeleton(argument) for argument in arguments[:1]]
    shortened = [re.sub(r"{.*?}", "…", text) for text in texts if text]
    return {re.split(r"(?<=[.)]) (?=[A-Z…])", text)[0].rstrip(".") for text in shortened}


def skeleton(node: ast.expr) -> str:
    """A text in the code, with an ellipsis for each value in it; empty if the node is none."""
    if isinstance(node, ast.JoinedStr):
        parts = [skeleton(part) if isinstance(part, ast.Constant) else "…" for part in node.values]
        return "".join(parts)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


TABLES_OF_ERRORS = [
    "Settings and files",
    "Key and rate limit",
    "On the way to Autopilot",
    "Answers and pages",
]


def test_errors_page__connector() -> None:
    """The page says of every sentence that an error may have what to do, and of no other."""
    of_form = [
        f"{setting['title'].removesuffix(' (minutes)')} ({name}) is …: {EXPECTED[name]}"
        for name, setting in connection_specification()["properties"].items()
    ]
    of_dates = [
        "Start Date (start_date) is …, and there is no such day or time: …",
        "Start Date (start_date) is …, which is in the future: the clock here says … UTC: …",
    ]

    rows = [row for heading in TABLES_OF_ERRORS for row in table_under(heading, ERRORS)]
    assert sorted(row[0] for row in rows) == sorted(
        f"`{sentence}`" for sentence in {*of_form, *of_dates, *error_sentences()}
    )
    assert all(advice for _, advice in rows)


def test_page__troubleshooting() -> None:
    """The connector's page has some of these sentences, word by word."""
    known = {row[0] for heading in TABLES_OF_ERRORS for row in table_under(heading, ERRORS)}
    rows = table_under("Troubleshooting", PAGE)

    assert len(rows) >= 5
    assert [row[0] for row in rows if row[0] not in known] == []
    assert all(advice for _, advice in rows)


def test_errors_page__leads_to_every_table() -> None:
    """The first table of the page links to each table of sentences."""
    linked = re.findall(
        r"\[(.+?)\]\(#", " ".join(row[1] for row in table_under("What an error means", ERRORS))
    )

    assert linked == [*TABLES_OF_ERRORS, "The loader"]


LOADER_ERRORS = {"SyncFailed", "UnusableConfig", "DemoUnavailable"}


def loader_sentences() -> set[str]:
    """The first sentence of each error that the loader raises, with an ellipsis for each value."""
    sentences = set()
    for path in (ROOT / "autopilot_loader").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in LOADER_ERRORS:
                nodes = [node for node in ast.walk(call) if isinstance(node, ast.expr)]
                nodes.sort(key=lambda node: (node.lineno, node.col_offset))
                long = [text for text in map(skeleton, nodes) if len(text) > len(", at … \n")]
                sentences |= {re.split(r"[.;] |(?<=:) …? ?[A-Z]", text)[0] for text in long[:1]}
    return {re.sub(r"[.:]+$", "", sentence) for sentence in sentences}


def test_errors_page__loader() -> None:
    """The page says of every error of the loader what to do."""
    rows = {row[0].strip("`") for row in table_under("The loader", ERRORS)}

    assert loader_sentences() - rows == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links__lead_somewhere(document: str) -> None:
    """Files and headings that a document links to are there."""
    path = ROOT / document
    broken = []
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text()):
        file, _, anchor = target.partition("#")
        linked = (path.parent / file) if file else path
        headings = re.findall(r"^#+ (.+)$", linked.read_text() if anchor else "", re.MULTILINE)
        anchors = [re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in headings]
        if not linked.exists() or (anchor and anchor not in anchors):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files__are_there(document: str) -> None:
    """Files of the repository that a document names are there, and so are the tests in them."""
    text = (ROOT / document).read_text()
    named = re.findall(r"`([\w.]+/[\w./-]+\.\w+)(?:::(\w+))?`", text)

    assert [name for name in named if is_ours(name[0]) and not is_there(*name)] == []


def is_ours(file: str) -> bool:
    """Whether a path is one of this repository; not `secrets/config.json`, which a user makes."""
    folder = file.partition("/")[0]
    return file.endswith(".py") or (ROOT / folder).is_dir() or (PACKAGE / folder).is_dir()


def is_there(file: str, test: str) -> bool:
    """Whether a file is in the repository or the package, with that test in it if one is named."""
    found = [folder / file for folder in (ROOT, PACKAGE) if (folder / file).exists()]
    return any(not test or f"\ndef {test}(" in path.read_text() for path in found)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_tasks__are_in_the_makefile(document: str) -> None:
    """Every `make` task that a document names is there."""
    tasks = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:`|^\$ |^)make ([a-z-]+)", (ROOT / document).read_text(), re.MULTILINE)

    assert set(named) - tasks == set()


def test_contributing__names_every_room() -> None:
    """The map has a row for the hall and for each room, with every module that is in it."""
    rooms = {f"`{path.parent.name}/`": path.parent for path in PACKAGE.glob("*/__init__.py")}
    rooms["the hall of `source_autopilot/`"] = PACKAGE
    expected = {
        room: {path.stem for path in folder.glob("*.py")} - {"__init__"}
        for room, folder in rooms.items()
    }

    rows = table_under("The map", CONTRIBUTING)
    named = {room: set(re.findall(r"`(\w+)`", modules)) for room, modules, _ in rows}
    assert {room: modules for room, modules in named.items() if room != "`schemas/`"} == expected


def test_api__every_source_is_listed() -> None:
    """Each letter of a source that a fact carries is in the list of sources, and none is unused."""
    page = (ROOT / "docs" / "autopilot-api.md").read_text()
    listed = {letter for letter, _ in table_under("Sources", page)}
    marks = re.findall(r"\[((?:doc|client|seen|guess)[^]]*)\]", page.partition("## Sources")[0])
    used = {letter for mark in marks for letter in re.findall(r"\b(?:[A-Z]|tap|doc)\b", mark)}

    assert used == listed


def test_makefile__every_task_has_help() -> None:
    """What the Makefile can do, `make help` lists."""
    makefile = (ROOT / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)

    assert sorted(phony.split()) == sorted(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
