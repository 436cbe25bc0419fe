"""Threads of which one runs at a time; dice decide which one goes on. Nothing waits for a clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

Work = Callable[[], None]


class Killed(BaseException):
    """Ends a thread where it pauses, as SIGKILL would."""


class Baton:
    """Runs work side by side: what pauses hands the baton on to something that is ready.

    The same dice make the same course on every machine.

    Attributes:
        errors: what the work raised, but for Killed.
        steps: how often the baton was handed on.
        is_killed: whether that was `kill_at` times.
        is_hung: whether nothing was ready any more, or there was no end after `max_steps`.
    """

    def __init__(self, dice: Random, *, max_steps: int, kill_at: int | None = None) -> None:
        self.errors: list[Exception] = []
        self.steps = 0
        self.is_killed = False
        self.is_hung = False
        self._dice = dice
        self._max_steps = max_steps
        self._kill_at = kill_at
        self._tasks: list[_Task] = []
        self._running: _Task | None = None
        self._has_ended = _taken_lock()

    def run(self, work: Work) -> None:
        """Run work, and all that it spawns, to its end or until it is killed."""
        self.spawn(work)
        self._hand_on()
        self._has_ended.acquire()

    def spawn(self, work: Work) -> None:
        """Begin work at one of the steps to come."""
        self._tasks.append(_Task(work, self._end))

    def pause(self, is_ready: Callable[[], bool] = lambda: True) -> None:
        """Let others go on, until it is this thread's turn again and it is ready. Raises Killed."""
        task = self._running
        assert task is not None, "only work that is run can pause"
        task.is_ready = is_ready
        self._hand_on()
        task.turn.acquire()
        if self._is_over:
            raise Killed

    @property
    def _is_over(self) -> bool:
        return self.is_killed or self.is_hung

    def _hand_on(self) -> None:
        self.steps += 1
        self.is_killed |= self.steps == self._kill_at
        ready = [task for task in self._tasks if task.is_ready()]
        self.is_hung |= not ready or self.steps > self._max_steps
        if self._is_over:
            self._tasks = ready = [task for task in self._tasks if task.has_begun]
        if ready:
            self._running = self._dice.choice(ready)
            self._running.go_on()
        else:
            self._has_ended.release()

    def _end(self, task: _Task, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            self.errors.append(error)
        self._tasks.remove(task)
        if self._tasks:
            self._hand_on()
        else:
            self._has_ended.release()


class _Task:
    """One piece of work, and the thread that it has from its first turn on."""

    def __init__(self, work: Work, end: Callable[[_Task, BaseException | None], None]) -> None:
        self.has_begun = False
        self.turn = _taken_lock()
        self.is_ready: Callable[[], bool] = lambda: True
        self._work = work
        self._end = end

    def go_on(self) -> None:
        """Give the work its turn."""
        if self.has_begun:
            self.turn.release()
        else:
            self.has_begun = True
            thread = _IDLE.pop() if _IDLE else _Thread()
            thread.work = self._run
            thread.has_work.release()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._work()
        except BaseException as raised:  # goes to the test, which has another thread
            error = raised
        self._end(self, error)


class _Thread(threading.Thread):
    """Does one work after the other: to start a thread for each takes longer than most of them."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.has_work = _taken_lock()
        self.work: Work = lambda: None
        self.start()

    def run(self) -> None:
        while True:
            self.has_work.acquire()
            work = self.work
            work()
            _IDLE.append(self)


_IDLE: list[_Thread] = []


def _taken_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock
