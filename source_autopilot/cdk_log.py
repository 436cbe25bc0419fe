"""Which of the CDK's log lines people get to see.

The CDK tells of each of its steps, and of failed requests with their headers and bodies: contacts,
or the key where a proxy repeats it. What a person needs of that the connector says itself, in
`progress`, `waits` and `failures`. The CDK's own lines are taken out here and nowhere else; lines
that are not known pass.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import airbyte_cdk

from source_autopilot.errors import ExplainedError
from source_autopilot.reports.retries import trying_again

_CDK = str(Path(airbyte_cdk.__file__).parent)
_OF_REQUESTS = ("http_client", "rate_limiting")  # modules whose lines hold requests and answers
_OF_REQUESTS_TO_KEEP = {"url", "status"}  # of a DEBUG line's details; headers hold the key
_STANDARD = vars(logging.makeLogRecord({})).keys()
_PAUSE = re.compile(r"(?:Waiting|Retrying in) ([0-9.]+) seconds")
_STEPS = re.compile(
    r"Starting syncing|Finished syncing|Syncing stream: |Marking stream \S+ as "
    # Wrong, too: to the CDK a page is one record.
    r"|Read \d+ records from "
    r"|During the sync, the following streams did not sync successfully"
    r"|MemoryMonitor instantiated"
)


@contextmanager
def for_people() -> Iterator[None]:
    """Inside of this, the log has no lines that are for the CDK's developers only."""
    quiet = _Quiet()
    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(quiet)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(quiet)


class _Quiet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is shown."""
        if record.name == "backoff":  # the library that the CDK tries again with
            return False
        if not record.pathname.startswith(_CDK):
            return True
        if record.module in _OF_REQUESTS:
            return _is_shown_of_request(record)
        if record.exc_info and isinstance(record.exc_info[1], ExplainedError):
            return False  # its TRACE message says it
        return not _STEPS.match(record.getMessage())


def _is_shown_of_request(record: logging.LogRecord) -> bool:
    if record.levelno == logging.DEBUG:
        for name in vars(record).keys() - _STANDARD - _OF_REQUESTS_TO_KEEP:
            delattr(record, name)
        return True
    pause = _PAUSE.search(record.getMessage())
    if pause:
        trying_again(float(pause[1]))
    return False
