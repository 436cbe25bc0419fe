"""A stream's state as Airbyte keeps it <-> how far each table of the stream has come. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from source_autopilot.errors import InvalidState
from source_autopilot.streams.pagination import Partition
from source_autopilot.sync.pieces import Piece, Table

COMPLETE = "__ab_full_refresh_sync_complete"  # the CDK's own mark of a finished full refresh
NO_CURSOR = "__ab_no_cursor_state_message"  # what version 0.1.0 left behind: it says nothing
START = "from"  # of a piece, beside what names its partition

PartitionKey = tuple[tuple[str, str], ...]


class StreamState:
    """How far each partition of a stream has come: not begun, in pieces, or finished.

    A piece that is not finished has an entry; the first piece of a partition has no "from", the
    last one no "to". An entry of version 0.2.0 is a whole partition whose rows were not counted.

    Attributes:
        complete: whether the stream as a whole is finished.
        job: the job of Airbyte's platform that got so far; None if there is no platform.
    """

    def __init__(
        self,
        *,
        complete: bool = False,
        tables: dict[PartitionKey, Table] | None = None,
        job: str | None = None,
    ) -> None:
        self.complete = complete
        self.job = job
        self._tables = tables or {}

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
        pieces: dict[PartitionKey, list[Piece]] = {}
        alone = set()
        for entry, number in zip(entries, count(1)):
            partition, cursor = _parse_entry(entry, number)
            start = partition.pop(START, None)
            its_pieces = pieces.setdefault(_key(partition), [])
            if cursor.get(COMPLETE) is not True:
                its_pieces.append(_parse_piece(start, cursor, number))
            if cursor.get("alone") is True:
                alone.add(_key(partition))
        tables = {key: Table(dict(key), its, is_alone=key in alone) for key, its in pieces.items()}
        return cls(tables=tables, job=job)

    def dump(self) -> dict[str, Any]:
        """The state to keep: the pieces that have begun, or the mark of completion."""
        job = {"job": self.job} if self.job else {}
        if self.complete:
            return {COMPLETE: True, **job}
        entries = [entry for table in self._tables.values() for entry in _dump_table(table)]
        return {"states": entries, **job}

    @property
    def has_begun(self) -> bool:
        """Whether an attempt that goes on from here leaves anything out."""
        return self.complete or any(
            table.is_finished or any(piece.bookmark for piece in table.pieces)
            for table in self._tables.values()
        )

    def for_job(self, job: str | None) -> StreamState:
        """What an attempt goes on from: this state, or the start (docs/decisions/0005).

        Under a platform, `job` is not None, only the same job's attempts have delivered what this
        state leaves out. Elsewhere a finished state is the last sync's, which is over.
        """
        is_over = self.complete if job is None else self.job != job
        if is_over:
            return StreamState(job=job)
        return StreamState(complete=self.complete, tables=self._tables, job=job)

    def table(self, partition: Partition) -> Table:
        """How far a partition has come."""
        return self._tables.setdefault(_key(partition), Table(partition))

    def keep_only(self, partitions: list[Partition]) -> None:
        """Forget the partitions that are no more, such as deleted segments."""
        existing = {_key(partition) for partition in partitions}
        self._tables = {key: table for key, table in self._tables.items() if key in existing}


def _key(partition: Partition) -> PartitionKey:
    return tuple(sorted(partition.items()))


def _dump_table(table: Table) -> Iterator[dict[str, Any]]:
    if table.is_finished:
        yield {"partition": dict(table.partition), "cursor": {COMPLETE: True}}
    for piece in table.pieces:
        if piece.bookmark is None and not table.is_alone:
            continue  # nothing of it is out
        start = {} if piece.start is None else {START: piece.start}
        cursor = {
            "bookmark": piece.bookmark,
            "after": piece.after,
            "to": piece.to,
            "rows": piece.rows,
            "alone": table.is_alone or None,
        }
        known = {name: value for name, value in cursor.items() if value is not None}
        yield {"partition": {**table.partition, **start}, "cursor": known}


def _parse_entry(entry: Any, number: int) -> tuple[dict[str, str], Mapping[str, Any]]:
    partition = entry.get("partition") if isinstance(entry, Mapping) else None
    cursor = entry.get("cursor") if isinstance(entry, Mapping) else None
    if not isinstance(partition, Mapping) or not isinstance(cursor, Mapping):
        raise InvalidState(f"its entry {number} has no partition or no cursor")
    if not all(isinstance(value, str) for value in partition.values()):
        raise InvalidState(f"the partition of its entry {number} is not made of texts")
    return dict(partition), cursor


def _parse_piece(start: str | None, cursor: Mapping[str, Any], number: int) -> Piece:
    bookmark = cursor.get("bookmark")
    begins = bookmark is None and cursor.get("alone") is True
    if not begins and (not isinstance(bookmark, str) or not bookmark):
        raise InvalidState(f"the cursor of its entry {number} has no bookmark")
    after, to, rows = (cursor.get(name) for name in ("after", "to", "rows"))
    usable = {
        "after": isinstance(after, str | None),
        "to": isinstance(to, str | None),
        "rows": rows is None or (type(rows) is int and rows >= 0),
    }
    for name, is_usable in usable.items():
        if not is_usable:
            raise InvalidState(f'the cursor of its entry {number} has no usable "{name}"')
    return Piece(start, to=to, bookmark=bookmark, after=after, rows=rows, is_resumed=not begins)
