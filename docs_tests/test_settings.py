"""Every config that this repository shows or uses is one that Airbyte's form and server take."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from source_autopilot.config import connection_specification, parse_config
from unit_tests.support.forms import validate_settings

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
MEANT_TO_FAIL = {"broken_frequency.json", "start_in_the_future.json"}


def _find_settings(value: Any) -> list[dict[str, Any]]:
    """All objects with a key of the API in a JSON value."""
    if isinstance(value, list):
        return [found for item in value for found in _find_settings(item)]
    if not isinstance(value, dict):
        return []
    return [value] if "api_key" in value else _find_settings(list(value.values()))


def _all_settings() -> dict[str, dict[str, Any]]:
    files = [*(ROOT / "integration_tests/configs").glob("*.json"), *ROOT.glob("examples/**/*.json")]
    in_files = {
        str(file.relative_to(ROOT)): settings
        for file in files
        if file.name not in MEANT_TO_FAIL
        for settings in _find_settings(json.loads(file.read_text()))
    }
    in_pages = {
        f"{page.relative_to(ROOT)}: {written}": json.loads(written)
        for page in PAGES
        for written in re.findall(r'\{"api_key": "[^{}]*\}', page.read_text())
    }
    return in_files | in_pages


@pytest.mark.parametrize("place", _all_settings())
def test_settings__are_taken(place: str) -> None:
    """By the form's schema with its formats asserted, as Airbyte's server does, and by us."""
    settings = _all_settings()[place]

    validate_settings(settings, connection_specification())
    parse_config(settings)


def test_settings__are_found() -> None:
    """Those that a reader copies are among them."""
    places = " ".join(_all_settings())

    for page in ["README.md", "docs/deployment.md", "examples/airbyte_api/source.json"]:
        assert page in places
