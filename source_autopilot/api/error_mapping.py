"""What a status or an exception means: what follows from it, and the sentence that explains it.

The tables below are the whole policy for answers that are no page. Evidence for the statuses:
docs/autopilot-api.md, "Transport".
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import Enum, auto

import requests
from airbyte_cdk.models import FailureType
from urllib3.exceptions import NameResolutionError

from source_autopilot.errors import (
    InvalidEnvironment,
    PageRefused,
    RequestFailed,
    UnreadableBody,
)
from source_autopilot.text import format_duration

NEW_KEY = (
    "Copy the key from Autopilot (Settings > Autopilot API) into this source's API Key again;"
    " regenerating a key in Autopilot stops the old one at once."
)
TRY_LATER = (
    "Nothing is wrong with your settings; the next attempt may succeed. If this lasts for more"
    " than a day, ask Autopilot's support."
)
LOOK_AT_THE_NETWORK = (
    "The next attempt may succeed. If this lasts, check that api2.autopilothq.com can be reached"
    " from where the connector runs (network, DNS, proxy, firewall, certificates)."
)
LOOK_AT_THE_PROXY = (
    "The next attempt may succeed. If this lasts, check the proxy that HTTPS_PROXY or ALL_PROXY"
    " names where the connector runs, and the user and password for it."
)
PLEASE_REPORT = "Please report this."
MOVED_TO_ORTTO = (
    "If the account has moved to Ortto, its data are not behind this API, and Ortto's keys do not"
    " open it."
)
MAYBE_DELETED = f"What the bookmark points at may have been deleted during the sync. {TRY_LATER}"

TOO_MANY_REQUESTS = 429
BAD_REQUEST = 400
KEY_HEADER = "autopilotapikey"  # [doc]


class Action(Enum):
    """What follows a try that brought no page."""

    RETRY = auto()  # another try may mend it
    WAIT = auto()  # the account's rate limit: wait, and try again
    REFUSE = auto()  # what is asked for is not there; only the stream knows what that means
    FAIL = auto()  # no other try can mend it


@dataclass(frozen=True)
class Failure:
    """A try that brought no page.

    Attributes:
        seen: what happened, as the beginning of a sentence.
        advice: what to do about it.
        status: the HTTP status; None if there was no answer.
        bookmark: of the page that was asked for; None for a first page.
        pause_seconds: how long the API asks to wait (Retry-After); None if it does not say.
        may_be_the_end: whether an API that is not there any more could answer so.
    """

    action: Action
    seen: str
    advice: str = TRY_LATER
    failure_type: FailureType = FailureType.transient_error
    status: int | None = None
    bookmark: str | None = None
    pause_seconds: float | None = None
    may_be_the_end: bool = False

    @property
    def concerns_account(self) -> bool:
        """Whether it is about the account's key or rate limit, and so about all requests alike."""
        return self.status == TOO_MANY_REQUESTS or self.failure_type == FailureType.config_error

    def to_error(self) -> RequestFailed:
        """The error to raise when no other try follows."""
        kind = PageRefused if self.action == Action.REFUSE else RequestFailed
        return kind(
            f"{self.seen}. {self.advice}",
            self.failure_type,
            status=self.status,
            bookmark=self.bookmark,
            may_be_the_end=self.may_be_the_end,
        )


def _wrong_key(seen: str, *, may_be_the_end: bool = False) -> Failure:
    return Failure(
        Action.FAIL, seen, NEW_KEY, FailureType.config_error, may_be_the_end=may_be_the_end
    )


def _fault_of_ours(seen: str) -> Failure:
    return Failure(Action.FAIL, seen, PLEASE_REPORT, FailureType.system_error)


def _network_trouble(seen: str) -> Failure:
    return Failure(Action.RETRY, seen, LOOK_AT_THE_NETWORK)


# In `seen`, {stream} and {page} are what was asked for, {status} is the answer's, {pause} its
# Retry-After, and {kind} the class of an exception.
NOT_FOUND = Failure(Action.REFUSE, "{stream}: Autopilot does not find {page} ({status})")
REFUSED = Failure(Action.REFUSE, "{stream}: Autopilot refuses {page} ({status})")
STATUSES: Mapping[int, Failure] = {
    401: _wrong_key("Autopilot does not accept the API key (401)"),  # [doc]
    403: _wrong_key(
        "Autopilot does not allow this API key to read this (403)", may_be_the_end=True
    ),  # [guess]
    404: NOT_FOUND,  # [doc]
    408: Failure(Action.RETRY, "Autopilot took too long to answer (408)"),  # [client]
    410: replace(NOT_FOUND, may_be_the_end=True),  # [guess]
    TOO_MANY_REQUESTS: Failure(Action.WAIT, "Autopilot is limiting requests (429)"),  # [doc]
}
# A 400 for a first page whose body names the header of the key. A bookmark was given to a key that
# arrived: there a 400 is the bookmark's [client].
NO_KEY = _wrong_key("Autopilot says that no API key arrives (400)")  # [doc]
# All other statuses, by their first digit.
STATUS_CLASSES: Mapping[int, Failure] = {
    3: Failure(
        Action.FAIL,
        "Autopilot's address answered with a redirect ({status}), which is not followed because the"
        " API key would go with it",
        "Look for a proxy on the way to api2.autopilothq.com.",
        may_be_the_end=True,
    ),
    # "A list or segment that is gone has been answered by a 4xx" [client G].
    4: REFUSED,
    5: Failure(Action.RETRY, "Autopilot has trouble on its side ({status})"),
}
UNEXPECTED_STATUS = _fault_of_ours(
    "Autopilot answered with status {status}, which this connector does not expect"
)
# A Retry-After beyond what the retry policy waits for.
PAUSE_TOO_LONG = Failure(
    Action.FAIL, "Autopilot asks to wait for {pause} ({status}), longer than an attempt should"
)
NO_TIME_LEFT = Failure(
    Action.FAIL, "Autopilot answers too slowly: there was no time left to ask for more"
)
NO_TURN = replace(NO_TIME_LEFT, status=TOO_MANY_REQUESTS)  # the rate limit had no room in time
UNREADABLE = Failure(Action.RETRY, "Autopilot's answer cannot be read: {reason}")
INVALID_ENVIRONMENT = Failure(
    Action.FAIL,
    "No request can be sent: {reason}",
    "Correct that environment variable where the connector runs, or remove it.",
    FailureType.config_error,
)
UNKNOWN_NAME = replace(
    _network_trouble("Autopilot's address was not found ({kind})"), may_be_the_end=True
)
# The first entry whose class the exception is an instance of.
EXCEPTIONS: Mapping[type[Exception], Failure] = {
    NameResolutionError: UNKNOWN_NAME,
    # The URL is valid. In Airbyte's cloud the CDK raises this when a DNS look-up fails.
    requests.exceptions.InvalidURL: UNKNOWN_NAME,
    # What requests raises for schemes and headers.
    ValueError: _fault_of_ours("The request could not be sent ({kind})"),
    requests.Timeout: _network_trouble("Autopilot did not answer in time ({kind})"),
    requests.exceptions.SSLError: _network_trouble(
        "No secure connection to Autopilot could be made ({kind})"
    ),
    requests.exceptions.ProxyError: Failure(
        Action.RETRY,
        "No connection to Autopilot could be made through the proxy ({kind})",
        LOOK_AT_THE_PROXY,
    ),
    OSError: _network_trouble("The connection to Autopilot failed or broke off ({kind})"),
}


def map_status(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    stream: str,
    bookmark: str | None,
    max_pause_seconds: float,
) -> Failure | None:
    """What a status means; None if the body says whether it is a page.

    Args:
        status: of the answer.
        headers: of the answer.
        body: of the answer; only that of a 400 makes a difference, because refusals may come with
            an empty body, HTML, or another shape of JSON [client G, seen C].
        stream: whose page was asked for.
        bookmark: of the page that was asked for; None for a first page.
        max_pause_seconds: the longest Retry-After that is worth waiting for.
    """
    if status // 100 == 2:
        return None
    pause_seconds = parse_retry_after(headers)
    page = f"the page at bookmark {bookmark}" if bookmark else "the first page"
    failure = STATUSES.get(status) or STATUS_CLASSES.get(status // 100) or UNEXPECTED_STATUS
    if status == BAD_REQUEST and not bookmark and KEY_HEADER.encode() in body:
        failure = NO_KEY
    if failure.action == Action.REFUSE and bookmark:
        failure = replace(failure, advice=MAYBE_DELETED)
    is_tried_again = failure.action in (Action.RETRY, Action.WAIT)
    if is_tried_again and pause_seconds is not None and pause_seconds > max_pause_seconds:
        failure = PAUSE_TOO_LONG
    seen = failure.seen.format(
        stream=stream, page=page, status=status, pause=format_duration(pause_seconds or 0.0)
    )
    return replace(
        failure, seen=seen, status=status, bookmark=bookmark, pause_seconds=pause_seconds
    )


def map_exception(error: OSError | InvalidEnvironment) -> Failure:
    """What an exception means, where no answer came."""
    if isinstance(error, InvalidEnvironment):
        return replace(INVALID_ENVIRONMENT, seen=INVALID_ENVIRONMENT.seen.format(reason=error))
    cause = _find_cause(error)
    failure = next(found for kind, found in EXCEPTIONS.items() if isinstance(cause, kind))
    return replace(failure, seen=failure.seen.format(kind=type(cause).__name__))


def map_unreadable(error: UnreadableBody, body: bytes) -> Failure:
    """What a body means that is no JSON: a proxy's word, a page for people, or a cut answer."""
    is_markup = body.lstrip().startswith(b"<")
    seen = UNREADABLE.seen.format(reason=error)
    return replace(UNREADABLE, seen=seen, may_be_the_end=is_markup)


def _find_cause(error: OSError) -> Exception:
    """The exception of urllib3 if a name was not found, which requests tells by that alone."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return reason if isinstance(reason, NameResolutionError) else error


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds in the header Retry-After, a number or an HTTP date; None without."""
    header = headers.get("Retry-After", "").strip()
    if header.isdecimal():
        return float(header)
    try:
        return max(parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None
