"""Every exception of the connector, and what each one means.

    AirbyteTracedException (CDK)
    └── UserFacingError       a person reads its sentence in Airbyte; it has no stack trace
        ├── RequestFailed     no try of a request brought a page
        │   └── PageRefused   Autopilot refuses it; the stream may know why that is no error
        ├── SyncFailed        streams failed, and a TRACE of each is out already
        └── SyncStopped       the sync was stopped from outside
    ValueError
    ├── InvalidConfig         a setting that cannot be used
    ├── InvalidEnvironment    proxies or certificates that cannot be used: ends all requests
    ├── InvalidState          a saved state that cannot be used
    ├── UnreadableBody        a body that is no JSON: worth another try
    ├── UnreadablePage        JSON that is no page to trust: ends its stream
    ├── OrderInDoubt          a page that does not fit: its table is read again as one chain
    ├── TableTooShort         a table that ends far below its total: ends its stream
    ├── UnreadableFields      JSON that is no list of custom fields: costs columns
    ├── UnknownTotals         an account that cannot be measured: costs the forecast
    └── NoRoom                an answer too large for now: asked for again when there is room

The ValueErrors are for the code that calls: it turns them into a UserFacingError, or into a line in
the log. Any other exception is a fault of ours, and keeps its stack trace.
"""

from airbyte_cdk.models import AirbyteMessage, FailureType, StreamDescriptor
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.text import escape_half_characters


class UserFacingError(AirbyteTracedException):
    """An expected error: its message says what happened and what to do."""

    def as_airbyte_message(
        self, stream_descriptor: StreamDescriptor | None = None
    ) -> AirbyteMessage:
        """The error as a TRACE message, without Python's internals."""
        message = super().as_airbyte_message(stream_descriptor)
        if message.trace and message.trace.error:
            message.trace.error.stack_trace = None
        return message


class RequestFailed(UserFacingError):
    """A request brought no page.

    Attributes:
        status: the HTTP status of the last answer; None if there was none, or one with a page.
        bookmark: of the page that was asked for; None for a first page.
        may_be_the_end: whether it looks like an API that is not there any more.
    """

    def __init__(
        self,
        sentence: str,
        failure_type: FailureType,
        *,
        status: int | None = None,
        bookmark: str | None = None,
        may_be_the_end: bool = False,
    ) -> None:
        super().__init__(message=sentence, failure_type=failure_type)
        self.status = status
        self.bookmark = bookmark
        self.may_be_the_end = may_be_the_end


class PageRefused(RequestFailed):
    """Autopilot refuses a page, or does not have it."""


class SyncFailed(UserFacingError):
    """Streams failed and a TRACE of each is out: only the exit code is still to come."""


class SyncStopped(UserFacingError):
    """The sync was stopped from outside; its last states are out."""

    def __init__(self) -> None:
        super().__init__(
            message="The sync was stopped from outside before it was complete. Its next attempt"
            " goes on from the last state.",
            failure_type=FailureType.transient_error,
        )


class InvalidConfig(ValueError):
    """A setting that cannot be used. The text is for the person who fills in the form."""


class InvalidEnvironment(ValueError):
    """A variable of the environment with which no request can be sent. The text names it."""


class InvalidState(ValueError):
    """A state that this connector cannot have written. The text says what is wrong with it."""


class UnreadableBody(ValueError):
    """A body that is no JSON. The text says what is wrong with it, for a person."""


class UnreadablePage(ValueError):
    """JSON that is not a page of the API. The text says what is wrong with it, for a person."""


class OrderInDoubt(ValueError):
    """A page that is not what it would be if pages ascended. The text says why, for a person."""


class TableTooShort(ValueError):
    """A table that has ended, and lacks rows of those that Autopilot counts.

    Attributes:
        rows: how many came.
        total: how many Autopilot counts.
    """

    def __init__(self, rows: int, total: int) -> None:
        super().__init__(rows, total)
        self.rows = rows
        self.total = total


class UnreadableFields(ValueError):
    """An answer that is no list of custom fields. The text says why, for a person."""


class UnknownTotals(ValueError):
    """The account could not be measured. The text says why, for a person."""


class NoRoom(ValueError):
    """An answer is larger than what is left: to be dropped, and asked for again later."""


def config_error(sentence: str) -> UserFacingError:
    """An error that stays until a person changes the configuration."""
    # Names of files and streams may have half characters in them.
    printable = escape_half_characters(sentence)
    return UserFacingError(message=printable, failure_type=FailureType.config_error)


def transient_error(sentence: str) -> UserFacingError:
    """An error that the next attempt may not meet."""
    return UserFacingError(message=sentence, failure_type=FailureType.transient_error)
