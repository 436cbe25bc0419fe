"""The failures of a sync as a person should see them: in a sentence, once, masked.

What the CDK makes of failures is mended here and nowhere else. Its client buries the table's
sentence (see `errors`) when tries run out. Its concurrent read reports a failure again for every
worker that meets it, does not mask secrets in it, and ends with a config error of its own whatever
happened, after which Airbyte would not try again.
"""

from collections.abc import Iterator

import requests
from airbyte_cdk.models import AirbyteErrorTraceMessage, AirbyteMessage, FailureType
from airbyte_cdk.sources.streams.http.error_handlers import ErrorResolution, ResponseAction
from airbyte_cdk.sources.streams.http.exceptions import BaseBackoffException
from airbyte_cdk.utils.airbyte_secrets_utils import filter_secrets
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.error_mapping import KEY_IS_MISSING, TRY_LATER
from source_autopilot.errors import ExplainedError
from source_autopilot.sync.shutdown import SyncStopped


class SyncFailed(ExplainedError):
    """Streams failed and a trace of each is out already: only the exit code is still to come."""


def reported_once(messages: Iterator[AirbyteMessage]) -> Iterator[AirbyteMessage]:
    """The messages of a read, with each failure once.

    Raises SyncFailed with the first failure's sentence and type where the CDK raises its last word,
    and SyncStopped as it comes.
    """
    failures: dict[str | None, AirbyteErrorTraceMessage] = {}
    try:
        for message in messages:
            error = message.trace.error if message.trace else None
            if error:
                if error.message in failures:
                    continue
                failures[error.message] = _masked(error)
            yield message
    except SyncStopped:
        raise
    except AirbyteTracedException as last_word:
        if not failures:
            raise
        first = next(iter(failures.values()))
        raise SyncFailed(
            message=first.message,
            internal_message=last_word.message,
            failure_type=first.failure_type or FailureType.system_error,
        ) from None


def explained(failure: AirbyteTracedException) -> AirbyteTracedException:
    """The failure with the table's sentence.

    When tries run out, the CDK buries that sentence under its own ("Exhausted available request
    attempts", "API rate limit exceeded"); it is in the exception that was being handled.
    """
    cause = failure.__context__
    if not isinstance(cause, BaseBackoffException):
        return failure
    return ExplainedError(message=str(cause), failure_type=FailureType.transient_error)


def given_up(verdict: ErrorResolution) -> AirbyteTracedException | None:
    """The error of an answer that no other try can mend; None if the verdict is another one."""
    if verdict.response_action != ResponseAction.FAIL:
        return None
    return ExplainedError(
        message=verdict.error_message, failure_type=verdict.failure_type or FailureType.system_error
    )


def page_refused(stream_name: str, bookmark: str | None, status: int) -> AirbyteTracedException:
    """The error of a page that Autopilot refuses to give; `bookmark` is None for a first page."""
    if status == requests.codes.bad_request and bookmark is None:
        return ExplainedError(message=KEY_IS_MISSING, failure_type=FailureType.config_error)
    where = f"the page at bookmark {bookmark}" if bookmark else "the first page"
    return ExplainedError(
        message=f"{stream_name}: Autopilot does not find {where} ({status}). What the bookmark"
        f" points at may have been deleted during the sync. {TRY_LATER}",
        failure_type=FailureType.transient_error,
    )


def unusable_page(stream_name: str, number: int, reason: ValueError) -> AirbyteTracedException:
    """The error of a page that was answered but has no rows to trust."""
    return ExplainedError(
        message=f"{stream_name}: page {number} from Autopilot cannot be used: {reason}. The sync"
        f" stops here so that no rows are lost. {TRY_LATER}",
        failure_type=FailureType.transient_error,
    )


def _masked(error: AirbyteErrorTraceMessage) -> AirbyteErrorTraceMessage:
    error.message = filter_secrets(error.message)
    error.internal_message = filter_secrets(error.internal_message or "") or None
    error.stack_trace = filter_secrets(error.stack_trace or "") or None
    return error
