"""Chance that repeats itself: the same seed and purpose give the same throws on every machine."""

from __future__ import annotations

from random import Random


def dice(seed: int, purpose: str) -> Random:
    """A random generator of its own for each purpose, so that none disturbs another."""
    return Random(f"{seed}/{purpose}")  # noqa: S311 - made-up contacts, not secrets
