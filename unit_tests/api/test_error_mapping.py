"""Tests of `errors`."""

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.error_handlers import ResponseAction

from source_autopilot.api.error_mapping import AutopilotErrorHandler
from source_autopilot.api.retry_policy import (
    PATIENCE_FOR_ONE_QUESTION,
    PATIENCE_OF_CHECK,
    PATIENCE_OF_DISCOVER,
    PATIENCE_OF_FORECAST,
    PATIENCE_OF_READ,
    Patience,
)
from source_autopilot.reports.retries import Waits
from source_autopilot.source import SECONDS_BEFORE_FORECAST
from source_autopilot.streams.custom_fields import SECONDS_BEFORE_FALLBACK, SECONDS_BEFORE_ONE_TRY
from source_autopilot.survey import MOST_SECONDS

HANDLER = AutopilotErrorHandler(PATIENCE_OF_READ, Waits().of("contacts"))


def answer(status: int, body: bytes = b"{}", **headers: str) -> requests.Response:
    """A response as requests would hand it over."""
    response = requests.Response()
    response.status_code = status
    response._content = body
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


@pytest.mark.parametrize(
    ("status", "action", "failure_type"),
    [
        (200, ResponseAction.SUCCESS, None),
        (204, ResponseAction.FAIL, FailureType.system_error),
        (301, ResponseAction.FAIL, FailureType.transient_error),
        (307, ResponseAction.FAIL, FailureType.transient_error),
        (400, ResponseAction.IGNORE, None),  # the stream decides
        (401, ResponseAction.FAIL, FailureType.config_error),
        (403, ResponseAction.FAIL, FailureType.config_error),
        (404, ResponseAction.IGNORE, None),
        (410, ResponseAction.IGNORE, None),
        (422, ResponseAction.IGNORE, None),
        (405, ResponseAction.FAIL, FailureType.system_error),
        (408, ResponseAction.RETRY, FailureType.transient_error),
        (429, ResponseAction.RATE_LIMITED, FailureType.transient_error),
        (500, ResponseAction.RETRY, FailureType.transient_error),
        (503, ResponseAction.RETRY, FailureType.transient_error),
        (599, ResponseAction.RETRY, FailureType.transient_error),
    ],
)
def test_interpret_response__status(
    status: int, action: ResponseAction, failure_type: FailureType | None
) -> None:
    """Each status is retried or given up, and is somebody's fault, as the table says."""
    resolution = HANDLER.verdict(answer(status))

    assert (resolution.response_action, resolution.failure_type) == (action, failure_type)
    refused = action in (ResponseAction.SUCCESS, ResponseAction.IGNORE)
    assert refused or str(status) in str(resolution.error_message)


@pytest.mark.parametrize(
    ("error", "action", "seen"),
    [
        (requests.ConnectTimeout(), ResponseAction.RETRY, "did not answer in time"),
        (requests.ReadTimeout(), ResponseAction.RETRY, "did not answer in time"),
        (requests.ConnectionError(), ResponseAction.RETRY, "failed or broke off"),
        (requests.exceptions.ChunkedEncodingError(), ResponseAction.RETRY, "broke off"),
        (requests.exceptions.ContentDecodingError(), ResponseAction.RETRY, "broke off"),
        (requests.exceptions.SSLError(), ResponseAction.RETRY, "No secure connection"),
        (requests.exceptions.InvalidURL(), ResponseAction.RETRY, "was not found"),
        (requests.exceptions.InvalidHeader(), ResponseAction.FAIL, "could not be sent"),
    ],
)
def test_interpret_response__exception(error: Exception, action: ResponseAction, seen: str) -> None:
    """Trouble on the way is worth another try; a request that cannot be sent is not."""
    resolution = HANDLER.verdict(error)

    assert resolution.response_action == action
    assert seen in str(resolution.error_message)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"contacts":[{"contact'])
def test_interpret_response__unreadable_body(body: bytes) -> None:
    """A body that is no JSON is retried even with status 200, and never taken for an empty page."""
    resolution = HANDLER.verdict(answer(200, body))

    assert resolution.response_action == ResponseAction.RETRY
    assert resolution.failure_type == FailureType.transient_error


@pytest.mark.parametrize(
    ("header", "asked"), [("3600", "60 minutes"), ("9" * 400, "an endless time")]
)
def test_interpret_response__pause_too_long(header: str, asked: str) -> None:
    """An API that asks for an hour gets no attempt that sleeps for an hour."""
    resolution = HANDLER.verdict(answer(429, Retry_After=header))

    assert resolution.response_action == ResponseAction.FAIL
    assert resolution.failure_type == FailureType.transient_error
    assert f"asks to wait for {asked} (429)" in str(resolution.error_message)


def test_interpret_response__tells_of_tries_that_failed() -> None:
    """Whoever sums up a sync hears of each try that another one may mend, and of no other."""
    told: list[str | None] = []
    handler = AutopilotErrorHandler(PATIENCE_OF_READ, lambda it: told.append(it.error_message))

    for status in (200, 401, 404, 503, 429):
        handler.interpret_response(answer(status))
    handler.interpret_response(requests.ReadTimeout())

    assert [str(sentence).split(".")[0] for sentence in told] == [
        "Autopilot has trouble on its side (503)",
        "Autopilot is limiting requests (429)",
        "Autopilot did not answer in time (ReadTimeout)",
    ]


@pytest.mark.parametrize(
    ("patience", "seconds"), [(PATIENCE_OF_CHECK, 25), (PATIENCE_OF_READ, 300)]
)
def test_patience__bounded(patience: Patience, seconds: float) -> None:
    """A check ends within 30 s with its start-up, a fault that never passes within 5 minutes."""
    assert longest(patience) <= seconds


def test_patience__bounded_discover() -> None:
    """A discover ends within 30 s with its start-up, whatever its two questions run into."""
    quick = SECONDS_BEFORE_ONE_TRY + longest(PATIENCE_OF_DISCOVER)
    slow = SECONDS_BEFORE_FALLBACK + longest(PATIENCE_FOR_ONE_QUESTION)

    assert max(quick, slow) <= 25


def test_patience__bounded_forecast() -> None:
    """A check with a forecast ends within 30 s with its start-up."""
    assert SECONDS_BEFORE_FORECAST + MOST_SECONDS + longest(PATIENCE_OF_FORECAST) <= 25


def test_patience__silence_leaves_a_second_question() -> None:
    """Where the list of custom fields is silent at every try, contacts can still be asked."""
    longest_silence = 2 * PATIENCE_OF_DISCOVER.read_seconds + PATIENCE_OF_DISCOVER.total_seconds

    assert longest_silence < SECONDS_BEFORE_FALLBACK


def longest(patience: Patience) -> float:
    """The seconds after which it is over, whatever goes wrong."""
    one_try = max(patience.connect_seconds + patience.read_seconds, patience.whole_seconds)
    return one_try + bool(patience.retries) * (patience.total_seconds + one_try)
