"""Numbers and durations as people write them in a sentence. Pure."""

import math


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
