"""Tests of `sync.shutdown`; integration_tests/sync/test_resume.py stops whole syncs."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from source_autopilot.sync import shutdown
from source_autopilot.sync.shutdown import exit_stopped, stop_on_signal


class Exited(BaseException):
    """In place of the end of the process."""

    def __init__(self, code: int) -> None:
        self.code = code


class StartedThread:
    """A thread that runs when the test says so, or when it is joined."""

    def __init__(
        self, log: list[Any], target: Callable[..., None], args: Iterable[Any], daemon: bool
    ) -> None:
        self._log = log
        self._target = target
        self._args = args
        self.daemon = daemon

    def start(self) -> None:
        self._log.append(self)

    def run(self) -> None:
        self._target(*self._args)

    join = run


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What happens, in its order: signals that are blocked, threads that are started."""
    log: list[Any] = []

    def end_process(code: int) -> None:
        raise Exited(code)

    def start_thread(
        *, target: Callable[..., None], args: Iterable[Any], daemon: bool
    ) -> StartedThread:
        return StartedThread(log, target, args, daemon)

    monkeypatch.setattr(os, "_exit", end_process)
    monkeypatch.setattr(threading, "Thread", start_thread)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *mask: log.append(mask))
    return log


def receive(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have this signal arrive."""

    def wait_for_signal(numbers: set[int]) -> int:
        assert numbers == {signal.SIGTERM, signal.SIGINT}
        return number

    monkeypatch.setattr(signal, "sigwait", wait_for_signal)


def test_stop_on_signal__blocks_the_signals_first(events: list[Any]) -> None:
    """The signals are blocked before any thread starts; the one that waits keeps nothing alive."""
    stop_on_signal(lambda: False)

    mask, waiting = events
    assert mask == (signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    assert waiting.daemon


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stop_on_signal__nothing_to_stop(
    events: list[Any], naps: list[float], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """Where there is nothing to stop the process ends at once."""
    receive(monkeypatch, number)
    stop_on_signal(lambda: False)

    with pytest.raises(Exited) as exited:
        events[-1].run()

    assert exited.value.code == code
    assert naps == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stop_on_signal__main_thread_does_not_end(
    events: list[Any], naps: list[float], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """The main thread has 4 s to come to its end after `stop`; Docker kills after 10."""
    receive(monkeypatch, number)
    stopped: list[bool] = []

    def stop() -> bool:
        stopped.append(True)
        assert naps == []
        return True

    stop_on_signal(stop)
    with pytest.raises(Exited) as exited:
        events[-1].run()

    assert exited.value.code == code
    assert stopped == [True]
    assert naps == [4.0]


def test_stop_on_signal__stop_hangs(
    events: list[Any], naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 4 s begin before `stop`: it may wait for ever for a destination that takes nothing."""
    receive(monkeypatch, signal.SIGTERM)

    def hang() -> bool:
        clock = events[-1]
        assert clock.daemon
        clock.run()
        raise AssertionError("the process has ended")

    stop_on_signal(hang)
    with pytest.raises(Exited) as exited:
        events[-1].run()

    assert exited.value.code == 143
    assert naps == [4.0]


@pytest.mark.usefixtures("events")
def test_exit_stopped() -> None:
    """A sync that was stopped has the exit code of SIGTERM."""
    with pytest.raises(Exited) as exited:
        exit_stopped()

    assert exited.value.code == 143


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stop_on_signal__real_process(number: int, code: int) -> None:
    """A process that does something else meanwhile ends with the signal's exit code."""
    script = (  # the module alone: the package takes a second to import
        "import os, runpy, time\n"
        f"module = runpy.run_path({shutdown.__file__!r})\n"
        "module['stop_on_signal'](lambda: False)\n"
        f"os.kill(os.getpid(), {int(number)})\n"
        "time.sleep(60)"
    )

    ended = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)  # noqa: S603

    assert ended.returncode == code
