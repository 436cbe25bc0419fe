"""Tests of `values`."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.values import Misfit, boolean, integer, moment, number, rfc3339, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),  # an empty text is a text
        ("10001", "10001"),
        (None, None),
        (5, "5"),
        (1.5, "1.5"),
        (True, "true"),
        ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'),
        (2**70, "1180591620717411303424"),  # beyond what the JSON library writes
    ],
)
def test_text__any_value(value: Any, expected: str | None) -> None:
    """Text stays, everything else is written as JSON."""
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), ("true", True), ("False", False), ("", None), (None, None)],
)
def test_boolean__fits(value: Any, expected: bool | None) -> None:
    """Booleans stay, also when they are written as text; an empty text is null."""
    assert boolean(value) is expected


@pytest.mark.parametrize("value", ["yes", 1, 0, [], {}])
def test_boolean__misfit(value: Any) -> None:
    """What only looks like a boolean is not guessed at."""
    with pytest.raises(Misfit):
        boolean(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(7, 7), ("10001", 10001), (7.0, 7), ("", None), (None, None), (2**63 - 1, 2**63 - 1)],
)
def test_integer__fits(value: Any, expected: int | None) -> None:
    """Whole numbers become integers, never floats: destinations tell 7.0 from 7."""
    result = integer(value)

    assert result == expected
    assert not isinstance(result, float)


@pytest.mark.parametrize("value", [7.5, True, "many", 2**63, float("inf"), [], {}])
def test_integer__misfit(value: Any) -> None:
    """No fractions, no booleans, nothing beyond 64 bits."""
    with pytest.raises(Misfit):
        integer(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, 0.5),
        (7, 7),
        (2**53 + 1, 2**53 + 1),  # a float would round it
        ("7", 7.0),
        (" -1.75e2 ", -175.0),
        ("", None),
        (None, None),
    ],
)
def test_number__fits(value: Any, expected: float | None) -> None:
    """Numbers stay as they are, also when they are written as text; an empty text is null."""
    result = number(value)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    "value", ["many", "1,5", "nan", "-inf", "1e999", float("nan"), 10**400, True, [], {}]
)
def test_number__misfit(value: Any) -> None:
    """No booleans, and nothing that is not finite."""
    with pytest.raises(Misfit):
        number(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2017-02-03T16:26:54.000Z", "2017-02-03T16:26:54.000Z"),  # as published
        (1486139214000, "2017-02-03T16:26:54.000Z"),  # epoch milliseconds
        ("1486139214000", "2017-02-03T16:26:54.000Z"),
        (1486139214000.5, "2017-02-03T16:26:54.000500Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
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
        "2017-13-03T16:26:54.000Z",  # canonical in shape only
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
