"""A stream's state as Airbyte keeps it <-> how far each partition of the stream has come. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from source_autopilot.errors import InvalidState
from source_autopilot.streams.pagination import Partition

COMPLETE = "__ab_full_refresh_sync_complete"  # the CDK's own mark of a finished full refresh
NO_CURSOR = "__ab_no_cursor_state_message"  # what version 0.1.0 left behind: it says nothing

PartitionKey = tuple[tuple[str, str], ...]


class StreamState:
    """How far each partition of a stream has come: not begun, at a bookmark, or finished.

    Attributes:
        complete: whether the stream as a whole is finished.
        job: the job of Airbyte's platform that got so far; None if there is no platform.
    """

    def __init__(
        self,
        *,
        complete: bool = False,
        cursors: dict[PartitionKey, dict[str, Any]] | None = None,
        job: str | None = None,
    ) -> None:
        self.complete = complete
        self.job = job
        self._cursors = cursors or {}

    @classmethod
    def parse(cls, state: Mapping[str, Any]) -> StreamState:
        """Read a state; an empty one is the start, fields of later versions are left out.

        Raises InvalidState.
        """
        job = state.get("job")  # a state of 0.2.0 has none
        if state.get(COMPLETE) is True:
            return cls(complete=True, job=job)
        if not state or state.get(NO_CURSOR) is True:
            return cls()
        entries = state.get("states")
        if not isinstance(entries, list):
            raise InvalidState('it has no array "states"')
        return cls(cursors=dict(map(_parse_entry, entries, count(1))), job=job)

    def dump(self) -> dict[str, Any]:
        """The state to keep: an entry per partition that has begun, or the mark of completion."""
        job = {"job": self.job} if self.job else {}
        if self.complete:
            return {COMPLETE: True, **job}
        entries = [
            {"partition": dict(key), "cursor": cursor} for key, cursor in self._cursors.items()
        ]
        return {"states": entries, **job}

    @property
    def has_begun(self) -> bool:
        """Whether an attempt that goes on from here leaves anything out."""
        return self.complete or bool(self._cursors)

    def for_job(self, job: str | None) -> StreamState:
        """What an attempt goes on from: this state, or the start (docs/decisions/0005).

        Under a platform, `job` is not None, only the same job's attempts have delivered what this
        state leaves out. Elsewhere a finished state is the last sync's, which is over.
        """
        is_over = self.complete if job is None else self.job != job
        if is_over:
            return StreamState(job=job)
        return StreamState(complete=self.complete, cursors=dict(self._cursors), job=job)

    def bookmark(self, partition: Partition) -> str | None:
        """Where to go on in a partition; None at its start."""
        bookmark: str | None = self._cursors.get(_key(partition), {}).get("bookmark")
        return bookmark

    def is_finished(self, partition: Partition) -> bool:
        """Whether a partition needs no more reading."""
        return self.complete or COMPLETE in self._cursors.get(_key(partition), {})

    def move(self, partition: Partition, bookmark: str | None) -> None:
        """Everything before the bookmark is out; None puts the partition back to its start."""
        if bookmark is None:
            self._cursors.pop(_key(partition), None)
        else:
            self._cursors[_key(partition)] = {"bookmark": bookmark}

    def finish(self, partition: Partition) -> None:
        """Everything in the partition is out."""
        self._cursors[_key(partition)] = {COMPLETE: True}

    def keep_only(self, partitions: list[Partition]) -> None:
        """Forget the partitions that are no more, such as deleted segments."""
        existing = {_key(partition) for partition in partitions}
        self._cursors = {key: cursor for key, cursor in self._cursors.items() if key in existing}


def _key(partition: Partition) -> PartitionKey:
    return tuple(sorted(partition.items()))


def _parse_entry(entry: Any, number: int) -> tuple[PartitionKey, dict[str, Any]]:
    partition = entry.get("partition") if isinstance(entry, Mapping) else None
    cursor = entry.get("cursor") if isinstance(entry, Mapping) else None
    if not isinstance(partition, Mapping) or not isinstance(cursor, Mapping):
        raise InvalidState(f"its entry {number} has no partition or no cursor")
    if not all(isinstance(value, str) for value in partition.values()):
        raise InvalidState(f"the partition of its entry {number} is not made of texts")
    if cursor.get(COMPLETE) is True:
        return _key(partition), {COMPLETE: True}
    bookmark = cursor.get("bookmark")
    if not isinstance(bookmark, str) or not bookmark:
        raise InvalidState(f"the cursor of its entry {number} has no bookmark")
    return _key(partition), {"bookmark": bookmark}
