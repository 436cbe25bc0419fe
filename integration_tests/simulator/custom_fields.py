"""The custom fields that the account's owner defined, and the values that contacts have in them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from .field import Field, iso

_DECADE_MS = 10 * 365 * 24 * 60 * 60 * 1000

DEFINITIONS = {
    "Test Field": "string",
    "Favourite colour": "string",
    "Répondu à l'enquête": "boolean",
    "Renewal date": "date",
    "Seats": "integer",
    "Score": "float",
}
"""Name -> type of every field that still exists."""

_DELETED = {"Old CRM id": "string", "Preferences": "string"}
"""Deleted ones: contacts keep their values, the account no longer lists the fields."""

Maker = Callable[[Random, int], tuple[object, str]]


def _text(dice: Random, now_ms: int) -> tuple[object, str]:
    value = dice.choice(("This is a test", "", 'say "hi"\nand leave', "naïve 😀", "12", "null"))
    return value, value


def _boolean(dice: Random, now_ms: int) -> tuple[object, str]:
    return dice.choice(((True, "true"), (False, "false")))


def _date(dice: Random, now_ms: int) -> tuple[object, str]:
    at_ms = now_ms - dice.randrange(_DECADE_MS)
    return dice.choice(((iso(at_ms), iso(at_ms)), (at_ms, str(at_ms))))


def _integer(dice: Random, now_ms: int) -> tuple[object, str]:
    return dice.choice(((0, "0"), (25, "25"), (-3, "-3"), (9007199254740993, "9007199254740993")))


def _float(dice: Random, now_ms: int) -> tuple[object, str]:
    return dice.choice(((0.5, "0.5"), (99.25, "99.25"), (-1.75, "-1.75"), (3.0, "3.0")))


def _nested(dice: Random, now_ms: int) -> tuple[object, str]:
    return dice.choice(((["a", 1], '["a",1]'), ({"mail": True}, '{"mail":true}')))


_MAKERS: dict[str, Maker] = {
    "string": _text,
    "boolean": _boolean,
    "date": _date,
    "integer": _integer,
    "float": _float,
}


def definitions() -> list[dict[str, str]]:
    """What `GET /contacts/custom_fields` answers."""
    return [{"name": name, "fieldType": kind} for name, kind in DEFINITIONS.items()]


def custom_fields_of(dice: Random, now_ms: int) -> list[Field]:
    """The `custom_fields` attribute of one contact; no field at all for one contact in five."""
    if dice.random() < 0.2:
        return []
    sent: list[object] = []
    expected: list[object] = []
    for name, field_type in {**DEFINITIONS, **_DELETED}.items():
        if dice.random() < 0.6:
            continue
        make = _nested if name == "Preferences" else _MAKERS[field_type]
        value, text = (None, None) if dice.random() < 0.1 else make(dice, now_ms)
        deleted = name in _DELETED
        own = {"kind": name, "value": value, "fieldType": field_type, "deleted": deleted}
        row = {"kind": name, "value": text, "field_type": field_type, "deleted": deleted}
        sent.append(own)
        expected.append(row)
    return [Field("custom_fields", sent, "custom_fields", expected)]
