"""One request budget for all workers: who may send the next request, and when.

The arithmetic of the rate is `pace`'s; here is only the waiting.
"""

import heapq
import math
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.backoff import retry_after
from source_autopilot.api.error_mapping import too_long
from source_autopilot.api.pace import Pace
from source_autopilot.api.retry_policy import PATIENCE_OF_READ
from source_autopilot.errors import ExplainedError
from source_autopilot.reports.retries import Waits


class RequestBudget(APIBudget):
    """Lets requests through at the pace, those of the longest remaining chain first.

    A sync ends when its longest chain of pages ends, so that chain must never wait for another.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        condition: Callable[[threading.Lock], threading.Condition] = threading.Condition,
    ) -> None:
        super().__init__(policies=[])
        self.waits = Waits(now)
        self._now = now
        self._pace = Pace(now())
        self._lock = threading.Lock()
        self._condition = condition
        # Each waits on a condition of its own: waking all of them for each request is expensive.
        self._waiting: list[tuple[bool, float, int, threading.Condition]] = []
        self._arrivals = count()
        self._pages_left: dict[int, float] = {}  # of the chain that each thread reads
        self._closed_for: AirbyteTracedException | None = None

    def about_to_ask(self, *, pages_left: float) -> None:
        """Say how many pages this thread's chain still has; infinity if nobody knows."""
        with self._lock:
            self._pages_left[threading.get_ident()] = pages_left

    def close(self, reason: AirbyteTracedException) -> None:
        """Let nothing through any more; whoever waits or comes gets the reason as exception."""
        with self._lock:
            self._closed_for = reason
            for *_, turn in self._waiting:
                turn.notify()

    def acquire_call(self, request: Any, block: bool = True, timeout: float | None = None) -> None:
        """Wait for this thread's turn; the CDK's session calls it before every request."""
        turn = self._condition(self._lock)
        with self._lock:
            urgent = self._is_of_longest_chain()
            pages_left = self._pages_left.get(threading.get_ident(), 0.0)
            ticket = (not urgent, -pages_left, next(self._arrivals), turn)
            heapq.heappush(self._waiting, ticket)
            while True:
                if self._closed_for:
                    raise _again(self._closed_for)
                first = self._waiting[0] is ticket
                now = self._now()
                wait_seconds = self._pace.next_at(now, urgent=urgent) - now
                if first and wait_seconds <= 0:
                    break
                turn.wait(wait_seconds if first else None)
            heapq.heappop(self._waiting)
            self._pace.sent(now)
            self._wake_the_first()

    def update_from_response(self, request: Any, response: Any) -> None:
        """Learn from a 429, for everybody at once; the CDK calls it after every answer.

        The limit is the account's: a pause that is too long to wait for ends the sync for all.
        """
        if response.status_code == requests.codes.too_many_requests:
            pause_seconds = retry_after(response)
            if pause_seconds and pause_seconds > PATIENCE_OF_READ.longest_pause_seconds:
                self.close(_refusal(too_long(pause_seconds, response.status_code)))
                return
            with self._lock:
                self._pace.refused(self._now(), pause_seconds)
                rate = self._pace.rate
            self.waits.limited(requests_per_second=rate, pause_seconds=pause_seconds)

    def _is_of_longest_chain(self) -> bool:
        # Chains of unknown length come next: while the longest known one waits for an answer.
        known = [it for it in self._pages_left.values() if it < math.inf]
        return bool(known) and self._pages_left.get(threading.get_ident()) == max(known)

    def _wake_the_first(self) -> None:
        # The others go on waiting: each is woken when it has become the first.
        if self._waiting:
            *_, turn = self._waiting[0]
            turn.notify()


def _refusal(sentence: str) -> ExplainedError:
    return ExplainedError(message=sentence, failure_type=FailureType.transient_error)


def _again(reason: AirbyteTracedException) -> AirbyteTracedException:
    # A copy for each thread: an exception collects the traceback of everybody who raises it.
    return ExplainedError(message=reason.message, failure_type=reason.failure_type)
