"""Times as the API writes them -> RFC 3339 in UTC, such as `2017-02-03T16:26:54.000Z`.

Which spellings there are is in docs/autopilot-api.md ("Times"), and what becomes of each in
docs/autopilot.md ("Data type map").
"""

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from source_autopilot.records.converters import Rejected

_EPOCH = datetime(1970, 1, 1)
_MAX_EPOCH_MS = 253_402_300_799_999  # of the year 9999
_DATETIME = TypeAdapter(datetime)
_USUAL_SPELLING = re.compile(
    r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
)
_UTC = re.compile(" *(?:UTC|GMT|Z)$")
_STARTS_WITH_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Shorter digits may be a day (20170203), longer ones a day and a time without signs between them.
_EPOCH_AS_TEXT = re.compile(r"[0-9]{9,13}|-[0-9]{9,15}")
# email.utils is lenient: it takes an unknown zone for none, and the year 0099 for 1999.
_RFC_1123 = re.compile(
    r"(?:[A-Za-z]{3}, )?[0-9]{1,2} [A-Za-z]{3} (?P<year>[0-9]{4})"
    r" [0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?: (?:GMT|UTC?|[+-][0-9]{4}))?"
)

# Programs write a time that is not set as the first moment that they know: in the year 0 or 1.
_ZERO_YEARS = ("0000", "0001")
_ZERO_DATE = re.compile(r"000[01]-[0-9]{2}-[0-9]{2}[-+:., 0-9TZUC]*")
_YEAR_0_MS, _YEAR_2_MS = -62_167_219_200_000, -62_104_060_800_000

# Of a contact's times none lies before March 1973, so a smaller number counts seconds.
_MIN_EPOCH_MS = 100_000_000_000

# Most times are whole milliseconds: to write them by these tables, not by `datetime`, saves 12 % of
# the time that a page takes.
_MS_PER_DAY, _MS_PER_MINUTE = 24 * 60 * 60 * 1000, 60 * 1000
_MINUTES = [f"T{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]
_SECONDS = [f"{second:02}." for second in range(60)]
_MILLISECONDS = [f"{millisecond:03}Z" for millisecond in range(1000)]


def to_timestamp(value: Any) -> str | Rejected | None:
    """A time as RFC 3339 in UTC, with three digits of a second, or six where the value has them.

    Takes ISO 8601 [seen A, B] and RFC 1123 [seen], with any offset, where none means UTC, and
    milliseconds since 1970 [client], as a number or as digits; below 100,000,000,000 these are
    seconds [guess]. Null are "" [seen], 0, and any moment of the years 0 and 1 [guess].
    Timestamps without their Z sort as text.
    """
    if type(value) is int and _MIN_EPOCH_MS <= value <= _MAX_EPOCH_MS:
        return _write_epoch_ms(value)
    return _convert(value, _MIN_EPOCH_MS)


def to_custom_date(value: Any) -> str | Rejected | None:
    """As `to_timestamp`, but a number is always milliseconds: birthdays lie before 1973, too."""
    return _convert(value, 0)


def format_timestamp(moment: datetime) -> str:
    """A moment with an offset, written as `to_timestamp` writes it."""
    return _format_utc(moment.astimezone(timezone.utc).replace(tzinfo=None))


def _convert(value: Any, min_epoch_ms: int) -> str | Rejected | None:
    try:
        if isinstance(value, str):
            if _USUAL_SPELLING.fullmatch(value):
                datetime.fromisoformat(value[:-1])  # raises ValueError for 30 February
                return value
            return _from_text(value.strip(), min_epoch_ms)
        if type(value) is int or type(value) is float:  # True is an int to isinstance
            return _from_epoch(value, min_epoch_ms)
    except (ValueError, OverflowError):
        return Rejected(value)
    return None if value is None else Rejected(value)


def _from_text(text: str, min_epoch_ms: int) -> str | None:
    if text in ("", "0") or _ZERO_DATE.fullmatch(text):
        return None
    if _EPOCH_AS_TEXT.fullmatch(text):
        return _from_epoch(int(text), min_epoch_ms)
    # Without this test pydantic would read "5" or "1e3" as seconds since 1970.
    if not _STARTS_WITH_DATE.match(text):
        return _from_rfc_1123(text)
    # `2017-02-03 16:26:54 +0000 UTC`: no zone means UTC, and pydantic wants no space before one.
    text = _UTC.sub("", text).replace(" +", "+").replace(" -", "-")
    return _format_any(_DATETIME.validate_python(text))


def _from_rfc_1123(text: str) -> str | None:
    match = _RFC_1123.fullmatch(text)
    if not match or "0001" < match["year"] < "1000":
        raise ValueError
    return None if match["year"] in _ZERO_YEARS else _format_any(parsedate_to_datetime(text))


def _from_epoch(number: float, min_epoch_ms: int) -> str | None:
    if number == 0:
        return None
    epoch_ms = number * 1000 if abs(number) < min_epoch_ms else number
    if _YEAR_0_MS <= epoch_ms < _YEAR_2_MS:
        return None
    return _format_utc(_EPOCH + timedelta(milliseconds=epoch_ms))


def _write_epoch_ms(epoch_ms: int) -> str:
    day, ms_of_day = divmod(epoch_ms, _MS_PER_DAY)
    minute, ms_of_minute = divmod(ms_of_day, _MS_PER_MINUTE)
    second, millisecond = divmod(ms_of_minute, 1000)
    return _date(day) + _MINUTES[minute] + _SECONDS[second] + _MILLISECONDS[millisecond]


@lru_cache(maxsize=8192)  # twenty years
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def _format_any(moment: datetime) -> str:
    """Write a moment; without an offset it is in UTC [seen B]."""
    return format_timestamp(moment) if moment.tzinfo else _format_utc(moment)


def _format_utc(moment: datetime) -> str:
    timespec = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=timespec) + "Z"
