"""The files of a command, --config, --catalog and --state: what is no good in one is an error.

It says which file it is, where in it something else was expected, and what. It repeats no value
but the name of a mode: any of these files may be the settings, by mistake, and these hold the key.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from airbyte_cdk.models import (
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteCatalogSerializer,
)
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from source_autopilot.errors import config_error
from source_autopilot.text import describe_kind


class _Stream(BaseModel):
    name: str
    json_schema: dict[str, Any]


class _ConfiguredStream(BaseModel):
    stream: _Stream
    sync_mode: Literal["full_refresh", "incremental"]


class _Catalog(BaseModel):
    streams: list[_ConfiguredStream]


class _Descriptor(BaseModel):
    name: str


class _StreamState(BaseModel):
    stream_descriptor: _Descriptor
    stream_state: dict[str, Any] | None = None


class _GlobalState(BaseModel):
    shared_state: dict[str, Any] | None = None
    stream_states: list[_StreamState]


class _State(BaseModel):
    type: Literal["STREAM", "GLOBAL", "LEGACY"]
    stream: _StreamState | None = None
    global_: _GlobalState | None = Field(None, alias="global")
    data: dict[str, Any] | None = None


_CONFIG = TypeAdapter(dict[str, Any])
_CATALOG = TypeAdapter(_Catalog)
_STATES = TypeAdapter(list[_State])

MAX_MODE_LENGTH = 20

_EXPECTED = {
    "dict_type": "expected an object",
    "int_type": "expected a whole number",
    "list_type": "expected an array",
    "model_type": "expected an object",
    "string_type": "expected a text",
}


def read_config(path: str) -> dict[str, Any]:
    """The settings; which ones there are is not judged here. Raises UserFacingError."""
    with _explain("--config", path):
        content: dict[str, Any] = _CONFIG.validate_python(_read_json(path))
        return content


def read_catalog(path: str) -> ConfiguredAirbyteCatalog:
    """The configured catalog. Raises UserFacingError."""
    with _explain("--catalog", path):
        content = _read_json(path)
        _CATALOG.validate_python(content)
        return ConfiguredAirbyteCatalogSerializer.load(content)


def read_states(path: str | None) -> list[AirbyteStateMessage]:
    """The state messages of the last attempt; none without a path. Raises UserFacingError.

    `{}` and `null` are none, too.
    """
    if not path:
        return []
    with _explain("--state", path):
        content = _read_json(path)
        if content is None or content == {}:
            return []
        _STATES.validate_python(content)
        return [AirbyteStateMessageSerializer.load(state) for state in content]


def _read_json(path: str) -> Any:
    """The JSON in a file: in UTF-8, or in UTF-16 or UTF-32 with or without a byte order mark."""
    content = Path(path).read_bytes()
    if not content.strip():
        raise ValueError("it is empty")
    return json.loads(content, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it has {name} in it, which is no JSON")


@contextmanager
def _explain(option: str, path: str) -> Iterator[None]:
    try:
        yield
    except Exception as problem:
        reason = _describe(problem, path)
        raise config_error(f"The file of {option}, {path}, cannot be used: {reason}.") from None


def _describe(problem: Exception, path: str) -> str:
    if isinstance(problem, PermissionError):
        return _describe_permission(path)
    if isinstance(problem, OSError):
        return problem.strerror or type(problem).__name__
    if isinstance(problem, UnicodeDecodeError):
        return f"it is not UTF-8 (at byte {problem.start + 1})"
    if isinstance(problem, RecursionError):
        return "it is nested too deeply"
    if isinstance(problem, ValidationError):
        return _describe_place(problem)
    # JSON's, and those of the CDK's serializer, whose texts have lines of their own.
    return " ".join(str(problem).split()).rstrip(".")


def _describe_permission(path: str) -> str:
    user = os.geteuid()
    try:
        owner = f"--user {os.stat(path).st_uid}"
    except OSError:  # its folder is closed, too
        owner = "--user with the number of its owner"
    return (
        f"user {user}, as which this runs, may not read it; give it to that user"
        f" (chown {user}), or run as its owner (docker run {owner})"
    )


def _describe_place(problem: ValidationError) -> str:
    """The first thing that is wrong, where it is, and what was expected there."""
    error = problem.errors(include_url=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    subject = place.lstrip(".") or "it"
    if error["type"] == "missing":
        return f"{subject} is missing"
    if error["type"] == "literal_error":
        mode = error["input"]
        seen = json.dumps(mode[:MAX_MODE_LENGTH]) if isinstance(mode, str) else describe_kind(mode)
        return f"{subject} is {seen}: expected {error['ctx']['expected']}"
    expected = _EXPECTED.get(error["type"], error["msg"])
    return f"{subject} is {describe_kind(error['input'])}: {expected}"
