"""The loader into DuckDB as a person uses it: what it prints and what it leaves.

Only the clock of --watch and the terminal are tested from inside.
"""

import importlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autopilot_loader.destination import DEMO_MARK, MARK, SyncFailed
from autopilot_loader.duckdb_file import DuckDBFile
from integration_tests.support.connector import ALL_TIME, KEY, ROOT
from integration_tests.support.loader import (
    expected_tables,
    finish,
    needs_pyairbyte,
    sort_by_id,
    start_loader,
    sync,
    wait_until,
)
from integration_tests.support.rows import STREAMS, Rows
from simulator import TWENTY, Account, Fault, Simulator

DATABASE = "duckdb"
NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def create_last_good_sync(folder: Path) -> bytes:
    """Create the database of an earlier sync, with a contact and no more; returns its content."""
    import duckdb

    with duckdb.connect(str(folder / "autopilot.duckdb")) as database:
        database.execute("CREATE TABLE contacts AS SELECT 'person_1' AS contact_id")
        database.execute(COMMENT)
    return (folder / "autopilot.duckdb").read_bytes()


def read_tables(database: Path) -> Rows:
    """The four tables, with JSON decoded, without PyAirbyte's own columns."""
    import duckdb

    def rows(connection: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
        table = connection.table(name)
        columns = dict(zip(table.columns, map(str, table.types), strict=True))
        return [
            {
                column: json.loads(value) if columns[column] == "JSON" and value else value
                for column, value in zip(table.columns, row, strict=True)
                if not column.startswith("_airbyte_")
            }
            for row in table.fetchall()
        ]

    with duckdb.connect(str(database), read_only=True) as connection:
        return {name: rows(connection, name) for name in STREAMS}


def answer_queries_of_docs(database: Path) -> list[list[Any]]:
    """The sorted rows that each query of docs/custom-fields.md finds."""
    import duckdb

    page = (ROOT / "docs" / "custom-fields.md").read_text()
    queries = page.split("```sql\n")[1].split("```")[0].strip().rstrip(";").split(";")
    with duckdb.connect(str(database), read_only=True) as connection:
        return [sorted(connection.sql(query).fetchall()) for query in queries]


@needs_pyairbyte
def test_sync__every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The four tables are the account, each row once and whole, and no other file is left.

    That the last file is read elsewhere is no obstacle; its mode is the new one's.
    """
    import duckdb

    monkeypatch.setenv("PYTHONIOENCODING", "ascii")  # a screen that can't show every name
    account = Account(contacts=250, pairs=400)
    create_last_good_sync(tmp_path)
    (tmp_path / "autopilot.duckdb").chmod(0o640)
    with duckdb.connect(str(tmp_path / "autopilot.duckdb"), read_only=True) as reader:
        with Simulator(account, key=KEY) as autopilot:
            code, stdout, stderr = sync(DATABASE, tmp_path, autopilot.url)

        assert (code, stderr) == (0, "")
        assert reader.sql("FROM contacts").fetchall() == [("person_1",)]
    tables = read_tables(tmp_path / "autopilot.duckdb")
    assert {name: sort_by_id(rows) for name, rows in tables.items()} == expected_tables(account)
    assert any(row["mail_opened"] and row["lists"] for row in tables["contacts"])
    from_array, from_column = answer_queries_of_docs(tmp_path / "autopilot.duckdb")
    assert from_array == from_column != []
    assert sorted(os.listdir(tmp_path)) == ["autopilot.duckdb", "config.json"]
    assert "contacts updated since 2000-01-01" in stdout
    assert KEY not in stdout
    assert "\ncontacts: 250 rows\nlists: 10 rows\n" in stdout
    assert tables["contacts"][0]["email"] not in stdout
    assert oct((tmp_path / "autopilot.duckdb").stat().st_mode)[-3:] == "640"
    with DuckDBFile(tmp_path / "autopilot.duckdb", MARK).create_fresh() as fresh:
        fresh.require_ours()  # so that the next sync may replace it


@needs_pyairbyte
def test_sync__values_that_have_no_column(tmp_path: Path) -> None:
    """Attributes in any script, and values that no column of theirs can hold, cost no load.

    Nor does a table without rows.
    """
    entry = {"kind": "Score", "value": 1e29, "fieldType": "float", "deleted": False}
    contact = {
        "contact_id": "person_1",
        "会社": "Autopilot",
        "部署": {"nested": [1, None]},
        "Émail 😀": "",
        "lead score": 9.9e300,
        "Unsubscribed": True,
        "unsubscribed": False,
        "updated_at": "some day",
        "custom_fields": [entry, "odd"],
    }
    with Simulator(Account(contacts=1, lists=2, segments=0), key=KEY) as autopilot:
        autopilot.set_faults([Fault("rows", "/contacts", times=None, value=[contact])])
        code, _, stderr = sync("duckdb", tmp_path, autopilot.url)

    assert (code, stderr) == (0, "")
    tables = read_tables(tmp_path / "autopilot.duckdb")
    assert [len(tables[name]) for name in STREAMS] == [1, 2, 0, 0]
    [row] = tables["contacts"]
    known = ("contact_id", "unsubscribed", "custom_fields")
    lost = {name: value for name, value in contact.items() if name not in known}
    assert row["other_fields"] == {**lost, "custom_fields": [entry, "odd"]}
    assert (row["unsubscribed"], row["updated_at"], row["custom_score"]) == (False, None, None)
    assert [kept["value"] for kept in row["custom_fields"]] == ["1e+29"]


@needs_pyairbyte
def test_sync__file_of_somebody_else(tmp_path: Path) -> None:
    """Tables that the loader did not make are left alone, with a sentence, before a read."""
    import duckdb

    with duckdb.connect(str(tmp_path / "autopilot.duckdb")) as database:
        database.execute("CREATE TABLE mine AS SELECT 1")
    before = (tmp_path / "autopilot.duckdb").read_bytes()
    with Simulator(Account(contacts=3), key=KEY) as autopilot:
        code, stdout, stderr = sync(DATABASE, tmp_path, autopilot.url)

    assert code == 1
    assert "\ndiscover " in stdout
    assert "\nread\n" not in stdout
    assert stderr.startswith("The sync failed. autopilot.duckdb holds mine, which the loader did")
    assert "(mv autopilot.duckdb autopilot.duckdb.old)" in stderr
    assert "\nautopilot.duckdb was not changed: it is of 20" in stderr
    assert (tmp_path / "autopilot.duckdb").read_bytes() == before


COMMENT = f"COMMENT ON TABLE contacts IS '{MARK}';"


@needs_pyairbyte
@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("", "contacts"),
        (f"COMMENT ON TABLE contacts IS '{DEMO_MARK}'", "contacts"),
        (f"{COMMENT} CREATE VIEW mine AS FROM contacts", "mine"),
        (f"{COMMENT} CREATE SCHEMA mine", "mine"),
        (f"{COMMENT} CREATE MACRO mine(a) AS a", "mine"),
        (f"{COMMENT} CREATE INDEX mine ON contacts (contact_id)", "mine"),
        (f"{COMMENT} CREATE SEQUENCE mine", "mine"),
        (f"{COMMENT} CREATE TYPE mine AS ENUM ('a')", "mine"),
    ],
    ids=["0.2.0", "demo", "view", "schema", "macro", "index", "sequence", "type"],
)
def test_file__holds_what_is_not_ours(sql: str, found: str, tmp_path: Path) -> None:
    """Whatever is in a file and not the loader's keeps it from being replaced."""
    import duckdb

    file = DuckDBFile(tmp_path / "autopilot.duckdb", MARK)
    with duckdb.connect(str(file.path)) as database:
        database.execute(f"CREATE TABLE contacts AS SELECT 'person_1' AS contact_id; {sql}")

    with file.create_fresh() as fresh, pytest.raises(SyncFailed) as failure:
        fresh.require_ours()
    assert f"autopilot.duckdb holds {found}, which the loader did not make" in str(failure.value)


@needs_pyairbyte
@pytest.mark.parametrize("content", ["", "a letter\n" * 1000], ids=["empty", "text"])
def test_file__is_no_database(content: str, tmp_path: Path) -> None:
    """A file that DuckDB cannot open is left alone, with a sentence."""
    file = DuckDBFile(tmp_path / "letter.txt", MARK)
    file.path.write_text(content)

    with file.create_fresh() as fresh, pytest.raises(SyncFailed) as failure:
        fresh.replace_last({})
    assert "letter.txt cannot be looked into, so it is not replaced: IO Error" in str(failure.value)
    assert file.path.read_text() == content


@needs_pyairbyte
def test_file__rows_that_came_twice(tmp_path: Path) -> None:
    """Of a contact that arrived twice the row that was read last is kept, under its key."""
    import duckdb

    file = DuckDBFile(tmp_path / "autopilot.duckdb", MARK)
    with file.create_fresh() as fresh:
        with duckdb.connect(str(fresh.path)) as database:
            database.execute(
                "CREATE TABLE contacts AS SELECT contact_id, name,"
                " make_timestamp(second) AS _airbyte_extracted_at FROM (VALUES"
                " (1, 'person_1', 'old'), (2, 'person_1', 'new'), (3, 'person_3', 'one'),"
                " (3, 'person_3', 'two')) AS row (second, contact_id, name)"
            )
        fresh.keep_last_rows({"contacts": ["contact_id"]})
        fresh.replace_last({"contacts": ["contact_id"]})

    with duckdb.connect(str(file.path), read_only=True) as database:
        rows = database.sql("SELECT contact_id, name FROM contacts ORDER BY ALL").fetchall()
        keys = database.sql("SELECT constraint_text FROM duckdb_constraints()").fetchall()
    assert rows == [("person_1", "new"), ("person_3", "two")]
    assert ("PRIMARY KEY(contact_id)",) in keys


@needs_pyairbyte
@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT 'bob@example.com'::INTEGER", "DuckDB refused the rows (ConversionException): "),
        (
            "FROM read_json('rows.json')",
            'DuckDB could not save the rows: Invalid Input Error: "maximum_object_size" of 16',
        ),
    ],
    ids=["value", "row"],
)
def test_explain(sql: str, sentence: str, tmp_path: Path) -> None:
    """What DuckDB refuses is said in its words, unless they have a contact's data in them."""
    import duckdb

    (tmp_path / "rows.json").write_text(json.dumps({"name": "a" * 20_000_000}))
    file = DuckDBFile(tmp_path / "autopilot.duckdb", MARK)
    with pytest.raises(duckdb.Error) as refusal:
        duckdb.sql(sql.replace("rows.json", str(tmp_path / "rows.json"))).fetchall()

    assert file.explain(RuntimeError()) is None
    assert str(file.explain(refusal.value)).startswith(sentence)


SMALL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000))
from autopilot_loader.__main__ import main
sys.exit(main(["duckdb", "--config", "config.json"]))
"""


@needs_pyairbyte
def test_sync__no_room(tmp_path: Path) -> None:
    """Rows that there is no room for are a sentence with the table, and what to do."""
    (tmp_path / "config.json").write_text(json.dumps(ALL_TIME))
    with (
        Simulator(Account(contacts=1500, segments=1), key=KEY) as autopilot,
        start_loader([], tmp_path, url=autopilot.url, python=["-c", SMALL_DISK]) as script,
    ):
        code, _, stderr = finish(script)

    assert code == 1
    assert re.match(r"The sync failed[.] \w+: DuckDB could not save the rows: ", stderr)
    assert f"Look for room on the disk of {tmp_path}" in stderr
    assert stderr.count("\n") == 2


@needs_pyairbyte
def test_sync__fails(tmp_path: Path) -> None:
    """A failed sync says why in the connector's words, exits with 1, leaves the last good one."""
    before = create_last_good_sync(tmp_path)
    fault = Fault("null_rows", "/contacts/person_*", times=None)  # after a page of contacts
    with Simulator(Account(contacts=250, pairs=400), key=KEY, faults=[fault]) as autopilot:
        code, stdout, stderr = sync(DATABASE, tmp_path, autopilot.url)

    assert code == 1
    sentence = 'contacts: page 2 from Autopilot cannot be used: its "contacts" is null'
    assert stderr.startswith(f"The sync failed. {sentence}")
    assert "\nautopilot.duckdb was not changed: it is of 20" in stderr
    assert "Traceback" not in stderr
    assert KEY not in stdout + stderr
    assert (tmp_path / "autopilot.duckdb").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["autopilot.duckdb", "config.json"]


@needs_pyairbyte
@pytest.mark.parametrize(
    ("interrupt", "code", "sentence"),
    [
        # What ctrl-C does: the connector gets it as well.
        (lambda script: os.killpg(script, signal.SIGINT), 130, "\nStopped before the end."),
        # The same when the connector is the first to end, of which PyAirbyte complains.
        (lambda script: interrupt_after_child(script), 130, "\nStopped before the end."),
        # What a service manager does to the script.
        (lambda script: os.kill(script, signal.SIGTERM), 130, "\nStopped before the end."),
        # What a terminal does that is closed.
        (lambda script: os.kill(script, signal.SIGHUP), 130, "\nStopped before the end."),
        # The connector alone, which PyAirbyte by itself takes for a success.
        (
            lambda script: os.kill(only_child(script), signal.SIGTERM),
            1,
            "The sync failed. The sync was stopped from outside before it was complete.",
        ),
        # And without a last word.
        (
            lambda script: os.kill(only_child(script), signal.SIGKILL),
            1,
            "The sync failed. ",
        ),
    ],
    ids=["ctrl-C", "slow-ctrl-C", "stop", "hang-up", "connector", "connector-killed"],
)
def test_sync__interrupted(
    interrupt: Callable[[int], None], code: int, sentence: str, tmp_path: Path
) -> None:
    """A sync that is stopped halfway leaves the last good one, and nothing beside it."""
    before = create_last_good_sync(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(ALL_TIME))
    silence = Fault("silence", "/contacts/person_*", times=None)  # page 2
    with (
        Simulator(Account(contacts=250), key=KEY, faults=[silence]) as autopilot,
        start_loader([DATABASE, "--config", "config.json"], tmp_path, url=autopilot.url) as script,
    ):
        wait_until(lambda: autopilot.log.count("/contacts/person_*") > 0)
        interrupt(script.pid)
        exit_code, _, stderr = finish(script)

    assert exit_code == code
    assert stderr.startswith(sentence)
    assert (tmp_path / "autopilot.duckdb").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["autopilot.duckdb", "config.json"]


LOSE_A_ROW = """
import sys
from autopilot_loader import __main__, progress

class FailingProgress(progress.Progress):
    def update(self, message):
        super().update(message)
        if message.record and message.record.stream == "lists":
            raise ValueError("PyAirbyte swallows this, and the row with it")

progress.Progress = FailingProgress
sys.exit(__main__.main(["duckdb", "--config", "config.json"]))
"""


@needs_pyairbyte
def test_sync__loses_rows(tmp_path: Path) -> None:
    """A sync fails if PyAirbyte drops rows on the way."""
    before = create_last_good_sync(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(ALL_TIME))
    with (
        Simulator(Account(contacts=5, lists=3), key=KEY) as autopilot,
        start_loader([], tmp_path, url=autopilot.url, python=["-c", LOSE_A_ROW]) as script,
    ):
        code, _, stderr = finish(script)

    assert code == 1
    assert stderr.startswith("The sync failed. Of 3 lists only 0 were saved.")
    assert (tmp_path / "autopilot.duckdb").read_bytes() == before


def only_child(pid: int) -> int:
    """The only child of a process."""
    [child] = subprocess.check_output(["pgrep", "-P", str(pid)], text=True).split()  # noqa: S603, S607
    return int(child)


def interrupt_after_child(pid: int) -> None:
    """Ctrl-C for a process whose child has just ended, before it notices that."""
    child = only_child(pid)
    os.kill(pid, signal.SIGSTOP)
    os.kill(child, signal.SIGKILL)
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGCONT)


@needs_pyairbyte
def test_demo__from_nothing(tmp_path: Path) -> None:
    """The demo needs no account: it fills a file, shows it, and prints commands to open it."""
    with start_loader([DATABASE, "--demo", "--contacts", "120"], tmp_path) as script:
        code, stdout, stderr = finish(script)

    assert (code, stderr) == (0, "")
    tables = read_tables(tmp_path / "demo" / "autopilot.duckdb")
    sizes = {"contacts": 120, "lists": 10, "smart_segments": 10, "smart_segments_contacts": 192}
    assert {name: len(rows) for name, rows in tables.items()} == sizes
    for name, size in sizes.items():
        assert f"\n{name}: {size} rows\n┌─" in stdout
    assert tables["contacts"][0]["email"] in stdout
    query = stdout[stdout.index("-- Each segment's contacts") : stdout.index("LIMIT 20") + 8]
    for segment, company, contacts, _ in run_query(tmp_path / "demo" / "autopilot.duckdb", query):
        assert contacts == count_members(tables, segment, company)
        assert re.search(
            rf"│ {re.escape(segment)} +│ {re.escape(company)} +│ +{contacts} │", stdout
        )
    command = stdout.rstrip().rpartition("program: ")[2]
    opened = subprocess.check_output(  # noqa: S602 - the command that the script prints
        command, shell=True, cwd=tmp_path, encoding="utf-8"
    )
    assert "contact_id" in opened
    assert os.listdir(tmp_path) == ["demo"]
    assert os.listdir(tmp_path / "demo") == ["autopilot.duckdb"]
    assert oct((tmp_path / "demo" / "autopilot.duckdb").stat().st_mode)[-3:] == "600"


def run_query(database: Path, query: str) -> list[tuple[Any, ...]]:
    """The rows that the query returns."""
    import duckdb

    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.sql(query).fetchall()
    assert len(rows) == 20  # the two largest companies of ten segments
    return rows


def count_members(tables: Rows, segment: str, company: str) -> int:
    """How many contacts of the company are in the segment of that title."""
    [segment_id] = [
        row["segment_id"] for row in tables["smart_segments"] if row["title"] == segment
    ]
    employees = {row["contact_id"] for row in tables["contacts"] if row["company"] == company}
    return sum(
        row["segment_id"] == segment_id and row["contact_id"] in employees
        for row in tables["smart_segments_contacts"]
    )


UNUSABLE = "The file of --config, config.json, cannot be used: "


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, UNUSABLE + "No such file or directory."),
        (
            f'{{\n"api_key": "{KEY}"',
            UNUSABLE + "Expecting ',' delimiter: line 2 column 46 (char 47).",
        ),
        (f'["{KEY}"]', UNUSABLE + "it is an array: expected an object."),
        ("[" * 100_000, UNUSABLE + "it is nested too deeply."),
        (
            json.dumps({"api_key": KEY, "frequency": 0}),
            "Planned Sync Interval (frequency) is 0: expected whole minutes from 1 to",
        ),
    ],
    ids=["missing", "not JSON", "not an object", "too deep", "not valid"],
)
@needs_pyairbyte
def test_config__unusable(content: str | None, sentence: str, tmp_path: Path) -> None:
    """A sentence says what is wrong with the config file, without the key."""
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with start_loader([DATABASE, "--config", "config.json"], tmp_path) as script:
        code, stdout, stderr = finish(script)

    assert code == 1
    assert stderr.startswith(sentence)
    assert stderr.count("\n") == 1
    assert KEY not in stdout + stderr
    assert not (tmp_path / "autopilot.duckdb").exists()


def test_pyairbyte__not_installed(tmp_path: Path) -> None:
    """A Python without PyAirbyte gets a sentence about what to install, not a traceback."""
    with start_loader(
        [DATABASE, "--demo"], tmp_path, python=["-S", "-m", "autopilot_loader"]
    ) as script:  # no installed packages
        code, stdout, stderr = finish(script)

    assert (code, stdout) == (1, "")
    assert stderr.startswith("PyAirbyte and this connector are not both installed for ")
    assert "with Python 3.10, 3.11 or 3.12, run `pip install -e '.[demo]'`" in stderr
    assert stderr.count("\n") == 1


@needs_pyairbyte
def test_watch__failed_sync(tmp_path: Path) -> None:
    """--watch waits `frequency` minutes before the next sync; its exit code is the last sync's.

    A failed check leaves the last good sync.
    """
    before = create_last_good_sync(tmp_path)
    wrong_key = "0" * 32
    (tmp_path / "config.json").write_text(json.dumps({"api_key": wrong_key, "frequency": 90}))
    with (
        Simulator(Account(contacts=0), key=KEY) as autopilot,
        start_loader(
            [DATABASE, "--config", "config.json", "--watch"], tmp_path, url=autopilot.url
        ) as script,
    ):
        assert script.stdout
        line = next(line for line in script.stdout if line.startswith("next sync"))
        os.killpg(script.pid, signal.SIGINT)
        code, stdout, stderr = finish(script)

    announcement = re.fullmatch(r"next sync at .*\d\d:\d\d \(in (\d+) min\), ctrl-C stops\n", line)
    assert announcement
    assert 30 < int(announcement[1]) <= 90
    assert stderr.startswith("The sync failed. Autopilot does not accept the API key (401).")
    assert (code, stdout) == (1, "\nStopped.\n")
    assert "\nautopilot.duckdb was not changed: it is of 20" in stderr
    assert "Traceback" not in stderr
    assert wrong_key not in stdout + stderr
    assert (tmp_path / "autopilot.duckdb").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["autopilot.duckdb", "config.json"]


HANG_UP = """
import os, signal, sys
from autopilot_loader.__main__ import main

signal.signal(signal.SIGHUP, signal.SIG_IGN)
main(sys.argv[1:])
os.kill(os.getpid(), signal.SIGHUP)
print("It goes on.")
"""


@needs_pyairbyte
def test_sync__nohup(tmp_path: Path) -> None:
    """A hang-up that is ignored from outside stays ignored; here of a sync without its config."""
    arguments = ["duckdb", "--config", "config.json"]
    with start_loader(arguments, tmp_path, python=["-c", HANG_UP]) as script:
        code, stdout, stderr = finish(script)

    assert (code, stdout) == (0, "It goes on.\n")
    assert stderr.startswith(UNUSABLE)


TWO_SYNCS = """
import os, sys
from autopilot_loader import program
from autopilot_loader.__main__ import main

def sync_twice(sync, *, minutes):
    first = sync()
    os.environ["AUTOPILOT_API_URL"] = os.environ["LATER_URL"]
    return 0 if first and sync() else 1

program.watch = sync_twice
sys.exit(main(sys.argv[1:]))
"""


@needs_pyairbyte
def test_watch__a_new_custom_field(tmp_path: Path) -> None:
    """Each sync discovers anew: a field that is new in Autopilot has its column at the next one."""
    (tmp_path / "config.json").write_text(json.dumps(ALL_TIME))
    old, new = TWENTY[:1], TWENTY[:2]
    with (
        Simulator(Account(contacts=20, custom_fields=old), key=KEY) as before,
        Simulator(Account(contacts=20, custom_fields=new), key=KEY) as after,
        start_loader(
            # Any name will do: also that of a folder which a sync once made for itself.
            ["duckdb", "--config", "config.json", "--watch", "--database", "pages"],
            tmp_path,
            url=before.url,
            environment={"LATER_URL": after.url},
            python=["-c", TWO_SYNCS],
        ) as script,
    ):
        code, _, stderr = finish(script)

    assert (code, stderr) == (0, "")
    contact = read_tables(tmp_path / "pages")["contacts"][0]
    assert {field.column for field in new} <= set(contact)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that decides when to sync again."""
    return importlib.import_module("autopilot_loader.watch")


class Timeline:
    """A clock that only `sleep` and the syncs move, and a record of both.

    Each sync takes one of the `durations`; a negative one fails, and after the last comes ctrl-C.
    """

    def __init__(self, *durations: int) -> None:
        self.now = NOON
        self.starts: list[int] = []
        self.naps: list[float] = []
        self._durations = list(durations)

    def sync(self) -> bool:
        """Let the time of a sync pass; returns whether it succeeded."""
        self.starts.append((self.now - NOON) // timedelta(minutes=1))
        if not self._durations:
            raise KeyboardInterrupt
        minutes = self._durations.pop(0)
        self.now += timedelta(minutes=abs(minutes))
        return minutes >= 0

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.naps.append(seconds)
        self.now += timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("durations", "starts", "code"),
    [
        ([], [0], 1),  # ctrl-C in the first sync
        ([5], [0, 30], 0),
        ([5, 0, 29], [0, 30, 60, 90], 0),  # from start to start
        ([30], [0, 60], 0),  # a sync that ends when the next is due has missed it
        ([31, 5], [0, 60, 90], 0),
        ([70], [0, 90], 0),
        ([-5, 5], [0, 30, 60], 0),  # goes on after a failure
        ([5, -5], [0, 30, 60], 1),
    ],
)
def test_watch__starts(
    durations: list[int], starts: list[int], code: int, watch: ModuleType
) -> None:
    """Syncs start at multiples of the interval; the last one sets the exit code."""
    timeline = Timeline(*durations)

    exit_code = watch.watch(
        timeline.sync, minutes=30, now=lambda: timeline.now, sleep=timeline.sleep
    )

    assert (timeline.starts, exit_code) == (starts, code)


def test_watch__computer_sleeps(watch: ModuleType) -> None:
    """Naps are short: a sync that became due while the computer slept starts soon after."""
    timeline = Timeline(0)

    watch.watch(timeline.sync, minutes=30, now=lambda: timeline.now, sleep=timeline.sleep)

    assert timeline.naps == [60] * 30


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(minutes=25), "(in 25 min)"),
        (timedelta(seconds=29), "(in less than 1 min)"),
        (timedelta(days=1), "(in 1440 min)"),
    ],
)
def test_announce__local_time(wait: timedelta, words: str, watch: ModuleType) -> None:
    """It names the local time of the next sync, with the date if that is not today."""
    due = (NOON + wait).astimezone()
    moment = f"{due:%Y-%m-%d %H:%M}" if wait >= timedelta(days=1) else f"{due:%H:%M}"

    assert watch.announce(NOON + wait, NOON) == f"next sync at {moment} {words}, ctrl-C stops"
