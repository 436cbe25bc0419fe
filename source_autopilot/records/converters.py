"""JSON values -> the values of columns: text, booleans, integers and numbers.

A converter takes a value as the API sent it and returns it as its column's type, or Rejected.
Null is null for each of them. The converter of times is in `timestamps`.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

from source_autopilot.records.sanitize import MAX_INTEGER, MIN_INTEGER

Converter = Callable[[Any], Any]

# Airbyte's destinations and PyAirbyte keep numbers as DECIMAL(38, 9): 29 digits before the point.
MAX_NUMBER = 1e29

_NUMBERS = (int, float, Decimal)  # without bool, which is an int to isinstance
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "": None}


@dataclass(frozen=True)
class Rejected:
    """A value that its column cannot hold as it came, and what the column gets in its place.

    Attributes:
        example: the value, or a part of it, that is not of the column's type; None if there is no
            such part, only one for which there is no column.
        replacement: None unless a part of the value can be kept.
    """

    example: Any
    replacement: Any = None


def to_text(value: Any) -> str | None:
    """Any value as text: a text stays as it is, everything else is written as JSON."""
    if value is None or isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits, or nested deeper than orjson goes
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_boolean(value: Any) -> bool | Rejected | None:
    """True or false, 1 or 0, also written as text; "" is null."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _BOOLEANS.get(value.lower(), Rejected(value))
    return bool(value) if value in (0, 1) else Rejected(value)


def to_integer(value: Any) -> int | Rejected | None:
    """A whole number of at most 64 bits, also written as 7.0 or as text; "" is null."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(_without_underscores(value)) if isinstance(value, str) else value
        if type(number) not in _NUMBERS or not MIN_INTEGER <= number <= MAX_INTEGER:
            return Rejected(value)
        integer = int(number)
    except (ArithmeticError, ValueError):
        return Rejected(value)
    return integer if integer == number else Rejected(value)


def to_number(value: Any) -> float | Rejected | None:
    """A finite number below MAX_NUMBER, also written as text; "" is null.

    A number stays as JSON has it. A whole one of at most 64 bits is never rounded.
    """
    if value is None or value == "":
        return None
    try:
        number = float(_without_underscores(value))
    except (TypeError, ValueError, OverflowError):
        return Rejected(value)
    if isinstance(value, bool) or not isfinite(number) or abs(number) >= MAX_NUMBER:
        return Rejected(value)
    return _from_text(value, number) if isinstance(value, str) else value


def _from_text(text: str, number: float) -> float:
    """The number that a text is; `number` is the float that is nearest to it."""
    with suppress(ValueError):
        whole = int(text)
        if whole != number and MIN_INTEGER <= whole <= MAX_INTEGER:
            return whole
    return number


def _without_underscores(value: Any) -> Any:
    """The value; raises ValueError for text such as 2024_01, which Python takes for a number."""
    if isinstance(value, str) and "_" in value:
        raise ValueError
    return value
