"""A clock that no test waits for."""

import threading


class Clock:
    """A time that passes only while something waits for it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        """Seconds since the start of the test."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Put the clock forward."""
        self.seconds += seconds


class WaitingByClock(threading.Condition):
    """A condition whose waits are over at once, with the clock put forward instead."""

    def __init__(self, clock: Clock, lock: threading.Lock) -> None:
        super().__init__(lock)
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None, "no other thread is there to wake this one"
        self._clock.seconds += timeout
        return True
