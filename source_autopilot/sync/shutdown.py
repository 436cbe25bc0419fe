"""Stopping from outside: SIGTERM, as Docker and Kubernetes send it, SIGHUP, and Ctrl-C.

The connector is process 1 of its container, for which the kernel ignores what has no handler: the
signals are listened for before anything slow is imported. They are waited for by a thread of their
own: a handler would run in the middle of whatever the main thread does, which may be half of a
line, or hold the lock that stopping needs.
"""

import os
import signal
import threading
import time
from collections.abc import Callable

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Docker kills after 10 s, Kubernetes after 30 s; a destination may take nothing any more.
MAX_SECONDS_TO_STOP = 4.0


class StopSignals:
    """The signals that end this process, and what they end.

    A process that was started with a signal ignored, by nohup or in the background of a shell, goes
    on ignoring it.

    Attributes:
        stop: called on another thread when a signal has come. It returns False if there is nothing
            to stop, or makes the main thread come to its end, which then calls `exit`; a main
            thread that takes longer than MAX_SECONDS_TO_STOP is not waited for.
    """

    def __init__(self) -> None:
        self.stop: Callable[[], bool] = lambda: False
        self._heeded = {number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN}
        self._received: int = signal.SIGTERM

    def listen(self) -> None:
        """End this process from now on when a signal asks for it.

        To be called on the main thread before other threads are started: they inherit the mask.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, self._heeded)
        threading.Thread(target=self._wait, daemon=True).start()

    def exit(self) -> None:
        """End the process as the signal asks, without waiting for workers and their requests.

        By the signal itself, from which a parent process sees that it was no failure; with the exit
        code 128 + its number for Ctrl-C, and for process 1, which the kernel spares.
        """
        if self._received != signal.SIGINT:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {self._received})
            signal.raise_signal(self._received)
        os._exit(128 + self._received)

    def _wait(self) -> None:
        self._received = signal.sigwait(self._heeded)
        # The clock runs while `stop` does, which waits as long as no message is taken.
        clock = threading.Thread(target=self._end_after, args=[MAX_SECONDS_TO_STOP], daemon=True)
        clock.start()
        if self.stop():
            clock.join()
        self.exit()

    def _end_after(self, seconds: float) -> None:
        time.sleep(seconds)
        self.exit()
