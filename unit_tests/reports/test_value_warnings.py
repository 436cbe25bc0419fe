"""Tests of `reports.value_warnings`."""

import logging

import pytest

from source_autopilot.reports.value_warnings import ValueWarnings


def test_log__once_per_column(caplog: pytest.LogCaptureFixture) -> None:
    """A warning for each column with its count and the shape of the first value, and only once."""
    warnings = ValueWarnings()
    warnings.count_rejected(
        [("updated_at", "3rd of May"), ("updated_at", "?"), ("custom_fields", {"a": 1})],
        kept_in="other_fields",
    )
    warnings.count_rejected([("custom_seats", 9.5)], kept_in="custom_fields")
    warnings.count_rejected([("updated_at", "!"), ("lists", ["a"])], kept_in="other_fields")
    warnings.count_sanitized({"last_name": 1, "first_name": 2})
    warnings.count_sanitized({"first_name": 1})

    with caplog.at_level(logging.INFO):
        warnings.log("contacts", logging.getLogger("test"))
        warnings.log("contacts", logging.getLogger("test"))

    did_not_fit = "did not fit the type of column"
    kept = "what did not fit is null in its place, and"
    legend = "(a: any letter, 9: any digit)"
    not_stored = (
        "could not be stored by a destination: NaN is null in its place, an integer beyond 64 bits"
        " a text, NUL or half a character U+FFFD."
    )
    assert caplog.messages == [
        f"contacts: 1 value {did_not_fit} custom_fields; {kept} other_fields has it as it came."
        " The first is an object.",
        f"contacts: 1 value {did_not_fit} custom_seats; {kept} custom_fields has it as it came."
        f' The first looks like "9.9" {legend}.',
        f"contacts: 1 value {did_not_fit} lists; {kept} other_fields has it as it came."
        " The first is an array.",
        f"contacts: 3 values {did_not_fit} updated_at; {kept} other_fields has it as it came."
        f' The first looks like "9aa aa aaa" {legend}.',
        f"contacts: 3 values of column first_name {not_stored}",
        f"contacts: 1 value of column last_name {not_stored}",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_log__nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A stream whose values were all left as they are has nothing to say."""
    with caplog.at_level(logging.INFO):
        ValueWarnings().log("contacts", logging.getLogger("test"))

    assert caplog.messages == []


def test_log__counts_again(caplog: pytest.LogCaptureFixture) -> None:
    """What is counted after a log begins at nothing."""
    warnings = ValueWarnings()
    warnings.count_rejected([("updated_at", "soon")], kept_in="other_fields")
    warnings.log("contacts", logging.getLogger("test"))
    caplog.clear()

    warnings.count_rejected([("updated_at", "3 May")], kept_in="other_fields")
    warnings.log("contacts", logging.getLogger("test"))

    [line] = caplog.messages
    assert line.startswith("contacts: 1 value did not fit")
    assert '"9 aaa"' in line
