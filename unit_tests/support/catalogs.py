"""Configured catalogs, as a sync gets them."""

from collections.abc import Mapping
from typing import Any

from airbyte_cdk.models import (
    AirbyteStream,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    SyncMode,
)

DISCOVERED: Mapping[str, Any] = {"type": "object", "properties": {"contact_id": {"type": "string"}}}


def catalog(*names: str, schema: Mapping[str, Any] = DISCOVERED) -> ConfiguredAirbyteCatalog:
    """A full refresh of the named streams, all with this schema."""
    return ConfiguredAirbyteCatalog(
        streams=[
            ConfiguredAirbyteStream(
                stream=AirbyteStream(
                    name=name,
                    json_schema=dict(schema),
                    supported_sync_modes=[SyncMode.full_refresh],
                ),
                sync_mode=SyncMode.full_refresh,
                destination_sync_mode=DestinationSyncMode.overwrite,
            )
            for name in names
        ]
    )
