"""Tests of `sync.shutdown`; integration_tests/sync/test_signals.py stops whole commands."""

import os
import signal
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from source_autopilot.sync.shutdown import StopSignals

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Ended(BaseException):
    """In place of the end of the process: by an exit code, or by a signal as a negative one."""

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
    """What happens, in its order: changes of the signal mask, threads that are started."""
    log: list[Any] = []

    def end_process(code: int) -> None:
        raise Ended(code)

    def raise_signal(number: int) -> None:
        assert log[-1] == (signal.SIG_UNBLOCK, {number})
        raise Ended(-number)

    def start_thread(
        *, target: Callable[..., None], args: Iterable[Any] = (), daemon: bool
    ) -> StartedThread:
        return StartedThread(log, target, args, daemon)

    monkeypatch.setattr(os, "_exit", end_process)
    monkeypatch.setattr(signal, "raise_signal", raise_signal)
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_DFL)
    monkeypatch.setattr(threading, "Thread", start_thread)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *mask: log.append(mask))
    return log


def receive(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have this signal arrive."""

    def wait_for_signal(numbers: set[int]) -> int:
        assert numbers == SIGNALS
        return number

    monkeypatch.setattr(signal, "sigwait", wait_for_signal)


ENDS = [(signal.SIGTERM, -15), (signal.SIGINT, 130), (signal.SIGHUP, -1)]


def test_listen__blocks_the_signals_first(events: list[Any]) -> None:
    """The signals are blocked before any thread starts; the one that waits keeps nothing alive."""
    StopSignals().listen()

    mask, waiting = events
    assert mask == (signal.SIG_BLOCK, SIGNALS)
    assert waiting.daemon


@pytest.mark.parametrize("number", sorted(SIGNALS))
def test_listen__ignored_signal(
    events: list[Any], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """What nohup, or a shell for its background jobs, has ignored stays ignored."""
    monkeypatch.setattr(
        signal,
        "getsignal",
        lambda asked: signal.SIG_IGN if asked == number else signal.default_int_handler,
    )

    StopSignals().listen()

    assert events[0] == (signal.SIG_BLOCK, SIGNALS - {number})


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_listen__nothing_to_stop(
    events: list[Any], naps: list[float], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """Where there is nothing to stop the process ends at once."""
    receive(monkeypatch, number)
    StopSignals().listen()

    with pytest.raises(Ended) as ended:
        events[-1].run()

    assert ended.value.code == code
    assert naps == []


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_listen__main_thread_does_not_end(
    events: list[Any], naps: list[float], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """The main thread has 4 s to come to its end after `stop`; Docker kills after 10."""
    receive(monkeypatch, number)
    stopped: list[bool] = []

    def stop() -> bool:
        stopped.append(True)
        assert naps == []
        return True

    signals = StopSignals()
    signals.stop = stop
    signals.listen()
    with pytest.raises(Ended) as ended:
        events[-1].run()

    assert ended.value.code == code
    assert stopped == [True]
    assert naps == [4.0]


def test_listen__stop_hangs(
    events: list[Any], naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 4 s begin before `stop`: it may wait for ever for a destination that takes nothing."""
    receive(monkeypatch, signal.SIGTERM)

    def hang() -> bool:
        clock = events[-1]
        assert clock.daemon
        clock.run()
        raise AssertionError("the process has ended")

    signals = StopSignals()
    signals.stop = hang
    signals.listen()
    with pytest.raises(Ended) as ended:
        events[-1].run()

    assert ended.value.code == -15
    assert naps == [4.0]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_exit__process_1(
    events: list[Any], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """A process that survives the signal, as process 1 does, has the exit code that shells say."""
    receive(monkeypatch, number)
    monkeypatch.setattr(signal, "raise_signal", lambda number: None)
    StopSignals().listen()

    with pytest.raises(Ended) as ended:
        events[-1].run()

    assert ended.value.code == code


@pytest.mark.usefixtures("events")
def test_exit__no_signal() -> None:
    """A sync that was stopped in another way ends as by SIGTERM."""
    with pytest.raises(Ended) as ended:
        StopSignals().exit()

    assert ended.value.code == -15
