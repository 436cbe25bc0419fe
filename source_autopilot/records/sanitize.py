"""Values that no destination can store, and what is delivered in their place.

NaN and infinities become null, integers beyond 64 bits become text, NUL and unpaired surrogates
become U+FFFD. Contacts are typed in by people and copied by scripts: one such value must not cost
a whole page.
"""

import json
import math
import re
from collections import Counter
from typing import Any

import orjson

MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**63 - 1

_DIGITS_TO_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_AS_MANY_DIGITS_AS_MAX_INTEGER = b"0" * 19
_UNSTORABLE_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def needs_sanitizing(body: bytes) -> bool:
    """Whether a JSON body may hold a NUL, or an integer that is too large for orjson."""
    digits_are_zeros = body.translate(_DIGITS_TO_ZEROS)
    return has_nul(body) or _AS_MANY_DIGITS_AS_MAX_INTEGER in digits_are_zeros


def has_nul(body: bytes) -> bool:
    """Whether a JSON body may hold a NUL in a text."""
    # Looks for the rare backslash first; `in`, which looks for the frequent 0, would take a page of
    # members a quarter longer.
    return body.rfind(rb"\u0000") >= 0


def decode_sanitized(body: bytes) -> tuple[Any, Counter[str]]:
    """The JSON value of a body without anything that cannot be stored.

    Returns the value, and how many values were replaced, by the field of the row that they are in.
    Raises ValueError for what is no JSON, or nested too deeply.
    """
    replaced: Counter[str] = Counter()
    try:
        return _sanitize(json.loads(body), (), replaced), replaced
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _sanitize(value: Any, path: tuple[str | None, ...], replaced: Counter[str]) -> Any:
    """Sanitize at any depth; `path` holds the names that lead to the value, None for an array."""
    if isinstance(value, dict):
        return {
            _sanitize(name, path, replaced): _sanitize(held, (*path, name), replaced)
            for name, held in value.items()
        }
    if isinstance(value, list):
        are_rows = len(path) == 1
        return [
            held if are_rows and _is_storable(held) else _sanitize(held, (*path, None), replaced)
            for held in value
        ]
    storable = _to_storable(value)
    if storable is not value:
        field = path[2] if len(path) > 2 else None  # of a path such as "contacts", None, "Name"
        if field is not None:
            replaced[field] += 1
    return storable


def _is_storable(row: Any) -> bool:
    """Whether nothing in a row has to be replaced; False if that is not certain.

    Most rows of a page that has to be sanitized are sound, and to find that out takes a fifth of
    the time of looking at each value.
    """
    try:
        text = orjson.dumps(row)
        if b"null" in text:  # which NaN is for orjson
            json.dumps(row, allow_nan=False)
    except (TypeError, ValueError):  # also large integers, unpaired surrogates, nested too deeply
        return False
    return not needs_sanitizing(text)


def _to_storable(value: Any) -> Any:
    """The scalar itself, unless it has to be replaced."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        return str(value)
    if isinstance(value, str) and _UNSTORABLE_CHARACTER.search(value):
        return _UNSTORABLE_CHARACTER.sub("\ufffd", value)
    return value
