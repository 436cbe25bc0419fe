"""A time that the test puts forward, for threads that wait on conditions."""

import threading
from queue import Queue

TIMEOUT_SECONDS = 2  # of a test that would hang otherwise


class FakeTime:
    """Its conditions wait until they are notified, or until the time is put far enough.

    `waits` gets the timeout of each wait that begins, so that a test knows who waits.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: Queue[float | None] = Queue()
        self._lock: threading.Lock | None = None
        self._timed: list[threading.Condition] = []

    def now(self) -> float:
        """Seconds since the start of the test."""
        return self.seconds

    def condition(self, lock: threading.Lock) -> threading.Condition:
        """A condition whose waits end by this time."""
        self._lock = lock
        return _FakeCondition(self, lock)

    def put_forward(self, seconds: float) -> None:
        """Let time pass; a wait with a timeout looks again, whether it is over or not."""
        self.seconds += seconds
        assert self._lock is not None
        with self._lock:
            for condition in self._timed:
                condition.notify()

    def next_wait(self) -> float | None:
        """The timeout of the next wait that begins."""
        return self.waits.get(timeout=TIMEOUT_SECONDS)


class _FakeCondition(threading.Condition):
    def __init__(self, time: FakeTime, lock: threading.Lock) -> None:
        super().__init__(lock)
        self._time = time

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            self._time._timed.append(self)
        self._time.waits.put(timeout)
        try:
            return super().wait(4 * TIMEOUT_SECONDS)
        finally:
            if timeout is not None:
                self._time._timed.remove(self)
