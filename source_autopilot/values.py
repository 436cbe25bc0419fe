"""JSON values -> column values: text, booleans, integers, numbers and moments.

Each function takes a value as the API sent it and returns it as its column's type, or raises
Misfit with what goes into the column instead. Knows nothing of fields, rows or pages.
"""

import re
from datetime import datetime, timedelta, timezone
from math import isfinite
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from source_autopilot.lenient_json import MAX_INTEGER

EPOCH = datetime(1970, 1, 1)  # without an offset, which is three times as fast to add to

_DATETIME = TypeAdapter(datetime)
_CANONICAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_STARTS_WITH_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH_MS_DIGITS = re.compile(r"-?[0-9]{11,15}")
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
    except TypeError:  # integers beyond 64 bits
        return str(value)


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


def moment(value: Any) -> str | None:
    """A time as RFC 3339 in UTC: `2017-02-03T16:26:54.000Z`. Raises Misfit.

    Takes what autopilot-api.md has seen: ISO 8601 text (with any offset; none means UTC), epoch
    milliseconds, and "" for null. Three digits of a second, or six where the value has them, so
    that results without their Z sort as text.
    """
    if isinstance(value, str):
        if _CANONICAL.fullmatch(value) and _exists(value):
            return value
        value = value.strip()
        if not value:
            return None
        if _EPOCH_MS_DIGITS.fullmatch(value):
            value = int(value)
    try:
        return _written(_from_iso(value) if isinstance(value, str) else _from_epoch_ms(value))
    except (ValueError, OverflowError):
        raise Misfit from None


def rfc3339(found: datetime) -> str:
    """A moment with an offset as `moment` writes it: in UTC, with three digits or six."""
    return _written(found.astimezone(timezone.utc).replace(tzinfo=None))


def _written(utc: datetime) -> str:
    timespec = "microseconds" if utc.microsecond % 1000 else "milliseconds"
    return utc.isoformat(timespec=timespec) + "Z"


def _exists(canonical: str) -> bool:
    try:
        datetime.fromisoformat(canonical[:-1])
    except ValueError:
        return False
    return True


def _from_iso(value: str) -> datetime:
    # Without this test pydantic would read "5" or "1e3" as seconds since 1970.
    if not _STARTS_WITH_DATE.match(value):
        raise Misfit
    try:
        found = _DATETIME.validate_python(value)
    except ValidationError:
        raise Misfit from None
    return found.astimezone(timezone.utc).replace(tzinfo=None) if found.tzinfo else found


def _from_epoch_ms(value: Any) -> datetime:
    if type(value) is not int and type(value) is not float:  # True is an int to isinstance
        raise Misfit
    return EPOCH + timedelta(milliseconds=value)
