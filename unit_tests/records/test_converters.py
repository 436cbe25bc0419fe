"""Tests of `converters`."""

from typing import Any

import pytest
from hypothesis import given

from source_autopilot.records.converters import (
    Rejected,
    to_boolean,
    to_integer,
    to_number,
    to_text,
)
from unit_tests.support.documents import JSON


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
def test_to_text__any_value(value: Any, expected: str | None) -> None:
    """Text stays, everything else is written as JSON."""
    assert to_text(value) == expected


def test_to_text__deeply_nested() -> None:
    """What is nested deeper than the JSON library goes is written as JSON, too."""
    deep: Any = {"é": "'"}
    for _ in range(300):
        deep = [deep, 1]

    assert to_text(deep) == "[" * 300 + '{"é":"\'"}' + ",1]" * 300


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("False", False),
        (1, True),
        (0, False),
        ("1", True),
        ("0", False),
        ("", None),
        (None, None),
    ],
)
def test_to_boolean__fits(value: Any, expected: bool | None) -> None:
    """Booleans stay, also when they are written as 1 or 0 or as text; an empty text is null."""
    assert to_boolean(value) is expected


@pytest.mark.parametrize("value", ["yes", 2, -1, 0.5, "2", "1.0", [], {}])
def test_to_boolean__rejected(value: Any) -> None:
    """What only looks like a boolean is not guessed at."""
    assert to_boolean(value) == Rejected(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        ("10001", 10001),
        (7.0, 7),
        ("5.0", 5),
        ("-9007199254740993.00", -9007199254740993),  # a float would round it
        ("1e3", 1000),
        ("", None),
        (None, None),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
    ],
)
def test_to_integer__fits(value: Any, expected: int | None) -> None:
    """Whole numbers become integers, never floats: destinations tell 7.0 from 7."""
    result = to_integer(value)

    assert result == expected
    assert not isinstance(result, float)


@pytest.mark.parametrize(
    "value",
    [
        *[7.5, "7.5", True, "many", "2024_01", [], {}, [0, [1], 0]],
        *[2**63, -(2**63) - 1, 2.0**63, "9223372036854775808", "1e999999999"],
        *[float("inf"), float("-inf"), "nan", "sNaN", "-inf"],
    ],
)
def test_to_integer__rejected(value: Any) -> None:
    """No fractions, no booleans, nothing beyond 64 bits."""
    assert to_integer(value) == Rejected(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, 0.5),
        (7, 7),
        (2**53 + 1, 2**53 + 1),  # a float would round it
        ("7", 7.0),
        ("9007199254740993", 9007199254740993),
        ("-9223372036854775807", -9223372036854775807),
        ("12345678901234567890123", 12345678901234567890123.0),
        (" -1.75e2 ", -175.0),
        ("0.1", 0.1),
        ("7.0", 7.0),
        (9.9e28, 9.9e28),
        (-9.9e28, -9.9e28),
        (1e-30, 1e-30),
        ("", None),
        (None, None),
    ],
)
def test_to_number__fits(value: Any, expected: float | None) -> None:
    """Numbers stay as they are, also when they are written as text; an empty text is null."""
    result = to_number(value)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        *["many", "1_0", "1,5", "nan", "-inf", "1e999", float("inf"), 10**400, True, [], {}],
        # Destinations keep numbers as DECIMAL(38, 9): one such number fails the load of a table.
        *[1e29, -1e29, 10**29, "1e29", 1.7e308],
    ],
)
def test_to_number__rejected(value: Any) -> None:
    """No booleans, nothing that is not finite, and nothing that destinations have no room for."""
    assert to_number(value) == Rejected(value)


@given(JSON)
def test_converters__any_json(value: Any) -> None:
    """A converter returns a value of its column's type, null, or Rejected; it never raises."""
    assert isinstance(to_text(value), str | None)
    assert type(to_boolean(value)) in (bool, type(None), Rejected)
    integer = to_integer(value)
    assert type(integer) in (int, type(None), Rejected)
    number = to_number(value)
    assert type(number) in (int, float, type(None), Rejected)


@given(JSON)
def test_converters__what_was_converted_stays(value: Any) -> None:
    """Converting a converted value again changes nothing."""
    for convert in (to_text, to_boolean, to_integer, to_number):
        converted = convert(value)
        if not isinstance(converted, Rejected):
            assert convert(converted) == converted
