"""The loader into a real PostgreSQL, as a person uses it."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from autopilot_loader.destination import DEMO_MARK, MARK, SyncFailed
from autopilot_loader.postgres_schema import STAGING_MARK, FreshSchema, PostgresSchema
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
from simulator.custom_fields import CustomField

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
    query("CREATE TABLE autopilot.contacts (contact_id text PRIMARY KEY)")
    query("INSERT INTO autopilot.contacts VALUES ('person_1')")
    query(f"COMMENT ON TABLE autopilot.contacts IS '{MARK}'")


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
def test_sync__every_row(tmp_path: Path, server: Mapping[str, str]) -> None:
    """The four tables are the account, each row once and whole, after a sync and after the next.

    What a sync creates has the types of Airbyte's own PostgreSQL destination and the rights that
    are the database's default. The next one replaces rows only: views, rights and indexes stay.
    """
    create_last_good_sync()
    query("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor")
    account = Account(contacts=250, pairs=400)
    with Simulator(account, key=KEY) as autopilot:
        code, stdout, stderr = sync(DATABASE, tmp_path, autopilot.url)
    query("ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM pg_monitor")

    assert (code, stderr) == (0, "")
    assert read_tables() == expected_tables(account)
    assert primary_keys() == {
        "contacts": ["contact_id"],
        "lists": ["list_id"],
        "smart_segments": ["segment_id"],
        "smart_segments_contacts": ["segment_id", "contact_id"],
    }
    assert column_types("employees_range", "number_of_employees", "unsubscribed", "updated_at") == {
        "employees_range": "jsonb",
        "number_of_employees": "character varying",
        "unsubscribed": "boolean",
        "updated_at": "timestamp with time zone",
    }
    assert query("SELECT 1 FROM autopilot.contacts WHERE jsonb_typeof(lists) = 'null'") == []
    assert may_read("lists")
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

    for sql in [
        "CREATE VIEW public.contacts__lists AS SELECT contact_id, value"
        " FROM autopilot.contacts, jsonb_array_elements_text(lists) AS value",
        "GRANT SELECT ON autopilot.contacts TO pg_monitor",
        "CREATE INDEX mine ON autopilot.contacts (email)",
    ]:
        query(sql)
    account = Account(contacts=120, segments=0)
    code, stdout, stderr = sync_by_url(account, tmp_path, server)
    pairs = query("TABLE public.contacts__lists")
    query("DROP VIEW public.contacts__lists")

    assert (code, stderr) == (0, "")
    assert read_tables() == expected_tables(account)
    assert len(pairs) == sum(len(row.get("lists") or []) for row in account.rows())
    assert may_read("contacts")
    assert query("SELECT to_regclass('autopilot.mine') IS NOT NULL AS kept") == [{"kept": True}]
    assert (
        f"psql 'user=autopilot dbname=postgres host=127.0.0.1 port={server['PGPORT']}' -c" in stdout
    )
    assert "ss/word" not in stdout
    assert "ss%2F" not in stdout


def sync_by_url(account: Account, folder: Path, server: Mapping[str, str]) -> tuple[int, str, str]:
    """Sync into a server that only --database names; the exit code, stdout and stderr."""
    unset = {name: "" for name in server if name != "PGPASSWORD"}
    url = "postgresql://autopilot:p%40ss%2Fword%3A%20100%20%25@127.0.0.1:{PGPORT}/postgres"
    arguments = [DATABASE, "--config", "config.json", "--database", url.format(**server)]
    environment = {**unset, "PGPASSWORD": "another"}
    with (
        Simulator(account, key=KEY) as autopilot,
        start_loader(arguments, folder, url=autopilot.url, environment=environment) as script,
    ):
        return finish(script)


def column_types(*names: str) -> dict[str, str]:
    """The types of these columns of the contacts."""
    found = query(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'autopilot' AND table_name = 'contacts'"
    )
    types = {row["column_name"]: row["data_type"] for row in found}
    return {name: types[name] for name in names}


def may_read(table: str) -> bool:
    """Whether another user may read a table."""
    [answer] = query(
        f"SELECT has_table_privilege('pg_monitor', 'autopilot.{table}', 'SELECT') AS it"
    )
    return bool(answer["it"])


@pytest.mark.usefixtures("database")
def test_sync__fails(tmp_path: Path) -> None:
    """A failed sync says why, exits with 1, and leaves the last good one and nothing beside it."""
    create_last_good_sync()
    fault = Fault("null_rows", "/contacts/*", times=None)  # page 2
    with Simulator(Account(contacts=250, pairs=400), key=KEY, faults=[fault]) as autopilot:
        code, _, stderr = sync(DATABASE, tmp_path, autopilot.url)

    assert code == 1
    assert stderr.startswith(
        'The sync failed. contacts: page 2 from Autopilot cannot be used: its "contacts" is null'
    )
    assert "\nThe schema autopilot was not changed.\n" in stderr
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
        with pytest.raises(SyncFailed) as second, OURS.create_fresh():
            pass
        os.kill(script.pid, signal.SIGTERM)
        code, _, stderr = finish(script)

    assert str(second.value) == "Another sync into this schema is still under way."
    assert code == 130
    assert stderr.startswith("\nStopped before the end. The schema autopilot was not changed.")
    assert is_untouched()


@pytest.mark.usefixtures("database")
def test_sync__row_too_big(tmp_path: Path) -> None:
    """A row that PostgreSQL has no room for is a sentence with the table, and what to do."""
    fields = [CustomField(f"Field {n}", "string", f"custom_field_{n}", 1.0) for n in range(1400)]
    with Simulator(Account(contacts=8, custom_fields=fields), key=KEY) as autopilot:
        code, _, stderr = sync(DATABASE, tmp_path, autopilot.url)

    assert code == 1
    assert stderr.startswith("The sync failed. contacts: PostgreSQL says: row is too big: size ")
    assert "Delete custom fields in Autopilot that are not needed, or load into DuckDB" in stderr
    assert stderr.count("\n") == 2


OURS = PostgresSchema("", "autopilot", MARK)
KEYS = {"contacts": ["contact_id"]}


@contextmanager
def fresh_contacts(columns: str, destination: PostgresSchema = OURS) -> Iterator[FreshSchema]:
    """A sync of which PyAirbyte has just filled the contacts, by a SELECT."""
    with destination.create_fresh() as tables:
        query(
            f"CREATE TABLE {destination.staging}.contacts AS"
            f" SELECT now() AS _airbyte_extracted_at, {columns}"
        )
        yield tables


@pytest.mark.usefixtures("database")
def test_replace__columns_change() -> None:
    """New columns are added and others go; what reads none of these stays."""
    with fresh_contacts("'person_1' AS contact_id, 1 AS seats, 'a' AS name") as tables:
        tables.replace_last(KEYS)
    query("CREATE VIEW public.mine AS SELECT contact_id FROM autopilot.contacts")
    with fresh_contacts("'person_2' AS contact_id, 'few' AS seats, 2 AS visits") as tables:
        tables.replace_last(KEYS)
    rows = query(
        "SELECT contact_id, seats, visits FROM autopilot.contacts JOIN mine USING (contact_id)"
    )
    columns = query(
        "SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
        " AND attrelid = 'autopilot.contacts'::regclass"
    )
    query("DROP VIEW public.mine")

    assert rows == [{"contact_id": "person_2", "seats": "few", "visits": 2}]
    names = {column["attname"] for column in columns}
    assert names == {"_airbyte_extracted_at", "contact_id", "seats", "visits"}


@pytest.mark.usefixtures("database")
def test_replace__view_in_the_way() -> None:
    """A view on a column that goes is named, with the SQL to make it again; nothing changes."""
    with fresh_contacts("'person_1' AS contact_id, 1 AS seats") as tables:
        tables.replace_last(KEYS)
    query("CREATE VIEW public.mine AS SELECT seats FROM autopilot.contacts")
    with fresh_contacts("'person_2' AS contact_id") as tables, pytest.raises(SyncFailed) as failure:
        tables.replace_last(KEYS)
    rows = query("SELECT contact_id, seats FROM autopilot.contacts")
    drop, create = re.findall("^DROP .+;$|^CREATE [^;]+;$", str(failure.value), re.MULTILINE)
    query(drop)
    query(create)
    made_again = query("TABLE public.mine")
    query(drop)

    assert "autopilot.contacts has to lose or change seats, and" in str(failure.value)
    assert rows == [{"contact_id": "person_1", "seats": 1}]
    assert made_again == [{"seats": 1}]


@pytest.mark.usefixtures("database")
def test_require_ours__table_of_another_program() -> None:
    """A table that the loader did not make is named, and not touched."""
    query("CREATE SCHEMA autopilot")
    query("CREATE TABLE autopilot.contacts AS SELECT 'person_1' AS contact_id")

    with OURS.create_fresh() as tables, pytest.raises(SyncFailed) as failure:
        tables.require_ours(STREAMS)
    assert str(failure.value).startswith("The loader did not make autopilot.contacts, and")
    assert "as in --schema autopilot_new." in str(failure.value)
    assert is_untouched()


@pytest.mark.usefixtures("database")
def test_replace__table_appears_in_mid_sync() -> None:
    """A table that somebody makes while the sync runs is not touched either."""
    with fresh_contacts("'person_2' AS contact_id") as tables:
        tables.require_ours(["contacts"])
        query("CREATE SCHEMA autopilot")
        query("CREATE TABLE autopilot.contacts AS SELECT 'person_1' AS contact_id")
        with pytest.raises(SyncFailed, match="did not make autopilot"):
            tables.replace_last(KEYS)

    assert is_untouched()


@pytest.mark.usefixtures("database")
def test_replace__marked_by_hand() -> None:
    """The COMMENT that the sentence shows is what makes a table of 0.2.0 ours."""
    query("CREATE SCHEMA autopilot")
    query("CREATE TABLE autopilot.contacts AS SELECT 'person_1' AS contact_id")
    with fresh_contacts("'person_2' AS contact_id") as tables:
        with pytest.raises(SyncFailed) as failure:
            tables.replace_last(KEYS)
        query(str(failure.value).splitlines()[-1])
        tables.replace_last(KEYS)

    assert query("SELECT contact_id FROM autopilot.contacts") == [{"contact_id": "person_2"}]
    assert primary_keys() == {"contacts": ["contact_id"]}


@pytest.mark.usefixtures("database")
def test_replace__demo() -> None:
    """A demo does not replace the rows of a real account, whatever its schema."""
    create_last_good_sync()
    with (
        fresh_contacts("'person_2' AS contact_id", replace(OURS, mark=DEMO_MARK)) as tables,
        pytest.raises(SyncFailed, match=r"as in --schema autopilot_new\.$"),
    ):
        tables.replace_last(KEYS)

    assert is_untouched()


@pytest.mark.usefixtures("database")
def test_replace__readers() -> None:
    """An open transaction that reads is not waited for, and goes on seeing the old rows."""
    import psycopg

    create_last_good_sync()
    with psycopg.connect() as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        before = reader.execute("SELECT contact_id FROM autopilot.contacts").fetchall()
        with fresh_contacts("'person_2' AS contact_id") as tables:
            query("ALTER TABLE autopilot_sync_in_progress.contacts DROP _airbyte_extracted_at")
            tables.replace_last(KEYS)
        after = reader.execute("SELECT contact_id FROM autopilot.contacts").fetchall()

    assert (before, after) == ([("person_1",)], [("person_1",)])
    assert query("SELECT contact_id FROM autopilot.contacts") == [{"contact_id": "person_2"}]


@pytest.mark.usefixtures("database")
def test_replace__locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is never given up makes the sync fail, in a sentence."""
    import psycopg

    monkeypatch.setattr("autopilot_loader.postgres_schema.MAX_LOCK_WAIT", "100ms")
    create_last_good_sync()
    with psycopg.connect() as other, fresh_contacts("'person_2' AS contact_id") as tables:
        other.execute("LOCK TABLE autopilot.contacts")
        with pytest.raises(psycopg.errors.LockNotAvailable) as failure:
            tables.replace_last(KEYS)

    assert "look for it in pg_stat_activity" in str(OURS.explain(failure.value))
    assert is_untouched()


@pytest.mark.usefixtures("database")
def test_keep_last_rows() -> None:
    """Of a contact that arrived twice the row that was read last is kept."""
    rows = "(VALUES (1, 'person_1', 'old'), (2, 'person_1', 'new'), (2, 'person_2', 'only'),"
    rows += " (3, 'person_3', 'one'), (3, 'person_3', 'two')) AS row (second, contact_id, name)"
    with OURS.create_fresh() as tables:
        query(
            f"CREATE TABLE {OURS.staging}.contacts AS SELECT contact_id, name,"  # noqa: S608
            f" to_timestamp(second) AS _airbyte_extracted_at FROM {rows}"
        )
        tables.keep_last_rows(KEYS)
        tables.replace_last(KEYS)

    kept = query("SELECT contact_id, name FROM autopilot.contacts ORDER BY contact_id")
    assert [tuple(row.values()) for row in kept] == [
        ("person_1", "new"),
        ("person_2", "only"),
        ("person_3", "two"),
    ]


def primary_keys() -> dict[str, list[str]]:
    """The columns of each table's primary key."""
    found = query(
        "SELECT relname, attname FROM pg_index JOIN pg_attribute ON attrelid = indexrelid"
        " JOIN pg_class ON pg_class.oid = indrelid WHERE indisprimary"
        " AND relnamespace = 'autopilot'::regnamespace ORDER BY attnum"
    )
    keys: dict[str, list[str]] = {}
    for row in found:
        keys.setdefault(row["relname"], []).append(row["attname"])
    return keys


@pytest.fixture
def role(database: None) -> Iterator[str]:
    """Another user, who may do nothing yet; its name, which has to be quoted."""
    query("CREATE ROLE \"a Loader\" LOGIN PASSWORD 'secret'")
    yield "a Loader"
    query("DROP SCHEMA IF EXISTS autopilot, autopilot_sync_in_progress CASCADE")
    query('DROP OWNED BY "a Loader"')
    query('DROP ROLE "a Loader"')


def test_rights__missing(role: str) -> None:
    """A user who may not create schemas or use ours gets the lines to run, and they suffice."""
    create_last_good_sync()
    theirs = replace(OURS, database=f"user='{role}' password=secret")
    sentences = []
    for _ in range(2):
        with pytest.raises(SyncFailed) as failure, theirs.create_fresh() as tables:
            tables.require_ours(["contacts"])
        sentences.append(str(failure.value).splitlines())
        for statement in sentences[-1][1:]:
            query(statement)
    with fresh_by_role(theirs) as tables:
        tables.replace_last(KEYS)

    assert sentences == [
        [
            'The user "a Loader" lacks rights. Let the database\'s owner run:',
            'GRANT CREATE ON DATABASE postgres TO "a Loader";',
            'GRANT USAGE, CREATE ON SCHEMA autopilot TO "a Loader";',
        ],
        [
            "Another user owns tables of the last sync:",
            'ALTER TABLE autopilot.contacts OWNER TO "a Loader";',
        ],
    ]
    assert query("SELECT contact_id FROM autopilot.contacts") == [{"contact_id": "person_2"}]


@contextmanager
def fresh_by_role(destination: PostgresSchema) -> Iterator[FreshSchema]:
    """A sync that another user has filled."""
    with destination.create_fresh() as tables:
        tables.connection.execute(
            f"CREATE TABLE {destination.staging}.contacts AS SELECT 'person_2' AS contact_id"
        )
        yield tables


@pytest.mark.usefixtures("database")
def test_staging__of_a_killed_sync() -> None:
    """What a killed sync left behind is cleared by the next one."""
    query(f"CREATE SCHEMA {WORKSHOP}")
    query(f"COMMENT ON SCHEMA {WORKSHOP} IS '{STAGING_MARK}'")
    query(f"CREATE TABLE {WORKSHOP}.contacts AS SELECT 'person_1' AS contact_id")

    with fresh_contacts("'person_2' AS contact_id") as tables:
        tables.replace_last(KEYS)

    assert query("SELECT contact_id FROM autopilot.contacts") == [{"contact_id": "person_2"}]


@pytest.mark.usefixtures("database")
def test_staging__of_somebody_else() -> None:
    """A schema with the name of the staging schema, without its mark, is not dropped."""
    query(f"CREATE SCHEMA {WORKSHOP}")
    advice = f"DROP SCHEMA {WORKSHOP} CASCADE;$"
    with pytest.raises(SyncFailed, match=advice) as failure, OURS.create_fresh():
        pass
    query(str(failure.value).rpartition(": ")[2])

    with OURS.create_fresh():
        pass


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        (
            "CREATE TEMP TABLE t (" + ", ".join(f"c{n} int" for n in range(1601)) + ")",
            "PostgreSQL says: tables can have at most 1600 columns. Delete custom fields in"
            " Autopilot that are not needed, or load into DuckDB.",
        ),
        (
            "SELECT 'bob@example.com'::int",  # the value stays out of the sentence
            "PostgreSQL refused a value (InvalidTextRepresentation): please report that.",
        ),
        ("SELECT 1 FROM nowhere", 'PostgreSQL says: relation "nowhere" does not exist.'),
    ],
    ids=["columns", "value", "other"],
)
def test_explain(sql: str, sentence: str) -> None:
    """What PostgreSQL refuses is said in its words, unless they have a contact's data in them."""
    import psycopg

    with pytest.raises(psycopg.Error) as refusal:
        query(sql)

    assert OURS.explain(RuntimeError()) is None
    assert OURS.explain(refusal.value) == sentence


def test_explain__no_server() -> None:
    """Without a server the sentence says so, without the password."""
    import psycopg

    nowhere = replace(OURS, database="postgresql://autopilot:secret@127.0.0.1:1/postgres")
    with pytest.raises(psycopg.Error) as failure, nowhere.create_fresh():
        pass

    sentence = str(nowhere.explain(failure.value))
    assert sentence.startswith("PostgreSQL says: connection failed: ")
    assert "secret" not in sentence
