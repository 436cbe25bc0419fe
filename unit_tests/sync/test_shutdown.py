"""Tests of `termination`; integration_tests/test_resume.py ends whole processes."""

from source_autopilot.sync.shutdown import LONGEST_SECONDS


def test_longest_seconds() -> None:
    """A connector that is asked to end is gone in 5 s: Docker kills it after 10."""
    assert LONGEST_SECONDS <= 5
