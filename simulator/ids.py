"""What follows from an account's seed: random generators, and ids.

The ids of contacts come in byte order, which is the order of the API's pages [seen A, and the blog
of 2015-06-23].
"""

from __future__ import annotations

from random import Random

_DIGITS = 32


def make_dice(seed: int, purpose: str) -> Random:
    """A random generator for one purpose: the same throws for the same seed, on every machine."""
    return Random(f"{seed}/{purpose}")  # noqa: S311 - made-up contacts, not secrets


def make_uuid(dice: Random) -> str:
    """An upper-case UUID."""
    return _format_uuid(dice.getrandbits(4 * _DIGITS))


def make_contact_ids(seed: int, count: int, *, newer: float, lower_case: float) -> list[str]:
    """The ids of `count` contacts in byte order.

    They are `person_<UUID>` in upper case [doc, seen]. A share of `newer` ones has the other known
    shape, `person_AP2-<uuid>` in lower case, and a share of the rest is `lower_case` [guess]: no
    such id was published, but only with them ICU's order differs from that of the bytes.
    """
    dice = make_dice(seed, "contact ids")
    ids = []
    for number in range(count):
        uuid = make_uuid(dice)
        if _is_in_share(number, newer):
            ids.append(f"person_AP2-{uuid.lower()}")
        else:
            ids.append(f"person_{uuid.lower() if _is_in_share(number, lower_case) else uuid}")
    return sorted(ids)


def id_in_front_of(contact_id: str) -> str:
    """The id of the same shape that comes directly before this one in byte order."""
    prefix, uuid = contact_id[:-36], contact_id[-36:]
    before = _format_uuid((int(uuid.replace("-", ""), 16) - 1) % 16**_DIGITS)
    return prefix + (before.lower() if uuid == uuid.lower() else before)


def _is_in_share(number: int, share: float) -> bool:
    """Whether a thing belongs to the share: 0.2 is every fifth, from number 4 on."""
    return int((number + 1) * share) > int(number * share)


def _format_uuid(bits: int) -> str:
    digits = f"{bits:0{_DIGITS}X}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
