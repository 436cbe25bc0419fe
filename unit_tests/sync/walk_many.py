"""Walk many small accounts with everything that can go wrong, and count.

python -m unit_tests.sync.walk_many 20000 [seed]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from random import Random

from simulator import Ways
from simulator.bookmarks import BOOKMARKS, UNKNOWN
from unit_tests.support.walks import TOTALS, Outcome, Setup, find_faults, walk

LATER = [way for way in UNKNOWN if way != "every_third"]
"""What an API may do that took one start key: pages with gaps would look like any other page."""


def throw_setup(dice: Random) -> Setup:
    """Any setup, more often one whose pages can be read side by side."""
    unknown = dice.choice([*["start_key"] * 20, *UNKNOWN])
    lower_case = dice.choice([0.0, 0.0, 0.0, 0.02, 0.1, 0.3, 1.0])
    order = dice.choice([*["id"] * 12, "none", *["icu"] * (8 if lower_case else 1)])
    segments: tuple[int, ...] = ()
    contacts = dice.choice([0, 1, 7, 40, 80, *[100] * 4, *[150] * 4, 200, 300])
    if dice.random() < 0.3:
        segments = tuple(dice.randrange(contacts + 1) for _ in range(dice.randrange(1, 3)))
    return Setup(
        seed=dice.randrange(10**6),
        contacts=contacts,
        segments=segments,
        page_size=dice.choice([2, 3, *[4] * 6, 5, 5, 5, 6, 8, 10]),
        ways=Ways(
            bookmark=dice.choice([*BOOKMARKS]),
            unknown=unknown,
            order=order,
        ),
        unknown_later=unknown if dice.random() < 0.7 else dice.choice(LATER),
        newer_ids=dice.choice([0.0, 0.02, 0.2, 0.5, 0.95, 1.0]),
        lower_case_ids=lower_case,
        numbered_ids=dice.choice([*[0.0] * 20, 0.02, 0.5, 1.0]),
        totals=dice.choice([*["true"] * 8, *TOTALS]),
        checks_totals=dice.random() < 0.8,
        churn=dice.choice([0.0, 0.0, 0.02, 0.1, 0.3, 0.6]),
        trouble=dice.choice([*[0.0] * 8, 0.2, 0.5]),
        kills=dice.choice([0, 0, 0, 1, 1, 2, 5]),
        chains=dice.choice([2, 4, 8, 8, 20]),
    )


def main(count: int, seed: int) -> int:
    """Walk so many accounts; print what was walked and each fault. 1 if there was one."""
    dice = Random(seed)  # noqa: S311 - no secret
    walked: Counter[str] = Counter()
    began = time.monotonic()
    for _ in range(count):
        setup = throw_setup(dice)
        outcome = walk(setup)
        faults = find_faults(setup, outcome)
        for fault in faults:
            print(f"{fault}\n    {setup}\n    {outcome}", flush=True)
        walked.update(_describe(setup, outcome))
        walked["faults"] += len(faults)
    seconds = time.monotonic() - began
    print(f"{count:,} accounts walked in {seconds:,.0f} s:")
    for what, number in walked.items():
        print(f"  {number:,} {what}")
    return 1 if walked["faults"] else 0


def _describe(setup: Setup, outcome: Outcome) -> Counter[str]:
    return Counter(
        {
            "split": outcome.pieces > 0,
            "doubted": outcome.doubts > 0,
            "killed": outcome.kills > 0,
            "killed more than once": outcome.kills > 1,
            "changed meanwhile": setup.churn > 0,
            "with bookmarks refused": setup.trouble > 0,
            "ended as too short": outcome.is_too_short,
            "kills": outcome.kills,
            "requests": outcome.requests,
            "pieces begun": outcome.pieces,
        }
    )


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*arguments, *[20_000, 1][len(arguments) :]))
