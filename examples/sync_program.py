"""A sync as a program: its options, its settings, what it prints, its exit code.

Knows neither what a sync does nor where the tables go.
"""

from __future__ import annotations  # so that an old Python gets as far as the sentence below

import argparse
import json
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from demo_account import DemoUnavailable, demo_account
from destination import Destination, SyncFailed
from watch import watch

CONNECTOR = Path(sys.executable).with_name("source-autopilot")
NEEDED = (
    f"PyAirbyte and this connector are not both installed for {sys.executable} (Python"
    f" {sys.version_info[0]}.{sys.version_info[1]}): with Python 3.10, 3.11 or 3.12, run"
    " `pip install -e '.[demo]'` in this repository, or let `make demo` do that."
)
INTERRUPTED = 130  # what shells call the end of a program by ctrl-C


class UnusableConfig(Exception):
    """A config file that no sync can start with; the text is for the person who wrote it."""


def run(options: argparse.Namespace, destination: Destination) -> int:
    """Sync once, or with --watch until ctrl-C.

    Returns 0 if the last sync succeeded, 1 if it failed, 130 if ctrl-C ended a single one.
    """
    if not (find_spec("airbyte") and find_spec("source_autopilot") and CONNECTOR.exists()):
        return _failed(NEEDED)
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # names come in any script
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service's stop is ctrl-C as well
    try:
        with _pyairbyte_settings(), _account(options) as settings:
            return _sync(settings, destination, again=options.watch)
    except (UnusableConfig, DemoUnavailable) as problem:
        return _failed(str(problem))
    except KeyboardInterrupt:
        _failed(f"\nStopped before the end. {destination.what_is_left()}")
        return INTERRUPTED


def command_line(description: str) -> argparse.ArgumentParser:
    """The options that every destination has."""
    parser = argparse.ArgumentParser(description=description)
    account = parser.add_mutually_exclusive_group(required=True)
    account.add_argument("--config", type=Path, metavar="FILE", help="JSON file with the API key")
    account.add_argument("--demo", action="store_true", help="sync a simulated account instead")
    add = parser.add_argument
    add("--watch", action="store_true", help="again every `frequency` minutes, until ctrl-C")
    add("--contacts", type=int, default=2500, metavar="N", help="size of the demo (%(default)s)")
    return parser


def _sync(settings: dict[str, Any], destination: Destination, *, again: bool) -> int:
    """Sync once, or every `frequency` minutes. Raises UnusableConfig, KeyboardInterrupt."""
    from source_autopilot.config import InvalidConfig, parse_config

    try:
        config = parse_config(settings)
    except InvalidConfig as invalid:
        raise UnusableConfig(str(invalid)) from None
    print(
        f"What to sync: contacts updated since {config.start_date:%Y-%m-%d}, all lists, all"
        " segments and their members.\nStarting PyAirbyte ...",
        flush=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # its libraries' plans for old Pythons
        from connector import Connector  # here, because importing PyAirbyte takes five seconds

    connector = Connector.at(CONNECTOR, settings)
    if again:
        return watch(lambda: _succeeds(connector.sync, destination), minutes=config.frequency)
    return 0 if _succeeds(connector.sync, destination) else 1


def _succeeds(sync: Callable[[Destination], str], destination: Destination) -> bool:
    """Sync once and say how it went. Raises KeyboardInterrupt."""
    try:
        tables = sync(destination)
    except SyncFailed as failure:
        _failed(f"The sync failed. {failure}\n{destination.what_is_left()}")
        return False
    print(f"\n{tables}\n{destination.how_to_open()}", flush=True)
    return True


@contextmanager
def _account(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The connector's settings. Raises UnusableConfig, DemoUnavailable."""
    if not options.demo:
        yield _read_config(options.config)
        return
    with demo_account(contacts=options.contacts) as demo:
        os.environ["AUTOPILOT_API_URL"] = demo.url
        print(f"A simulated Autopilot with {options.contacts:,} contacts is at {demo.url}")
        yield demo.settings


def _read_config(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise UnusableConfig(f"{path} cannot be read: {problem.strerror}.") from None
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise UnusableConfig(f'{path} is no JSON object: expected {{"api_key": "..."}}.')
    return settings


@contextmanager
def _pyairbyte_settings() -> Iterator[None]:
    """Environment variables that PyAirbyte and the connector read when they start.

    They keep it from asking for Airbyte's registry of connectors, which we don't need, and from
    telemetry; whatever it writes goes to a folder that only this user can read and that is removed.
    """
    with tempfile.TemporaryDirectory(prefix="source-autopilot-") as scratch:
        os.environ |= {
            "AIRBYTE_OFFLINE_MODE": "1",
            "AIRBYTE_LOGGING_ROOT": f"{scratch}/logs",
            "AIRBYTE_TEMP_DIR": scratch,  # the connector's config files, with the key
            "NO_LIVE_PROGRESS": "1",  # our own is shorter
            "PYTHONIOENCODING": "utf-8",  # what the connector writes, in any locale
        }
        yield


def _failed(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1
