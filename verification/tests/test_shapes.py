"""What may be said of a value."""

import pytest

from verification.shapes import describe_amount, describe_keys, describe_known, show_shape


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (-1, "none"),
        (0, "none"),
        (1, "fewer than 10"),
        (9, "fewer than 10"),
        (10, "about 10"),
        (4321, "about 4,000"),
        (99_999, "about 90,000"),
        (10**13, "more than anybody has"),
    ],
)
def test_amount(number: int, text: str) -> None:
    """One digit of an account's size is enough."""
    assert describe_amount(number) == text


@pytest.mark.parametrize(
    ("text", "shape"), [("", "empty text"), ("Ann 7", "`aaa 9`"), ("`a|b`", "`?a?a?`")]
)
def test_shape(text: str, shape: str) -> None:
    """A shape is code in a cell: nothing in it ends either."""
    assert show_shape(text) == shape


def test_known() -> None:
    """A documented word is shown, any other one as its shape or type."""
    assert [describe_known(word, ["date"]) for word in ("date", "Ann", 7)] == [
        "date",
        "`aaa`",
        "a whole number",
    ]


def test_keys() -> None:
    """Documented keys are named, others counted."""
    assert describe_keys({"b": 1, "a": 2, "Ann": 3}, ["a", "b", "c"]) == "a, b, 1 more"
    assert describe_keys({}, ["a"]) == "no keys"
