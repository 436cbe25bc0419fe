"""The end that somebody asks for: SIGTERM, as Docker and Kubernetes send it, and Ctrl-C.

The connector is process 1 of its container, for which the kernel ignores what has no handler. The
signals are waited for by a thread of their own: a handler would run in the middle of whatever the
main thread does, which may be half of a line, or hold the lock that stopping needs.
"""

import os
import signal
import threading
import time
from collections.abc import Callable

from airbyte_cdk.models import FailureType

from source_autopilot.errors import ExplainedError

SIGNALS = {signal.SIGTERM, signal.SIGINT}
# Docker kills after 10 s, Kubernetes after 30 s; a reader that takes nothing must not hold us up.
LONGEST_SECONDS = 4.0


class SyncStopped(ExplainedError):
    """The sync was stopped from outside; its last states are out."""

    def __init__(self) -> None:
        super().__init__(
            message="The sync was stopped from outside before it was complete. Its next attempt"
            " goes on from the last state.",
            failure_type=FailureType.transient_error,
        )


def end_on_signal(stop: Callable[[], bool]) -> None:
    """From now on, end this process when a signal asks for it; its exit code is 128 + the signal's.

    `stop` is called on another thread. It returns False if there is nothing to stop, or makes the
    main thread come to its end, which then calls `end`; soon, or it is ended anyway. To be called
    before other threads are started: they inherit that they don't get the signals.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=_wait, args=[stop], daemon=True).start()


def end() -> None:
    """End the process without waiting for workers whose requests are still under way."""
    os._exit(128 + signal.SIGTERM)


def _wait(stop: Callable[[], bool]) -> None:
    number = signal.sigwait(SIGNALS)
    # The clock runs while `stop` does: where nobody takes the messages it waits for ever.
    clock = threading.Thread(target=_end_after, args=[LONGEST_SECONDS, 128 + number], daemon=True)
    clock.start()
    if stop():
        clock.join()
    os._exit(128 + number)


def _end_after(seconds: float, code: int) -> None:
    time.sleep(seconds)
    os._exit(code)
