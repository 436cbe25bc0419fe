"""What the loader shows of a sync while it runs: bars on a terminal, lines elsewhere.

How fast and how long are times of the real clock, which nothing is asserted of but their form.
"""

import importlib
import io
import json
import os
import pty
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import ALL_TIME, KEY
from integration_tests.support.loader import finish, needs_pyairbyte, start_loader
from simulator import Account, Fault, Simulator

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
STREAMS = ["contacts", "lists"]
# A progress that was made with it: what went to stdout, and what to the terminal.
Shown = tuple[Any, Callable[[], str], Callable[[], str]]


class Screen(io.StringIO):
    """The stdout of a program on a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def text_of(written: str) -> str:
    """What was written to a terminal, with all that was overwritten, without colours."""
    return CONTROL.sub("", written).replace("\r\n", "\n").replace("\r", "\n")


def start(*, bars: bool, stdout: io.StringIO | None = None, reads: bool = True) -> Shown:
    """The progress of a sync; unless it `reads`, nothing but the check has begun."""
    console, terminal = importlib.import_module("rich.console"), io.StringIO()
    screen = console.Console(
        file=terminal, force_terminal=True, width=100, _environ={"TERM": "xterm"}
    )
    out = stdout or (Screen() if bars else io.StringIO())
    module = importlib.import_module("autopilot_loader.progress")
    progress = module.Progress(out, screen if bars else None)
    if reads:
        progress.begin(STREAMS)
    return progress, out.getvalue, lambda: text_of(terminal.getvalue())


def last_bars(terminal: str) -> list[str]:
    """The bars as they were left, without what they are drawn with."""
    lines = [re.sub("[━╸╺ ]+", " ", line).strip() for line in terminal.rstrip().split("\n")]
    return lines[-len(STREAMS) :]


def make_message(kind: str, **content: Any) -> Any:
    """A message of the connector, as PyAirbyte parses it."""
    models = importlib.import_module("airbyte_protocol.models")
    return models.AirbyteMessage.model_validate({"type": kind.upper(), kind: content})


def make_row(stream: str) -> Any:
    """The message of a row."""
    return make_message("record", stream=stream, data={"email": "ada@example.com"}, emitted_at=0)


def make_log(level: str, line: str) -> Any:
    """The message of a line of the connector's log."""
    return make_message("log", level=level, message=line)


def make_status(stream: str, status: str, *, second: int = 0, limited: bool = False) -> Any:
    """The message of what has become of a stream."""
    reasons = [{"type": "RATE_LIMITED"}] if limited else None
    content = {"stream_descriptor": {"name": stream}, "status": status, "reasons": reasons}
    return make_message(
        "trace", type="STREAM_STATUS", emitted_at=second * 1000, stream_status=content
    )


def make_error(stream: str | None, sentence: str) -> Any:
    """The message of a failure, of a stream or of all of them."""
    descriptor = {"name": stream} if stream else None
    error = {"message": sentence, "stream_descriptor": descriptor}
    return make_message("trace", type="ERROR", emitted_at=0, error=error)


def make_estimate(stream: str, rows: int) -> Any:
    """The message of how many rows to expect."""
    estimate = {"name": stream, "type": "STREAM", "row_estimate": rows}
    return make_message("trace", type="ESTIMATE", emitted_at=0, estimate=estimate)


pytestmark = needs_pyairbyte


def test_bars__rows_rate_and_time() -> None:
    """A bar has rows, of how many, rate and time left; of a complete table, the time it took."""
    progress, stdout, terminal = start(bars=True)

    for stream in STREAMS:
        progress.update(make_status(stream, "STARTED"))
    progress.update(make_row("lists"))
    progress.update(make_status("lists", "COMPLETE"))
    progress.update(make_row("contacts"))
    progress.update(make_estimate("contacts", 2_500))
    for _ in range(1_099):
        progress.update(make_row("contacts"))
    progress.end()

    contacts, lists = last_bars(terminal())
    assert re.fullmatch(r"contacts 1,100 of 2,500 [\d,]+ rows/s \d+ s left", contacts)
    assert re.fullmatch(r"lists 1 of 1 in \d s", lists)
    assert "ada@example.com" not in terminal() + stdout()
    assert stdout() == ""  # a line of the lists would repeat their bar


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        (["row"], "contacts 1"),
        (["row", 9], "contacts 1 of 9"),
        (["row", 2, "row"], "contacts 2"),
        (["row", 1, "row", 9], "contacts 2 of 9"),
        (["row", 9, 1], "contacts 1"),
    ],
    ids=["none", "first", "reached", "grows", "shrinks"],
)
def test_bars__estimate(events: list[Any], shown: str) -> None:
    """Without an estimate, or with one that the rows have reached, no total and no end is shown."""
    progress, _, terminal = start(bars=True)

    for event in events:
        message = make_row("contacts") if event == "row" else make_estimate("contacts", event)
        progress.update(message)
    progress.end()

    assert last_bars(terminal()) == [shown, "lists 0"]


@pytest.mark.parametrize(("rows", "waits"), [(0, True), (1, False)])
def test_bars__rate_limit(rows: int, *, waits: bool) -> None:
    """A table that waits for the rate limit says so until its next row."""
    progress, _, terminal = start(bars=True)

    progress.update(make_status("contacts", "RUNNING", limited=True))
    for _ in range(rows):
        progress.update(make_row("contacts"))
    progress.update(make_status("contacts", "RUNNING"))
    progress.end()

    assert last_bars(terminal()) == [f"contacts {rows}{' rate limit' * waits}", "lists 0"]


def test_bars__warning() -> None:
    """A warning is shown above the bars, as it is; what else the connector logs is not."""
    progress, stdout, terminal = start(bars=True)

    for level in ["DEBUG", "INFO", "WARN"]:
        progress.update(make_log(level, f"contacts: [red]{level}[/red] :smile: " + 90 * "a"))
    progress.end()

    assert f"  warning: contacts: [red]WARN[/red] :smile: {90 * 'a'}\n" in terminal()
    assert ("INFO" in terminal(), "DEBUG" in terminal(), stdout()) == (False, False, "")


def test_bars__stdout_is_a_file() -> None:
    """Lines go to a file even if there are bars on a terminal."""
    progress, stdout, terminal = start(bars=True, stdout=io.StringIO())

    progress.update(make_status("lists", "STARTED"))
    progress.update(make_log("WARN", "odd"))
    progress.update(make_status("lists", "COMPLETE"))
    progress.end()

    assert stdout().splitlines() == [
        "  warning: odd",
        "  lists                            0 rows in 0 s",
    ]
    assert "warning" not in terminal()


def test_lines() -> None:
    """Without a terminal there is a line for each complete table, and what the connector logs."""
    progress, stdout, terminal = start(bars=False)

    progress.update(make_status("contacts", "STARTED", second=100))
    for _ in range(1_100):
        progress.update(make_row("contacts"))
    for level in ["DEBUG", "INFO", "WARN"]:
        progress.update(make_log(level, f"a {level} line"))
    progress.update(make_estimate("contacts", 2_500))
    progress.update(make_status("contacts", "RUNNING", limited=True))
    progress.update(make_status("contacts", "COMPLETE", second=107))
    progress.end()

    assert stdout().splitlines() == [
        "  a INFO line",
        "  warning: a WARN line",
        "  contacts                     1,100 rows in 7 s",
    ]
    assert terminal() == ""


@pytest.mark.parametrize("end", ["COMPLETE", "INCOMPLETE"])
@pytest.mark.parametrize("bars", [True, False], ids=["terminal", "log"])
def test_summary(end: str, *, bars: bool) -> None:
    """Rows, seconds, and what was waited for: the lines that the connector logs at its end."""
    progress, stdout, _ = start(bars=bars)

    progress.update(make_status("lists", "STARTED", second=101))
    progress.update(make_status("contacts", "STARTED", second=100))
    for stream in ["lists", *1_100 * ["contacts"]]:
        progress.update(make_row(stream))
    progress.update(make_status("contacts", end, second=160))
    progress.update(make_log("INFO", "This is said of the contacts."))
    progress.update(make_status("lists", "COMPLETE", second=130))
    progress.update(make_log("INFO", "The sync waited 9 s."))
    progress.end()

    assert stdout().endswith("Read 1,101 rows in 60 s.\nThe sync waited 9 s.\n")
    assert stdout().count("waited") == 1
    assert ("This is said of the contacts." in stdout()) == (not bars)


def test_failures__name_their_tables() -> None:
    """A failure's sentence names its table, once; one that is of no table stays as it is."""
    progress, _, _ = start(bars=False)

    progress.update(make_error("lists", "Autopilot does not allow it (403)."))
    progress.update(make_error("lists", "lists: page 1 cannot be used."))
    progress.update(make_error(None, "Autopilot cannot be reached."))

    assert progress.failures == [
        "lists: Autopilot does not allow it (403).",
        "lists: page 1 cannot be used.",
        "Autopilot cannot be reached.",
    ]


def test_summary__cut_off() -> None:
    """A read that was cut off is not summed up."""
    progress, stdout, _ = start(bars=True)

    for stream in STREAMS:
        progress.update(make_status(stream, "STARTED"))
    progress.update(make_status("lists", "COMPLETE"))
    progress.end()

    assert stdout() == ""


def test_lines__check_fails() -> None:
    """Before a read, too, a log shows what the connector logs; there is nothing to sum up."""
    progress, stdout, _ = start(bars=False, reads=False)

    progress.update(make_log("INFO", "Asking Autopilot."))
    progress.end()

    assert stdout() == "  Asking Autopilot.\n"


def test_sync__on_a_terminal(tmp_path: Path) -> None:
    """A sync on a terminal shows the bars, nothing of a contact, and what was waited for."""
    account = Account(contacts=250, lists=3, pairs=400)
    refusal = Fault("status", "/contacts/person_*", status=429)
    (tmp_path / "config.json").write_text(json.dumps(ALL_TIME))
    screen, stdout = pty.openpty()
    with (
        Simulator(account, key=KEY, faults=[refusal]) as autopilot,
        start_loader(
            ["duckdb", "--config", "config.json"],
            tmp_path,
            url=autopilot.url,
            environment={"TERM": "xterm", "COLUMNS": "100"},
            screen=stdout,
        ) as script,
    ):
        os.close(stdout)
        written = text_of(read_to_end(screen))
        code, _, _ = finish(script)

    assert code == 0
    assert re.search(r"\n  contacts +━+ 250 of 250 +in \d+ s *\n  lists +━+ 3 of 3 ", written)
    assert re.search(
        r"\nRead 663 rows in \d+ s[.]\nAutopilot refused 1 request because of its rate limit; "
        r"the sync waited \d+ s for that[.]\n\ncontacts: 250 rows\n",
        written,
    )
    assert "discover   contacts, lists, " in written
    assert "@" not in written


def read_to_end(terminal: int) -> str:
    """What a program writes to a terminal, until it ends."""
    written = b""
    while True:
        try:
            written += os.read(terminal, 65_536)
        except OSError:  # Linux's way to say that the other end was closed
            os.close(terminal)
            return written.decode()
