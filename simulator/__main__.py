"""`python -m simulator`: the simulator as a program of its own.

It prints one line of JSON, `{"url": ..., "key": ...}`, when it is ready, and serves until SIGINT or
SIGTERM. GET /_simulator/requests reads its log; PUT /_simulator/faults, .../changes and .../ways
replace what can go wrong, what happens to the account, and how pages follow each other.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from .account import NEWER_SHARE, Account
from .bookmarks import TABLES, USUAL_WAYS, Ways
from .faults import Fault
from .rate_limit import RETRY_AFTER
from .server import DEFAULT_KEY, Simulator
from .transport import TRANSPORTS

_STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes and return 0; exit with 2 and a sentence for unusable options."""
    parser = _make_parser()
    options = parser.parse_args(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)  # in all threads: for sigwait
    try:
        with _make_simulator(options) as simulator:
            print(json.dumps({"url": simulator.url, "key": simulator.key}), flush=True)
            signal.sigwait(_STOP_SIGNALS)
    except (ValueError, OSError, OverflowError) as problem:
        parser.error(str(problem))
    return 0


def _make_simulator(options: argparse.Namespace) -> Simulator:
    account = Account(
        options.seed,
        options.contacts,
        lists=options.lists,
        segments=options.segments,
        pairs=options.pairs,
        newer_ids=options.newer_ids,
        lower_case_ids=options.lower_case_ids,
        numbered_ids=options.numbered_ids,
    )
    return Simulator(
        account,
        key=options.key,
        rate_limit=options.rate_limit,
        latency_seconds=options.latency_ms / 1000,
        page_seconds=options.page_seconds,
        retry_after=options.retry_after,
        faults=_read_faults(options.faults),
        page_size=options.page_size,
        ways=Ways(options.bookmark, options.unknown_bookmark, options.order),
        awkward_bookmarks=options.awkward_bookmarks,
        transport=options.transport,
        compress=options.gzip,
        host=options.host,
        port=options.port,
    )


def _read_faults(schedule: Path | None) -> list[Fault]:
    if schedule is None:
        return []
    return Fault.list_from_json(json.loads(schedule.read_text("utf-8")))


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="Serve a made-up Autopilot account on this machine.",
    )
    _add_account_options(parser.add_argument_group("the account"))
    _add_api_options(parser.add_argument_group("the API"))
    _add_ways(parser.add_argument_group("how pages follow each other"))
    return parser


def _add_account_options(group: argparse._ArgumentGroup) -> None:
    def number(option: str, default: int | None, text: str) -> None:
        group.add_argument(option, type=int, default=default, metavar="N", help=text)

    number("--seed", 1, "another seed, another account (%(default)s)")
    number("--contacts", 550, "how many contacts (%(default)s)")
    number("--lists", 10, "how many lists (%(default)s)")
    number("--segments", 10, "how many smart segments (%(default)s)")
    number("--pairs", None, "memberships to spread over the segments (sizes that vary widely)")
    share = partial(group.add_argument, type=float, metavar="SHARE")
    share("--newer-ids", default=NEWER_SHARE, help="how many ids are person_AP2-... (%(default)s)")
    share("--lower-case-ids", default=0, help="how many others are in lower case (%(default)s)")
    share("--numbered-ids", default=0, help="how many others have no UUID (%(default)s)")


def _add_api_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=0, metavar="N", help="port to listen on (a free one)")
    add("--key", default=DEFAULT_KEY, help="the API key that it accepts (%(default)s)")
    add("--rate-limit", type=float, metavar="N", help="requests a second before it says 429 (none)")
    add("--retry-after", choices=RETRY_AFTER, help="Retry-After header beside a 429 (none)")
    add("--latency-ms", type=float, default=0, metavar="N", help="time an answer takes (0)")
    add("--page-seconds", type=float, default=0, metavar="N", help="what a page takes longer (0)")
    add("--page-size", type=int, default=100, metavar="N", help="contacts a page (%(default)s)")
    add("--gzip", action="store_true", help="compress answers for clients that accept it")
    add("--transport", choices=TRANSPORTS, default="mixed", help="connections (%(default)s)")
    add("--faults", type=Path, metavar="FILE", help="JSON file with a schedule of faults")


def _add_ways(group: argparse._ArgumentGroup) -> None:
    def way(option: str, name: str, text: str) -> None:
        chosen = getattr(USUAL_WAYS, name)
        group.add_argument(
            option, choices=TABLES[name], default=chosen, help=f"{text} (%(default)s)"
        )

    way("--bookmark", "bookmark", "the contact that a bookmark names")
    way("--unknown-bookmark", "unknown", "what a bookmark gets that no contact ever had")
    way("--order", "order", "the order of ids")
    group.add_argument(
        "--awkward-bookmarks", action="store_true", help="bookmarks that need percent-encoding"
    )


if __name__ == "__main__":
    sys.exit(main())
