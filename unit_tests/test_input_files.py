"""Tests of `input_files`."""

from pathlib import Path

import pytest
from airbyte_cdk.models import FailureType

from source_autopilot.errors import ExplainedError
from source_autopilot.source import SourceAutopilot

READERS = {
    "--config": SourceAutopilot.read_config,
    "--catalog": SourceAutopilot.read_catalog,
    "--state": SourceAutopilot.read_state,
}


@pytest.mark.parametrize(
    ("option", "content", "reason"),
    [
        ("--config", "[1]", "is not an object"),
        ("--catalog", '{"a": 1}', "Schema validation failed"),
        ("--state", '[{"type": "STREAM"}]', "should contain either a stream"),
        ("--state", '{"a": 1}', "Schema validation failed"),
        ("--state", "5", "not iterable"),
        *[(option, "{", "Could not read json file") for option in READERS],
        *[(option, "", "Could not read json file") for option in READERS],
        *[(option, None, "No such file") for option in READERS],
    ],
)
def test_read__unusable_file(tmp_path: Path, option: str, content: str | None, reason: str) -> None:
    """A file that makes no sense is a config error that names the option and the file, in a line.

    A cron job whose last sync was cut off while it wrote its state meets such a file.
    """
    path = tmp_path / "file.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ExplainedError, match=reason) as raised:
        READERS[option](str(path))

    assert raised.value.failure_type == FailureType.config_error
    assert str(raised.value).startswith(f"The file of {option}, {path}, cannot be used: ")
    assert "\n" not in str(raised.value)


def test_read__usable_files(tmp_path: Path) -> None:
    """What makes sense is read as ever; no state is the start."""
    path = tmp_path / "file.json"
    path.write_text('{"streams": []}')

    assert SourceAutopilot.read_config(str(path)) == {"streams": []}
    assert SourceAutopilot.read_catalog(str(path)).streams == []
    assert SourceAutopilot.read_state("") == []
