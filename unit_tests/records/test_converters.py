"""Tests of `converters`."""

from typing import Any

import pytest
from hypothesis import given

from source_autopilot.records.converters import (
    Rejected,
    convert_value,
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
    [(True, True), (False, False), ("true", True), ("False", False), ("", None), (None, None)],
)
def test_to_boolean__fits(value: Any, expected: bool | None) -> None:
    """Booleans stay, also when they are written as text; an empty text is null."""
    assert to_boolean(value) is expected


@pytest.mark.parametrize("value", ["yes", 1, 0, [], {}])
def test_to_boolean__rejected(value: Any) -> None:
    """What only looks like a boolean is not guessed at."""
    assert to_boolean(value) == Rejected()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        ("10001", 10001),
        (7.0, 7),
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
    "value", [7.5, True, "many", "2024_01", 2**63, -(2**63) - 1, float("inf"), [], {}]
)
def test_to_integer__rejected(value: Any) -> None:
    """No fractions, no booleans, nothing beyond 64 bits."""
    assert to_integer(value) == Rejected()


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
def test_to_number__fits(value: Any, expected: float | None) -> None:
    """Numbers stay as they are, also when they are written as text; an empty text is null."""
    result = to_number(value)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    "value", ["many", "1_0", "1,5", "nan", "-inf", "1e999", float("nan"), 10**400, True, [], {}]
)
def test_to_number__rejected(value: Any) -> None:
    """No booleans, and nothing that is not finite."""
    assert to_number(value) == Rejected()


@given(JSON)
def test_converters__any_json(value: Any) -> None:
    """A converter returns a value of its column's type, null, or Rejected; it never raises."""
    assert isinstance(to_text(value), str | None)
    assert to_boolean(value) in (True, False, None, Rejected())
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


@pytest.mark.parametrize("value", [7, "7", None])
def test_convert_value__fits(value: Any) -> None:
    """A value that fits is converted, and null is null whatever the converter."""
    rejected: list[str] = []

    assert convert_value(value, to_integer, "seats", rejected) == to_integer(value)
    assert convert_value(None, lambda _: Rejected(), "seats", rejected) is None
    assert rejected == []


def test_convert_value__rejected() -> None:
    """Of a value that does not fit its column gets the replacement, and is named."""
    rejected = ["a"]

    assert convert_value("many", to_integer, "seats", rejected) is None
    assert convert_value("x", lambda _: Rejected([1]), "b", rejected) == [1]
    assert rejected == ["a", "seats", "b"]
