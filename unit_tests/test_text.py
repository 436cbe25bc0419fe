"""Tests of `wording`."""

import pytest

from source_autopilot.text import format_count, format_duration, join_names


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
