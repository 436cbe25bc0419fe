"""The files that a command is given: settings, catalog, state.

One that cannot be read is a config error that names it. What is in them is judged elsewhere.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalog, FailureType
from airbyte_cdk.sources import AbstractSource

from source_autopilot.errors import ExplainedError


class SourceWithInputFiles(AbstractSource):
    """Reads the files as the CDK does, and raises ExplainedError for those that make no sense."""

    @staticmethod
    def read_config(config_path: str) -> MutableMapping[str, Any]:
        with _usable("--config", config_path):
            return AbstractSource.read_config(config_path)

    @classmethod
    def read_catalog(cls, catalog_path: str) -> ConfiguredAirbyteCatalog:
        with _usable("--catalog", catalog_path):
            return super().read_catalog(catalog_path)

    @classmethod
    def read_state(cls, state_path: str) -> list[AirbyteStateMessage]:
        with _usable("--state", state_path):
            return super().read_state(state_path)


@contextmanager
def _usable(option: str, path: str) -> Iterator[None]:
    try:
        yield
    except Exception as problem:
        # Python's, the CDK's and a schema validator's, whose texts have lines of their own.
        reason = " ".join(str(problem).split()).rstrip(".")
        raise ExplainedError(
            message=f"The file of {option}, {path}, cannot be used: {reason}.",
            failure_type=FailureType.config_error,
        ) from None
