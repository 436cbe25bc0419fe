"""`python -m benchmarks.large_pages`: the peak memory of a sync whose pages are very large.

A page of 100 sparse contacts had 98 kB [seen]; here a contact alone has more.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from simulator import Account, Fault, Simulator

from .measure import run_peer
from .peers import OURS

CONTACTS_A_PAGE = 100
SEGMENTS = 24
CASES = [("members of each segment", "/smart_segments/*", 11), ("contacts", "/contacts", 55)]


def main() -> int:
    """Measure and print; 1 if a sync failed."""
    programs = OURS.install()
    codes = []
    for title, path, megabytes in CASES:
        text = "x" * (megabytes * 2**20 // CONTACTS_A_PAGE)
        rows = [{"contact_id": f"person_{n}", "note": text} for n in range(CONTACTS_A_PAGE)]
        account = Account(contacts=CONTACTS_A_PAGE, lists=0, segments=SEGMENTS)
        faults = [Fault("rows", path, times=None, value=rows)]
        with Simulator(account, faults=faults) as simulator, TemporaryDirectory() as folder:
            usage = run_peer(OURS, programs, Path(folder), simulator)
        codes.append(usage.code)
        print(
            f"{SEGMENTS} segments; a page of {megabytes} MB for {title}:"
            f" peak {usage.peak_mb:.0f} MB, {usage.seconds:.0f} s, exit code {usage.code}"
        )
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
