"""Tests of `values`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.converters import UNCHANGED, Misfit, boolean, integer, number, text


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


def test_text__deeply_nested() -> None:
    """What is nested deeper than the JSON library goes is written as JSON, too."""
    deep: Any = {"é": "'"}
    for _ in range(300):
        deep = [deep, 1]

    assert text(deep) == "[" * 300 + '{"é":"\'"}' + ",1]" * 300


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


@given(st.text() | st.booleans())
def test_unchanged__saves_the_call(value: Any) -> None:
    """What is said to come out as it went in does."""
    for convert, unchanged in UNCHANGED.items():
        if type(value) is unchanged:
            assert convert(value) is value
