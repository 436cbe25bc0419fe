"""The loader into a real PostgreSQL, as a person uses it."""

import importlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import ALL_TIME, KEY
from integration_tests.support.loader import (
    expected_tables,
    finish,
    needs_pyairbyte,
    sort_by_id,
    start_loader,
    sync,
    wait_until,
)
from integration_tests.support.postgres import (
    PASSWORD,
    find_programs,
    needs_postgres,
    run_postgresql,
)
from integration_tests.support.rows import STREAMS, Rows
from simulator import Account, Fault, Simulator

pytestmark = [
    needs_pyairbyte,
    needs_postgres,
]
DATABASE = "postgres"
WORKSHOP = "autopilot_sync_in_progress"


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """A server: the environment in which psql and the script find it."""
    with run_postgresql() as environment:
        yield environment


@pytest.fixture
def database(server: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty database, which the environment names."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    yield
    query("DROP SCHEMA IF EXISTS autopilot CASCADE")


def query(sql: str) -> list[dict[str, Any]]:
    """The rows that a statement returns; none if it is no query."""
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(row_factory=dict_row) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def read_tables() -> Rows:
    """The four tables by their ids, without PyAirbyte's own columns, with times in UTC."""

    def cell(value: Any) -> Any:
        is_time = isinstance(value, datetime)
        return value.astimezone(timezone.utc).replace(tzinfo=None) if is_time else value

    def table_rows(table: str) -> list[dict[str, Any]]:
        rows = query(f"SELECT * FROM autopilot.{table}")  # noqa: S608 - names of ours
        return sort_by_id(
            [
                {column: cell(value) for column, value in row.items() if column[0] != "_"}
                for row in rows
            ]
        )

    return {stream: table_rows(stream) for stream in STREAMS}


def create_last_good_sync() -> None:
    """Create the tables of an earlier sync: a contact, no more."""
    query("CREATE SCHEMA autopilot")
    query("CREATE TABLE autopilot.contacts AS SELECT 'person_1' AS contact_id")


def is_untouched() -> bool:
    """Whether the database has the last good sync and nothing else."""
    tables = query(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    contacts = query("TABLE autopilot.contacts")
    schemas = query(f"SELECT 1 FROM pg_namespace WHERE nspname = '{WORKSHOP}'")  # noqa: S608
    return (tables, contacts, schemas) == (
        [{"table_schema": "autopilot", "table_name": "contacts"}],
        [{"contact_id": "person_1"}],
        [],
    )


@pytest.mark.usefixtures("database")
def test_sync__every_row(tmp_path: Path) -> None:
    """The four tables are the account, each row once and whole, in place of the last ones."""
    create_last_good_sync()
    account = Account(contacts=250, pairs=400)
    with Simulator(account, key=KEY) as autopilot:
        code, stdout, stderr = sync(DATABASE, tmp_path, autopilot.url)

    assert (code, stderr) == (0, "")
    assert read_tables() == expected_tables(account)
    assert "\ncontacts: 250 rows\nlists: 10 rows\nsmart_segments: 10 rows\n" in stdout
    opened = subprocess.check_output(  # noqa: S602 - the command that the script prints
        stdout.rpartition("Look at it with: ")[2],
        shell=True,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:{find_programs()}"},
        encoding="utf-8",
    )
    assert "contact_id" in opened
    assert "(3 rows)" in opened
    assert not {KEY, PASSWORD} & set(stdout.split())
    assert os.listdir(tmp_path) == ["config.json"]


@pytest.mark.usefixtures("database")
def test_sync__types_of_columns(tmp_path: Path) -> None:
    """Columns have the types of Airbyte's own PostgreSQL destination, and null is NULL."""
    with Simulator(Account(contacts=50), key=KEY) as autopilot:
        code, _, stderr = sync(DATABASE, tmp_path, autopilot.url)

    assert (code, stderr) == (0, "")
    found = query(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'autopilot' AND column_name IN ('lists', 'employees_range',"
        " 'updated_at', 'unsubscribed', 'number_of_employees') ORDER BY column_name"
    )
    assert {row["column_name"]: row["data_type"] for row in found} == {
        "employees_range": "jsonb",
        "lists": "jsonb",
        "number_of_employees": "character varying",
        "unsubscribed": "boolean",
        "updated_at": "timestamp with time zone",
    }
    assert query("SELECT 1 FROM autopilot.contacts WHERE jsonb_typeof(lists) = 'null'") == []


@pytest.mark.usefixtures("database")
def test_sync__privileges(tmp_path: Path) -> None:
    """Default privileges apply to the tables of every sync, though each creates new ones."""
    query("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor")
    with Simulator(Account(contacts=3), key=KEY) as autopilot:
        code, _, stderr = sync(DATABASE, tmp_path, autopilot.url)
    allowed = query("SELECT has_table_privilege('pg_monitor', 'autopilot.contacts', 'SELECT')")
    query("ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM pg_monitor")

    assert (code, stderr) == (0, "")
    assert allowed == [{"has_table_privilege": True}]


@pytest.mark.usefixtures("database")
def test_sync__by_url(tmp_path: Path, server: Mapping[str, str]) -> None:
    """--database takes a URL, whose password is not shown; a table without rows is emptied."""
    create_last_good_sync()
    unset = {name: "" for name in server if name != "PGPASSWORD"}
    url = "postgresql://autopilot:p%40ss%2Fword%3A%20100%20%25@127.0.0.1:{PGPORT}/postgres"
    (tmp_path / "config.json").write_text(json.dumps(ALL_TIME))
    options = ["--config", "config.json", "--database", url.format(**server)]
    with (
        Simulator(Account(contacts=0, lists=2, segments=1), key=KEY) as autopilot,
        start_loader(
            [DATABASE, *options],
            tmp_path,
            url=autopilot.url,
            environment={**unset, "PGPASSWORD": "another"},
        ) as script,
    ):
        code, stdout, stderr = finish(script)

    assert (code, stderr) == (0, "")
    assert {name: len(rows) for name, rows in read_tables().items()} == {
        "contacts": 0,
        "lists": 2,
        "smart_segments": 1,
        "smart_segments_contacts": 0,
    }
    assert (
        f"psql 'user=autopilot dbname=postgres host=127.0.0.1 port={server['PGPORT']}' -c" in stdout
    )
    assert "ss/word" not in stdout
    assert "ss%2F" not in stdout


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        # After a page of contacts.
        (
            Fault("null_rows", "/contacts/*", times=None),
            'contacts: page 2 from Autopilot cannot be used: its "contacts" is null',
        ),
        # Before the first page.
        (
            Fault("status", status=401, times=None),
            "Autopilot does not accept the API key (401).",
        ),
    ],
    ids=["page", "check"],
)
def test_sync__fails(fault: Fault, sentence: str, tmp_path: Path) -> None:
    """A failed sync says why, exits with 1, and leaves the last good one and nothing beside it."""
    create_last_good_sync()
    with Simulator(Account(contacts=250, pairs=400), key=KEY, faults=[fault]) as autopilot:
        code, _, stderr = sync(DATABASE, tmp_path, autopilot.url)

    assert code == 1
    assert stderr.startswith(f"The sync failed. {sentence}")
    assert "The schema autopilot still is what the last good sync saved" in stderr
    assert "Traceback" not in stderr
    assert is_untouched()


@pytest.mark.usefixtures("database")
def test_sync__interrupted(tmp_path: Path) -> None:
    """A sync that is stopped halfway leaves the last good one; while it runs, no other starts."""
    create_last_good_sync()
    (tmp_path / "config.json").write_text(json.dumps(ALL_TIME))
    stuck = Fault("silence", "/contacts/*", times=None)  # page 2
    with (
        Simulator(Account(contacts=250), key=KEY, faults=[stuck]) as autopilot,
        start_loader([DATABASE, "--config", "config.json"], tmp_path, url=autopilot.url) as script,
    ):
        wait_until(lambda: autopilot.log.count("/contacts/*") > 0)
        second = sync(DATABASE, tmp_path, autopilot.url)
        os.kill(script.pid, signal.SIGTERM)
        code, _, stderr = finish(script)

    assert second[0] == 1
    assert second[2].startswith(
        "The sync failed. Another sync into this database is still under way.\n"
    )
    assert code == 130
    assert stderr.startswith("\nStopped before the end. The schema autopilot still is")
    assert is_untouched()


@pytest.mark.usefixtures("database")
def test_sync__after_a_killed_one(tmp_path: Path) -> None:
    """What a killed sync left behind is cleared by the next one."""
    query(f"CREATE SCHEMA {WORKSHOP}")
    query(f"CREATE TABLE {WORKSHOP}.contacts AS SELECT 'person_1' AS contact_id")
    account = Account(contacts=0, lists=2, segments=1)
    with Simulator(account, key=KEY) as autopilot:
        code, _, stderr = sync(DATABASE, tmp_path, autopilot.url)

    assert (code, stderr) == (0, "")
    assert read_tables() == expected_tables(account)


@pytest.mark.usefixtures("database")
def test_sync__view_on_a_table(tmp_path: Path) -> None:
    """A view that reads the tables is never dropped: the sync fails and names it."""
    create_last_good_sync()
    # On the last table: what was done to those before it has to be undone.
    query("CREATE TABLE autopilot.smart_segments_contacts AS SELECT 'segment_1' AS segment_id")
    query("CREATE VIEW public.mine AS SELECT * FROM autopilot.smart_segments_contacts")
    with Simulator(Account(contacts=3), key=KEY) as autopilot:
        code, _, stderr = sync(DATABASE, tmp_path, autopilot.url)
    still_there = query("TABLE public.mine")
    query("DROP TABLE autopilot.smart_segments_contacts CASCADE")

    assert code == 1
    assert "view mine depends on table" in stderr
    assert still_there == [{"segment_id": "segment_1"}]
    assert is_untouched()


@pytest.mark.usefixtures("database")
def test_replace__open_transaction(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A transaction that reads and never ends makes the sync fail, in a sentence."""
    import psycopg

    module = importlib.import_module("autopilot_loader.postgres_schema")
    monkeypatch.setattr(module, "MAX_LOCK_WAIT", "100ms")
    create_last_good_sync()
    with psycopg.connect() as reader, psycopg.connect(autocommit=True) as writer:
        reader.execute("TABLE autopilot.contacts")
        writer.execute(f"CREATE SCHEMA {WORKSHOP}")
        writer.execute(f"CREATE TABLE {WORKSHOP}.contacts (contact_id text)")
        fresh = module.FreshSchema("", writer, tmp_path)
        with pytest.raises(module.SyncFailed, match="look for it in pg_stat_activity"):
            fresh.replace_last(["contacts"])
        writer.execute(f"DROP SCHEMA {WORKSHOP} CASCADE")

    assert is_untouched()


def test_database__not_there(tmp_path: Path) -> None:
    """Without a server the sync says so, without the password."""
    (tmp_path / "config.json").write_text(json.dumps(ALL_TIME))
    database = "postgresql://autopilot:secret@127.0.0.1:1/postgres"
    arguments = [DATABASE, "--config", "config.json", "--database", database]
    with start_loader(arguments, tmp_path) as script:
        code, _, stderr = finish(script)

    assert code == 1
    assert stderr.startswith("The sync failed. OperationalError: connection failed: ")
    assert "secret" not in stderr
