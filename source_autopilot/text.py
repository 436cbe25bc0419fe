"""Numbers, durations and names as people write them in a sentence; what a value is like. Pure."""

import math
from collections.abc import Mapping
from typing import Any

MAX_SHAPE_LENGTH = 40

_KINDS: Mapping[type, str] = {
    type(None): "null",
    str: "a text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "an array",
}


def format_count(number: int, noun: str) -> str:
    """`format_count(1, "row")` is "1 row", `format_count(2500, "row")` is "2,500 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_duration(seconds: float) -> str:
    """Seconds up to two minutes, minutes up to two hours, then hours: "12 s", "90 minutes"."""
    if math.isinf(seconds):
        return "an endless time"
    if seconds < 120:
        return f"{max(round(seconds), 1) if seconds else 0} s"
    if seconds < 2 * 60 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600):,} hours"


def join_names(names: list[str]) -> str:
    """`join_names(["a", "b", "c"])` is "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def escape_half_characters(text: str) -> str:
    """The text without unpaired surrogates, which no message can hold: each becomes its escape."""
    return text.encode(errors="backslashreplace").decode()


def describe_kind(value: Any) -> str:
    """The kind of a JSON value: "null", "a text", "a number", "an object" and so on."""
    return _KINDS.get(type(value), "an object")


def describe_shape(text: str) -> str:
    """What a text looks like without what it says: `Tue, 12 May 2015` is "aaa, 99 aaa 9999".

    Digits of any script are 9, letters are a, other signs of ASCII stay, and what is left is "?".
    At most MAX_SHAPE_LENGTH characters; a longer text ends in "...".
    """
    shape = "".join(map(_describe_character, text[: MAX_SHAPE_LENGTH + 1]))
    return shape if len(shape) <= MAX_SHAPE_LENGTH else shape[: MAX_SHAPE_LENGTH - 3] + "..."


def _describe_character(character: str) -> str:
    if character.isalpha():
        return "a"
    if character.isnumeric():
        return "9"
    return character if character.isascii() and character.isprintable() else "?"
