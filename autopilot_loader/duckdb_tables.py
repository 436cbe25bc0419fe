"""The summary of the four tables: their sizes, their first rows, a query over all of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import duckdb

COLUMNS = {
    "contacts": "name, email, company, updated_at::TIMESTAMP_S AS updated_at",
    "lists": "list_id, title",
    "smart_segments": "segment_id, title",
    "smart_segments_contacts": "segment_id, contact_id",
}
"""The columns of each table that say most and fit side by side."""

JOIN = """\
-- Each segment's contacts by company: the two largest companies, and the list most of them are on
SELECT segment.title AS segment, company, count(DISTINCT contact_id) AS contacts,
       mode(list.title) AS commonest_list
FROM smart_segments AS segment
JOIN smart_segments_contacts USING (segment_id)
JOIN contacts AS contact USING (contact_id)
LEFT JOIN (SELECT contact_id, unnest(lists::VARCHAR[]) AS list_id FROM contacts) USING (contact_id)
LEFT JOIN lists AS list USING (list_id)
GROUP BY segment_id, segment.title, company
QUALIFY row_number() OVER (PARTITION BY segment_id ORDER BY contacts DESC, company) <= 2
ORDER BY segment, segment_id, contacts DESC, company
LIMIT 20
"""

CUSTOM_COLUMNS = r"""
SELECT column_name AS "column", data_type AS type, list(DISTINCT held ORDER BY held)[:3] AS some
FROM (
    UNPIVOT (SELECT COLUMNS(c -> c LIKE 'custom\_%' ESCAPE '\' AND c <> 'custom_fields')::VARCHAR
             FROM contacts)
    ON COLUMNS(*) INTO NAME column_name VALUE held
)
JOIN duckdb_columns() USING (column_name)
WHERE table_name = 'contacts' AND held <> ''
GROUP BY ALL ORDER BY ALL
"""
"""The columns of custom fields that have values, and some of these."""

TERMINAL_WIDTH = 100
MAX_COLUMN_WIDTH = 43  # that of an id
FIRST_ROWS = 3


def row_counts(database: Path, names: Sequence[str]) -> dict[str, int]:
    """How many rows each table has."""
    with duckdb.connect(str(database)) as connection:
        return {name: len(connection.table(name)) for name in names}


def describe(database: Path, names: Sequence[str]) -> str:
    """Each table's size and first rows, and the answer to a query that joins all four."""
    with duckdb.connect(str(database)) as connection:
        parts = [_describe_table(connection, name) for name in names]
        return "\n".join(
            [*parts, *_describe_custom_columns(connection), JOIN, _draw(connection.sql(JOIN))]
        )


def _describe_table(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    table = connection.table(name)
    first = table.project(COLUMNS[name]).limit(FIRST_ROWS)
    return f"{name}: {len(table):,} rows\n{_draw(first)}"


def _describe_custom_columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The part about the custom columns, if there are any."""
    columns = connection.table("contacts").columns
    if not any(name.startswith("custom_") and name != "custom_fields" for name in columns):
        return []
    return [f"contacts, custom fields\n{_draw(connection.sql(CUSTOM_COLUMNS))}"]


def _draw(rows: duckdb.DuckDBPyRelation) -> str:
    """The rows as DuckDB draws them, which it does only on stdout."""
    with redirect_stdout(io.StringIO()) as drawing:
        rows.show(max_width=TERMINAL_WIDTH, max_col_width=MAX_COLUMN_WIDTH, max_rows=20)
    return drawing.getvalue().rstrip("\n") + "\n"
