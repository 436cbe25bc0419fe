"""What follows from an account's seed: random generators, and ids that need no table.

`index * MULTIPLIER + mask (mod 2**128)` meets every UUID once: the multiplier is odd, so the step
can be undone. An account of a million contacts knows all its ids without storing one.
"""

from __future__ import annotations

from random import Random

_SPACE = 1 << 128
_MULTIPLIER = 0x9E3779B97F4A7C15F39CC0605CEDC835
_INVERSE = pow(_MULTIPLIER, -1, _SPACE)

_PREFIX = "person_"
_NEWER_PREFIX = "person_AP2-"
_ONE_IN_NEWER = 5


def make_dice(seed: int, purpose: str) -> Random:
    """A random generator for one purpose: the same throws for the same seed, on every machine."""
    return Random(f"{seed}/{purpose}")  # noqa: S311 - made-up contacts, not secrets


class Identities:
    """The ids of one `kind` of thing in one account; other seeds and kinds give other ids."""

    def __init__(self, seed: int, kind: str) -> None:
        self._mask = make_dice(seed, f"{kind} ids").getrandbits(128)

    def uuid(self, index: int) -> str:
        """The thing's number -> an upper-case UUID."""
        digits = f"{(index * _MULTIPLIER + self._mask) % _SPACE:032X}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def index(self, uuid: str) -> int:
        """A UUID -> the number that `uuid` makes it from; ValueError if it isn't a UUID at all."""
        return (int(uuid.replace("-", ""), 16) - self._mask) * _INVERSE % _SPACE

    def person(self, index: int) -> str:
        """A contact id; one in five has the newer shape, `person_AP2-` and lower case."""
        uuid = self.uuid(index)
        newer = index % _ONE_IN_NEWER == _ONE_IN_NEWER - 1
        return _NEWER_PREFIX + uuid.lower() if newer else _PREFIX + uuid

    def person_index(self, contact_id: str) -> int | None:
        """The contact's number, or None for anything that `person` would not have written."""
        try:
            index = self.index(contact_id.removeprefix(_PREFIX).removeprefix("AP2-"))
        except ValueError:
            return None
        return index if self.person(index) == contact_id else None
