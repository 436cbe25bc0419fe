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

from integration_tests.conftest import ALL_TIME, KEY
from integration_tests.support.connector import ROOT
from integration_tests.support.postgres import postgresql, programs
from integration_tests.support.sync_scripts import EXAMPLES, needs_pyairbyte, synced
from simulator import Account, Simulator
from simulator.custom_fields import DEFINITIONS

DOCUMENT = (ROOT / "docs" / "queries.md").read_text()
ACCOUNT = Account(contacts=250)
Row = dict[str, Any]
Answers = dict[str, list[Row]]

pytestmark = needs_pyairbyte


def queries(database: str) -> dict[str, str]:
    """The query of each section of the document for a database."""
    section, found = "", {}
    for heading, databases, sql in re.findall(
        r"^#+ (.+)$|^```sql\n-- (.+)\n([^`]+)```$", DOCUMENT, re.MULTILINE
    ):
        section = heading or section
        if database in databases.split(", "):
            found[section] = sql
    return found


def items(column: str) -> Iterator[tuple[Row, Any]]:
    """Every contact with every item of one of its arrays."""
    for contact in ACCOUNT.rows():
        for item in contact.get(column) or []:
            yield contact, item


def moment(written: str) -> datetime:
    """A nested time as a database shows it: in UTC."""
    return datetime.fromisoformat(written.rstrip("Z"))


def month(written: str | None) -> date | None:
    """The first day of the month."""
    return moment(written).date().replace(day=1) if written else None


def counted(counts: Counter[Any], *columns: str) -> list[Row]:
    """Rows of a GROUP BY; the last column has the count."""
    return [dict(zip(columns, [*key, count], strict=True)) for key, count in counts.items()]


def events(prefix: str) -> Iterator[Row]:
    """What contacts did: an event for every item of the columns that are named so."""
    for column in {name for row in ACCOUNT.rows() for name in row if name.startswith(prefix)}:
        for contact, item in items(column):
            known = {name: item[name] for name in ("id", "url") if name in item}
            at = {"timestamp": moment(item["timestamp"])} if "timestamp" in item else {}
            yield {"contact_id": contact["contact_id"], "event": column, **known, **at}


def members(groups: list[dict[str, str]], key: str, in_group: Counter[str]) -> list[Row]:
    """How many contacts are in each group, 0 included."""
    return [{**group, "contacts": in_group[group[key]]} for group in groups]


def overlaps() -> list[Row]:
    """How many contacts two segments share."""
    segments: dict[str, list[str]] = {}
    for segment_id, contact_id in ACCOUNT.pairs():
        segments.setdefault(contact_id, []).append(segment_id)
    shared = Counter(it for found in segments.values() for it in combinations(sorted(found), 2))
    return counted(shared, "segment_id", "other_segment_id", "contacts")


def opened_only() -> list[Row]:
    """Contacts that opened a message and clicked in none."""
    return [
        {"contact_id": row["contact_id"], "email": row["email"]}
        for row in ACCOUNT.rows()
        if row.get("mail_opened") and not row.get("mail_clicked")
    ]


def pivoted(*names: str) -> list[Row]:
    """A row for each contact that has a custom field that still exists, and a column for each."""
    rows: dict[str, Row] = {}
    for contact, field in items("custom_fields"):
        if not field["deleted"]:
            empty = {"contact_id": contact["contact_id"], **dict.fromkeys(names)}
            row = rows.setdefault(contact["contact_id"], empty)
            if field["kind"] in names:
                row[field["kind"]] = field["value"]
    return list(rows.values())


def truth(*custom_fields: str) -> Answers:
    """What each section's query must answer; `custom_fields` are the ones to be columns."""
    rows = list(ACCOUNT.rows())
    opens = Counter(
        (it["contact_id"], month(mail["timestamp"])) for it, mail in items("mail_opened")
    )
    gone = [it for it in rows if it.get("unsubscribed") or it.get("unsubscribed_at")]
    left_in = Counter((month(it.get("unsubscribed_at")),) for it in gone)
    on_list = Counter(list_id for _, list_id in items("lists"))
    in_segment = Counter(segment_id for segment_id, _ in ACCOUNT.pairs())
    return {
        "Lists of each contact": [
            {"contact_id": it["contact_id"], "list_id": list_id} for it, list_id in items("lists")
        ],
        "Messages of each contact": list(events("mail_")),
        "Pages, forms and campaigns of each contact": list(events("anywhere_")),
        "Custom fields of each contact": [
            {"contact_id": it["contact_id"], **field} for it, field in items("custom_fields")
        ],
        "Custom fields as columns": pivoted(*custom_fields),
        "Contacts per segment": members(ACCOUNT.segments(), "segment_id", in_segment),
        "Contacts per list": members(ACCOUNT.lists(), "list_id", on_list),
        "Segments that overlap": overlaps(),
        "Opens per contact per month": counted(opens, "contact_id", "month", "opens"),
        "Opened but never clicked": opened_only(),
        "Unsubscribed contacts by month": counted(left_in, "month", "contacts"),
    }


def comparable(answers: Answers) -> Answers:
    """Rows in any order, moments in UTC."""

    def cell(value: Any) -> Any:
        aware = isinstance(value, datetime) and value.tzinfo
        return value.astimezone(timezone.utc).replace(tzinfo=None) if aware else value

    def rows(found: list[Row]) -> list[Row]:
        same = [{name: cell(value) for name, value in sorted(row.items())} for row in found]
        return sorted(same, key=lambda row: [str(it) for it in row.values()])

    return {section: rows(found) for section, found in answers.items()}


def test_queries__duckdb(tmp_path: Path) -> None:
    """On DuckDB every query answers what is true of the account."""
    import duckdb

    with Simulator(ACCOUNT, key=KEY) as autopilot:
        synced([str(EXAMPLES / "sync_to_duckdb.py")], tmp_path, ALL_TIME, autopilot.url)
    with duckdb.connect(str(tmp_path / "autopilot.duckdb"), read_only=True) as connection:
        answers = {}
        for section, sql in queries("DuckDB").items():
            answer = connection.sql(sql)
            answers[section] = [
                dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()
            ]

    assert comparable(answers) == comparable(
        truth(*(field.name for field in DEFINITIONS if not field.deleted))
    )


@pytest.mark.skipif(not programs(), reason="PostgreSQL is not installed: apt-get install it")
def test_queries__postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL every query answers what is true of the account, in any time zone."""
    import psycopg
    from psycopg.rows import dict_row

    with postgresql() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with Simulator(ACCOUNT, key=KEY) as autopilot:
            synced([str(EXAMPLES / "sync_to_postgres.py")], tmp_path, ALL_TIME, autopilot.url)
        with psycopg.connect(row_factory=dict_row) as connection:
            connection.execute("SET timezone TO 'Pacific/Auckland'")
            found = queries("PostgreSQL")
            connection.execute("SET search_path TO public")
            connection.execute(found.pop("Ready SQL"))
            answers = {
                section: connection.execute(sql).fetchall() for section, sql in found.items()
            }

    assert comparable(answers) == comparable(truth("Favourite colour", "Renewal date", "Seats"))


def test_queries__every_one_is_asked() -> None:
    """The document has no query that these tests don't run."""
    blocks = re.findall(r"^```sql\n", DOCUMENT, re.MULTILINE)
    both = sum(line.startswith("-- DuckDB, PostgreSQL") for line in DOCUMENT.splitlines())

    assert sorted(queries("DuckDB")) == sorted(truth())
    assert sorted(queries("PostgreSQL")) == sorted([*truth(), "Ready SQL"])
    assert len(blocks) + both == len(queries("DuckDB")) + len(queries("PostgreSQL"))
