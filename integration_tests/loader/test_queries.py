"""The queries of docs/queries.md, on tables that were really synced, against what is true.

The SQL comes out of the document; the answers come from the simulator's account.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timezone
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import KEY, ROOT
from integration_tests.support.loader import needs_pyairbyte, sync
from integration_tests.support.postgres import needs_postgres, run_postgresql
from simulator import Account, Simulator
from simulator.custom_fields import DEFINITIONS

DOCUMENT = (ROOT / "docs" / "queries.md").read_text()
STITCH = (ROOT / "docs" / "coming-from-stitch.md").read_text()
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text()
ACCOUNT = Account(contacts=250)
Row = dict[str, Any]
Answers = dict[str, list[Row]]

pytestmark = needs_pyairbyte


def read_queries(database: str, document: str = DOCUMENT) -> dict[str, str]:
    """A document's queries for a database, by section; of several in a section the last one."""
    section, queries = "", {}
    for heading, databases, sql in re.findall(
        r"^#+ (.+)$|^```sql\n-- (.+)\n([^`]+)```$", document, re.MULTILINE
    ):
        section = heading or section
        if database in databases.split(", "):
            queries[section] = sql
    return queries


def items(column: str) -> Iterator[tuple[Row, Any]]:
    """Every contact with every item of one of its arrays."""
    for contact in ACCOUNT.rows():
        for item in contact.get(column) or []:
            yield contact, item


def parse_time(written: str) -> datetime:
    """A nested time as a database has it: in UTC."""
    return datetime.fromisoformat(written.rstrip("Z"))


def first_of_month(written: str | None) -> date | None:
    """The first day of the month."""
    return parse_time(written).date().replace(day=1) if written else None


def count_rows(counts: Counter[Any], *columns: str) -> list[Row]:
    """The rows of a GROUP BY, with the count in the last column."""
    return [dict(zip(columns, [*key, count], strict=True)) for key, count in counts.items()]


def events(prefix: str) -> Iterator[Row]:
    """An event for every item of the columns whose names begin so."""
    for column in {name for row in ACCOUNT.rows() for name in row if name.startswith(prefix)}:
        for contact, item in items(column):
            known = {name: item[name] for name in ("id", "url") if name in item}
            at = {"timestamp": parse_time(item["timestamp"])} if "timestamp" in item else {}
            yield {"contact_id": contact["contact_id"], "event": column, **known, **at}


def count_members(groups: list[dict[str, str]], key: str, in_group: Counter[str]) -> list[Row]:
    """How many contacts are in each group, 0 included."""
    return [{**group, "contacts": in_group[group[key]]} for group in groups]


def overlaps() -> list[Row]:
    """How many contacts two segments share."""
    segments: dict[str, list[str]] = {}
    for segment_id, contact_id in ACCOUNT.pairs():
        segments.setdefault(contact_id, []).append(segment_id)
    shared = Counter(
        pair for segment_ids in segments.values() for pair in combinations(sorted(segment_ids), 2)
    )
    return count_rows(shared, "segment_id", "other_segment_id", "contacts")


def opened_only() -> list[Row]:
    """Contacts that opened a message and clicked in none."""
    return [
        {"contact_id": row["contact_id"], "email": row.get("email")}
        for row in ACCOUNT.rows()
        if row.get("mail_opened") and not row.get("mail_clicked")
    ]


def pivot(*names: str) -> list[Row]:
    """A row for each contact that has a custom field that still exists, and a column for each."""
    rows: dict[str, Row] = {}
    for contact, field in items("custom_fields"):
        if not field["deleted"]:
            empty = {"contact_id": contact["contact_id"], **dict.fromkeys(names)}
            row = rows.setdefault(contact["contact_id"], empty)
            if field["kind"] in names:
                row[field["kind"]] = field["value"]
    return list(rows.values())


def expected_answers(*custom_fields: str) -> Answers:
    """What each section's query must answer; `custom_fields` are the ones to be columns."""
    rows = list(ACCOUNT.rows())
    opens = Counter(
        (contact["contact_id"], first_of_month(mail["timestamp"]))
        for contact, mail in items("mail_opened")
    )
    unsubscribed = [row for row in rows if row.get("unsubscribed") or row.get("unsubscribed_at")]
    by_month = Counter((first_of_month(row.get("unsubscribed_at")),) for row in unsubscribed)
    other = Counter((field,) for row in rows for field in row.get("other_fields", {}))
    on_list = Counter(list_id for _, list_id in items("lists"))
    in_segment = Counter(segment_id for segment_id, _ in ACCOUNT.pairs())
    return {
        "Lists of each contact": [
            {"contact_id": contact["contact_id"], "list_id": list_id}
            for contact, list_id in items("lists")
        ],
        "Messages of each contact": list(events("mail_")),
        "Pages, forms and campaigns of each contact": list(events("anywhere_")),
        "Custom fields of each contact": [
            {"contact_id": contact["contact_id"], **field}
            for contact, field in items("custom_fields")
        ],
        "Custom fields as columns": pivot(*custom_fields),
        "Fields without a column": count_rows(other, "field", "contacts"),
        "Contacts per segment": count_members(ACCOUNT.segments(), "segment_id", in_segment),
        "Contacts per list": count_members(ACCOUNT.lists(), "list_id", on_list),
        "Segments that overlap": overlaps(),
        "Opens per contact per month": count_rows(opens, "contact_id", "month", "opens"),
        "Opened but never clicked": opened_only(),
        "Unsubscribed contacts by month": count_rows(by_month, "month", "contacts"),
    }


def normalize(answers: Answers) -> Answers:
    """Answers with their rows in a fixed order and times in UTC."""

    def cell(value: Any) -> Any:
        aware = isinstance(value, datetime) and value.tzinfo
        return value.astimezone(timezone.utc).replace(tzinfo=None) if aware else value

    def sort_rows(rows: list[Row]) -> list[Row]:
        cells = [{name: cell(value) for name, value in sorted(row.items())} for row in rows]
        return sorted(cells, key=lambda row: [str(value) for value in row.values()])

    return {section: sort_rows(rows) for section, rows in answers.items()}


def subtables() -> Answers:
    """The rows of Stitch's subtables, by the names of the views that stand for them."""
    names = {name for row in ACCOUNT.rows() for name, value in row.items() if is_subtable(value)}
    return {
        f"contacts__{name}": [
            {"_sdc_source_key_contact_id": contact["contact_id"], "_sdc_level_0_id": place}
            | subtable_row(item)
            for contact in ACCOUNT.rows()
            for place, item in enumerate(contact.get(name) or [])
        ]
        for name in names - {"mail_sent", "mail_replied"}  # which Stitch doesn't have
    }


def is_subtable(value: Any) -> bool:
    """Whether Stitch makes a table of it."""
    return isinstance(value, list)


def subtable_row(item: Any) -> Row:
    """What Stitch has of an item of an array."""
    if not isinstance(item, dict):
        return {"value": item}
    at = {"timestamp": parse_time(item["timestamp"])} if "timestamp" in item else {}
    return {**item, **at}


@pytest.fixture(scope="module")
def synced_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The account in DuckDB."""
    folder = tmp_path_factory.mktemp("duckdb")
    with Simulator(ACCOUNT, key=KEY) as autopilot:
        code, _, stderr = sync("duckdb", folder, autopilot.url)
    assert (code, stderr) == (0, "")
    return folder / "autopilot.duckdb"


@pytest.fixture(scope="module")
def synced_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server that the environment names, with the account in PostgreSQL."""
    with run_postgresql() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with Simulator(ACCOUNT, key=KEY) as autopilot:
            code, _, stderr = sync("postgres", tmp_path_factory.mktemp("pg"), autopilot.url)
        assert (code, stderr) == (0, "")
        yield


def ask_duckdb(connection: Any, sql: str) -> list[Row]:
    """The rows of an answer."""
    answer = connection.sql(sql)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]


def test_queries__duckdb(synced_file: Path) -> None:
    """On DuckDB every query has the right answer."""
    import duckdb

    with duckdb.connect(str(synced_file), read_only=True) as connection:
        answers = {
            section: ask_duckdb(connection, sql) for section, sql in read_queries("DuckDB").items()
        }

    assert normalize(answers) == normalize(
        expected_answers(*(field.name for field in DEFINITIONS if not field.deleted))
    )


def test_stitch__duckdb(synced_file: Path) -> None:
    """On DuckDB the views have the rows of Stitch's subtables."""
    import duckdb

    queries = read_queries("DuckDB", STITCH)
    views = queries["Stitch's subtables as views"]
    with duckdb.connect() as connection:
        connection.execute(views.replace("'autopilot.duckdb'", f"'{synced_file}'"))
        answers = {view: ask_duckdb(connection, f"FROM {view}") for view in subtables()}
        connection.execute("USE autopilot")
        [read_at] = ask_duckdb(connection, queries["Alerts and load history"])

    assert normalize(answers) == normalize(subtables())
    assert read_at["read_at"] is not None


@needs_postgres
@pytest.mark.usefixtures("synced_server")
def test_queries__postgresql() -> None:
    """On PostgreSQL every query has the right answer, in any time zone."""
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(row_factory=dict_row) as connection:
        connection.execute("SET timezone TO 'Pacific/Auckland'")
        queries = read_queries("PostgreSQL")
        connection.execute("SET search_path TO public")
        connection.execute(queries.pop("Ready SQL"))
        answers = {section: connection.execute(sql).fetchall() for section, sql in queries.items()}

    assert normalize(answers) == normalize(
        expected_answers("Favourite colour", "Renewal date", "Seats")
    )


@needs_postgres
@pytest.mark.usefixtures("synced_server")
def test_stitch__postgresql() -> None:
    """On PostgreSQL the views have the rows of Stitch's subtables, and the counts are compared."""
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(row_factory=dict_row) as connection:
        connection.execute(
            "ALTER SCHEMA autopilot RENAME TO autopilot_new; CREATE SCHEMA autopilot"
        )
        for name in ("lists", "smart_segments", "smart_segments_contacts"):
            connection.execute(f"CREATE TABLE autopilot.{name} AS TABLE autopilot_new.{name}")
        connection.execute(
            "CREATE TABLE autopilot.contacts AS SELECT contact_id FROM autopilot_new.contacts"
            " UNION ALL SELECT 'deleted'"
        )
        queries = re.findall(r"```sql\n-- .*PostgreSQL\n([^`]+)```", STITCH)
        compare, differ, views, age = map(str, queries)
        counts = connection.execute(compare).fetchall()
        differences = connection.execute(differ).fetchall()
        connection.execute(views)
        answers = {view: connection.execute(f"TABLE {view}").fetchall() for view in subtables()}
        [read_at] = connection.execute(age).fetchall()
        connection.rollback()

    assert normalize(answers) == normalize(subtables())
    assert counts[:2] == [
        {"table_name": "contacts", "stitch": 251, "here": 250},
        {"table_name": "lists", "stitch": 10, "here": 10},
    ]
    assert differences == [{"contact_id": "deleted", "only_here": False}]
    assert read_at["read_at"] is not None


@needs_postgres
@pytest.mark.usefixtures("synced_server")
def test_grants__postgresql() -> None:
    """The lines for a user of the loader's own and for readers give them what they need."""
    import psycopg

    owner, loader = re.findall(r"```sql\n-- by .+\n([^`]+)```", DEPLOYMENT)
    with psycopg.connect() as connection:
        connection.execute(owner.replace("DATABASE warehouse", "DATABASE postgres"))
        connection.execute("CREATE ROLE analyst")
        connection.execute(loader)
        connection.execute("SET ROLE analyst")
        readable = connection.execute("SELECT count(*) FROM autopilot.contacts").fetchone()
        connection.execute("SET ROLE autopilot_loader")
        connection.execute("CREATE SCHEMA autopilot_sync_in_progress")
        connection.rollback()

    assert readable == (250,)


def test_queries__every_one_is_tested() -> None:
    """The document has no query that these tests don't run."""
    blocks = re.findall(r"^```sql\n", DOCUMENT, re.MULTILINE)
    both = sum(line.startswith("-- DuckDB, PostgreSQL") for line in DOCUMENT.splitlines())

    assert sorted(read_queries("DuckDB")) == sorted(expected_answers())
    assert sorted(read_queries("PostgreSQL")) == sorted([*expected_answers(), "Ready SQL"])
    assert len(blocks) + both == len(read_queries("DuckDB")) + len(read_queries("PostgreSQL"))
