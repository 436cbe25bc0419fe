"""Tests of `backoff`."""

import time
from email.utils import formatdate

import pytest
import requests

from source_autopilot.api.backoff import RetryAfter, retry_after


def answer(retry_after: str | None = None) -> requests.Response:
    """A refusal that asks for a pause, or does not."""
    response = requests.Response()
    response.status_code = 429
    if retry_after is not None:
        response.headers["Retry-After"] = retry_after
    return response


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), (" 0 ", 0), ("", None), ("soon", None), ("-1", None)]
)
def test_retry_after__seconds(header: str, seconds: float | None) -> None:
    """Seconds are taken as they are, nonsense as nothing."""
    assert retry_after(answer(header)) == seconds


def test_retry_after__date(monkeypatch: pytest.MonkeyPatch) -> None:
    """An HTTP date is the time until then, and never negative."""
    now = 1_700_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)

    assert retry_after(answer(formatdate(now + 9, usegmt=True))) == 9
    assert retry_after(answer(formatdate(now - 9, usegmt=True))) == 0


def test_backoff_time__from_the_answer() -> None:
    """The client waits as long as the answer asks; an exception asks for nothing."""
    assert RetryAfter().backoff_time(answer("7"), 1) == 7
    assert RetryAfter().backoff_time(answer(), 1) is None
    assert RetryAfter().backoff_time(requests.ConnectionError(), 1) is None
