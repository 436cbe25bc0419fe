"""Tests of `cdk_log`. What the CDK really logs is looked at in integration_tests/test_logs.py."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import airbyte_cdk
import pytest
from airbyte_cdk.sources.streams.http.error_handlers import ErrorResolution, ResponseAction

from source_autopilot.cdk_log import for_people
from source_autopilot.errors import ExplainedError
from source_autopilot.reports.retries import Waits, trying_again

CDK = Path(airbyte_cdk.__file__).parent
PROCESSOR = str(CDK / "sources/concurrent_source/concurrent_read_processor.py")
CLIENT = str(CDK / "sources/streams/http/http_client.py")
BACKOFF = str(CDK / "sources/streams/http/rate_limiting.py")
CONTACT = "Ann Lee <ann@example.com>"


@pytest.fixture
def shown() -> Iterator[io.StringIO]:
    """What a person sees, with a handler as the CDK has one."""
    trying_again(0.0)  # nothing is left over from another test on this thread
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    with for_people():
        yield stream
    logging.getLogger().removeHandler(handler)


def log(path: str, text: str, *, level: int = logging.INFO, **details: Any) -> None:
    """A line as a module of the CDK logs it."""
    logger = logging.getLogger(details.pop("logger", "airbyte"))
    failure = details.pop("failure", None)
    exc_info = (type(failure), failure, None) if failure else None
    record = logger.makeRecord(logger.name, level, path, 1, text, (), exc_info, extra=details)
    logger.handle(record)


@pytest.mark.parametrize(
    "text",
    [
        "Starting syncing",
        "Syncing stream: contacts",
        "Marking stream contacts as STARTED",
        "Marking stream contacts as RUNNING",
        "Marking stream contacts as STOPPED",
        "Read 25 records from contacts stream",
        "Finished syncing contacts",
        "Finished syncing",
        "During the sync, the following streams did not sync successfully: contacts: E(None)",
        "MemoryMonitor instantiated with critical threshold: 95%.",
    ],
)
def test_for_people__steps(shown: io.StringIO, text: str) -> None:
    """The CDK's steps are no news: a stream's summary says that it was read, and how many rows."""
    log(PROCESSOR, text)

    assert shown.getvalue() == ""


@pytest.mark.parametrize(
    ("path", "text", "level"),
    [
        (PROCESSOR, "Memory usage is at 97 %.", logging.WARNING),
        ("/elsewhere/mine.py", "Finished syncing the calendar", logging.INFO),
    ],
)
def test_for_people__unknown_lines(shown: io.StringIO, path: str, text: str, level: int) -> None:
    """A line that nobody has judged is shown, and so is whatever does not come from the CDK."""
    log(path, text, level=level)

    assert shown.getvalue() == f"{text}\n"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (BACKOFF, f"Status code: 200, Response Content: b'{CONTACT}'"),
        (BACKOFF, f"Caught retryable error '{CONTACT}' after 1 tries. Waiting 4 seconds then"),
        (BACKOFF, f"Max retry limit reached after 9.0s. Request: {CONTACT}, Response: {CONTACT}"),
        (CLIENT, f"'GET' request to 'https://x' failed with status code '400': {CONTACT}"),
        (CLIENT, CONTACT),
    ],
)
def test_for_people__requests(shown: io.StringIO, path: str, text: str) -> None:
    """Lines of requests repeat answers and headers, in whatever words."""
    log(path, text, level=logging.ERROR)
    log(path, text, logger="airbyte.streams.contacts", failure=ValueError(CONTACT))

    assert shown.getvalue() == ""


def test_for_people__library_of_retries(shown: io.StringIO) -> None:
    """The library that tries again logs the same once more, with the exception's text."""
    log("/lib/backoff/_common.py", f"Backing off _send(...) for 1.0s ({CONTACT})", logger="backoff")

    assert shown.getvalue() == ""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Caught retryable error 'x' after 1 tries. Waiting 4 seconds then retrying...", "4 s"),
        ("Caught retryable error 'x' after 3 tries. Waiting 2.994308 seconds then", "3 s"),
        (
            "UserDefinedBackoffException: Rate limit exceeded (HTTP 503). Retrying in 8.0 seconds.",
            "8",
        ),
    ],
)
def test_for_people__pause(shown: io.StringIO, text: str, seconds: str) -> None:
    """In place of the CDK's line about its pause comes ours."""
    trouble = ErrorResolution(ResponseAction.RETRY, None, "Autopilot has trouble (503). Wait.")
    Waits().of("lists")(trouble)

    log(BACKOFF, text)

    assert shown.getvalue().startswith(
        f"lists: Autopilot has trouble (503); trying again in {seconds}"
    )


def test_for_people__expected_error(shown: io.StringIO) -> None:
    """An error with a sentence is in its TRACE message; twenty workers need not log it as well."""
    log(PROCESSOR, "Exception while syncing stream x", failure=ExplainedError(message="No."))

    assert shown.getvalue() == ""


def test_for_people__unexpected_error(shown: io.StringIO) -> None:
    """A fault of ours keeps its stack trace: somebody has to find it."""
    log(PROCESSOR, "Exception while syncing stream x", failure=KeyError("oops"))

    assert "KeyError: 'oops'" in shown.getvalue()


def test_for_people__debug(caplog: pytest.LogCaptureFixture) -> None:
    """With --debug one sees which pages are asked for, and no headers and bodies even then."""
    details = {"url": "https://x/lists", "status": 200, "headers": CONTACT, "body": CONTACT}
    with for_people(), caplog.at_level(logging.DEBUG):
        log(CLIENT, "Receiving response", level=logging.DEBUG, **details)

    [record] = caplog.records
    assert CONTACT not in str(vars(record))
    assert (vars(record)["url"], vars(record)["status"]) == ("https://x/lists", 200)


def test_for_people__ends() -> None:
    """Afterwards the log is what it was."""
    before = [list(handler.filters) for handler in logging.getLogger().handlers]

    with for_people():
        during = [list(handler.filters) for handler in logging.getLogger().handlers]

    assert [list(handler.filters) for handler in logging.getLogger().handlers] == before != during
