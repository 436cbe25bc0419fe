"""Tests of `api.memory`."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests_mock import Mocker

from source_autopilot.api.client import Client
from source_autopilot.api.memory import MAX_PAGES_DECODED, Memory
from source_autopilot.errors import NoRoom
from source_autopilot.streams.tables import Lists
from unit_tests.support.constants import URL


def begin(target: Callable[[], None]) -> threading.Thread:
    """A thread that runs this, unless it has to wait for room."""
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(timeout=0.05)
    return thread


def test_take__one_may_exceed() -> None:
    """A page of any size gets through, one at a time; the others are to be dropped meanwhile."""
    memory = Memory(max_bytes=100)
    with memory.lease() as small, memory.lease() as large, memory.lease() as other:
        small.take(60)
        large.take(30)
        large.take(1_000)
        large.take(1_000)
        with pytest.raises(NoRoom):
            other.take(1)
        with pytest.raises(NoRoom):
            small.take(1)


def test_renew__waits_for_room_for_a_page_like_the_last() -> None:
    """A walk whose pages have 60 bytes waits until there are 60 bytes, before it asks."""
    memory = Memory(max_bytes=100)
    with memory.lease() as large, memory.lease() as walk:
        walk.take(60)
        walk.release()
        large.take(2_000)

        waiting = begin(walk.renew)
        assert waiting.is_alive()
        large.release()
        waiting.join(timeout=10)

        assert not waiting.is_alive()
        with memory.lease() as third:
            third.take(40)
            third.take(1)
            with pytest.raises(NoRoom):
                walk.take(61)


def test_renew__in_the_order_of_arrival() -> None:
    """A walk that goes on to its next page is not faster than one that waits for room."""
    memory = Memory(max_bytes=100)
    with ExitStack() as leases:
        filler, first, second, exceeding = (leases.enter_context(memory.lease()) for _ in range(4))
        for walk in (second, first):
            walk.take(40)
            walk.release()
        filler.take(30)
        first.renew()
        exceeding.take(40)
        filler.release()
        waiting = begin(second.renew)
        assert waiting.is_alive()

        going_on = begin(first.renew)

        waiting.join(timeout=10)
        assert not waiting.is_alive()
        assert going_on.is_alive()
        exceeding.release()
        going_on.join(timeout=10)
        assert not going_on.is_alive()


def test_lease__expects_a_page_like_the_last_of_any_walk() -> None:
    """A new walk waits until there is room for it, and asks for no page that is to be dropped."""
    memory = Memory(max_bytes=100)
    with memory.lease() as first, memory.lease() as exceeding:
        first.take(60)
        exceeding.take(50)
        first.release()
        with memory.lease() as new:
            waiting = begin(new.renew)
            assert waiting.is_alive()

            exceeding.release()

            waiting.join(timeout=10)
            assert not waiting.is_alive()


def test_renew__after_it_had_to_be_dropped() -> None:
    """A page that was dropped is asked for when it may exceed: it is dropped once at most."""
    memory = Memory(max_bytes=100)
    with memory.lease() as large, memory.lease() as walk:
        large.take(101)
        with pytest.raises(NoRoom):
            walk.take(1)

        waiting = begin(walk.renew)
        assert waiting.is_alive()
        large.release()
        waiting.join(timeout=10)

        with memory.lease() as third:
            third.take(1)
            with pytest.raises(NoRoom):
                walk.take(200)
            third.release()
        walk.renew()
        walk.take(10_000)


def test_restart__another_try_in_the_same_room() -> None:
    """An answer that was no page makes room for the next try's."""
    memory = Memory(max_bytes=100)
    with memory.lease() as walk, memory.lease() as other:
        walk.take(60)
        walk.restart()
        walk.take(60)
        other.take(40)


def test_lease__gives_back_at_its_end() -> None:
    """A walk that is at its end, also by an error, holds nothing."""
    memory = Memory(max_bytes=100)
    with suppress(KeyError), memory.lease() as lease:
        lease.take(1_000)
        raise KeyError

    with memory.lease() as first, memory.lease() as second:
        first.take(100)
        second.take(1)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 120)), max_size=60))
def test_take__the_bound_and_one_page(steps: list[tuple[int, int]]) -> None:
    """Whatever the sizes, without the one that exceeds there are never more bytes than allowed."""
    memory = Memory(max_bytes=100)
    leases = [memory.lease() for _ in range(4)]
    walks = [lease.__enter__() for lease in leases]
    held = [0] * 4
    for number, count in steps:
        try:
            walks[number].take(count)
            held[number] += count
        except NoRoom:
            walks[number].release()
            held[number] = 0
        assert sum(held) - max(held) <= 100


def test_decode__twenty_pages_at_a_time() -> None:
    """A walk waits with its bytes while twenty others have their objects, and takes their place."""
    memory = Memory()
    with ExitStack() as walks:
        leases = [walks.enter_context(memory.lease()) for _ in range(MAX_PAGES_DECODED)]
        for lease in leases:
            lease.decode()
            lease.restart()
            lease.decode()  # another try has the place of the one before
        with memory.lease() as late:
            waiting = begin(late.decode)
            assert waiting.is_alive()

            leases[7].release()
            waiting.join(timeout=10)

            assert not waiting.is_alive()


def test_pages__decoded_in_their_place(client: Client, autopilot: Mocker) -> None:
    """A page has its place until the next one is asked for, so that no more are decoded."""
    autopilot.get(URL + "lists", json={"lists": [], "bookmark": "b1"})
    with ExitStack() as walks:
        for _ in range(MAX_PAGES_DECODED):
            walks.enter_context(client.memory.lease()).decode()
        pages = Lists(client).pages({})

        waiting = begin(partial(next, pages))
        assert waiting.is_alive()
        walks.close()
        waiting.join(timeout=10)

        assert not waiting.is_alive()


def test_pages__asked_for_again_when_there_is_room(client: Client, autopilot: Mocker) -> None:
    """A page that has no room is no failed try: it is dropped, and asked for again later."""
    memory = Memory(max_bytes=100)
    rows: list[str] = []
    asked: list[str] = []

    def read_lists() -> None:
        lists = Lists(replace(client, memory=memory))
        rows.extend(row["list_id"] for page in lists.pages({}) for row in page.content.rows)

    with memory.lease() as other:

        def exceed(request: Any, context: Any) -> str:
            if not asked:
                other.take(1_000)
            asked.append(request.path)
            return '{"lists": [{"list_id": "l1"}]}'

        autopilot.get(URL + "lists", text=exceed)
        waiting = begin(read_lists)
        assert waiting.is_alive()
        assert len(asked) == 1
        other.release()
        waiting.join(timeout=10)

    assert rows == ["l1"]
    assert len(asked) == 2
    with memory.lease() as first, memory.lease() as second:  # nothing is held any more
        first.take(100)
        second.take(1)


def test_pages__held_until_the_next_page(client: Client, autopilot: Mocker) -> None:
    """A walk holds its page as long as its rows may be on their way, and no longer."""
    memory = Memory(max_bytes=100)
    autopilot.get(URL + "lists", text='{"lists": [{"list_id": "l1"}]}' + " " * 200)
    pages = Lists(replace(client, memory=memory)).pages({})

    next(pages)

    with memory.lease() as other:
        with pytest.raises(NoRoom):
            other.take(1)
        pages.close()
        other.take(1)


@pytest.mark.usefixtures("naps")
def test_pages__a_failed_try_holds_nothing_more(client: Client, autopilot: Mocker) -> None:
    """The answer of a try that failed makes room for the next one."""
    memory = Memory(max_bytes=100)
    page = '{"lists": [{"list_id": "l1"}]}'.ljust(100)
    autopilot.get(URL + "lists", [{"status_code": 503, "text": " " * 100}, {"text": page}])
    pages = Lists(replace(client, memory=memory)).pages({})

    next(pages)

    with memory.lease() as other:
        other.take(1)
    pages.close()
