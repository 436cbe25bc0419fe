"""Tests of the schemas: what `discover` shows."""

from collections.abc import Iterator
from typing import Any

import pytest
from airbyte_cdk.models import SyncMode
from jsonschema import Draft7Validator

from source_autopilot.api.client import Client
from source_autopilot.records.custom_columns import FIELD_TYPES, CustomField, make_columns
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.tables import create_streams
from unit_tests.support.constants import NOW

KEYS = {
    "contacts": [["contact_id"]],
    "lists": [["list_id"]],
    "smart_segments": [["segment_id"]],
    "smart_segments_contacts": [["segment_id"], ["contact_id"]],
}
CUSTOM_FIELDS = [
    CustomField("Renewed at" if name == "date" else f"Test {name}", kind)
    for name, kind in FIELD_TYPES.items()
]


@pytest.fixture(params=sorted(KEYS))
def stream(request: pytest.FixtureRequest, client: Client) -> AutopilotStream:
    """Each of the four streams."""
    streams = create_streams(client, start_date=NOW, custom=make_columns(CUSTOM_FIELDS))
    return {stream.name: stream for stream in streams}[request.param]


def columns(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every column of a schema, nested ones too, with its path."""
    for name, column in schema.get("properties", {}).items():
        yield f"{path}{name}", column
        yield from columns(column, f"{path}{name}.")
        yield from columns(column.get("items", {}), f"{path}{name}[].")


def test_stream__as_in_the_table_layout(stream: AutopilotStream) -> None:
    """Names and keys are those of the layout that users know; full refresh is the only mode."""
    described = stream.as_airbyte_stream()

    assert described.source_defined_primary_key == KEYS[described.name]
    assert described.supported_sync_modes == [SyncMode.full_refresh]


def test_schema__valid_and_open(stream: AutopilotStream) -> None:
    """A schema is valid, leaves room for fields that are not known yet, and never lacks its key."""
    schema = dict(stream.get_json_schema())

    Draft7Validator.check_schema(schema)
    assert schema["additionalProperties"] is True
    assert [[name] for name in schema["required"]] == KEYS[stream.name]


def test_schema__every_column_described(stream: AutopilotStream) -> None:
    """Every column, nested ones too, says what it holds and which type it has."""
    for path, column in columns(dict(stream.get_json_schema())):
        assert column["description"].endswith("."), path
        assert column["type"], path


def test_schema__times(stream: AutopilotStream) -> None:
    """Every time column has the type that destinations turn into a timestamp with time zone."""
    found = {
        path for path, column in columns(dict(stream.get_json_schema())) if column.get("format")
    }
    expected = {
        path
        for path, _ in columns(dict(stream.get_json_schema()))
        if path.endswith(("_at", "timestamp", "last_engagement", "latest_subscribe"))
    }

    assert found == expected
    for path, column in columns(dict(stream.get_json_schema())):
        if path in found:
            assert (column["format"], column["airbyte_type"]) == (
                "date-time",
                "timestamp_with_timezone",
            )
