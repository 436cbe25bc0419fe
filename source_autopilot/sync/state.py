"""A stream's state as Airbyte keeps it -> how far each partition has come, and back. Pure."""

from collections.abc import Mapping
from typing import Any

COMPLETE = "__ab_full_refresh_sync_complete"  # the CDK's own mark of a finished full refresh
NO_CURSOR = "__ab_no_cursor_state_message"  # what version 0.1.0 left behind: it says nothing

Partition = Mapping[str, str]
Key = tuple[tuple[str, str], ...]


class MalformedState(ValueError):
    """A state that this connector cannot have written. The text says what is wrong with it."""


class Positions:
    """How far each partition of a stream has come: not begun, at a bookmark, or finished.

    Attributes:
        complete: whether the stream as a whole is finished.
    """

    def __init__(self) -> None:
        self.complete = False
        self._cursors: dict[Key, dict[str, Any]] = {}

    @classmethod
    def parse(cls, state: Mapping[str, Any]) -> "Positions":
        """The positions in a state; an empty one is the start.

        Raises MalformedState, which says what is wrong with it.
        """
        positions = cls()
        if state.get(COMPLETE) is True:
            positions.complete = True
        elif state and state.get(NO_CURSOR) is not True:
            entries = state.get("states")
            if not isinstance(entries, list):
                raise MalformedState('it has no array "states"')
            for number, entry in enumerate(entries, start=1):
                key, cursor = _entry(entry, number)
                positions._cursors[key] = cursor
        return positions

    def dump(self) -> dict[str, Any]:
        """The state to keep: an entry per partition that has begun, or the mark of completion."""
        if self.complete:
            return {COMPLETE: True}
        return {
            "states": [
                {"partition": dict(key), "cursor": cursor} for key, cursor in self._cursors.items()
            ]
        }

    def bookmark(self, partition: Partition) -> str | None:
        """Where to go on in a partition; None at its start."""
        found: str | None = self._cursors.get(_key(partition), {}).get("bookmark")
        return found

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
        self._cursors = {key: it for key, it in self._cursors.items() if key in existing}


def _key(partition: Partition) -> Key:
    return tuple(sorted(partition.items()))


def _entry(entry: Any, number: int) -> tuple[Key, dict[str, Any]]:
    partition = entry.get("partition") if isinstance(entry, Mapping) else None
    cursor = entry.get("cursor") if isinstance(entry, Mapping) else None
    if not isinstance(partition, Mapping) or not isinstance(cursor, Mapping):
        raise MalformedState(f"its entry {number} has no partition or no cursor")
    if not all(isinstance(value, str) for value in partition.values()):
        raise MalformedState(f"the partition of its entry {number} is not made of texts")
    bookmark = cursor.get("bookmark")
    if cursor.get(COMPLETE) is True:
        return _key(partition), {COMPLETE: True}
    if not isinstance(bookmark, str) or not bookmark:
        raise MalformedState(f"the cursor of its entry {number} has no bookmark")
    return _key(partition), {"bookmark": bookmark}
