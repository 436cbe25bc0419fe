"""Tests of `forecast`."""

import logging
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import ReadTimeout
from requests_mock import ANY, Mocker

from source_autopilot.api.client import Client
from source_autopilot.api.retry_policy import COMMAND_POLICY, Deadline
from source_autopilot.forecast import (
    SCHEDULES,
    FirstPages,
    Forecast,
    Paging,
    Totals,
    describe,
    describe_account,
    find_problem,
    log_forecast,
    measure_account,
    paging_matters,
)
from unit_tests.support.clock import Clock
from unit_tests.support.constants import NOW, URL

FORECASTS = st.builds(
    Forecast,
    chains=st.lists(st.integers(0, 10**8), min_size=1, max_size=100),
    page_seconds=st.floats(0.001, 10),
    frequency=st.integers(1, 10080),
    paging=st.sampled_from([Paging.SIDE_BY_SIDE, Paging.ONE_BY_ONE, Paging.OFF]),
)


def small(frequency: int = 30) -> Forecast:
    """An account that is read in a minute."""
    return Totals(1_050, 3, 40, [100, 200], 0.1).forecast(frequency)


def slow(paging: Paging, frequency: int = 30) -> Forecast:
    """An account of which a page takes four seconds."""
    return Forecast([100_000, 1, 1], 4.0, frequency, paging)


def test_forecast__arithmetic() -> None:
    """Rows and pages, those of the segments that were not asked for among them."""
    forecast = small()

    assert forecast.rows == 1_050 + 3 + 40 + 150 * 40
    assert forecast.calls == 11 + 1 + 1 + 1 + 2 * 39  # one of the two measured has one page
    assert forecast.rows_a_month == forecast.rows * 48 * 30
    assert forecast.minutes == pytest.approx(forecast.calls / 20 / 60)
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
    forecast = Forecast([contacts], 0.01, frequency)

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
    """Advice where a schedule suits, a warning where none does or a sync does not fit."""
    advice = [sentence for sentence in describe(forecast) if sentence.startswith("Advice: ")]
    problem = find_problem(forecast)

    assert len(advice) == (forecast.advised is not None)
    assert (problem is None) == (forecast.fits and not forecast.is_too_large)
    if not advice:
        assert problem or forecast.frequency > 1440
    if forecast.is_too_large:
        assert problem
        assert "even a daily sync leaves too little room" in problem
    elif not forecast.fits:
        assert problem
        assert "longer than the" in problem


@given(FORECASTS)
def test_forecast__never_below_the_floor(forecast: Forecast) -> None:
    """No sync is faster than twenty requests a second, than eighty at once, or than its chains."""
    longest_seconds = math.ceil(max(forecast.chains) / 100) * forecast.page_seconds

    if forecast.paging != Paging.SIDE_BY_SIDE:
        assert forecast.minutes * 60 >= longest_seconds * 0.999
    assert forecast.minutes * 60 >= forecast.calls / 20 * 0.999
    assert forecast.minutes * 60 >= forecast.calls * forecast.page_seconds / 80 * 0.999
    assert forecast.calls >= max(len(forecast.chains), math.ceil(forecast.rows / 100))
    assert forecast.fits == (forecast.minutes <= forecast.frequency)


def test_describe__for_a_person() -> None:
    """Plain words, with the numbers and the schedule to set."""
    assert list(describe(small(frequency=300))) == [
        "A sync reads about 7,093 rows with about 92 API calls and takes about 5 s, which fits into"
        " the 300 minutes of Planned Sync Interval (frequency). That is at 0.10 seconds a page and"
        " at most 20 calls a second.",
        "Every sync replicates every row again: up to 1,021,392 rows a month at this interval."
        " Contacts last updated before the Start Date (start_date) do not count.",
        "Advice: set Planned Sync Interval (frequency) to 360 and the connection's schedule to"
        " every 6 hours, or to the cron expression 0 0 0/6 * * ? (UTC).",
    ]


@pytest.mark.parametrize(
    ("paging", "takes", "said"),
    [
        (
            Paging.SIDE_BY_SIDE,
            "74 s, which fits into the 30 minutes of Planned Sync Interval (frequency)",
            "Pages of one table are read side by side, because Autopilot takes start keys.",
        ),
        (
            Paging.ONE_BY_ONE,
            "67 minutes",
            "Pages of one table are read one after the other, because start keys do not seem to"
            " work for this account.",
        ),
        (
            Paging.OFF,
            "67 minutes",
            "Pages of one table are read one after the other, because AUTOPILOT_SIDE_BY_SIDE is"
            " off.",
        ),
        (
            Paging.UNKNOWN,
            "67 minutes",
            "That is with the pages of one table one after the other. If Autopilot takes start"
            " keys, they are read side by side, in about 74 s.",
        ),
    ],
)
def test_describe__paging(paging: Paging, takes: str, said: str) -> None:
    """What a sync takes with start keys or without, and why, where that makes a difference."""
    first, second, *_ = describe(slow(paging))

    assert f"and takes about {takes}. That is at 4.00 seconds a page" in first
    assert second == said


@pytest.mark.parametrize(
    ("paging", "is_a_problem"),
    [
        (Paging.SIDE_BY_SIDE, False),
        (Paging.ONE_BY_ONE, True),
        (Paging.OFF, True),
        (Paging.UNKNOWN, False),
    ],
)
def test_find_problem__paging(paging: Paging, is_a_problem: bool) -> None:
    """A sync that may turn out to be fast enough is no problem."""
    assert (find_problem(slow(paging)) is not None) == is_a_problem
    assert find_problem(slow(paging, frequency=1)) is not None


@pytest.mark.parametrize(
    ("chains", "page_seconds", "matters"),
    [
        ([100_000], 1.0, True),
        ([100_000], 0.04, False),  # one chain is as fast as the limit
        ([500], 4.0, False),  # there is nothing worth splitting
        ([20_000, *[4_000] * 10], 0.1, False),  # the segments keep the limit busy meanwhile
        ([20_000, *[4_000] * 10], 0.5, True),
    ],
)
def test_paging_matters(chains: list[int], page_seconds: float, matters: bool) -> None:
    """It does where the longest chain takes longer than all requests, and nothing is said else."""
    assert paging_matters(chains, page_seconds) == matters
    assert len(list(describe(Forecast(chains, page_seconds, 1440)))) == (4 if matters else 3)


@pytest.mark.parametrize(
    ("totals", "sentence"),
    [
        (Totals(0, 0, 0, [], 0.1), "This account has 0 contacts, 0 lists and 0 smart segments."),
        (
            Totals(1, 1, 1, [1], 0.1),
            "This account has 1 contact, 1 list and 1 smart segment with about 1 member in all.",
        ),
        (
            Totals(1_050, 3, 40, [100, 200], 0.1),
            "This account has 1,050 contacts, 3 lists and 40 smart segments with about 6,000"
            " members in all.",
        ),
    ],
)
def test_describe_account(totals: Totals, sentence: str) -> None:
    """None and one read as well as many."""
    assert list(describe_account(totals)) == [sentence]


@pytest.mark.parametrize(
    ("rows", "frequency", "problem"),
    [
        (
            10_000_000,
            30,
            "A sync takes about 3 hours, longer than the 30 minutes of Planned Sync Interval"
            " (frequency).",
        ),
        (
            300_000_000,
            10_080,
            "A sync takes about 83 hours, so that even a daily sync leaves too little room before"
            " the next: sync less often, or select only the streams that you need.",
        ),
    ],
)
def test_find_problem(rows: int, frequency: int, problem: str) -> None:
    """It names the setting by its title, and says what could be done where no schedule suits."""
    assert find_problem(Forecast([rows], 0.1, frequency, Paging.OFF)) == problem


def test_log_forecast(caplog: pytest.LogCaptureFixture) -> None:
    """The facts are information, and what is wrong with the frequency is a warning."""
    with caplog.at_level(logging.INFO):
        log_forecast(Forecast([10_000_000], 0.05, 30))

    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "INFO", "WARNING"]


Reports = list[tuple[list[int], float, Paging]]


@pytest.fixture
def reports() -> Reports:
    """What the first pages told, each time that they did."""
    return []


@pytest.fixture
def first_pages(reports: Reports) -> FirstPages:
    """Those of the contacts, and of the pairs of segments and contacts."""
    return FirstPages(
        ["contacts", "pairs"],
        lambda rows, seconds, paging: reports.append(([*rows], seconds, paging)),
    )


def test_first_pages__of_all_tables(first_pages: FirstPages, reports: Reports) -> None:
    """Reported once, when every stream's tables are known and each has begun or is gone."""
    first_pages.expect("contacts", 1)
    first_pages.add(700, 1.0)
    first_pages.expect("pairs", 3)
    first_pages.add(20, 2.0)
    first_pages.add_missing()
    assert reports == []
    first_pages.add(30, 3.0)

    assert reports == [([700, 20, 30], 2.0, Paging.UNKNOWN)]


def test_first_pages__a_stream_without_tables(first_pages: FirstPages, reports: Reports) -> None:
    """An account without segments has a forecast as well."""
    first_pages.expect("contacts", 1)
    first_pages.add(700, 1.0)
    first_pages.expect("pairs", 0)

    assert reports == [([700], 1.0, Paging.UNKNOWN)]


def begin_both(first_pages: FirstPages, *, awaited: list[str]) -> None:
    """Both tables have begun; about those that are awaited a question is on its way."""
    first_pages.expect("contacts", 1)
    first_pages.expect("pairs", 1)
    for table in awaited:
        first_pages.expect_answer(table)
    first_pages.add(700, 1.0)
    first_pages.add(30, 1.0)


@pytest.mark.parametrize(
    ("takes_start_keys", "paging"), [(True, Paging.SIDE_BY_SIDE), (False, Paging.ONE_BY_ONE)]
)
def test_first_pages__wait_for_an_answer(
    first_pages: FirstPages, reports: Reports, takes_start_keys: bool, paging: Paging
) -> None:
    """A question that is on its way is waited for; one that comes later changes nothing."""
    begin_both(first_pages, awaited=["contacts"])
    assert reports == []
    first_pages.add_answer("contacts", takes_start_keys=takes_start_keys)
    first_pages.expect_answer("pairs")
    first_pages.add_answer("pairs", takes_start_keys=not takes_start_keys)

    assert reports == [([700, 30], 1.0, paging)]


def test_first_pages__the_first_yes_is_enough(first_pages: FirstPages, reports: Reports) -> None:
    """What is asked about other tables waits for room in the rate limit, perhaps to the end."""
    begin_both(first_pages, awaited=["contacts", "pairs"])
    assert reports == []

    first_pages.add_answer("pairs", takes_start_keys=True)

    assert reports == [([700, 30], 1.0, Paging.SIDE_BY_SIDE)]


def test_first_pages__no_answer_is_to_come(first_pages: FirstPages, reports: Reports) -> None:
    """A table that is read before its question was asked holds nothing up."""
    begin_both(first_pages, awaited=["contacts"])
    assert reports == []

    first_pages.expect_no_answers(["contacts", "pairs"])
    first_pages.expect_no_answers(["contacts"])

    assert reports == [([700, 30], 1.0, Paging.UNKNOWN)]


@pytest.mark.parametrize("answers", [[True, False], [False, True]])
def test_first_pages__one_yes_is_enough(
    first_pages: FirstPages, reports: Reports, answers: list[bool]
) -> None:
    """A question may fail by chance, and an answer may be there before it is waited for."""
    for number, takes_start_keys in enumerate(answers):
        first_pages.add_answer(number, takes_start_keys=takes_start_keys)
        first_pages.expect_answer(number)
    first_pages.expect("contacts", 0)
    first_pages.expect("pairs", 1)
    first_pages.add(30, 1.0)

    assert reports == [([30], 1.0, Paging.SIDE_BY_SIDE)]


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
    segments = [{"segment_id": f"s{number % 30}"} for number in range(40)]  # some of them twice
    contacts = {"contacts": [], "total_contacts": 700}
    autopilot.get(ANY, json=slowly(clock, page_seconds, contacts))
    autopilot.get(URL + "smart_segments", json=slowly(clock, page_seconds, {"segments": segments}))
    hurried = replace(client, deadline=Deadline(20, clock.now))

    totals = measure_account(hurried, lists=3, start_date=NOW, side_by_side=True)

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

    totals = measure_account(hurried, lists=3, start_date=NOW, side_by_side=True)

    assert totals == Totals(700, 3, segments, [], page_seconds, left_out)
    assert autopilot.call_count == 1 + segments


@pytest.mark.usefixtures("_seconds_by_clock")
def test_measure_account__segments_refused(client: Client, clock: Clock, autopilot: Mocker) -> None:
    """What cannot be had for another reason is left out as well, with the reason."""
    autopilot.get(URL + "contacts", json=slowly(clock, 1, {"contacts": [], "total_contacts": 7}))
    autopilot.get(URL + "smart_segments", status_code=403)

    totals = measure_account(client, lists=3, start_date=NOW, side_by_side=True)

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

    totals = measure_account(client, lists=3, start_date=NOW, side_by_side=True)

    assert (totals.members, totals.chains, totals.left_out) == ([1], [7, 3, 3, 1, 1, 1], "")


IDS = [f"person_{number:08X}-0000-4000-8000-000000000000" for number in range(0, 1000, 10)]
FIRST_PAGE = {
    "contacts": [{"contact_id": contact_id} for contact_id in IDS],
    "total_contacts": 100_000,
    "bookmark": IDS[-1],
}
SECOND_HALF = {**FIRST_PAGE, "contacts": FIRST_PAGE["contacts"][50:]}  # type: ignore[index]


@pytest.mark.usefixtures("_seconds_by_clock")
@pytest.mark.parametrize(
    ("page_seconds", "side_by_side", "answer", "paging", "asked"),
    [
        (1.0, True, {"json": SECOND_HALF}, Paging.SIDE_BY_SIDE, 1),
        (1.0, True, {"json": FIRST_PAGE}, Paging.ONE_BY_ONE, 1),
        (1.0, True, {"status_code": 404}, Paging.ONE_BY_ONE, 1),
        (1.0, True, {"text": "<html>"}, Paging.ONE_BY_ONE, 2),  # as trouble that may pass
        (1.0, True, {"exc": ReadTimeout}, Paging.ONE_BY_ONE, 2),
        (1.0, False, {"json": SECOND_HALF}, Paging.OFF, 0),
        (0.04, True, {"json": SECOND_HALF}, Paging.UNKNOWN, 0),  # it would make no difference
        (4.0, True, {"json": SECOND_HALF}, Paging.SIDE_BY_SIDE, 1),
        (5.0, True, {"json": SECOND_HALF}, Paging.UNKNOWN, 0),  # there is no time to ask
    ],
)
def test_measure_account__start_keys(
    client: Client,
    clock: Clock,
    autopilot: Mocker,
    page_seconds: float,
    side_by_side: bool,
    answer: dict[str, Any],
    paging: Paging,
    asked: int,
) -> None:
    """Where it matters, may be and can be, one question tells how pages are read; none fails."""
    autopilot.get(URL + "contacts", json=slowly(clock, page_seconds, FIRST_PAGE))
    segments = {"segments": [{"segment_id": "s1"}]}
    autopilot.get(URL + "smart_segments", json=slowly(clock, page_seconds, segments))
    members = {"contacts": [], "total_contacts": 1}
    autopilot.get(URL + "smart_segments/s1/contacts", json=slowly(clock, page_seconds, members))
    question = autopilot.get(re.compile(URL + "contacts/person_"), **answer)
    hurried = replace(client, deadline=Deadline(21, clock.now))

    totals = measure_account(hurried, lists=3, start_date=NOW, side_by_side=side_by_side)

    assert (totals.contacts, totals.members) == (100_000, [1])
    assert (totals.paging, question.call_count) == (paging, asked)
    for request in question.request_history:
        timeouts: Any = request.timeout
        assert sum(timeouts) <= COMMAND_POLICY.answer_seconds  # a person waits
    assert totals.forecast(30).paging == paging


@pytest.mark.parametrize(
    ("totals", "said", "calls"),
    [
        (
            Totals(700, 3, 0, [], 11, "Autopilot takes 11 s for a page."),
            [
                "This account has 700 contacts and 3 lists.",
                "Smart segments are left out of this forecast: Autopilot takes 11 s for a page.",
            ],
            9,
        ),
        (
            Totals(700, 3, 2, [], 7, "Autopilot takes 7 s for a page."),
            [
                "This account has 700 contacts, 3 lists and 2 smart segments.",
                "Members of smart segments are left out of this forecast: Autopilot takes 7 s for a"
                " page.",
            ],
            11,
        ),
    ],
)
def test_describe_account__what_is_left_out(totals: Totals, said: list[str], calls: int) -> None:
    """A forecast of a part of the account says what it leaves out, and why."""
    assert list(describe_account(totals)) == said
    assert totals.forecast(30).calls == calls
