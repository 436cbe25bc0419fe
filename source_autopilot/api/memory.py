"""How many bytes of answers a sync holds at once, and how many pages of objects.

A worker holds its answer until its rows are on their way out. With pages of 100 kB all workers may;
with pages of many megabytes some have to wait, and they do so before they ask: the server of an
answer that is not taken would hang up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from source_autopilot.errors import NoRoom

# A page of 100 sparse contacts has 98 kB [seen]: enough for 80 workers with pages twice as large.
MAX_BYTES_HELD = 16 * 1024 * 1024
# The objects of a page take three times its bytes or more.
MAX_PAGES_DECODED = 20


class Memory:
    """The bytes that all walks of a command hold together.

    One walk at a time may hold more than there is room for, so that a page of any size gets
    through, and there is always a walk that nothing keeps from going on.
    """

    def __init__(self, max_bytes: int = MAX_BYTES_HELD) -> None:
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._held = 0
        self._last_page = 0
        self._exceeding: Lease | None = None
        self._waiting: list[Lease] = []
        self._decoded = threading.BoundedSemaphore(MAX_PAGES_DECODED)

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """The room of one walk, for one page after the other.

        Its first page is expected to be like the last one of any walk: what is asked for without
        room for it is dropped when it comes, and holds up all others until it has come again.
        """
        lease = Lease(self, expected=self._last_page)
        try:
            yield lease
        finally:
            lease.release()

    def _wait(self, lease: Lease, count: int) -> None:
        with self._changed:
            # In the order of arrival: a walk that asks for its next page would always be faster.
            self._waiting.append(lease)
            try:
                self._changed.wait_for(
                    lambda: self._waiting[0] is lease and self._has_room(lease, count)
                )
                self._hold(lease, count)
            finally:
                self._waiting.remove(lease)
                self._changed.notify_all()

    def _take(self, lease: Lease, count: int) -> None:
        with self._changed:
            if not self._has_room(lease, count):
                raise NoRoom
            self._hold(lease, count)

    def _give_back(self, lease: Lease, count: int) -> None:
        with self._changed:
            self._held -= count
            if self._exceeding is lease:
                self._exceeding = None
            self._changed.notify_all()

    def _has_room(self, lease: Lease, count: int) -> bool:
        return self._held + count <= self._max_bytes or self._exceeding in (None, lease)

    def _hold(self, lease: Lease, count: int) -> None:
        self._held += count
        if self._held > self._max_bytes:
            self._exceeding = lease


class Lease:
    """What one walk holds: a page, or room for it. For one thread at a time."""

    def __init__(self, memory: Memory, *, expected: int) -> None:
        self._memory = memory
        self._reserved = self._used = 0
        self._expected = expected
        self._is_decoded = False

    def renew(self) -> None:
        """Give back the last page's room, and wait until there is room for one like it."""
        self.release()
        self._memory._wait(self, self._expected)
        self._reserved = self._expected

    def restart(self) -> None:
        """Use the room for another answer: the one before it was no page."""
        self._used = 0

    def take(self, count: int) -> None:
        """Hold so many bytes more of an answer. Raises NoRoom if that is too much for now."""
        missing = self._used + count - self._reserved
        if missing > 0:
            try:
                self._memory._take(self, missing)
            except NoRoom:
                # How large it gets is unknown: it has to be the one that may exceed, or alone.
                self._expected = self._memory._max_bytes
                raise
            self._reserved += missing
        self._used += count
        self._expected = self._used

    def decode(self) -> None:
        """Wait until the answer may be decoded: then its objects are held as well."""
        if not self._is_decoded:
            self._memory._decoded.acquire()
            self._is_decoded = True

    def release(self) -> None:
        """Hold nothing any more."""
        if self._is_decoded:
            self._memory._decoded.release()
            self._is_decoded = False
        if self._used and self._used == self._expected:  # all of a page, not what was dropped
            self._memory._last_page = self._used
        self._memory._give_back(self, self._reserved)
        self._reserved = self._used = 0
