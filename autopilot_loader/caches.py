"""PyAirbyte's caches: a refused table has its name, and PostgreSQL's keeps values as they are.

For PostgreSQL, PyAirbyte lets pandas guess the types of the rows of every file, which makes
"10001.0" of the text "10001" in a column with gaps. Here PostgreSQL itself reads the rows, and the
columns have the types of Airbyte's own PostgreSQL destination: jsonb, timestamptz, and NULL where
PyAirbyte would write the JSON value null.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from airbyte._processors.sql.duckdb import DuckDBSqlProcessor
from airbyte._processors.sql.postgres import PostgresSqlProcessor
from airbyte.caches import DuckDBCache, PostgresCache
from airbyte.secrets.base import SecretString
from airbyte.shared.sql_processor import SqlProcessorBase
from airbyte.types import CONVERSION_MAP, SQLTypeConverter
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

from autopilot_loader.destination import TableRefused


class Timestamptz(UserDefinedType[Any]):
    """A timestamp with time zone: PyAirbyte's own type loses the zone in CREATE TABLE."""

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "TIMESTAMPTZ"


class TypeConverter(SQLTypeConverter):
    """The column types of Airbyte's types."""

    def __init__(self) -> None:
        ours = {"object": JSONB, "array": JSONB, "timestamp_with_timezone": Timestamptz}
        super().__init__({**CONVERSION_MAP, **ours})


class NamesTables(SqlProcessorBase):
    """Raises TableRefused where a database refuses a table or its rows."""

    def _ensure_final_table_exists(self, stream_name: str, **options: Any) -> str:
        """Create the table, if it is not there; returns its name."""
        with _naming(stream_name):
            return super()._ensure_final_table_exists(stream_name, **options)

    def _write_files_to_new_table(self, files: list[Path], stream_name: str, batch_id: str) -> str:
        """Load files of rows into a table of their own; returns its name."""
        with _naming(stream_name):
            return self._load(files, stream_name, batch_id)

    def _load(self, files: list[Path], stream_name: str, batch_id: str) -> str:
        return super()._write_files_to_new_table(files, stream_name, batch_id)


class DuckDBProcessor(NamesTables, DuckDBSqlProcessor):
    """Writes PyAirbyte's files of rows into tables."""


class NamingDuckDBCache(DuckDBCache):
    """A file that PyAirbyte fills."""

    _sql_processor_class: ClassVar[type[SqlProcessorBase]] = DuckDBProcessor


class PostgresProcessor(NamesTables, PostgresSqlProcessor):
    """Writes PyAirbyte's files of rows into tables."""

    type_converter_class = TypeConverter

    def _load(self, files: list[Path], stream_name: str, batch_id: str) -> str:
        name = self._create_table_for_loading(stream_name, batch_id)
        table = Identifier(self.sql_config.schema_name, name)
        fill = SQL(
            "INSERT INTO {table} SELECT filled.* FROM lines,"
            " jsonb_populate_record(NULL::{table}, line) AS filled"
        )
        with psycopg.connect(**self.sql_config.get_sql_alchemy_connect_args()) as connection:
            connection.execute("CREATE TEMPORARY TABLE lines (line jsonb)")
            for file in files:
                _copy(file, connection)
            connection.execute(fill.format(table=table))
        return name


class ExactPostgresCache(PostgresCache):
    """A schema that PyAirbyte fills. `conninfo` is the connection string of libpq.

    It replaces the fields of PostgresCache, in which a password may not have an @.
    """

    conninfo: str
    host: str = ""
    port: int = 0
    database: str = ""
    username: str = ""
    password: SecretString | str = ""

    _sql_processor_class: ClassVar[type[SqlProcessorBase]] = PostgresProcessor

    def get_sql_alchemy_url(self) -> SecretString:
        """The kind of database; the rest is in the arguments."""
        return SecretString("postgresql://")

    def get_sql_alchemy_connect_args(self) -> dict[str, Any]:
        """The arguments of the connection."""
        return conninfo_to_dict(self.conninfo)


@contextmanager
def _naming(table: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise TableRefused(table) from error


def _copy(file: Path, connection: psycopg.Connection) -> None:
    with (
        gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines,
        connection.cursor().copy("COPY lines FROM STDIN") as copy,
    ):
        for line in lines:
            copy.write_row([line])
