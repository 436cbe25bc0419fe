"""The three settings: what the setup form shows and what a config file may hold. Pure.

Parsed and checked here, once; everything else takes a `Config`.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timezone
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

from source_autopilot.errors import InTheFuture, InvalidConfig

DATE_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
MINUTES_PER_WEEK = 7 * 24 * 60

EXPECTED = {
    "api_key": "expected the key shown in Autopilot under Settings > Autopilot API",
    "start_date": "expected a date such as 2024-01-31 or 2024-01-31T00:00:00Z,"
    " not in the future, or nothing for one year before each sync",
    "frequency": f"expected whole minutes from 1 to {MINUTES_PER_WEEK} (a week), such as 360",
}


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


def _date_text(value: object) -> object:
    # Pydantic alone would take 0 or "1488326400" for a date.
    if not isinstance(value, str) or not re.fullmatch(DATE_PATTERN, value.strip()):
        raise ValueError("not a date")
    return value.strip()


def _past_moment(value: datetime) -> datetime:
    moment = value.replace(tzinfo=value.tzinfo or timezone.utc)
    try:
        moment = moment.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("before the first or after the last date") from None
    now = utc_now()
    if moment > now:
        raise InTheFuture(now)
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
        description="Autopilot's key for your account. In Autopilot, open <b>Settings > Autopilot"
        " API</b> and click <b>Generate</b>. Regenerating a key stops the old one at once, also for"
        " everything else that uses it.",
        examples=["00112233445566778899aabbccddeeff"],  # what keys look like [seen]; no account's
        json_schema_extra={"airbyte_secret": True, "order": 0},
    )
    start_date: Annotated[
        datetime,
        BeforeValidator(_date_text),
        AfterValidator(_past_moment),
        WithJsonSchema({"type": "string", "format": "date-time", "pattern": DATE_PATTERN}),
    ] = Field(
        default_factory=one_year_ago,
        title="Start Date",
        description="Contacts that were last updated before this moment are left out. Contacts"
        " without an update time, lists, segments and their members are always complete. Leave it"
        " empty to start one year before each sync.",
        examples=["2024-01-31", "2024-01-31T00:00:00Z"],
        json_schema_extra={
            "pattern_descriptor": "YYYY-MM-DD or YYYY-MM-DDTHH:mm:ssZ",
            "always_show": True,
            "order": 1,
        },
    )
    frequency: Annotated[int, Field(ge=1, le=MINUTES_PER_WEEK), BeforeValidator(_number)] = Field(
        default=30,
        title="Replication Frequency",
        description="How often you mean to sync, in whole minutes. It starts no sync: set the"
        " connection's schedule to the same interval. Testing the source says, in its log, how many"
        " rows and API calls this interval costs, and whether a sync fits into it. Every sync"
        " replicates every row again, so 360 costs a twelfth of the rows and API calls of 30.",
        examples=[30, 360, 1440],
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
        problems = error.errors()
    sentences = []
    for problem in problems:
        name = str(problem["loc"][0])
        sentences.append(_sentence(name, given.get(name), problem.get("ctx", {}).get("error")))
    raise InvalidConfig(" ".join(sentences))


def _sentence(name: str, value: object, problem: object) -> str:
    if value is None:
        seen = "missing"
    elif name == "api_key":
        seen = "empty, or has characters that no key has"
    else:
        seen = repr(value)[:80]
    if isinstance(problem, InTheFuture):
        seen += f" (the clock here says {problem.now:%Y-%m-%dT%H:%M:%SZ})"
    return f"{Config.model_fields[name].title} ({name}) is {seen}: {EXPECTED[name]}."


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
