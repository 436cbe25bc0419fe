"""Tests of `concurrent_read`; whole reads are in `test_source`."""

import logging

import pytest
from airbyte_cdk.models import AirbyteStreamStatus, StreamDescriptor
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message as status_message

from source_autopilot.api.client import Api
from source_autopilot.streams.tables import Lists
from source_autopilot.sync.reader import ConcurrentRead


def test_told__once(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """A stream that failed before the sync was stopped is incomplete twice, and told of once."""
    read = ConcurrentRead([Lists(api)], None, logging.getLogger("airbyte"))
    incomplete = status_message(StreamDescriptor(name="lists"), AirbyteStreamStatus.INCOMPLETE)

    assert list(read._told([incomplete, incomplete])) == [incomplete, incomplete]

    assert caplog.messages == ["lists: incomplete. Nothing was read."]
