"""JSON values -> the values of columns: text, booleans, integers and numbers.

A converter takes a value as the API sent it and returns it as its column's type, or Rejected.
Null is null for each of them. The converter of times is in `timestamps`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import orjson

from source_autopilot.records.sanitize import MAX_INTEGER, MIN_INTEGER

Converter = Callable[[Any], Any]

_BOOLEANS = {"true": True, "false": False, "": None}


@dataclass(frozen=True)
class Rejected:
    """A value that its column cannot hold, and what the column gets in its place.

    Attributes:
        replacement: None unless a part of the value can be kept.
    """

    replacement: Any = None


def convert_value(value: Any, convert: Converter, column: str, rejected: list[str]) -> Any:
    """The converted value; of a rejected one the replacement, and `rejected` gets the column."""
    if value is None:
        return None
    converted = convert(value)
    if type(converted) is Rejected:
        rejected.append(column)
        return converted.replacement
    return converted


def to_text(value: Any) -> str | None:
    """Any value as text: a text stays as it is, everything else is written as JSON."""
    if value is None or isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits, or nested deeper than orjson goes
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_boolean(value: Any) -> bool | Rejected | None:
    """True or false, also written as text; "" is null."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _BOOLEANS.get(value.lower(), Rejected())
    return Rejected()


def to_integer(value: Any) -> int | Rejected | None:
    """A whole number of at most 64 bits, also written as text, or as the number 7.0; "" is null."""
    if value is None or value == "":
        return None
    try:
        integer = int(_without_underscores(value))
    except (TypeError, ValueError, OverflowError):
        return Rejected()
    is_whole = isinstance(value, str) or integer == value
    is_storable = MIN_INTEGER <= integer <= MAX_INTEGER
    return integer if is_whole and is_storable and not isinstance(value, bool) else Rejected()


def to_number(value: Any) -> float | Rejected | None:
    """A finite number, also written as text; "" is null.

    A number stays as JSON has it: a whole one does not become a float, which might round it.
    """
    if value is None or value == "":
        return None
    try:
        number = float(_without_underscores(value))
    except (TypeError, ValueError, OverflowError):
        return Rejected()
    if isinstance(value, bool) or not isfinite(number):
        return Rejected()
    return number if isinstance(value, str) else value


def _without_underscores(value: Any) -> Any:
    """The value; raises ValueError for text such as 2024_01, which Python takes for a number."""
    if isinstance(value, str) and "_" in value:
        raise ValueError
    return value
