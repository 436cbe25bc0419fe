"""Tests of `config`."""

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from source_autopilot import config
from source_autopilot.config import (
    ALL_ON,
    CHECK_TOTALS,
    SIDE_BY_SIDE,
    Switches,
    connection_specification,
    describe_unknown_settings,
    parse_config,
    read_switches,
)
from source_autopilot.errors import InvalidConfig
from unit_tests.support.constants import KEY, NOW
from unit_tests.support.documents import JSON
from unit_tests.support.forms import validate_settings

EXPECTED_DAY = "expected a day such as 2024-01-31, or nothing for the year before each sync."


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=timezone.utc)


def _refusal(**settings_given: Any) -> str:
    """The sentence that refuses the settings."""
    with pytest.raises(InvalidConfig) as raised:
        parse_config({"api_key": KEY, **settings_given})
    return str(raised.value)


def test_parse_config__defaults() -> None:
    """The key is enough: a year before this sync, every 30 minutes."""
    parsed = parse_config({"api_key": KEY})

    assert parsed.api_key.get_secret_value() == KEY
    assert parsed.start_date == utc(2025, 11, 24, 12)
    assert parsed.frequency == 30


def test_parse_config__null_is_left_out() -> None:
    """A null in a config file means the same as leaving the setting out."""
    given_nulls = parse_config({"api_key": KEY, "start_date": None, "frequency": None})

    assert given_nulls == parse_config({"api_key": KEY})


def test_parse_config__a_year_before_a_leap_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 29th of February has no last year; the day before has."""
    monkeypatch.setattr(config, "utc_now", lambda: utc(2028, 2, 29))

    assert parse_config({"api_key": KEY}).start_date == utc(2027, 2, 28)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-01-31", utc(2024, 1, 31)),
        ("2024-01-31T10:30:00Z", utc(2024, 1, 31, 10, 30)),
        ("2024-01-31T10:30:00.000000Z", utc(2024, 1, 31, 10, 30)),
        ("2024-01-31T10:30:00", utc(2024, 1, 31, 10, 30)),  # no offset means UTC
        ("2024-01-31T10:30", utc(2024, 1, 31, 10, 30)),
        ("2024-01-31T10:30:00+02:00", utc(2024, 1, 31, 8, 30)),
        ("2024-01-31T10:30:00-0530", utc(2024, 1, 31, 16)),
        (" 2024-01-31 ", utc(2024, 1, 31)),
    ],
)
def test_parse_config__start_date(written: str, moment: datetime) -> None:
    """A date, or a date-time with any offset, is that moment in UTC."""
    assert parse_config({"api_key": KEY, "start_date": written}).start_date == moment


@pytest.mark.parametrize("written", ["31/01", "", "1706659200", 1706659200, True])
def test_parse_config__no_date(written: Any) -> None:
    """What does not look like a date is refused, with what was seen and what to write."""
    assert _refusal(start_date=written) == f"Start Date (start_date) is {written!r}: {EXPECTED_DAY}"


@pytest.mark.parametrize(
    "written",
    ["2024-02-30", "2024-13-45T99:99:99Z", "2024-01-31T25:00:00Z", "0001-01-01T00:00:00+14:00"],
)
def test_parse_config__no_such_day(written: str) -> None:
    """What the form's pattern lets through but the calendar does not have is told apart."""
    assert _refusal(start_date=written) == (
        f"Start Date (start_date) is '{written}', and there is no such day or time: {EXPECTED_DAY}"
    )


@pytest.mark.parametrize(
    "written", ["2030-01-01", "2026-11-24T12:00:01Z", "2026-11-24T13:00+00:30"]
)
def test_parse_config__in_the_future(written: str) -> None:
    """A moment that is still to come is refused with what the clock says, which may be wrong."""
    assert _refusal(start_date=written) == (
        f"Start Date (start_date) is '{written}', which is in the future: the clock here says"
        f" 2026-11-24 12:00 UTC: {EXPECTED_DAY}"
    )


@pytest.mark.parametrize("name", ["start_date", "frequency"])
@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("00112233445566778899aabbccddeeff", "a text of 32 characters"),
        (["secret"], "an array"),
        ({"a": "secret"}, "an object"),
        (10**40, "a number"),
    ],
)
def test_parse_config__does_not_repeat_a_key(name: str, value: Any, seen: str) -> None:
    """What is too long for the setting, or no single value, may be a key in the wrong place."""
    sentence = _refusal(**{name: value})

    assert f"({name}) is {seen}: expected " in sentence
    assert "secret" not in sentence
    assert "001122" not in sentence


@pytest.mark.parametrize("minutes", [1, 30, 360, 10080, 30.0])
def test_parse_config__frequency(minutes: float) -> None:
    """Whole minutes up to a week are taken, as an integer."""
    frequency = parse_config({"api_key": KEY, "frequency": minutes}).frequency

    assert (frequency, type(frequency)) == (minutes, int)


@pytest.mark.parametrize("minutes", [0, -5, 7.5, 10081, "30", True, float("nan")])
def test_parse_config__wrong_frequency(minutes: Any) -> None:
    """Anything else is refused, with what was seen and what to write."""
    assert _refusal(frequency=minutes) == (
        f"Planned Sync Interval (frequency) is {minutes!r}: expected whole minutes from 1 to"
        " 10080 (a week), such as 360."
    )


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "clé", 5, ["k"]])
def test_parse_config__wrong_key(key: Any) -> None:
    """A key that could not travel in a header is refused, without repeating it."""
    assert _refusal(api_key=key) == (
        "API Key (api_key) is empty, or has characters that no key has: expected the key shown in"
        " Autopilot under Settings > Autopilot API."
    )


def test_parse_config__no_key() -> None:
    """Without a key the sentence says where to find one."""
    with pytest.raises(InvalidConfig, match=r"API Key \(api_key\) is missing: expected the key"):
        parse_config({})


def test_parse_config__several_wrong() -> None:
    """Everything that is wrong is said at once."""
    with pytest.raises(InvalidConfig, match=r"API Key .* Start Date .* Planned Sync Interval"):
        parse_config({"start_date": "x", "frequency": 0})


def test_config__printed() -> None:
    """Printing the settings never shows the key."""
    parsed = parse_config({"api_key": KEY})

    assert KEY not in f"{parsed!r} {parsed} {parsed.model_dump()}"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(["start_date", "frequency"], JSON)))
def test_parse_config__any_json(settings_given: dict[str, Any]) -> None:
    """Any JSON in the settings is a usable config or a sentence, never another exception."""
    try:
        parsed = parse_config({"api_key": KEY, **settings_given})
    except InvalidConfig:
        return
    assert parsed.start_date <= NOW
    assert parsed.start_date.utcoffset() == timedelta(0)
    assert 1 <= parsed.frequency <= 10080


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("startdate", "did you mean start_date?"),
        ("Start-Date", "did you mean start_date?"),
        ("apikey", "did you mean api_key?"),
        ("workspace", "there are api_key, start_date, frequency."),
    ],
)
def test_describe_unknown_settings(name: str, meant: str) -> None:
    """A setting that the form does not have is named, with the likely one, without its value."""
    given = {"api_key": KEY, "start_date": None, "_injected": 1, name: "2024-01-31"}

    sentences = list(describe_unknown_settings(given))

    assert sentences == [f"The setting {name} is unknown and has no effect: {meant}"]


def test_describe_unknown_settings__a_name_that_no_log_takes() -> None:
    """Half a character in a name does not cost the warning."""
    [sentence] = describe_unknown_settings({"\ud800x": 1})

    assert sentence.startswith(r"The setting \ud800x is unknown and has no effect: ")


def test_connection_specification__settings() -> None:
    """The form has exactly the three settings, and only the key is required and secret."""
    specification = connection_specification()
    properties = specification["properties"]

    assert sorted(properties) == ["api_key", "frequency", "start_date"]
    assert specification["required"] == ["api_key"]
    assert [name for name, it in properties.items() if it.get("airbyte_secret")] == ["api_key"]


def test_connection_specification__plain_types() -> None:
    """The form breaks on anyOf, $ref and lists of types; it needs a title and help everywhere."""
    properties = connection_specification()["properties"]

    assert {name: it["type"] for name, it in properties.items()} == {
        "api_key": "string",
        "start_date": "string",
        "frequency": "integer",
    }
    assert [it["order"] for it in properties.values()] == [0, 1, 2]
    keywords = set().union(*properties.values())
    assert keywords <= {
        *["title", "description", "examples", "order", "type"],  # everywhere
        *["airbyte_secret", "always_show", "default", "format", "pattern", "pattern_descriptor"],
        *["minimum", "maximum"],
    }
    for setting in properties.values():
        assert {"title", "description", "examples", "order", "type"} <= set(setting)


def test_connection_specification__optional_settings_are_shown() -> None:
    """The form folds optional settings away unless it is told not to."""
    properties = connection_specification()["properties"]

    assert [name for name, it in properties.items() if it.get("always_show")] == [
        "start_date",
        "frequency",
    ]


@pytest.mark.parametrize("name", ["api_key", "start_date", "frequency"])
def test_connection_specification__examples(name: str) -> None:
    """Each example and default of the form is one that form, Airbyte's server and we take."""
    specification = connection_specification()
    setting = specification["properties"][name]

    for value in [*setting["examples"], *([setting["default"]] if "default" in setting else [])]:
        settings_given = {"api_key": KEY, name: value}
        validate_settings(settings_given, specification)
        parse_config(settings_given)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "api_key",
            [
                "copy it from <b>Settings > Autopilot API</b>",
                "Only if there is none yet, click <b>Generate</b>",
                "a new key stops the old one at once",
            ],
        ),
        (
            "start_date",
            [
                "Leaves out",
                "before this day (00:00 UTC)",
                "always comes in full",
                "empty for the year",
            ],
        ),
        ("frequency", ["a plan and starts no sync", "schedule", "a twelfth of the rows", "of 30"]),
    ],
)
def test_connection_specification__descriptions(name: str, says: list[str]) -> None:
    """The form says where the key is, what the date filters and what the frequency is for."""
    description = connection_specification()["properties"][name]["description"]

    assert [words for words in says if words not in description] == []


def test_connection_specification__markup() -> None:
    """The form shows bold; it would show any other tag as text."""
    descriptions = [it["description"] for it in connection_specification()["properties"].values()]

    assert set(re.findall(r"</?[a-z]+", " ".join(descriptions))) == {"<b", "</b"}


def test_connection_specification__frequency() -> None:
    """The form itself enforces whole minutes up to a week, and proposes 30."""
    frequency = connection_specification()["properties"]["frequency"]

    assert (frequency["minimum"], frequency["maximum"], frequency["default"]) == (1, 10080, 30)


@pytest.mark.parametrize("written", ["31/01", "202", "2024-01-31T00:00:00Z", "2024-02-30", ""])
def test_connection_specification__start_date(written: str) -> None:
    """The form saves a day and nothing else."""
    with pytest.raises(jsonschema.ValidationError):
        validate_settings({"api_key": KEY, "start_date": written}, connection_specification())


VARIABLES = {"AUTOPILOT_SIDE_BY_SIDE": "side_by_side", "AUTOPILOT_CHECK_TOTALS": "check_totals"}


@pytest.mark.parametrize("value", ["on", "ON", " on ", "", "  ", "\n"])
@pytest.mark.parametrize("variable", [*VARIABLES])
def test_read_switches__on(variable: str, value: str) -> None:
    """Everything is on where nothing else is said; an empty variable says nothing."""
    assert read_switches({}) == Switches(side_by_side=True, check_totals=True) == ALL_ON
    assert read_switches({variable: value, "OTHER": "off"}) == ALL_ON


@pytest.mark.parametrize("value", ["off", "OFF", "Off", " off\n"])
@pytest.mark.parametrize("variable", [*VARIABLES])
def test_read_switches__off(variable: str, value: str) -> None:
    """A variable turns off what it is for, and nothing else."""
    assert read_switches({variable: value}) == replace(ALL_ON, **{VARIABLES[variable]: False})


def test_read_switches__both_off() -> None:
    """The variables are those that the docs name."""
    assert read_switches({SIDE_BY_SIDE: "off", CHECK_TOTALS: "off"}) == Switches(
        side_by_side=False, check_totals=False
    )
    assert [*VARIABLES] == [SIDE_BY_SIDE, CHECK_TOTALS]


@pytest.mark.parametrize("value", ["no", "0", "false", "of", "on off", "öff"])
@pytest.mark.parametrize("variable", [*VARIABLES])
def test_read_switches__nonsense(variable: str, value: str) -> None:
    """A value that says neither is refused: to guess could lose what somebody turned off."""
    with pytest.raises(InvalidConfig) as raised:
        read_switches({variable: value})

    assert str(raised.value) == f"The environment variable {variable} has to be on or off."
