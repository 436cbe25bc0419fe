"""Tests of `error_mapping`."""

import socket
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError

from source_autopilot.api.error_mapping import (
    NO_TIME_LEFT,
    Action,
    Failure,
    map_exception,
    map_status,
    map_unreadable,
    parse_retry_after,
)
from source_autopilot.errors import (
    InvalidEnvironment,
    PageRefused,
    RequestFailed,
    UnreadableBody,
)

TRY_LATER = (
    "Nothing is wrong with your settings; the next attempt may succeed. If this lasts for more"
    " than a day, ask Autopilot's support."
)
NEW_KEY = (
    "Copy the key from Autopilot (Settings > Autopilot API) into this source's API Key again;"
    " regenerating a key in Autopilot stops the old one at once."
)
LOOK_AT_THE_NETWORK = (
    "The next attempt may succeed. If this lasts, check that api2.autopilothq.com can be reached"
    " from where the connector runs (network, DNS, proxy, firewall, certificates)."
)
MAYBE_DELETED = f"What the bookmark points at may have been deleted during the sync. {TRY_LATER}"
VERBS = {
    404: "does not find",
    410: "does not find",
    **dict.fromkeys([400, 402, 405, 409, 418, 422, 451, 499], "refuses"),
}
EPOCH_SECONDS = 1_700_000_000.0


def failure_of(
    status: int,
    *,
    bookmark: str | None = None,
    retry_after: str | None = None,
    body: bytes = b"",
) -> Failure:
    """What a status means for a page of contacts, where pauses of two minutes are waited for."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    failure = map_status(
        status, headers, body, stream="contacts", bookmark=bookmark, max_pause_seconds=120
    )
    assert failure is not None
    return failure


@pytest.mark.parametrize(
    ("status", "action", "failure_type", "seen", "advice"),
    [
        (
            401,
            Action.FAIL,
            FailureType.config_error,
            "Autopilot does not accept the API key (401)",
            NEW_KEY,
        ),
        (
            403,
            Action.FAIL,
            FailureType.config_error,
            "Autopilot does not allow this API key to read this (403)",
            NEW_KEY,
        ),
        (
            408,
            Action.RETRY,
            FailureType.transient_error,
            "Autopilot took too long to answer (408)",
            TRY_LATER,
        ),
        (
            429,
            Action.WAIT,
            FailureType.transient_error,
            "Autopilot is limiting requests (429)",
            TRY_LATER,
        ),
        *(
            (
                status,
                Action.RETRY,
                FailureType.transient_error,
                f"Autopilot has trouble on its side ({status})",
                TRY_LATER,
            )
            for status in (500, 502, 503, 504, 599)
        ),
        *(
            (
                status,
                Action.FAIL,
                FailureType.transient_error,
                f"Autopilot's address answered with a redirect ({status}), which is not followed"
                " because the API key would go with it",
                "Look for a proxy on the way to api2.autopilothq.com.",
            )
            for status in (301, 302, 307, 308)
        ),
        *(
            (
                status,
                Action.FAIL,
                FailureType.system_error,
                f"Autopilot answered with status {status}, which this connector does not expect",
                "Please report this.",
            )
            for status in (101, 600)
        ),
    ],
)
@pytest.mark.parametrize("bookmark", [None, "b1"])
def test_map_status(
    status: int,
    action: Action,
    failure_type: FailureType,
    seen: str,
    advice: str,
    bookmark: str | None,
) -> None:
    """Each status has its action, its failure type, its sentence and its advice, on any page."""
    assert failure_of(status, bookmark=bookmark) == Failure(
        action,
        seen,
        advice,
        failure_type,
        status=status,
        bookmark=bookmark,
        may_be_the_end=status == 403 or status // 100 == 3,
    )


@pytest.mark.parametrize("status", VERBS)
def test_map_status__page_that_is_not_there(status: int) -> None:
    """What a bookmark points at may be gone: the stream decides what a refusal means."""
    assert failure_of(status, bookmark="b1") == Failure(
        Action.REFUSE,
        f"contacts: Autopilot {VERBS[status]} the page at bookmark b1 ({status})",
        MAYBE_DELETED,
        FailureType.transient_error,
        status=status,
        bookmark="b1",
        may_be_the_end=status == 410,
    )


@pytest.mark.parametrize("status", VERBS)
def test_map_status__first_page_that_is_not_there(status: int) -> None:
    """A first page is refused, too: its list or segment may be gone. No bookmark is blamed."""
    assert failure_of(status) == Failure(
        Action.REFUSE,
        f"contacts: Autopilot {VERBS[status]} the first page ({status})",
        TRY_LATER,
        FailureType.transient_error,
        status=status,
        may_be_the_end=status == 410,
    )


def test_map_status__no_key_arrives() -> None:
    """A 400 means that no key arrives where its body says so; behind a bookmark it is refused."""
    body = b'{"error":"Bad Request","message":"No autopilotapikey header provided."}'  # [doc]

    assert failure_of(400, body=body) == Failure(
        Action.FAIL,
        "Autopilot says that no API key arrives (400)",
        NEW_KEY,
        FailureType.config_error,
        status=400,
    )
    assert failure_of(400, bookmark="b1", body=body) == failure_of(400, bookmark="b1")


@pytest.mark.parametrize("status", [404, 405, 410, 422])
@pytest.mark.parametrize(
    "body",
    [
        b"autopilotapikey",
        b"",  # [client G]
        b"<html></html>",  # [client G]
        b'{"code":"MethodNotAllowedError","message":"PUT is not allowed"}',  # [seen C]
    ],
)
def test_map_status__body_of_another_refusal(status: int, body: bytes) -> None:
    """What any other refusal says, and in which shape, makes no difference."""
    assert failure_of(status, body=body) == failure_of(status)


@pytest.mark.parametrize("status", [200, 201, 203, 204, 299])
@pytest.mark.parametrize("retry_after", [None, "7", "9999"])
def test_map_status__page(status: int, retry_after: str | None) -> None:
    """A status of success is no failure, whatever pause it asks for: the body decides."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    asked: dict[str, Any] = {"stream": "contacts", "bookmark": None, "max_pause_seconds": 120}

    assert map_status(status, headers, b"", **asked) is None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", ["0", "7", "120"])
def test_map_status__pause(status: int, retry_after: str) -> None:
    """A pause of at most the policy's changes nothing but the seconds to wait."""
    assert failure_of(status, retry_after=retry_after) == replace(
        failure_of(status), pause_seconds=float(retry_after)
    )


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "asked"),
    [("121", "2 minutes"), ("3600", "60 minutes"), ("9" * 400, "an endless time")],
)
def test_map_status__pause_too_long(status: int, retry_after: str, asked: str) -> None:
    """A pause that is longer than the policy's is not waited for: the error says how long it is."""
    assert failure_of(status, bookmark="b1", retry_after=retry_after) == Failure(
        Action.FAIL,
        f"Autopilot asks to wait for {asked} ({status}), longer than an attempt should",
        TRY_LATER,
        FailureType.transient_error,
        status=status,
        bookmark="b1",
        pause_seconds=float(retry_after),
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("9" * 400, float("inf")),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("Tue, 99 Nov 2023 22:13:29 GMT", None),
        ("Tue, 21 Nov 99999999999999 22:13:29 GMT", None),
    ],
)
def test_parse_retry_after__seconds(header: str, seconds: float | None) -> None:
    """A number is taken as it is; what is neither a number nor a date asks for no pause."""
    assert parse_retry_after({"Retry-After": header}) == seconds


def test_parse_retry_after__absent() -> None:
    """No header is no pause."""
    assert parse_retry_after({"X-RateLimit-Reset": "7"}) is None


@pytest.mark.parametrize(("seconds_ahead", "pause_seconds"), [(9, 9), (0, 0), (-9, 0)])
def test_parse_retry_after__date(
    monkeypatch: pytest.MonkeyPatch, seconds_ahead: float, pause_seconds: float
) -> None:
    """An HTTP date is the time until then, and never negative."""
    monkeypatch.setattr(time, "time", lambda: EPOCH_SECONDS)
    header = formatdate(EPOCH_SECONDS + seconds_ahead, usegmt=True)

    assert parse_retry_after({"Retry-After": header}) == pause_seconds


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (
            requests.ConnectTimeout("secret"),
            "Autopilot did not answer in time (ConnectTimeout)",
        ),
        (requests.ReadTimeout("secret"), "Autopilot did not answer in time (ReadTimeout)"),
        (
            requests.ConnectionError("secret"),
            "The connection to Autopilot failed or broke off (ConnectionError)",
        ),
        (
            requests.exceptions.ChunkedEncodingError("secret"),
            "The connection to Autopilot failed or broke off (ChunkedEncodingError)",
        ),
        (
            requests.exceptions.ContentDecodingError("secret"),
            "The connection to Autopilot failed or broke off (ContentDecodingError)",
        ),
        (
            requests.exceptions.SSLError("secret"),
            "No secure connection to Autopilot could be made (SSLError)",
        ),
        (OSError("secret"), "The connection to Autopilot failed or broke off (OSError)"),
        (
            requests.ConnectionError(MaxRetryError(HTTPSConnectionPool("secret"), "secret")),
            "The connection to Autopilot failed or broke off (ConnectionError)",
        ),
    ],
)
def test_map_exception__trouble_on_the_way(error: OSError, seen: str) -> None:
    """Trouble on the way is worth another try; the exception's own text is in no sentence."""
    assert map_exception(error) == Failure(
        Action.RETRY, seen, LOOK_AT_THE_NETWORK, FailureType.transient_error
    )


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.InvalidHeader("secret"),
        requests.exceptions.InvalidSchema("secret"),
        requests.exceptions.MissingSchema("secret"),
    ],
)
def test_map_exception__cannot_be_sent(error: OSError) -> None:
    """A request that cannot be sent is a fault of the connector, which no other try mends."""
    assert map_exception(error) == Failure(
        Action.FAIL,
        f"The request could not be sent ({type(error).__name__})",
        "Please report this.",
        FailureType.system_error,
    )


def name_not_found() -> requests.ConnectionError:
    """What requests raises for a name that no look-up finds."""
    pool = HTTPSConnectionPool("secret")
    reason = NameResolutionError("secret", HTTPSConnection("secret"), socket.gaierror("secret"))
    return requests.ConnectionError(MaxRetryError(pool, "secret", reason))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (name_not_found(), "NameResolutionError"),
        (requests.exceptions.InvalidURL("secret"), "InvalidURL"),
    ],
)
def test_map_exception__name_not_found(error: OSError, kind: str) -> None:
    """A name that is not found is told apart from a connection that breaks off."""
    assert map_exception(error) == Failure(
        Action.RETRY,
        f"Autopilot's address was not found ({kind})",
        LOOK_AT_THE_NETWORK,
        FailureType.transient_error,
        may_be_the_end=True,
    )


def test_map_exception__proxy() -> None:
    """A proxy that is not there or refuses is named by the variables that may name it."""
    failure = map_exception(requests.exceptions.ProxyError("secret"))

    assert (failure.action, failure.failure_type) == (Action.RETRY, FailureType.transient_error)
    assert failure.seen == "No connection to Autopilot could be made through the proxy (ProxyError)"
    assert "HTTPS_PROXY or ALL_PROXY" in failure.advice


def test_map_exception__invalid_environment() -> None:
    """An environment in which nothing can be sent is for the person who set it."""
    assert map_exception(InvalidEnvironment("HTTPS_PROXY is no address")) == Failure(
        Action.FAIL,
        "No request can be sent: HTTPS_PROXY is no address",
        "Correct that environment variable where the connector runs, or remove it.",
        FailureType.config_error,
    )


@pytest.mark.parametrize(
    ("body", "is_markup"),
    [
        (b"<html>Sign in</html>", True),
        (b"\n <!DOCTYPE html>", True),
        (b"", False),
        (b'{"contacts": ["<html>"', False),
        (b"Bad Gateway", False),
    ],
)
def test_map_unreadable(body: bytes, is_markup: bool) -> None:
    """An answer that is no JSON is worth another try; its sentence says what is wrong with it.

    A page for people is what the API's address may show when the API is gone.
    """
    assert map_unreadable(UnreadableBody("6 bytes that are not JSON"), body) == Failure(
        Action.RETRY,
        "Autopilot's answer cannot be read: 6 bytes that are not JSON",
        TRY_LATER,
        FailureType.transient_error,
        may_be_the_end=is_markup,
    )


def test_no_time_left() -> None:
    """A command whose deadline has passed ends with a transient error that says so."""
    error = NO_TIME_LEFT.to_error()

    assert NO_TIME_LEFT.action == Action.FAIL
    assert error.failure_type == FailureType.transient_error
    assert error.message == (
        f"Autopilot answers too slowly: there was no time left to ask for more. {TRY_LATER}"
    )


@pytest.mark.parametrize("status", [401, 302, 429, 503, 600])
def test_to_error(status: int) -> None:
    """An error has the failure's type, and its sentence and advice as its message."""
    failure = failure_of(status)

    error = failure.to_error()

    assert type(error) is RequestFailed
    assert error.message == f"{failure.seen}. {failure.advice}"
    assert error.failure_type == failure.failure_type
    assert error.status == status
    assert error.may_be_the_end == (status == 302)


@pytest.mark.parametrize("bookmark", [None, "b1"])
def test_to_error__page_refused(bookmark: str | None) -> None:
    """The error of a refusal knows the status and the bookmark, for the stream to decide."""
    failure = failure_of(404, bookmark=bookmark)

    error = failure.to_error()

    assert isinstance(error, PageRefused)
    assert (error.status, error.bookmark) == (404, bookmark)
    assert error.message == f"{failure.seen}. {failure.advice}"
    assert error.failure_type == FailureType.transient_error


@pytest.mark.parametrize(
    ("status", "bookmark", "action"),
    [(401, None, Action.FAIL), (403, "b1", Action.FAIL), (404, "b1", Action.REFUSE)],
)
def test_map_status__long_pause_of_what_is_not_tried_again(
    status: int, bookmark: str | None, action: Action
) -> None:
    """A Retry-After does not hide what a status says of the key or of the page."""
    failure = failure_of(status, bookmark=bookmark, retry_after="9999")

    assert (failure.action, f"({status})" in failure.seen) == (action, True)
