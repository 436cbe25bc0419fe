"""What may be said of a value in public: its type, its shape, its order of magnitude. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from source_autopilot.text import describe_shape

MAX_DIGITS = 20

_TYPES = {bool: "true or false", int: "a whole number", float: "a number with a fraction"}
_SECONDS = {1.0: "up to 1 s", 4.0: "1 to 4 s", 10.0: "4 to 10 s", 60.0: "10 to 60 s"}
_SIZES = {
    50_000: "up to 50 kB",
    200_000: "50 to 200 kB",
    1_000_000: "200 kB to 1 MB",
    10_000_000: "1 to 10 MB",
}


def show_shape(text: str) -> str:
    """The shape of a text as code in a table's cell: `` `aaa 99` ``."""
    shape = describe_shape(text).replace("`", "?").replace("|", "?")
    return f"`{shape}`" if shape else "empty text"


def describe_type(value: Any) -> str:
    """The type of a JSON value: "text", "an empty array", "null"."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return "text" if value else "empty text"
    if isinstance(value, list):
        return "an array" if value else "an empty array"
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    return _TYPES[type(value)]


def describe_time(value: Any) -> str:
    """How a time is spelled: the shape of a text, the number of digits of a whole number."""
    if isinstance(value, str):
        return show_shape(value)
    if type(value) is int:  # True is an int to isinstance
        digits = len(str(abs(value)))
        return f"a whole number of {digits if digits <= MAX_DIGITS else 'too many'} digits"
    return describe_type(value)


def describe_known(word: Any, known: Iterable[str]) -> str:
    """The word itself if it is one that the documents list, else its shape or type."""
    if not isinstance(word, str):
        return describe_type(word)
    return word if word in known else show_shape(word)


def describe_keys(document: Mapping[str, Any], known: Iterable[str]) -> str:
    """The keys of an object that the documents list, and how many others it has."""
    names = [name for name in known if name in document]
    others = len(document) - len(names)
    return ", ".join([*names, *([f"{others} more"] if others else [])]) or "no keys"


def describe_amount(number: int) -> str:
    """The order of magnitude: 0 is "none", 7 is "fewer than 10", 4321 is "about 4,000"."""
    if number < 1:
        return "none"
    if number < 10:
        return "fewer than 10"
    unit = 10 ** (min(len(str(number)), MAX_DIGITS) - 1)
    return f"about {number // unit * unit:,}" if number < 10**12 else "more than anybody has"


def describe_seconds(seconds: float) -> str:
    """A time as one of a few ranges."""
    return next((text for end, text in _SECONDS.items() if seconds <= end), "more than a minute")


def describe_size(size: int) -> str:
    """A number of bytes as one of a few ranges."""
    return next((text for end, text in _SIZES.items() if size <= end), "more than 10 MB")
