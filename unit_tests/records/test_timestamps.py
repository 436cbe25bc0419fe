"""Tests of `timestamps`."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.converters import Rejected
from source_autopilot.records.timestamps import format_timestamp, to_timestamp
from unit_tests.support.documents import JSON, is_rfc_3339_in_utc

MAX_MS = 253_402_300_799_999  # of the year 9999


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2017-02-03T16:26:54.000Z", "2017-02-03T16:26:54.000Z"),  # as published
        (1486139214000, "2017-02-03T16:26:54.000Z"),  # epoch milliseconds
        ("1486139214000", "2017-02-03T16:26:54.000Z"),
        (1486139214000.5, "2017-02-03T16:26:54.000500Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (MAX_MS, "9999-12-31T23:59:59.999Z"),
        ("2016-02-29T23:59:59.999Z", "2016-02-29T23:59:59.999Z"),  # a day that few years have
        ("2017-01-31T00:00:00.000Z", "2017-01-31T00:00:00.000Z"),
        ("2017-02-03T16:26:54Z", "2017-02-03T16:26:54.000Z"),
        ("2017-02-03T18:26:54+02:00", "2017-02-03T16:26:54.000Z"),
        ("2017-02-03T18:26:54.123456+0200", "2017-02-03T16:26:54.123456Z"),
        ("2017-02-03 16:26:54", "2017-02-03T16:26:54.000Z"),  # no offset means UTC
        ("2017-02-03", "2017-02-03T00:00:00.000Z"),
        ("", None),  # seen
        ("  ", None),
        (None, None),
    ],
)
def test_to_timestamp__fits(value: Any, expected: str | None) -> None:
    """Every way of writing a time becomes RFC 3339 in UTC, and "" becomes null."""
    assert to_timestamp(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "5",
        "1e3",
        "2017-13-03T16:26:54.000Z",  # right in shape only
        "2017-02-29T16:26:54.000Z",
        "2017-02-30T16:26:54.000Z",
        "2017-04-31T16:26:54.000Z",
        "2017-01-00T16:26:54.000Z",
        "2017-02-03T16:26:60.000Z",
        "0000-02-03T16:26:54.000Z",
        MAX_MS + 1,
        "2017-W05-5T16:26:54.000Z",
        "0001-01-01T00:00:00+14:00",  # before the first moment that a datetime can hold
        10**18,
        float("nan"),
        True,
        [],
        {},
    ],
)
def test_to_timestamp__rejected(value: Any) -> None:
    """What is no time is not guessed at."""
    assert to_timestamp(value) == Rejected()


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(
    min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31), timezones=OFFSETS
)


@given(MOMENTS)
def test_to_timestamp__keeps_the_instant(instant: datetime) -> None:
    """Whatever its offset, a time is the same instant afterwards, to the microsecond."""
    written = to_timestamp(instant.isoformat())

    assert isinstance(written, str)
    assert datetime.fromisoformat(written.replace("Z", "+00:00")) == instant
    assert to_timestamp(written) == written


@given(MOMENTS, MOMENTS)
def test_format_timestamp__sorts_as_text(first: datetime, second: datetime) -> None:
    """Without their Z, written moments are in the order of time; the start date relies on it."""
    assert (format_timestamp(first)[:-1] < format_timestamp(second)[:-1]) == (first < second)


@given(st.integers(0, MAX_MS))
def test_to_timestamp__short_way(epoch_ms: int) -> None:
    """Whole milliseconds, as contacts have dozens of them, are written as any other time is."""
    assert to_timestamp(epoch_ms) == format_timestamp(
        datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=epoch_ms)
    )


@given(st.datetimes(min_value=datetime(1, 1, 1)))
def test_to_timestamp__as_written(instant: datetime) -> None:
    """Every day that there is may be written in the API's own way, and stays as it is."""
    written = format_timestamp(instant.replace(microsecond=0, tzinfo=timezone.utc))

    assert to_timestamp(written) == written


@given(JSON)
def test_to_timestamp__any_json(value: Any) -> None:
    """Whatever comes is a timestamp, null, or Rejected, and a timestamp stays as it is."""
    written = to_timestamp(value)

    assert written in (None, Rejected()) or is_rfc_3339_in_utc(written)
    assert isinstance(written, Rejected) or to_timestamp(written) == written
