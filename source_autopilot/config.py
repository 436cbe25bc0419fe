"""The three settings: what the setup form shows and what a config file may hold. Pure.

Parsed and checked here, once; everything else takes a `Config`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from source_autopilot.errors import InvalidConfig
from source_autopilot.text import describe_kind, escape_half_characters

# Of the form, which saves a day and nothing else: Airbyte's server holds values to their `format`.
DAY_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
# Of a config file, and of connections that the form of 0.2.0 saved.
MOMENT_PATTERN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
MINUTES_PER_WEEK = 7 * 24 * 60
DOCUMENTATION_URL = "https://docs.airbyte.com/integrations/sources/autopilot"

SIDE_BY_SIDE = "AUTOPILOT_SIDE_BY_SIDE"
CHECK_TOTALS = "AUTOPILOT_CHECK_TOTALS"

EXPECTED = {
    "api_key": "expected the key shown in Autopilot under Settings > Autopilot API",
    "start_date": "expected a day such as 2024-01-31, or nothing for the year before each sync",
    "frequency": f"expected whole minutes from 1 to {MINUTES_PER_WEEK} (a week), such as 360",
}
NOT_A_DATE = "not_a_date"
IN_THE_FUTURE = "in_the_future"
MAX_SHOWN_LENGTH = 33  # a moment with an offset in quotation marks; a key has 32 and these


@dataclass(frozen=True)
class Switches:
    """What can be turned off by the environment, for accounts with which it does not work.

    Attributes:
        side_by_side: whether the pages of one table are read side by side.
        check_totals: whether a table that ends far below its total is incomplete.
    """

    side_by_side: bool = True
    check_totals: bool = True


ALL_ON = Switches()


def read_switches(environment: Mapping[str, str]) -> Switches:
    """The switches of an environment. Raises InvalidConfig."""
    return Switches(
        side_by_side=_is_on(environment, SIDE_BY_SIDE),
        check_totals=_is_on(environment, CHECK_TOTALS),
    )


def _is_on(environment: Mapping[str, str], variable: str) -> bool:
    value = environment.get(variable, "").strip().lower() or "on"
    if value not in ("on", "off"):
        raise InvalidConfig(f"The environment variable {variable} has to be on or off.")
    return value == "on"


def utc_now() -> datetime:
    """The present moment in UTC; tests put a constant in its place."""
    return datetime.now(timezone.utc)


def one_year_ago() -> datetime:
    """Where a sync starts by default: this day and time of last year, in UTC."""
    now = utc_now()
    leap_day = (now.month, now.day) == (2, 29)
    return now.replace(year=now.year - 1, day=28 if leap_day else now.day)


def _header_value(key: object) -> object:
    """The key as it can travel in an HTTP header: visible ASCII, no spaces round it."""
    text = key.strip() if isinstance(key, str) else ""
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("not a key")
    return text


def _moment_text(value: object) -> object:
    # Pydantic alone would take 0 or "1488326400" for a date.
    if not isinstance(value, str) or not re.fullmatch(MOMENT_PATTERN, value.strip()):
        raise PydanticCustomError(NOT_A_DATE, "not a date")
    return value.strip()


def _past_moment(value: datetime) -> datetime:
    moment = value.replace(tzinfo=value.tzinfo or timezone.utc)
    try:
        moment = moment.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("before the first or after the last date") from None
    if moment > utc_now():
        raise PydanticCustomError(IN_THE_FUTURE, "in the future")
    return moment


def _number(value: object) -> object:
    # True is an int to Python and "5" one to pydantic; neither is a number of minutes.
    if isinstance(value, bool | str):
        raise ValueError("not a number")
    return value


class Config(BaseModel):
    """The settings of one connection. Printing it never shows the key."""

    model_config = ConfigDict(frozen=True)

    api_key: Annotated[
        SecretStr,
        BeforeValidator(_header_value),
        WithJsonSchema({"type": "string"}),
    ] = Field(
        title="API Key",
        description="The key of your Autopilot account. In Autopilot, copy it from <b>Settings >"
        " Autopilot API</b>. Only if there is none yet, click <b>Generate</b>: a new key stops the"
        " old one at once, also for everything else that uses it.",
        examples=["00112233445566778899aabbccddeeff"],  # what keys look like [seen]; no account's
        json_schema_extra={"airbyte_secret": True, "order": 0},
    )
    start_date: Annotated[
        datetime,
        BeforeValidator(_moment_text),
        AfterValidator(_past_moment),
        WithJsonSchema({"type": "string", "format": "date", "pattern": DAY_PATTERN}),
    ] = Field(
        default_factory=one_year_ago,
        title="Start Date",
        description="Leaves out contacts that were last updated before this day (00:00 UTC)."
        " Everything else always comes in full: contacts without an update time, lists, segments"
        " and their members. Leave it empty for the year before each sync.",
        examples=["2024-01-31"],
        json_schema_extra={
            "pattern_descriptor": "YYYY-MM-DD",
            "always_show": True,
            "order": 1,
        },
    )
    frequency: Annotated[int, Field(ge=1, le=MINUTES_PER_WEEK), BeforeValidator(_number)] = Field(
        default=30,
        title="Planned Sync Interval (minutes)",  # Airbyte has a "Replication frequency" of its own
        description="How often you plan to sync. It is a plan and starts no sync: one step later,"
        " give the connection's schedule the same interval. The log of a sync says how many rows"
        " and API calls this interval costs, and whether a sync fits into it. Every sync replicates"
        " every row again, so 360 costs a twelfth of the rows and API calls of 30.",
        examples=[60, 360, 1440],
        json_schema_extra={"always_show": True, "order": 2},
    )


def parse_config(settings: Mapping[str, Any]) -> Config:
    """Check the settings of a config file.

    An optional setting that is null counts as left out. Raises InvalidConfig with a sentence for
    each setting that cannot be used; it never repeats the key.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    try:
        return Config.model_validate(given)
    except ValidationError as error:
        problems = {str(problem["loc"][0]): problem["type"] for problem in error.errors()}
    raise InvalidConfig(
        " ".join(_sentence(name, given.get(name), problem) for name, problem in problems.items())
    )


def describe_unknown_settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each setting that the form does not have, with the name that was meant.

    Names that begin with an underscore are Airbyte's own. Values are never repeated.
    """
    known = list(Config.model_fields)
    for name in settings:
        if name in known or name.startswith("_"):
            continue
        likely = get_close_matches(name.lower().replace("-", "_"), known, n=1)
        meant = f"did you mean {likely[0]}?" if likely else f"there are {', '.join(known)}."
        shown = escape_half_characters(name)
        yield f"The setting {shown} is unknown and has no effect: {meant}"


def _sentence(name: str, value: object, problem: str) -> str:
    label = str(Config.model_fields[name].title).removesuffix(" (minutes)")
    return f"{label} ({name}) is {_describe(name, value, problem)}: {EXPECTED[name]}."


def _describe(name: str, value: object, problem: str) -> str:
    if value is None:
        return "missing"
    if name == "api_key":
        return "empty, or has characters that no key has"
    seen = _describe_value(value)
    if name == "frequency" or problem == NOT_A_DATE:
        return seen
    if problem == IN_THE_FUTURE:
        return f"{seen}, which is in the future: the clock here says {utc_now():%Y-%m-%d %H:%M} UTC"
    return f"{seen}, and there is no such day or time"


def _describe_value(value: object) -> str:
    """The value, if it cannot be a key that was put into the wrong setting."""
    seen = repr(value)
    if isinstance(value, str | int | float) and len(seen) <= MAX_SHOWN_LENGTH:
        return seen
    return describe_kind(value) + (f" of {len(value)} characters" if isinstance(value, str) else "")


def connection_specification() -> dict[str, Any]:
    """The setup form as JSON schema: the three settings in the plain types that the form knows."""
    schema = Config.model_json_schema()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Autopilot Spec",
        "type": "object",
        "required": schema["required"],
        "properties": schema["properties"],
        "additionalProperties": True,
    }
