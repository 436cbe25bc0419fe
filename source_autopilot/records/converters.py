"""JSON values -> column values: text, booleans, integers and numbers; times are in `moments`.

Each function takes a value as the API sent it and returns it as its column's type, or raises
Misfit with what goes into the column instead. Knows nothing of fields, rows or pages.
"""

import json
from collections.abc import Callable
from math import isfinite
from typing import Any

import orjson

from source_autopilot.records.sanitize import MAX_INTEGER

_BOOLEANS = {"true": True, "false": False, "": None}


class Misfit(ValueError):
    """A value that its column cannot hold.

    Attributes:
        instead: what the column gets; None unless a part of the value can be kept.
    """

    def __init__(self, instead: Any = None) -> None:
        super().__init__("the value does not fit its column")
        self.instead = instead


def text(value: Any) -> str | None:
    """Any value as text: strings as they are, everything else as JSON writes it."""
    if value is None or isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits, or nested deeper than orjson goes
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def boolean(value: Any) -> bool | None:
    """True or false, also written as text; "" is null. Raises Misfit."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise Misfit


def integer(value: Any) -> int | None:
    """A whole number of at most 64 bits, also written as text; "" is null. Raises Misfit."""
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise Misfit from None
    is_whole = isinstance(value, str) or number == value
    if isinstance(value, bool) or not is_whole or not -MAX_INTEGER - 1 <= number <= MAX_INTEGER:
        raise Misfit
    return number


def number(value: Any) -> float | None:
    """A finite number, also written as text; "" is null. Raises Misfit.

    Numbers stay as JSON has them: whole ones do not become floats.
    """
    if value is None or value == "":
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Misfit from None
    if isinstance(value, bool) or not isfinite(found):
        raise Misfit
    return found if isinstance(value, str) else value


# Values of this type come out of the function as they went in: whoever has many saves the call.
UNCHANGED: dict[Callable[[Any], Any], type] = {text: str, boolean: bool}
