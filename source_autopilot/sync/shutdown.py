"""Stopping from outside: SIGTERM, as Docker and Kubernetes send it, and Ctrl-C.

The connector is process 1 of its container, for which the kernel ignores what has no handler. The
signals are waited for by a thread of their own: a handler would run in the middle of whatever the
main thread does, which may be half of a line, or hold the lock that stopping needs.
"""

import os
import signal
import threading
import time
from collections.abc import Callable

SIGNALS = {signal.SIGTERM, signal.SIGINT}
# Docker kills after 10 s, Kubernetes after 30 s; a destination may take nothing any more.
MAX_SECONDS_TO_STOP = 4.0


def stop_on_signal(stop: Callable[[], bool]) -> None:
    """End this process when a signal asks for it.

    The exit code is 143, or 128 + the signal's number if there was nothing to stop in time.
    `stop` is called on another thread. It returns False if there is nothing to stop, or makes the
    main thread come to its end, which then calls `exit_stopped`; a main thread that takes longer
    than MAX_SECONDS_TO_STOP is not waited for. Call this before other threads are started: threads
    inherit the signal mask.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=_wait, args=[stop], daemon=True).start()


def exit_stopped() -> None:
    """End the process without waiting for workers whose requests are still under way."""
    os._exit(128 + signal.SIGTERM)


def _wait(stop: Callable[[], bool]) -> None:
    number = signal.sigwait(SIGNALS)
    # The clock runs while `stop` does, which waits as long as no message is taken.
    clock = threading.Thread(
        target=_end_after, args=[MAX_SECONDS_TO_STOP, 128 + number], daemon=True
    )
    clock.start()
    if stop():
        clock.join()
    os._exit(128 + number)


def _end_after(seconds: float, code: int) -> None:
    time.sleep(seconds)
    os._exit(code)
