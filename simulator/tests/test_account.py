"""The made-up account: repeatable, with ids that ascend, and changed on purpose only."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator import Account

ROOT = Path(__file__).parent.parent.parent


def all_ids(account: Account) -> list[str]:
    """The ids of contacts, lists and segments, but for those of lists that are titles."""
    contacts = [account.contact_id(index) for index in range(account.contact_count)]
    lists = [row["list_id"] for row in account.lists() if row["title"] not in row["list_id"]]
    return [*contacts, *lists, *account.segment_ids]


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
    lists = [re.fullmatch(f"contactlist_{uuid}", row["list_id"]) for row in account.lists()]
    assert sum(map(bool, lists)) == 8
    assert all(
        re.fullmatch(r"contactlist_sseg\d{13}( copy of a segment)?", segment_id)
        for segment_id in account.segment_ids
    )


@pytest.mark.parametrize("newer", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize(("lower_case", "numbered"), [(0.0, 0.0), (0.3, 0.0), (0.3, 0.3)])
def test_account__ids_come_in_any_mixture_and_ascend(
    newer: float, lower_case: float, numbered: float
) -> None:
    """Contacts are numbered by their ids in byte order, whatever shapes these have."""
    account = Account(
        contacts=200, newer_ids=newer, lower_case_ids=lower_case, numbered_ids=numbered
    )

    ids = [account.contact_id(number) for number in range(200)]

    assert ids == sorted(set(ids), key=str.encode)
    assert sum("AP2" in contact_id for contact_id in ids) == 200 * newer
    numbers = [contact_id for contact_id in ids if contact_id[7:].isdecimal()]
    assert any(contact_id == contact_id.lower() for contact_id in set(ids) - set(numbers)) == (
        lower_case > 0 and newer < 1
    )
    assert bool(numbers) == (numbered > 0 and newer < 1)


def test_account__some_ids_have_spaces() -> None:
    """Ids of lists and segments are free text."""
    account = Account()

    assert [row["list_id"] for row in account.lists() if " " in row["list_id"]] == [
        "contactlist_Trade show 2016",
        "contactlist_Kunden (Zürich)",
    ]
    assert sum(" " in segment_id for segment_id in account.segment_ids) == 2


@pytest.mark.parametrize(
    "account",
    [
        Account(contacts=3, segments=0, newer_ids=1.0),
        Account(contacts=3, segments=0, newer_ids=0.0, lower_case_ids=1.0),
        Account(contacts=3, segments=0, newer_ids=0.0, numbered_ids=1.0),
    ],
    ids=["newer", "lower-case", "numbered"],
)
def test_account__a_new_id_has_the_shape_of_the_next(account: Account) -> None:
    """A contact that is created comes directly in front of another, with an id like its."""
    account.create(1)

    ids = [row["contact_id"] for row in account.rows()]
    assert ids == sorted(ids)
    assert ids[1:3] == [account.contact_id(3), account.contact_id(1)]
    assert len(ids[1]) == len(ids[2])
    assert ids[1][:-3] == ids[2][:-3]


def test_account__changes_by_creating_deleting_and_editing() -> None:
    """What is true changes with what the API sends; segments lose and gain members."""
    account = Account(contacts=5, segment_sizes=[5, 5])
    one, other = account.segment_ids
    before = list(account.rows())

    account.create(3, segment_id=one)
    account.create(3, segment_id=one)
    account.delete(1)
    account.edit(4)

    new = account.contact_id(5), account.contact_id(6)
    ids = [row["contact_id"] for row in account.rows()]
    old = [row["contact_id"] for row in before]
    assert ids == [old[0], old[2], new[1], new[0], old[3], old[4]]
    assert account.contact_count == 6
    assert [contact_id for segment_id, contact_id in account.pairs() if segment_id == other] == [
        old[0], *old[2:]
    ]  # fmt: skip
    assert len(account.members(one)) == 6
    rows = {row["contact_id"]: row for row in account.rows()}
    unchanged = [row for row in before if row in rows.values()]
    assert [row["contact_id"] for row in unchanged] == [old[0], old[2], old[3]]
    assert [account.document(number)["contact_id"] for number in (5, 6)] == list(new)


@pytest.mark.parametrize(
    "arguments",
    [
        {"contacts": -1},
        {"lists": -1},
        {"newer_ids": 1.5},
        {"lower_case_ids": -0.1},
        {"numbered_ids": 1.1},
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
