"""Tests of `tally`."""

import logging

import pytest

from source_autopilot.reports.value_warnings import Tally


def test_log__once_per_column(caplog: pytest.LogCaptureFixture) -> None:
    """A warning for each column with its count; what was told is not told again."""
    tally = Tally()
    tally.misfits(["updated_at", "updated_at", "unsubscribed"])
    tally.mended({"FirstName": 2})
    tally.mended({"FirstName": 1})

    with caplog.at_level(logging.WARNING):
        tally.log("contacts", logging.getLogger("test"))
        tally.log("contacts", logging.getLogger("test"))

    first, second, third = [record.message for record in caplog.records]
    assert first.startswith("contacts: 1 value did not fit the type of column unsubscribed")
    assert second.startswith("contacts: 2 values did not fit the type of column updated_at")
    assert third.startswith("contacts: 3 values of column first_name could not be stored")
