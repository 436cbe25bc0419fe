"""The made-up account: repeatable, with ids that can be read backwards."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import Account

ROOT = Path(__file__).parent.parent.parent


def all_ids(account: Account) -> list[str]:
    """The ids of contacts, lists and segments."""
    contacts = [account.contact_id(index) for index in range(account.contact_count)]
    return [*contacts, *(row["list_id"] for row in account.lists()), *account.segment_ids]


def test_account__a_seed_is_the_same_account_on_every_machine() -> None:
    """Nothing depends on the process: neither on its hash seed nor on earlier calls."""
    program = (
        "from simulator import Account; import json;"
        "a = Account(7, 120); print(json.dumps([a.document(i) for i in range(119, -1, -1)][::-1]"
        "+ a.lists() + a.segments() + list(a.pairs())))"
    )
    account = Account(7, 120)
    here = [account.document(index) for index in range(120)] + account.lists() + account.segments()

    there = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True
    )

    assert json.loads(there.stdout) == [*here, *map(list, account.pairs())]


def test_account__another_seed_is_another_account() -> None:
    """Two seeds share no id, so that rows of one account can't pass for those of the other."""
    one, other = Account(1, 50), Account(2, 50)

    assert not set(all_ids(one)) & set(all_ids(other))
    assert one.document(0) != other.document(0)


def test_account__ids_look_like_the_vendors() -> None:
    """Both shapes of contact ids occur, and lists and segments have theirs."""
    account = Account(contacts=10)
    uuid = r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"

    ids = [account.contact_id(index) for index in range(10)]

    assert sum(bool(re.fullmatch(f"person_{uuid}", contact_id)) for contact_id in ids) == 8
    newer = f"person_AP2-{uuid.replace('A-F', 'a-f')}"
    assert sum(bool(re.fullmatch(newer, contact_id)) for contact_id in ids) == 2
    assert all(re.fullmatch(f"contactlist_{uuid}", row["list_id"]) for row in account.lists())
    assert all(
        re.fullmatch(r"contactlist_sseg\d{13}", segment_id) for segment_id in account.segment_ids
    )


@given(index=st.integers(0, 10**6 - 1), seed=st.integers(0, 2**64))
def test_account__ids_can_be_read_backwards(index: int, seed: int) -> None:
    """contact_id and index_of undo each other, in an account that keeps no table."""
    account = Account(seed, 10**6, segments=0, lists=0)

    assert account.index_of(account.contact_id(index)) == index


@pytest.mark.parametrize(
    "contact_id",
    [
        "",
        "person_",
        "nonsense",
        Account(1, 100).contact_id(0).lower(),
        Account(1, 100).contact_id(0).replace("person_", "person_AP2-"),
        Account(1, 100).contact_id(0).removeprefix("person_"),
        Account(1, 100).contact_id(0) + " ",
        Account(1, 101).contact_id(100),
        Account(2, 100).contact_id(0),
    ],
)
def test_account__knows_no_foreign_id(contact_id: str) -> None:
    """Only an id that the account itself hands out is one of its ids, letter for letter."""
    assert Account(1, 100).index_of(contact_id) is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"contacts": -1},
        {"lists": -1},
        {"segments": -1},
        {"contacts": 10, "segments": 2, "pairs": 21},
        {"contacts": 10, "segment_sizes": [11]},
        {"segment_sizes": [1], "pairs": 1},
        {"segment_sizes": [1], "segments": 2},
    ],
)
def test_account__refuses_unusable_arguments(arguments: dict[str, Any]) -> None:
    """Arguments that contradict each other are an error, not a slightly different account."""
    with pytest.raises(ValueError, match=r"."):
        Account(**arguments)
