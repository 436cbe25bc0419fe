"""Tests of `moments`."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.converters import Misfit
from source_autopilot.records.timestamps import LAST_MS, moment, rfc3339


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2017-02-03T16:26:54.000Z", "2017-02-03T16:26:54.000Z"),  # as published
        (1486139214000, "2017-02-03T16:26:54.000Z"),  # epoch milliseconds
        ("1486139214000", "2017-02-03T16:26:54.000Z"),
        (1486139214000.5, "2017-02-03T16:26:54.000500Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (LAST_MS, "9999-12-31T23:59:59.999Z"),
        ("2016-02-29T23:59:59.999Z", "2016-02-29T23:59:59.999Z"),  # a day that few years have
        ("2017-01-31T00:00:00.000Z", "2017-01-31T00:00:00.000Z"),
        ("2017-02-03T16:26:54Z", "2017-02-03T16:26:54.000Z"),
        ("2017-02-03T18:26:54+02:00", "2017-02-03T16:26:54.000Z"),
        ("2017-02-03T18:26:54.123456+0200", "2017-02-03T16:26:54.123456Z"),
        ("2017-02-03 16:26:54", "2017-02-03T16:26:54.000Z"),  # no offset means UTC
        ("2017-02-03", "2017-02-03T00:00:00.000Z"),
        ("", None),  # seen
        ("  ", None),
    ],
)
def test_moment__fits(value: Any, expected: str | None) -> None:
    """Every way of writing a time becomes RFC 3339 in UTC, and "" becomes null."""
    assert moment(value) == expected


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
        LAST_MS + 1,
        "2017-W05-5T16:26:54.000Z",
        "0001-01-01T00:00:00+14:00",  # before the first moment that a datetime can hold
        10**18,
        float("nan"),
        True,
        [],
        {},
    ],
)
def test_moment__misfit(value: Any) -> None:
    """What is no time is not guessed at."""
    with pytest.raises(Misfit):
        moment(value)


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(
    min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31), timezones=OFFSETS
)


@given(MOMENTS)
def test_moment__keeps_the_instant(instant: datetime) -> None:
    """Whatever its offset, a time is the same instant afterwards, to the microsecond."""
    written = moment(instant.isoformat())

    assert written is not None
    assert datetime.fromisoformat(written.replace("Z", "+00:00")) == instant
    assert moment(written) == written


@given(MOMENTS, MOMENTS)
def test_rfc3339__sorts_as_text(first: datetime, second: datetime) -> None:
    """Without their Z, written moments are in the order of time; the start date relies on it."""
    assert (rfc3339(first)[:-1] < rfc3339(second)[:-1]) == (first < second)


@given(st.integers(0, LAST_MS))
def test_moment__short_way(epoch_ms: int) -> None:
    """Whole milliseconds, as contacts have dozens of them, are written as any other time is."""
    assert moment(epoch_ms) == rfc3339(
        datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=epoch_ms)
    )


@given(st.datetimes(min_value=datetime(1, 1, 1)))
def test_moment__as_written(instant: datetime) -> None:
    """Every day that there is may be written in the API's own way, and stays as it is."""
    written = rfc3339(instant.replace(microsecond=0, tzinfo=timezone.utc))

    assert moment(written) == written
