"""A sync as a program: its options, its settings, what it prints, its exit code.

Knows neither what a sync does nor where the tables go.
"""

from __future__ import annotations  # so that an old Python reaches the sentence below

import argparse
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

from autopilot_loader.demo_account import DemoUnavailable, serve_demo_account
from autopilot_loader.destination import Destination, SyncFailed
from autopilot_loader.watch import watch

CONNECTOR = Path(sys.executable).with_name("source-autopilot")
MISSING_PACKAGES = (
    f"PyAirbyte and this connector are not both installed for {sys.executable} (Python"
    f" {sys.version_info[0]}.{sys.version_info[1]}): with Python 3.10, 3.11 or 3.12, run"
    " `pip install -e '.[demo]'` in this repository, or `make demo`, which makes .venv-demo for"
    " them where Python is 3.13."
)
INTERRUPTED = 130  # the exit code of shells for a program that ctrl-C has ended


class UnusableConfig(Exception):
    """A config file that no sync can start with; the text is for the person who wrote it."""


def run(options: argparse.Namespace, destination: Destination) -> int:
    """Sync once, or with --watch until ctrl-C.

    Returns 0 if the last sync succeeded, 1 if it failed, 130 if ctrl-C ended a single one.
    """
    if not (find_spec("airbyte") and find_spec("source_autopilot") and CONNECTOR.exists()):
        return _print_error(MISSING_PACKAGES)
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # names come in any script
    os.umask(0o077)  # files with personal data are for their owner only
    # A service manager's stop and a closed terminal, too, but not where nohup ignores that.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        with _prepare_environment(), _read_settings(options) as settings:
            return _sync(settings, destination, repeat=options.watch)
    except (UnusableConfig, DemoUnavailable) as problem:
        return _print_error(str(problem))
    except KeyboardInterrupt:
        _print_error(f"\nStopped before the end. {destination.describe_last()}")
        return INTERRUPTED


def _sync(settings: dict[str, Any], destination: Destination, *, repeat: bool) -> int:
    """Sync once, or every `frequency` minutes. Raises UnusableConfig, KeyboardInterrupt."""
    from source_autopilot.config import parse_config
    from source_autopilot.errors import InvalidConfig

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
        warnings.simplefilter("ignore", FutureWarning)  # of its libraries, about old Pythons
        from autopilot_loader.connector import (
            Connector,
        )  # here, because importing PyAirbyte takes five seconds

    def sync_once() -> bool:
        # A new one for each sync: PyAirbyte discovers once, and an account gets new custom fields.
        return _succeeds(Connector.at(CONNECTOR, settings).sync, destination)

    if repeat:
        return watch(sync_once, minutes=config.frequency)
    return 0 if sync_once() else 1


def _succeeds(sync: Callable[[Destination], str], destination: Destination) -> bool:
    """Sync once, print the result, and return whether it succeeded. Raises KeyboardInterrupt."""
    try:
        summary = sync(destination)
    except SyncFailed as failure:
        _print_error(f"The sync failed. {failure}\n{destination.describe_last()}")
        return False
    print(f"\n{summary}\n{destination.explain_access()}", flush=True)
    return True


@contextmanager
def _read_settings(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The connector's settings. Raises UnusableConfig, DemoUnavailable."""
    if not options.demo:
        yield _read_config(options.config)
        return
    with serve_demo_account(contacts=options.contacts) as demo:
        os.environ["AUTOPILOT_API_URL"] = demo.url
        print(f"A simulated Autopilot with {options.contacts:,} contacts is at {demo.url}")
        yield demo.settings


def _read_config(path: Path) -> dict[str, Any]:
    from source_autopilot.errors import UserFacingError
    from source_autopilot.files import read_config

    try:
        return read_config(str(path))
    except UserFacingError as problem:
        raise UnusableConfig(str(problem)) from None


@contextmanager
def _prepare_environment() -> Iterator[None]:
    """Set the environment variables that PyAirbyte and the connector read when they start.

    PyAirbyte asks for no registry of connectors and sends no telemetry. Its files go to a folder
    that only this user can read and that is removed.
    """
    with tempfile.TemporaryDirectory(prefix="source-autopilot-") as scratch:
        os.environ |= {
            "AIRBYTE_OFFLINE_MODE": "1",
            "AIRBYTE_LOGGING_ROOT": f"{scratch}/logs",
            "AIRBYTE_TEMP_DIR": scratch,  # the connector's config files, with the key
            "NO_LIVE_PROGRESS": "1",  # ours has bars
            "PYTHONIOENCODING": "utf-8",  # of the connector's output, in any locale
        }
        yield


def _print_error(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1
