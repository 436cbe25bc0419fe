"""What can go wrong on purpose, and when: the schedule of faults.

A fault has a kind, the paths that it hits and a number of requests. What each kind does is in
`fault_effects`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

KINDS: dict[str, frozenset[str]] = {
    "status": frozenset({"status", "retry_after", "location"}),
    "html": frozenset(),
    "body": frozenset({"text"}),
    "cut_json": frozenset(),
    "null_rows": frozenset(),
    "missing_rows": frozenset(),
    "rows": frozenset({"value"}),
    "total": frozenset({"value"}),
    "repeat_bookmark": frozenset(),
    "reset": frozenset(),
    "close": frozenset(),
    "silence": frozenset(),
    "drip": frozenset({"interval_seconds"}),
}
"""Kind -> its options beside path, after and times."""

_COMMON_OPTIONS = frozenset({"kind", "path", "after", "times"})


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    `path` is a glob (`/contacts*`) on the decoded path below /v1. The first `after` requests that
    match are spared, then `times` are hit (None: all from there on).

    kind            what the client gets
    status          this `status` with its documented body, if given `Retry-After` and `Location`
    html            200 and an HTML page, as from a proxy
    body            200 and `text` as it is
    cut_json        200 and the first half of the JSON, as a complete HTTP answer
    null_rows       the rows are null
    missing_rows    the key of the rows is missing
    rows            the rows are `value`
    total           total_contacts is `value`
    repeat_bookmark the page's bookmark is its own: the chain never gets any further
    reset           half of a promised body, then a connection reset
    close           the connection closed without a byte
    silence         nothing, until the client leaves
    drip            200 and a space every `interval_seconds`, for ever
    """

    kind: str
    path: str = "*"
    after: int = 0
    times: int | None = 1
    status: int | None = None
    retry_after: str | None = None
    location: str | None = None
    value: Any = None
    text: str = ""
    interval_seconds: float = 1.0

    def __post_init__(self) -> None:
        for problem in self._find_problems():
            raise ValueError(problem)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Fault:
        """`{"kind": "status", "status": 500}` -> the fault; ValueError if there is none."""
        unknown = set(document) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}: {dict(document)}")
        if "kind" not in document:
            raise ValueError(f"a fault needs a kind: {dict(document)}")
        return cls(**document)

    def to_json(self) -> dict[str, Any]:
        """The opposite of `from_json`: the kind and what differs from the defaults."""
        changed = self._non_default_fields() | {"kind"}
        return {name: value for name, value in asdict(self).items() if name in changed}

    def _find_problems(self) -> Iterator[str]:
        """What is wrong with the fault, the worst first."""
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            yield f"fault kind {self.kind!r}: expected one of {', '.join(KINDS)}"
            return
        foreign = self._non_default_fields() - KINDS[self.kind] - _COMMON_OPTIONS
        if foreign:
            yield f"a fault of kind {self.kind} has no {', '.join(sorted(foreign))}"
        if self.kind == "status" and not isinstance(self.status, int):
            yield f"status is {self.status!r}: expected a number such as 500"
        if not (isinstance(self.after, int) and self.after >= 0):
            yield f"after is {self.after!r}: expected 0 or more requests to spare"
        if self.times is not None and not (isinstance(self.times, int) and self.times > 0):
            yield f"times is {self.times!r}: expected 1 or more, or null for ever"

    def _non_default_fields(self) -> set[str]:
        """The names of the fields that don't have their default."""
        return {field.name for field in fields(self) if getattr(self, field.name) != field.default}


def faults_from_json(document: object) -> list[Fault]:
    """A JSON array of faults -> the schedule's faults; ValueError if it isn't one."""
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise ValueError(f"a schedule of faults is a JSON array of objects, not {document!r:.80}")
    return [Fault.from_json(item) for item in document]


class FaultSchedule:
    """Faults in order, and what each has counted. Of several that match, the first hits."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self.replace(faults)

    def replace(self, faults: Sequence[Fault]) -> None:
        """Forget the schedule and start with this one."""
        with self._lock:
            self.faults = tuple(faults)
            self._seen = [0] * len(self.faults)
            self._hits = [0] * len(self.faults)

    def take(
        self, path: str, *, fits: Callable[[Fault], bool] = lambda fault: True
    ) -> Fault | None:
        """The fault that hits a request for this path, if any.

        `fits` says whether a fault can do anything to the answer at hand. `after` counts every
        request that matches and fits, also those that another fault hits.
        """
        with self._lock:
            chosen = None
            for number, fault in enumerate(self.faults):
                if not (fnmatchcase(path, fault.path) and fits(fault)):
                    continue
                self._seen[number] += 1
                if chosen is None and self._is_due(number):
                    self._hits[number] += 1
                    chosen = fault
            return chosen

    def _is_due(self, number: int) -> bool:
        fault = self.faults[number]
        left = fault.times is None or self._hits[number] < fault.times
        return left and self._seen[number] > fault.after
