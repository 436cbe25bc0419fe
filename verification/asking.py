"""Asks Autopilot one question: a GET request, counted, paced and bounded. Nothing else sends.

It stands on the connector's transport and not on its client: the client tries again by itself,
which would spend the budget, and keeps status and headers to itself, which are what is looked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pydantic import SecretStr

from source_autopilot.api.error_mapping import KEY_HEADER
from source_autopilot.api.transport import Reply, fetch, open_session

MAX_QUESTIONS = 30
MAX_SECONDS = 240.0  # for all questions: a minute at the 4 s a page that were seen, and some more
SECONDS_BETWEEN = 0.5  # 2 requests a second; the lowest limit that is known of is 5 [doc]
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0


class Key(Enum):
    """With which key a question is asked."""

    OWN = "the account's"
    WRONG = "0" * 32  # the shape of a key, and surely nobody's
    NONE = "no header at all"


@dataclass(frozen=True)
class NoAnswer:
    """No HTTP answer came, or one beyond the bounds; `kind` is the class of the exception."""

    kind: str


Ask = Callable[[str, Key], Reply | NoAnswer]
"""Asks for a path below the base URL. Raises BudgetSpent."""


class BudgetSpent(Exception):
    """No further question may be asked."""


class Budget:
    """Counts the questions of a run: refuses one too many or too late, makes a fast one wait."""

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._ends_at = now() + MAX_SECONDS
        self._next_at = now()
        self.questions = 0

    def spend(self) -> None:
        """Wait for the next question's turn. Raises BudgetSpent if there is none."""
        if self.questions >= MAX_QUESTIONS or self._now() >= self._ends_at:
            raise BudgetSpent
        pause_seconds = self._next_at - self._now()
        if pause_seconds > 0:
            self._sleep(pause_seconds)
        self.questions += 1
        self._next_at = self._now() + SECONDS_BETWEEN


def ask_api(base_url: str, api_key: SecretStr, budget: Budget) -> Ask:
    """A function that asks the API at `base_url`, which ends in a slash, within the budget."""
    headers = {
        Key.OWN: {KEY_HEADER: api_key.get_secret_value()},
        Key.WRONG: {KEY_HEADER: Key.WRONG.value},
        Key.NONE: {},
    }
    sessions = {key: open_session(base_url, headers[key]) for key in Key}

    def ask(path: str, key: Key) -> Reply | NoAnswer:
        budget.spend()
        try:
            return fetch(
                sessions[key],
                base_url + path,
                connect_seconds=CONNECT_SECONDS,
                answer_seconds=ANSWER_SECONDS,
            )
        except (OSError, ValueError) as error:  # requests' exceptions, and a body that is too large
            return NoAnswer(type(error).__name__)

    return ask
