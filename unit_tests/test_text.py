"""Tests of `text`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.text import (
    MAX_SHAPE_LENGTH,
    describe_kind,
    describe_shape,
    format_count,
    format_duration,
    join_names,
)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (2_500_000, "2,500,000 rows")]
)
def test_counted(number: int, text: str) -> None:
    """One is not many, and large numbers can be read."""
    assert format_count(number, "row") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.02, "1 s"),
        (11.6, "12 s"),
        (119.4, "119 s"),
        (120, "2 minutes"),
        (7199, "120 minutes"),
        (7200, "2 hours"),
        (500_000, "139 hours"),
        (10_000_000, "2,778 hours"),
        (float("inf"), "an endless time"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    """Short times in seconds, long ones in minutes or hours; what took time never took none."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_listed(names: list[str], text: str) -> None:
    """As in a sentence."""
    assert join_names(names) == text


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("", ""),
        ("Tue, 12 May 2015 21:41:31 GMT", "aaa, 99 aaa 9999 99:99:99 aaa"),
        ("Müller 北京 ٣½", "aaaaaa aa 99"),
        ("a\tb\u200b", "a?a?"),
        ("x" * MAX_SHAPE_LENGTH, "a" * MAX_SHAPE_LENGTH),
        ("x" * (MAX_SHAPE_LENGTH + 1), "a" * (MAX_SHAPE_LENGTH - 3) + "..."),
    ],
)
def test_describe_shape(text: str, shape: str) -> None:
    """The kinds of its signs are left of a text, and of a long one the beginning."""
    assert describe_shape(text) == shape


@given(st.text())
def test_describe_shape__says_nothing_else(text: str) -> None:
    """No letter but a, no digit but 9, nothing outside of ASCII, and it is short."""
    shape = describe_shape(text)

    assert {sign for sign in shape if sign.isalnum()} <= {"a", "9"}
    assert shape.isascii()
    assert len(shape) <= MAX_SHAPE_LENGTH


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        ("", "a text"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_describe_kind(value: object, kind: str) -> None:
    """JSON's own words, with an article."""
    assert describe_kind(value) == kind
