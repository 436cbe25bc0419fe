"""What went wrong -> retry or give up, whose fault it is, and the sentence that a person reads.

The table below is the whole policy for answers that are no page. The CDK's client does the
retrying and the waiting. Evidence for the statuses: autopilot-api.md, "Transport".
"""

from collections.abc import Callable

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.error_handlers import (
    ErrorHandler,
    ErrorResolution,
    ResponseAction,
)
from airbyte_cdk.sources.streams.http.error_handlers.response_models import SUCCESS_RESOLUTION

from source_autopilot.api.backoff import retry_after
from source_autopilot.api.retry_policy import Patience
from source_autopilot.api.transport import MAX_BYTES, is_oversized
from source_autopilot.records.page import Body, UnreadableBody, UnreadablePage, decode
from source_autopilot.text import duration

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
    " from where Airbyte runs (network, DNS, proxy, firewall, certificates)."
)


def _fail(failure_type: FailureType, sentence: str) -> ErrorResolution:
    return ErrorResolution(ResponseAction.FAIL, failure_type, sentence)


def _retry(
    seen: str, *, advice: str = TRY_LATER, action: ResponseAction = ResponseAction.RETRY
) -> ErrorResolution:
    return ErrorResolution(action, FailureType.transient_error, f"{seen}. {advice}")


KEY_IS_MISSING = (
    f"Autopilot refused the request, as it does when no API key arrives (400). {NEW_KEY}"
)
# What is refused, and whether that matters, only the stream knows: a segment, a bookmark, the key.
_THE_STREAM_DECIDES = ErrorResolution(ResponseAction.IGNORE, None, "Autopilot refused a page.")

STATUSES = {
    400: _THE_STREAM_DECIDES,
    404: _THE_STREAM_DECIDES,
    410: _THE_STREAM_DECIDES,
    422: _THE_STREAM_DECIDES,
    401: _fail(FailureType.config_error, f"Autopilot does not accept the API key (401). {NEW_KEY}"),
    403: _fail(
        FailureType.config_error,
        f"Autopilot does not allow this API key to read this (403). {NEW_KEY}",
    ),
    408: _retry("Autopilot took too long to answer (408)"),
    429: _retry("Autopilot is limiting requests (429)", action=ResponseAction.RATE_LIMITED),
}


class AutopilotErrorHandler(ErrorHandler):
    """Reads the table for the CDK's client; `failed` is told of each try that another may mend."""

    def __init__(
        self,
        patience: Patience,
        failed: Callable[[ErrorResolution], None],
        decode: Callable[[bytes], Body] = decode,
    ) -> None:
        self._patience = patience
        self._failed = failed
        self._decode = decode

    @property
    def max_retries(self) -> int:
        return self._patience.retries

    @property
    def max_time(self) -> int:
        return self._patience.total_seconds

    def interpret_response(self, response: requests.Response | Exception | None) -> ErrorResolution:
        """What the CDK's client has to do: try again, or hand the answer over.

        It never hears of an answer that ends the sync: it would log the answer as a whole, with
        contacts in it, or with the key where a proxy repeats it. The stream asks for the verdict.
        """
        verdict = self.verdict(response)
        if verdict.response_action in (ResponseAction.RETRY, ResponseAction.RATE_LIMITED):
            self._failed(verdict)
        gives_up = verdict.response_action == ResponseAction.FAIL
        if gives_up and isinstance(response, requests.Response):
            return ErrorResolution(ResponseAction.IGNORE, None, verdict.error_message)
        return verdict

    def verdict(self, response: requests.Response | Exception | None) -> ErrorResolution:
        """What an answer means, or the exception that came in its place."""
        if not isinstance(response, requests.Response):
            return _of_exception(response)
        if response.status_code == requests.codes.ok:
            return _of_body(response, self._decode)
        pause = retry_after(response)
        if pause is not None and pause > self._patience.longest_pause_seconds:
            return _fail(FailureType.transient_error, too_long(pause, response.status_code))
        return STATUSES.get(response.status_code) or _of_class(response.status_code)


def too_long(pause_seconds: float, status: int) -> str:
    """The sentence about a Retry-After that is not waited for."""
    asked = duration(pause_seconds)
    return (
        f"Autopilot asks to wait for {asked} ({status}), longer than an attempt should. {TRY_LATER}"
    )


def json_body(response: requests.Response, decode: Callable[[bytes], Body] = decode) -> Body:
    """The decoded body, decoded once for the handler and the stream.

    Raises UnreadableBody, and UnreadablePage for one that was too large to keep.
    """
    if is_oversized(response):
        raise UnreadablePage(f"it has more than {MAX_BYTES // 2**20} MB")
    kept = vars(response)
    if "json_body" not in kept:
        kept["json_body"] = decode(response.content)
    decoded: Body = kept["json_body"]
    return decoded


def _of_exception(error: Exception | None) -> ErrorResolution:
    kind = type(error).__name__
    if isinstance(error, requests.exceptions.InvalidURL):
        # The URL is ours and is valid. In Airbyte's cloud the CDK says so of a failed DNS look-up.
        return _retry(f"Autopilot's address was not found ({kind})", advice=LOOK_AT_THE_NETWORK)
    if isinstance(error, ValueError):  # requests' exceptions for schemes and headers
        return _fail(
            FailureType.system_error, f"The request could not be sent ({kind}). Please report this."
        )
    if isinstance(error, requests.Timeout):
        seen = f"Autopilot did not answer in time ({kind})"
    elif isinstance(error, requests.exceptions.SSLError):
        seen = f"No secure connection to Autopilot could be made ({kind})"
    else:
        seen = f"The connection to Autopilot failed or broke off ({kind})"
    return _retry(seen, advice=LOOK_AT_THE_NETWORK)


def _of_body(response: requests.Response, decode: Callable[[bytes], Body]) -> ErrorResolution:
    try:
        json_body(response, decode)
    except UnreadableBody as unreadable:
        return _retry(f"Autopilot's answer cannot be read: {unreadable}")
    except UnreadablePage:
        pass  # no other try will make it smaller; the stream says which page it is
    return SUCCESS_RESOLUTION


def _of_class(status: int) -> ErrorResolution:
    if 300 <= status < 400:
        return _fail(
            FailureType.transient_error,
            f"Autopilot's address answered with a redirect ({status}), which is not followed"
            " because the API key would go with it. Look for a proxy on the way to"
            " api2.autopilothq.com.",
        )
    if status >= 500:
        return _retry(f"Autopilot has trouble on its side ({status})")
    return _fail(
        FailureType.system_error,
        f"Autopilot answered with status {status}, which this connector does not expect."
        " Please report this.",
    )
