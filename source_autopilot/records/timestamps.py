"""Times as the API writes them -> RFC 3339 in UTC, such as `2017-02-03T16:26:54.000Z`.

A contact has dozens of them: the two common spellings take a short way, with the same result. Pure.
"""

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from source_autopilot.records.converters import Misfit

EPOCH = datetime(1970, 1, 1)
LAST_MS = 253_402_300_799_999  # of the year 9999

_DATETIME = TypeAdapter(datetime)
# All days but 29 February: whether a year has that one is left to the long way.
_AS_WRITTEN = re.compile(
    r"(?!0000)[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
).fullmatch
_STARTS_WITH_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH_MS_DIGITS = re.compile(r"-?[0-9]{11,15}")

_DAY_MS, _MINUTE_MS = 24 * 60 * 60 * 1000, 60 * 1000
_MINUTES = [f"T{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]
_SECONDS = [f"{second:02}." for second in range(60)]
_MILLISECONDS = [f"{millisecond:03}Z" for millisecond in range(1000)]


def moment(value: Any) -> str | None:
    """A time as RFC 3339 in UTC. Raises Misfit.

    Takes what autopilot-api.md has seen: ISO 8601 text (with any offset; none means UTC), epoch
    milliseconds, and "" for null. Three digits of a second, or six where the value has them, so
    that results without their Z sort as text.
    """
    if type(value) is int and 0 <= value <= LAST_MS:
        return _from_whole_ms(value)
    if isinstance(value, str):
        if _AS_WRITTEN(value):
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


def _from_whole_ms(epoch_ms: int) -> str:
    day, ms_of_day = divmod(epoch_ms, _DAY_MS)
    minute, ms_of_minute = divmod(ms_of_day, _MINUTE_MS)
    second, millisecond = divmod(ms_of_minute, 1000)
    return _date(day) + _MINUTES[minute] + _SECONDS[second] + _MILLISECONDS[millisecond]


@lru_cache(maxsize=8192)  # twenty years
def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).date().isoformat()


def _written(utc: datetime) -> str:
    timespec = "microseconds" if utc.microsecond % 1000 else "milliseconds"
    return utc.isoformat(timespec=timespec) + "Z"


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
