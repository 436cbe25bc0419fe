"""What can go wrong on purpose. What each kind does is in `fault_effects`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from .endpoints import ERROR_SHAPES
from .schedule import Planned


@dataclass(frozen=True)
class Fault(Planned):
    """One thing that goes wrong.

    kind            what the client gets
    status          this `status` with a body of this `shape`, if given `Retry-After`, `Location`
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

    status: int | None = None
    shape: str = "documented"
    retry_after: str | None = None
    location: str | None = None
    value: Any = None
    text: str = ""
    interval_seconds: float = 1.0

    noun: ClassVar[str] = "fault"
    options: ClassVar[dict[str, frozenset[str]]] = {
        "status": frozenset({"status", "shape", "retry_after", "location"}),
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

    def _find_problems(self) -> Iterator[str]:
        yield from super()._find_problems()
        if self.kind == "status" and not isinstance(self.status, int):
            yield f"status is {self.status!r}: expected a number such as 500"
        if self.shape not in ERROR_SHAPES:
            yield f"shape is {self.shape!r}: expected one of {', '.join(ERROR_SHAPES)}"
