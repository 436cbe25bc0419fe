"""Tests that docs/deployment.md, and the requests in examples/airbyte_api, say what is so."""

import json
import math
import re
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from docs_tests.tables import table_under
from source_autopilot.config import connection_specification, parse_config
from source_autopilot.forecast import SCHEDULES, Paging, Totals
from source_autopilot.streams.tables import STREAM_NAMES

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/deployment.md").read_text()
METADATA = yaml.safe_load((ROOT / "metadata.yaml").read_text())["data"]


def example(name: str) -> Any:
    """A request's body, as it is in the examples."""
    return json.loads((ROOT / "examples/airbyte_api" / f"{name}.json").read_text())


def crontab_of(quartz: str) -> str:
    """A Quartz expression in crontab's words: no seconds, no weekday, another sign for every."""
    _, minute, hour, day, month, _ = quartz.split()
    return " ".join([minute.replace("0/", "*/"), hour.replace("0/", "*/"), day, month, "*"])


def test_intervals__are_the_forecasts() -> None:
    """Every interval that check may advise is there, as Airbyte and as cron know it."""
    expected = [
        [
            str(schedule.minutes),
            schedule.basic,
            f"`{schedule.cron}`",
            f"`{crontab_of(schedule.cron)}`",
        ]
        for schedule in SCHEDULES
    ]

    assert table_under("Which interval", PAGE) == expected


def test_crontab__is_the_interval_of_the_config() -> None:
    """The line for the crontab starts a sync as often as the config beside it says."""
    [line] = re.findall(r"```crontab\n(.+)\n```", PAGE)
    [config] = re.findall(r"echo '(\{.+\})' > autopilot/config.json", PAGE)
    frequency = json.loads(config)["frequency"]
    [schedule] = [schedule for schedule in SCHEDULES if schedule.minutes == frequency]

    assert line.startswith(f"{crontab_of(schedule.cron)} /")


def test_times__are_the_forecasts() -> None:
    """The table of times is what the forecast computes, for hardly anything but contacts."""
    columns = [
        (0.0, Paging.ONE_BY_ONE),
        (1.0, Paging.SIDE_BY_SIDE),
        (1.0, Paging.ONE_BY_ONE),
        (4.0, Paging.SIDE_BY_SIDE),
        (4.0, Paging.ONE_BY_ONE),
    ]

    def describe(contacts: int, page_seconds: float, paging: Paging) -> str:
        totals = Totals(contacts, 0, 0, [], page_seconds, paging=paging)
        return f"{math.ceil(totals.forecast(frequency=30).minutes - 1e-9):,} min"

    expected = []
    for contacts in (20_000, 100_000, 1_000_000, 5_000_000):
        calls = Totals(contacts, 0, 0, [], 0.0).forecast(frequency=30).calls
        times = [describe(contacts, *column) for column in columns]
        expected.append([f"{contacts:,}", f"{calls:,}", *times])

    assert table_under("What scales, and what does not", PAGE) == expected


def test_resources__are_the_metadatas() -> None:
    """The SQL sets what metadata.yaml asks for."""
    [sql] = re.findall(r"resource_requirements = '(.+)'", PAGE)

    assert json.loads(sql) == METADATA["resourceRequirements"]


def test_image__is_the_metadatas() -> None:
    """The commands and the clicks name the version and the repository of metadata.yaml."""
    image = f"{METADATA['dockerRepository']}:{METADATA['dockerImageTag']}"

    assert f"kind load docker-image {image} " in PAGE
    assert set(re.findall(r"source-autopilot:(\S+)", PAGE)) == {METADATA["dockerImageTag"]}
    assert f"tag `{METADATA['dockerImageTag']}`" in PAGE


def test_source_definition__is_the_metadatas() -> None:
    """The request names the image and the page of metadata.yaml."""
    fields = ["name", "dockerRepository", "dockerImageTag", "documentationUrl"]

    assert example("source_definition") == {name: METADATA[name] for name in fields}


def test_source__has_settings_that_the_connector_takes() -> None:
    """The form's schema takes the request's settings, and so does the connector."""
    settings = example("source")["configuration"]

    jsonschema.validate(settings, connection_specification())
    parse_config(settings)


def test_connection__reads_all_streams_as_often_as_the_source_says() -> None:
    """All streams, each as a full refresh, at the schedule that matches the frequency."""
    connection = example("connection")
    frequency = example("source")["configuration"]["frequency"]
    [schedule] = [schedule for schedule in SCHEDULES if schedule.minutes == frequency]

    assert connection["schedule"] == {"scheduleType": "cron", "cronExpression": schedule.cron}
    assert connection["configurations"]["streams"] == [
        {"name": name, "syncMode": "full_refresh_overwrite_deduped"} for name in STREAM_NAMES
    ]
    assert f"for a `frequency` of {frequency}." in " ".join(PAGE.split())


def test_readme__leads_to_the_page() -> None:
    """The README links to it."""
    assert "](docs/deployment.md)" in (ROOT / "README.md").read_text()
