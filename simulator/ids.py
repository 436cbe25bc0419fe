"""What follows from an account's seed: random generators, and ids.

The ids of contacts come in byte order, which is the order of the API's pages [seen A, and the blog
of 2015-06-23].
"""

from __future__ import annotations

from itertools import count
from random import Random

_DIGITS = 32
_NUMBER_DIGITS = 12


def make_dice(seed: int, purpose: str) -> Random:
    """A random generator for one purpose: the same throws for the same seed, on every machine."""
    return Random(f"{seed}/{purpose}")  # noqa: S311 - made-up contacts, not secrets


def make_uuid(dice: Random) -> str:
    """An upper-case UUID."""
    return _format_uuid(dice.getrandbits(4 * _DIGITS))


def make_contact_ids(
    seed: int, contacts: int, *, newer: float, lower_case: float, numbered: float
) -> list[str]:
    """The ids of so many contacts in byte order.

    They are `person_<UUID>` in upper case [doc, seen]. A share of `newer` ones has the other known
    shape, `person_AP2-<uuid>` in lower case. Two shares of the rest are a [guess], for no such id
    was published: `lower_case` ones, with which ICU's order differs from that of the bytes, and
    `numbered` ones, `person_<number>` without any UUID.
    """
    dice = make_dice(seed, "contact ids")
    others, with_uuid = count(), count()
    ids = []
    for number in range(contacts):
        uuid = make_uuid(dice)
        if _is_in_share(number, newer):
            ids.append(f"person_AP2-{uuid.lower()}")
        elif _is_in_share(next(others), numbered):
            ids.append(f"person_{int(uuid[:8], 16):0{_NUMBER_DIGITS}}")
        else:
            is_lower = _is_in_share(next(with_uuid), lower_case)
            ids.append(f"person_{uuid.lower() if is_lower else uuid}")
    return sorted(ids)


def id_in_front_of(contact_id: str) -> str:
    """The id of the same shape that comes directly before this one in byte order."""
    number = contact_id.removeprefix("person_")
    if number.isdecimal():
        return f"person_{(int(number) - 1) % 10**_NUMBER_DIGITS:0{_NUMBER_DIGITS}}"
    prefix, uuid = contact_id[:-36], contact_id[-36:]
    before = _format_uuid((int(uuid.replace("-", ""), 16) - 1) % 16**_DIGITS)
    return prefix + (before.lower() if uuid == uuid.lower() else before)


def _is_in_share(number: int, share: float) -> bool:
    """Whether a thing belongs to the share: 0.2 is every fifth, from number 4 on."""
    return int((number + 1) * share) > int(number * share)


def _format_uuid(bits: int) -> str:
    digits = f"{bits:0{_DIGITS}X}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
