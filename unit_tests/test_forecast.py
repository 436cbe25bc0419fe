"""Tests of `forecast`."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests_mock import ANY, Mocker

from source_autopilot.api.client import Client
from source_autopilot.api.retry_policy import Deadline
from source_autopilot.forecast import (
    SCHEDULES,
    Forecast,
    Totals,
    describe,
    find_problem,
    measure_account,
)
from unit_tests.support.clock import Clock
from unit_tests.support.constants import NOW, URL

TOTALS = st.builds(
    Totals,
    contacts=st.integers(0, 10**8),
    lists=st.integers(0, 1000),
    segments=st.integers(20, 500),
    members=st.lists(st.integers(0, 10**7), min_size=1, max_size=20),
    page_seconds=st.floats(0.001, 10),
)
FORECASTS = st.builds(Forecast, TOTALS, st.integers(1, 10080))


def small(frequency: int = 30) -> Forecast:
    """An account that is read in a minute."""
    return Forecast(Totals(1_050, 3, 40, [100, 200], 0.1), frequency)


def test_forecast__arithmetic() -> None:
    """Pages, pairs of the segments that were not asked for, and rows of a day."""
    forecast = small()

    assert forecast.totals.pairs == 150 * 40
    assert forecast.calls == 11 + (1 + 2) * 20 + 3
    assert forecast.rows == 1_050 + 3 + 40 + 6_000
    assert forecast.rows_a_day == forecast.rows * 48
    assert forecast.minutes == pytest.approx(74 / 20 / 60)
    assert forecast.fits
    assert find_problem(forecast) is None


@pytest.mark.parametrize(
    ("contacts", "frequency", "advised"),
    [
        (1_000, 30, 30),
        (1_000, 1, 15),
        (1_000, 45, 60),
        (1_000, 7, 15),
        (1_000, 1440, 1440),
        (1_000, 1441, None),  # longer than any schedule of the list, and kinder
        (1_000, 10_080, None),
        (2_000_000, 30, 180),
        (100_000_000, 30, None),  # not even a day is enough
    ],
)
def test_advised__leaves_room(contacts: int, frequency: int, advised: int | None) -> None:
    """The next schedule that is not shorter than asked for and four times as long as a sync."""
    forecast = Forecast(Totals(contacts, 1, 0, [], 0.01), frequency)

    assert (forecast.advised and forecast.advised.minutes) == advised


@given(FORECASTS)
def test_advised__under_a_quarter(forecast: Forecast) -> None:
    """What is advised leaves room and no shorter schedule would do; without advice none does."""
    advised = forecast.advised
    shorter = SCHEDULES if advised is None else SCHEDULES[: SCHEDULES.index(advised)]
    if advised:
        assert forecast.minutes < advised.minutes / 4
        assert advised.minutes >= forecast.frequency
    for schedule in shorter:
        is_too_short = schedule.minutes < forecast.frequency
        assert is_too_short or forecast.minutes >= schedule.minutes / 4


@given(FORECASTS)
def test_describe__advice_or_warning(forecast: Forecast) -> None:
    """There is always something to do or to leave as it is, never both a yes and a no."""
    advice = [sentence for sentence in describe(forecast) if sentence.startswith("Advice: ")]
    problem = find_problem(forecast)

    assert len(advice) == (not forecast.is_too_large)
    if not advice:
        assert problem
        assert "even a daily sync leaves too little room" in problem
    elif forecast.advised is None:
        assert forecast.frequency > 1440
        assert "stay at" in advice[0]
    if not forecast.fits:
        assert problem
        assert "longer than the" in problem


@given(FORECASTS)
def test_forecast__never_below_the_floor(forecast: Forecast) -> None:
    """No sync is faster than its longest chain, or than twenty requests a second."""
    longest = max(forecast.totals.contacts, *forecast.totals.members)

    assert forecast.minutes * 60 >= math.ceil(longest / 100) * forecast.totals.page_seconds * 0.999
    assert forecast.calls >= forecast.totals.segments + 4
    assert forecast.rows_a_month == forecast.rows_a_day * 30
    assert forecast.minutes * 60 >= forecast.calls * forecast.totals.page_seconds / 20 * 0.999
    assert (find_problem(forecast) is None) == (forecast.fits and not forecast.is_too_large)
    assert forecast.fits == (forecast.minutes <= forecast.frequency)


def test_describe__for_a_person() -> None:
    """Plain words, with the numbers and the schedule to set."""
    assert list(describe(small(frequency=300))) == [
        "This account has 1,050 contacts, 3 lists and 40 smart segments with about 6,000 members"
        " in all.",
        "A sync makes about 74 API calls and takes about 4 s, which fits into 300 minutes. That is"
        " at 0.10 seconds a page and at most 20 calls a second.",
        "Every sync replicates every row again: one every 300 minutes makes up to 34,046 rows a day"
        " and 1,021,380 a month. Contacts last updated before the Start Date (start_date) do not"
        " count.",
        "Advice: a sync every 6 hours. Set Planned Sync Interval (frequency) to 360 and the"
        " connection's schedule to every 6 hours, or to the cron expression 0 0 0/6 * * ? (UTC).",
    ]


@pytest.mark.parametrize(
    ("totals", "first"),
    [
        (Totals(0, 0, 0, [], 0.1), "0 contacts, 0 lists and 0 smart segments."),
        (
            Totals(1, 1, 1, [1], 0.1),
            "1 contact, 1 list and 1 smart segment with about 1 member in all.",
        ),
    ],
)
def test_describe__small_numbers(totals: Totals, first: str) -> None:
    """None and one read as well as many."""
    assert next(describe(Forecast(totals, 30))) == f"This account has {first}"


@pytest.mark.parametrize(
    ("frequency", "interval", "advice"),
    [
        (
            1,
            "one every minute makes",
            "Advice: a sync every 15 minutes. Set Planned Sync Interval (frequency) to 15 and the"
            " connection's schedule to every 15 minutes, or to the cron expression"
            " 0 0/15 * * * ? (UTC).",
        ),
        (
            30,
            "one every 30 minutes makes",
            "Advice: stay at a sync every 30 minutes. Set the connection's schedule to every 30"
            " minutes, or to the cron expression 0 0/30 * * * ? (UTC).",
        ),
        (
            10_080,
            "one every 7 days makes",
            "Advice: stay at a sync every 7 days. As the connection's schedule, the cron expression"
            " 0 0 0 ? * SUN (UTC) syncs once a week, 0 0 0 * * ? once a day.",
        ),
    ],
)
def test_describe__intervals(frequency: int, interval: str, advice: str) -> None:
    """The shortest, the default and the longest frequency are called what people call them."""
    said = list(describe(small(frequency)))

    assert interval in said[2]
    assert said[-1] == advice


def test_find_problem__does_not_fit() -> None:
    """It names the setting by its title."""
    assert find_problem(Forecast(Totals(10_000_000, 1, 0, [], 0.1), 30)) == (
        "A sync takes about 3 hours, longer than the 30 minutes of Planned Sync Interval"
        " (frequency)."
    )


@pytest.mark.parametrize(
    ("contacts", "frequency", "text"),
    [
        (
            30_000_000,
            30,
            "A sync takes about 8 hours, longer than the 30 minutes of Planned Sync Interval"
            " (frequency). That is more than a quarter of a day, so that even a daily sync leaves"
            " too little room before the next: sync once a week (cron expression 0 0 0 ? * SUN,"
            " UTC) or select only the streams that you need.",
        ),
        (
            300_000_000,
            10_080,
            "A sync takes about 83 hours. That is more than a quarter of a day, so that even a"
            " daily sync leaves too little room before the next: select only the streams that you"
            " need.",
        ),
    ],
)
def test_find_problem__too_large(contacts: int, frequency: int, text: str) -> None:
    """Where no interval is advised it says so, and what could be done instead."""
    assert find_problem(Forecast(Totals(contacts, 1, 0, [], 0.1), frequency)) == text


def slowly(clock: Clock, seconds: float, page: dict[str, Any]) -> Callable[..., Any]:
    """An answer of requests-mock that takes its time on the clock."""

    def respond(request: Any, context: Any) -> dict[str, Any]:
        clock.sleep(seconds)
        return page

    return respond


@pytest.fixture
def _seconds_by_clock(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("requests.sessions.preferred_clock", clock.now)


@pytest.mark.usefixtures("_seconds_by_clock")
@pytest.mark.parametrize(("page_seconds", "measured"), [(0.01, 20), (1.0, 8), (4.0, 1), (6.0, 1)])
def test_measure_account__while_half_of_the_time_is_left(
    client: Client, clock: Clock, autopilot: Mocker, page_seconds: float, measured: int
) -> None:
    """Segments are a sample: one, and as many as there is time for, twenty at most."""
    segments = [{"segment_id": f"s{number}"} for number in range(30)]
    contacts = {"contacts": [], "total_contacts": 700}
    autopilot.get(ANY, json=slowly(clock, page_seconds, contacts))
    autopilot.get(URL + "smart_segments", json=slowly(clock, page_seconds, {"segments": segments}))
    hurried = replace(client, deadline=Deadline(20, clock.now))

    totals = measure_account(hurried, lists=3, start_date=NOW)

    assert (totals.contacts, totals.lists, totals.segments) == (700, 3, 30)
    assert totals.members == [700] * measured
    assert totals.left_out == ""
    assert clock.seconds < 20


@pytest.mark.usefixtures("_seconds_by_clock")
@pytest.mark.parametrize(
    ("page_seconds", "segments", "left_out"),
    [
        (7.0, 1, "Autopilot takes 7 s for a page."),
        (11.0, 0, "Autopilot takes 11 s for a page."),
    ],
)
def test_measure_account__no_time(
    client: Client,
    clock: Clock,
    autopilot: Mocker,
    page_seconds: float,
    segments: int,
    left_out: str,
) -> None:
    """What there is no time for is not begun, and left out: first the members, then segments."""
    listed = {"segments": [{"segment_id": "s1"}]}
    contacts = {"contacts": [], "total_contacts": 700}
    autopilot.get(URL + "contacts", json=slowly(clock, page_seconds, contacts))
    autopilot.get(URL + "smart_segments", json=slowly(clock, page_seconds, listed))
    hurried = replace(client, deadline=Deadline(20, clock.now))

    totals = measure_account(hurried, lists=3, start_date=NOW)

    assert totals == Totals(700, 3, segments, [], page_seconds, left_out)
    assert autopilot.call_count == 1 + segments


@pytest.mark.usefixtures("_seconds_by_clock")
def test_measure_account__segments_refused(client: Client, clock: Clock, autopilot: Mocker) -> None:
    """What cannot be had for another reason is left out as well, with the reason."""
    autopilot.get(URL + "contacts", json=slowly(clock, 1, {"contacts": [], "total_contacts": 7}))
    autopilot.get(URL + "smart_segments", status_code=403)

    totals = measure_account(client, lists=3, start_date=NOW)

    assert totals.left_out.startswith("Autopilot does not allow this API key to read this (403).")
    assert (totals.contacts, totals.segments, totals.members) == (7, 0, [])


@pytest.mark.usefixtures("_seconds_by_clock")
def test_measure_account__enough_of_a_sample(
    client: Client, clock: Clock, autopilot: Mocker
) -> None:
    """A sample that broke off is a sample."""
    listed = {"segments": [{"segment_id": "s1"}, {"segment_id": "s2"}, {"segment_id": "s3"}]}
    autopilot.get(URL + "contacts", json={"contacts": [], "total_contacts": 7})
    autopilot.get(URL + "smart_segments", json=listed)
    autopilot.get(URL + "smart_segments/s1/contacts", json={"contacts": [{"contact_id": "p1"}]})
    autopilot.get(URL + "smart_segments/s2/contacts", status_code=403)

    totals = measure_account(client, lists=3, start_date=NOW)

    assert (totals.members, totals.pairs, totals.left_out) == ([1], 3, "")


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (
            Totals(700, 3, 0, [], 11, "Autopilot takes 11 s for a page."),
            [
                "This account has 700 contacts and 3 lists.",
                "Smart segments are left out of this forecast: Autopilot takes 11 s for a page.",
                "A sync makes about 10 API calls and takes about 77 s",
            ],
        ),
        (
            Totals(700, 3, 2, [], 7, "Autopilot takes 7 s for a page."),
            [
                "This account has 700 contacts, 3 lists and 2 smart segments.",
                "Members of smart segments are left out of this forecast: Autopilot takes 7 s for a"
                " page.",
                "A sync makes about 12 API calls and takes about 49 s",
            ],
        ),
    ],
)
def test_describe__what_is_left_out(totals: Totals, said: list[str]) -> None:
    """A forecast of a part of the account says what it leaves out, and why."""
    sentences = list(describe(Forecast(totals, 30)))

    assert sentences[:2] == said[:2]
    assert sentences[2].startswith(said[2])
