"""Tests of `timestamps`."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.records.converters import Converter, Rejected
from source_autopilot.records.timestamps import format_timestamp, to_custom_date, to_timestamp
from unit_tests.support.documents import JSON, is_rfc_3339_in_utc

MAX_MS = 253_402_300_799_999  # of the year 9999


CONVERTERS = pytest.mark.parametrize("convert", [to_timestamp, to_custom_date])
USUAL = "2017-02-03T16:26:54.000Z"
WEBHOOK = "2020-04-26T23:36:31.386736Z"


@CONVERTERS
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # As published.
        (USUAL, USUAL),
        ("Tue, 12 May 2015 21:41:31 GMT", "2015-05-12T21:41:31.000Z"),
        ("2020-04-26T19:36:31.386736701-04:00", WEBHOOK),
        (1486139214000, USUAL),
        ("", None),
        # No to nine digits of a second.
        *[("2017-02-03T16:26:54" + digits + "Z", USUAL) for digits in ("", ".0", ".00", ".000000")],
        ("2017-02-03T16:26:54.000000000Z", USUAL),
        ("2017-02-03T16:26:54.5Z", "2017-02-03T16:26:54.500Z"),
        ("2017-02-03T16:26:54.1234Z", "2017-02-03T16:26:54.123400Z"),
        ("2017-02-03T16:26:54.123456789Z", "2017-02-03T16:26:54.123456Z"),
        # Offsets, and without one UTC.
        ("2017-02-03T18:26:54+02:00", USUAL),
        ("2017-02-03T18:26:54.123456+0200", "2017-02-03T16:26:54.123456Z"),
        ("2017-02-03 16:26:54", USUAL),
        ("2017-02-03T16:26:54", USUAL),
        ("2017-02-03 16:26:54+0000", USUAL),
        ("2017-02-03 16:26:54 +0000", USUAL),
        ("2017-02-03 11:26:54 -0500", USUAL),
        ("2017-02-03 16:26:54 UTC", USUAL),
        ("2017-02-03T16:26:54.000UTC", USUAL),
        ("2017-02-03 16:26:54 GMT", USUAL),
        ("2017-02-03 16:26:54 Z", USUAL),
        ("2017-02-03 16:26:54 +0000 UTC", USUAL),
        ("Fri, 03 Feb 2017 16:26:54", USUAL),
        ("Fri, 03 Feb 2017 16:26:54 -0000", USUAL),
        ("Fri, 03 Feb 2017 17:26:54 +0100", USUAL),
        ("Fri, 3 Feb 2017 16:26:54 UTC", USUAL),
        ("3 Feb 2017 16:26:54 UT", USUAL),
        ("Fri, 03 Feb 2017 16:26 GMT", "2017-02-03T16:26:00.000Z"),
        # A day alone.
        ("2017-02-03", "2017-02-03T00:00:00.000Z"),
        # Milliseconds since 1970.
        ("1486139214000", USUAL),
        (1486139214000.5, "2017-02-03T16:26:54.000500Z"),
        (100_000_000_000, "1973-03-03T09:46:40.000Z"),
        (-100_000_000_000, "1966-10-31T14:13:20.000Z"),
        ("-100000000000", "1966-10-31T14:13:20.000Z"),
        (MAX_MS, "9999-12-31T23:59:59.999Z"),
        # Days that few years have, or months.
        ("2016-02-29T23:59:59.999Z", "2016-02-29T23:59:59.999Z"),
        ("2017-01-31T00:00:00.000Z", "2017-01-31T00:00:00.000Z"),
        (f" {USUAL}\n", USUAL),
        ("  ", None),
        (None, None),
    ],
)
def test_to_timestamp__fits(convert: Converter, value: Any, expected: str | None) -> None:
    """Every way of writing a time becomes RFC 3339 in UTC, and "" becomes null."""
    assert convert(value) == expected


@pytest.mark.parametrize(
    ("value", "in_seconds", "in_milliseconds"),
    [
        (1486139214, USUAL, "1970-01-18T04:48:59.214Z"),
        ("1486139214", USUAL, "1970-01-18T04:48:59.214Z"),
        (1486139214.5, "2017-02-03T16:26:54.500Z", "1970-01-18T04:48:59.214500Z"),
        (-86400, "1969-12-31T00:00:00.000Z", "1969-12-31T23:58:33.600Z"),
        (99_999_999_999, "5138-11-16T09:46:39.000Z", "1973-03-03T09:46:39.999Z"),
        (1, "1970-01-01T00:00:01.000Z", "1970-01-01T00:00:00.001Z"),
    ],
)
def test_to_timestamp__small_numbers(value: Any, in_seconds: str, in_milliseconds: str) -> None:
    """A number too small to be a contact's time in milliseconds is seconds, but not a birthday."""
    assert to_timestamp(value) == in_seconds
    assert to_custom_date(value) == in_milliseconds


@CONVERTERS
@pytest.mark.parametrize(
    "value",
    [
        *[0, 0.0, -0.0, "0", " 0 "],
        *["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00+14:00"],
        *["0001-12-31T23:59:59.999999999-12:00", "0001-01-01 00:00:00 +0000 UTC", "0001-01-01"],
        *["0000-01-01T00:00:00.000Z", "0000-00-00 00:00:00", "0000-00-00"],
        *["Mon, 01 Jan 0001 00:00:00 GMT", "Sat, 01 Jan 0000 00:00:00 GMT"],
        *[-62_135_596_800_000, "-62135596800000", -62_167_219_200_000, -62_104_060_800_001],
    ],
)
def test_to_timestamp__zero(convert: Converter, value: Any) -> None:
    """What programs write for a time that is not set is null, and nobody is warned of it."""
    assert convert(value) is None


def test_to_timestamp__zero_in_seconds() -> None:
    """So is the year 1 in seconds."""
    assert to_timestamp(-62_135_596_800) is None


@CONVERTERS
@pytest.mark.parametrize(
    "value",
    [
        *["yesterday", "now", "Tue", "UTC", "GMT"],
        # Digits that may as well be a day, or a day and a time.
        *["5", "1e3", "20170203", "00", "1.5", "20170203162654", "-5", "١٤٨٦١٣٩٢١٤٠٠٠"],
        # Right in shape only.
        *["2017-13-03T16:26:54.000Z", "2017-02-29T16:26:54.000Z", "2017-02-30T16:26:54.000Z"],
        *["2017-04-31T16:26:54.000Z", "2017-01-00T16:26:54.000Z", "2017-02-03T16:26:60.000Z"],
        *["2017-W05-5T16:26:54.000Z", "2017-02-03T25:00:00Z", "2017-02-03T16:26:54+25:00"],
        *["Tue, 31 Feb 2017 16:26:54 GMT", "Fri, 03 Feb 2017 25:26:54 GMT"],
        "Fri, 03 Foo 2017 16:26:54 GMT",
        # Zones whose offset nobody says, and years that a parser would have to guess.
        *["Fri, 03 Feb 2017 16:26:54 CEST", "2017-02-03 16:26:54 CEST"],
        *["Fri, 03 Feb 17 16:26:54 GMT", "Fri, 03 Feb 0017 16:26:54 GMT"],
        *["0001-01-01 was a Monday", "3 Feb 2017 16:26:54 +9900"],
        # Outside of the years that a time can have.
        *[MAX_MS + 1, 10**18, float("nan"), float("inf"), -62_167_219_200_001],
        *["9999-12-31T23:59:59-01:00", "Fri, 31 Dec 9999 23:59:59 -0100"],
        *[True, False, [], {}],
    ],
)
def test_to_timestamp__rejected(convert: Converter, value: Any) -> None:
    """What is no time is not guessed at."""
    converted = convert(value)

    assert isinstance(converted, Rejected)
    assert converted.example is value
    assert converted.replacement is None


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(
    min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31), timezones=OFFSETS
)


@CONVERTERS
@given(instant=MOMENTS)
def test_to_timestamp__keeps_the_instant(convert: Converter, instant: datetime) -> None:
    """Whatever its offset, a time is the same instant afterwards, to the microsecond."""
    written = convert(instant.isoformat())

    assert isinstance(written, str)
    assert datetime.fromisoformat(written.replace("Z", "+00:00")) == instant
    assert convert(written) == written


@CONVERTERS
@given(instant=MOMENTS.filter(lambda moment: moment.year >= 1000))
def test_to_timestamp__rfc_1123(convert: Converter, instant: datetime) -> None:
    """A time as mails and HTTP headers have it is the same instant, to the second."""
    written = convert(format_datetime(instant))

    assert written == format_timestamp(instant.replace(microsecond=0))


@pytest.fixture
def _in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_in_tokyo")
def test_format_timestamp__on_any_machine() -> None:
    """The time zone of the machine does not matter."""
    moment = datetime(2017, 2, 3, 18, tzinfo=timezone(timedelta(hours=2)))

    assert format_timestamp(moment) == "2017-02-03T16:00:00.000Z"
    assert to_timestamp("2017-02-03 16:00:00") == "2017-02-03T16:00:00.000Z"


@given(MOMENTS, MOMENTS)
def test_format_timestamp__sorts_as_text(first: datetime, second: datetime) -> None:
    """Without their Z, written moments are in the order of time; the start date relies on it."""
    assert (format_timestamp(first)[:-1] < format_timestamp(second)[:-1]) == (first < second)


@given(st.integers(100_000_000_000, MAX_MS))
def test_to_timestamp__short_way(epoch_ms: int) -> None:
    """Whole milliseconds, as contacts have dozens of them, are written as any other time is."""
    instant = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=epoch_ms)

    assert to_timestamp(epoch_ms) == to_custom_date(epoch_ms) == format_timestamp(instant)


@given(st.datetimes(min_value=datetime(2, 1, 1)))
def test_to_timestamp__as_written(instant: datetime) -> None:
    """Every day that there is may be written in the API's own way, and stays as it is."""
    written = format_timestamp(instant.replace(microsecond=0, tzinfo=timezone.utc))

    assert to_timestamp(written) == written


@CONVERTERS
@given(value=JSON | st.from_regex(r"[0-9A-Za-z+:., -]{1,30}"))
def test_to_timestamp__any_json(convert: Converter, value: Any) -> None:
    """Whatever comes is a timestamp, null, or Rejected, and a timestamp stays as it is."""
    written = convert(value)

    assert isinstance(written, Rejected | None) or is_rfc_3339_in_utc(written)
    assert isinstance(written, Rejected) or convert(written) == written
