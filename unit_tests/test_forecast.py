"""Tests of `forecast`."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_autopilot.forecast import SCHEDULES, Forecast, Totals, sentences, warning

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
    assert warning(forecast) is None


@pytest.mark.parametrize(
    ("contacts", "frequency", "advised"),
    [
        (1_000, 30, 30),
        (1_000, 1, 15),
        (1_000, 45, 60),
        (1_000, 10_080, 1440),
        (2_000_000, 30, 180),
        (100_000_000, 30, 1440),
    ],
)
def test_advised__leaves_room(contacts: int, frequency: int, advised: int) -> None:
    """The next schedule that is not shorter than asked for and four times as long as a sync."""
    forecast = Forecast(Totals(contacts, 1, 0, [], 0.01), frequency)

    assert forecast.advised.minutes == advised


@given(FORECASTS)
def test_advised__under_a_quarter(forecast: Forecast) -> None:
    """Unless not even a day is enough; and no shorter schedule would do."""
    advised = forecast.advised
    assert advised in SCHEDULES
    if advised is not SCHEDULES[-1]:
        assert forecast.minutes < advised.minutes / 4
        assert advised.minutes >= forecast.frequency
    for shorter in SCHEDULES[: SCHEDULES.index(advised)]:
        assert shorter.minutes < forecast.frequency or forecast.minutes >= shorter.minutes / 4


@given(FORECASTS)
def test_forecast__never_below_the_floor(forecast: Forecast) -> None:
    """No sync is faster than its longest chain, or than twenty requests a second."""
    longest = max(forecast.totals.contacts, *forecast.totals.members)

    assert forecast.minutes * 60 >= math.ceil(longest / 100) * forecast.totals.page_seconds * 0.999
    assert forecast.calls >= forecast.totals.segments + 4
    assert forecast.rows_a_month == forecast.rows_a_day * 30
    assert (warning(forecast) is None) == (forecast.minutes <= forecast.frequency)
    assert all(sentences(forecast))


def test_sentences__for_a_person() -> None:
    """Plain words, with the numbers and the schedule to set."""
    text = " ".join(sentences(small(frequency=300)))

    assert (
        "This account has 1,050 contacts, 3 lists, 40 smart segments and about 6,000 members"
        in text
    )
    assert "A sync makes about 74 API calls and takes about a minute" in text
    assert (
        "one every 300 minutes that is about 34,046 rows a day and 1,021,380 rows a month" in text
    )
    assert "Advice: a sync every 6 hours." in text
    assert "0 0 0/6 * * ?" in text


def test_warning__does_not_fit() -> None:
    """It names the setting by its title."""
    text = warning(Forecast(Totals(10_000_000, 1, 0, [], 0.1), 30))

    assert text == (
        "A sync takes about 167 minutes and does not fit into the 30 minutes of Replication"
        " Frequency (frequency)."
    )
