"""One question to the API and its answer: let through by the limiter, bounded, tried again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Generic, Protocol, TypeVar

import requests
from pydantic import SecretStr

from source_autopilot.api.error_mapping import (
    KEY_HEADER,
    NO_TIME_LEFT,
    NO_TURN,
    TOO_MANY_REQUESTS,
    Action,
    Failure,
    map_exception,
    map_status,
    map_unreadable,
)
from source_autopilot.api.memory import Lease, Memory
from source_autopilot.api.rate_limiter import Chain, RateLimiter
from source_autopilot.api.retry_policy import Deadline, FailedTries, RetryPolicy
from source_autopilot.api.transport import Reply, fetch, open_session
from source_autopilot.errors import InvalidEnvironment, NoRoom, RequestFailed, UnreadableBody

Content = TypeVar("Content")
Sessions = Callable[[str, SecretStr], requests.Session]


@dataclass(frozen=True)
class Answer(Generic[Content]):
    """A page of the API.

    Attributes:
        content: the body as it was decoded.
        seconds: how long Autopilot took for it.
    """

    content: Content
    seconds: float


class RetryListener(Protocol):
    """Receives each failed try that another one may mend."""

    def record_refusal(
        self, stream_name: str, *, requests_per_second: float, pause_seconds: float | None
    ) -> None:
        """A request was refused because of the rate limit; how fast requests are sent from now on.

        `pause_seconds` is how long the API asks to wait, None if it does not say.
        """

    def record_failure(self, stream_name: str, *, seen: str, pause_seconds: float | None) -> None:
        """A request failed for another reason; its next try is after the pause, None is never."""


def _open_each_once() -> Sessions:
    """Opens the session for an address and a key with the first question that needs it."""

    @cache
    def find(base_url: str, api_key: SecretStr) -> requests.Session:
        return open_session(base_url, {KEY_HEADER: api_key.get_secret_value()})

    return find


@dataclass(frozen=True)
class Client:
    """The address, key, limiter and retry policy that all streams of a command share.

    A copy that `dataclasses.replace` makes has the same connections: one with a policy and a
    deadline of its own is how a single question is bounded.

    Attributes:
        base_url: the API's address, with a slash at its end.
        deadline: when the command has to be done; None for a read, which takes as long as it takes.
        listener: receives each failed try, before the pause.
        ends_all: whether an error that concerns the account closes the limiter, so that no request
            is sent any more.
        memory: bounds how many bytes of answers are held at once.
        sessions: finds the HTTP session of an address and a key, which a client and its copies
            share.
    """

    base_url: str
    api_key: SecretStr
    limiter: RateLimiter
    policy: RetryPolicy
    deadline: Deadline | None = None
    listener: RetryListener | None = None
    ends_all: bool = True
    memory: Memory = field(default_factory=Memory)
    sessions: Sessions = field(default_factory=_open_each_once, repr=False)

    def get(
        self,
        url: str,
        decode: Callable[[bytes], Content],
        *,
        stream: str,
        bookmark: str | None = None,
        chain: Chain | None = None,
        lease: Lease | None = None,
    ) -> Answer[Content]:
        """Ask until there is a page, or until the policy or the deadline ends it.

        Args:
            url: of the page.
            decode: turns the body into what the caller needs of it; its UnreadableBody is worth
                another try.
            stream: whose page it is, for errors and reports.
            bookmark: of the page; None for a first page.
            chain: whose turn it is, where pages follow each other.
            lease: holds the answer until the chain asks for its next page, or is at its end.

        Raises RequestFailed, which is a PageRefused where only the stream knows what the refusal
        means, and UnreadablePage.
        """
        while True:
            if lease:
                lease.renew()
            with suppress(NoRoom):  # asked for again when there is room: no failed try
                return self._get(url, decode, stream, bookmark, chain, lease)

    def _get(
        self,
        url: str,
        decode: Callable[[bytes], Content],
        stream: str,
        bookmark: str | None,
        chain: Chain | None,
        lease: Lease | None,
    ) -> Answer[Content]:
        failed_tries = FailedTries(self.policy, self.deadline)
        while True:
            if not self.limiter.acquire(chain, self.deadline):
                raise self._give_up(NO_TURN)
            began = time.monotonic()
            outcome = self._try(url, decode, stream, bookmark, lease)
            if isinstance(outcome, Answer):
                return outcome
            if outcome.action in (Action.REFUSE, Action.FAIL):
                raise self._give_up(outcome)
            took_seconds = time.monotonic() - began
            if outcome.action == Action.WAIT:
                pause = self._wait_out(outcome, stream, failed_tries, took_seconds)
            else:
                pause = failed_tries.count(took_seconds, outcome.pause_seconds)
                if self.listener:
                    self.listener.record_failure(stream, seen=outcome.seen, pause_seconds=pause)
            if pause is None:
                raise self._give_up(outcome)
            time.sleep(pause)

    def _try(
        self,
        url: str,
        decode: Callable[[bytes], Content],
        stream: str,
        bookmark: str | None,
        lease: Lease | None,
    ) -> Answer[Content] | Failure:
        policy = self.policy
        if self.deadline:
            seconds_left = self.deadline.seconds_left
            if seconds_left <= 0:
                return NO_TIME_LEFT
            policy = policy.within(seconds_left)
        logging.getLogger("airbyte").debug(f"GET {url}")
        reply = None
        try:
            reply = fetch(
                self.sessions(self.base_url, self.api_key),
                url,
                connect_seconds=policy.connect_seconds,
                answer_seconds=policy.answer_seconds,
                lease=lease,
            )
        except (OSError, InvalidEnvironment) as error:  # requests.RequestException is an OSError
            return map_exception(error)
        finally:
            if reply is None:
                self.limiter.unanswered()
        failure = map_status(
            reply.status,
            reply.headers,
            reply.body,
            stream=stream,
            bookmark=bookmark,
            max_pause_seconds=self.policy.max_pause_seconds,
        )
        if reply.status != TOO_MANY_REQUESTS:
            self.limiter.succeeded()
        return failure or _decode(reply, decode, lease)

    def _wait_out(
        self, failure: Failure, stream: str, failed_tries: FailedTries, took_seconds: float
    ) -> float | None:
        """What `FailedTries.count` returns, for a request that the rate limit refused."""
        requests_per_second = self.limiter.refused(failure.pause_seconds)
        if self.listener:
            self.listener.record_refusal(
                stream,
                requests_per_second=requests_per_second,
                pause_seconds=failure.pause_seconds,
            )
        if self.policy.max_limited_seconds is None:
            return failed_tries.count(took_seconds, failure.pause_seconds)
        is_over = self.limiter.refused_seconds >= self.policy.max_limited_seconds
        return None if is_over else 0.0  # the limiter makes all requests wait, this one too

    def _give_up(self, failure: Failure) -> RequestFailed:
        if failure.concerns_account and self.ends_all:
            self.limiter.close(failure.to_error)
        return failure.to_error()


def _decode(
    reply: Reply, decode: Callable[[bytes], Content], lease: Lease | None
) -> Answer[Content] | Failure:
    if lease:
        lease.decode()
    try:
        return Answer(decode(reply.body), reply.seconds)
    except UnreadableBody as unreadable:
        return map_unreadable(unreadable, reply.body)
