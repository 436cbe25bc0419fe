"""What is planned to happen, and when: at which paths, after how many requests, how often.

Faults and changes are planned so; what each kind does is said where its table is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Generic, TypeVar

Plan = TypeVar("Plan", bound="Planned")

_COMMON_OPTIONS = frozenset({"kind", "path", "after", "times"})


@dataclass(frozen=True)
class Planned:
    """Something of a `kind` that is planned for requests.

    `path` is a glob (`/contacts*`) on the decoded path below /v1. The first `after` requests that
    match are spared, then `times` are hit (None: all from there on).
    """

    kind: str
    path: str = "*"
    after: int = 0
    times: int | None = 1

    noun: ClassVar[str]
    options: ClassVar[Mapping[str, frozenset[str]]]
    """Kind -> its options beside those that all have."""

    def __post_init__(self) -> None:
        for problem in self._find_problems():
            raise ValueError(problem)

    @classmethod
    def from_json(cls: type[Plan], document: Mapping[str, Any]) -> Plan:
        """`{"kind": "status", "status": 500}` -> a fault; ValueError if there is none."""
        unknown = set(document) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"a {cls.noun} has no {', '.join(sorted(unknown))}: {dict(document)}")
        if "kind" not in document:
            raise ValueError(f"a {cls.noun} needs a kind: {dict(document)}")
        return cls(**document)

    @classmethod
    def list_from_json(cls: type[Plan], document: object) -> list[Plan]:
        """A JSON array -> what a schedule holds; ValueError if it isn't one."""
        if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
            raise ValueError(
                f"a schedule of {cls.noun}s is a JSON array of objects, not {document!r:.80}"
            )
        return [cls.from_json(item) for item in document]

    def to_json(self) -> dict[str, Any]:
        """The opposite of `from_json`: the kind and what differs from the defaults."""
        changed = self._non_default_fields() | {"kind"}
        return {name: value for name, value in asdict(self).items() if name in changed}

    def _find_problems(self) -> Iterator[str]:
        """What is wrong, the worst first."""
        if not isinstance(self.kind, str) or self.kind not in self.options:
            yield f"{self.noun} kind {self.kind!r}: expected one of {', '.join(self.options)}"
            return
        foreign = self._non_default_fields() - self.options[self.kind] - _COMMON_OPTIONS
        if foreign:
            yield f"a {self.noun} of kind {self.kind} has no {', '.join(sorted(foreign))}"
        if not (isinstance(self.after, int) and self.after >= 0):
            yield f"after is {self.after!r}: expected 0 or more requests to spare"
        if self.times is not None and not (isinstance(self.times, int) and self.times > 0):
            yield f"times is {self.times!r}: expected 1 or more, or null for ever"

    def _non_default_fields(self) -> set[str]:
        """The names of the fields that don't have their default."""
        return {field.name for field in fields(self) if getattr(self, field.name) != field.default}


class Schedule(Generic[Plan]):
    """What is planned, and what each has counted. Of several that match, the first one hits."""

    def __init__(self, planned: Sequence[Plan] = ()) -> None:
        self._lock = threading.Lock()
        self.replace(planned)

    def replace(self, planned: Sequence[Plan]) -> None:
        """Forget the schedule and start with this one."""
        with self._lock:
            self.planned = tuple(planned)
            self._seen = [0] * len(self.planned)
            self._hits = [0] * len(self.planned)

    def take(self, path: str, *, fits: Callable[[Plan], bool] = lambda plan: True) -> Plan | None:
        """What hits a request for this path, if anything.

        `fits` says whether it can do anything to the answer at hand. `after` counts every request
        that matches and fits, also those that something else hits.
        """
        with self._lock:
            chosen = None
            for number, plan in enumerate(self.planned):
                if not (fnmatchcase(path, plan.path) and fits(plan)):
                    continue
                self._seen[number] += 1
                if chosen is None and self._is_due(number):
                    self._hits[number] += 1
                    chosen = plan
            return chosen

    def _is_due(self, number: int) -> bool:
        plan = self.planned[number]
        left = plan.times is None or self._hits[number] < plan.times
        return left and self._seen[number] > plan.after
