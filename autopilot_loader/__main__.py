"""Sync an Autopilot account into a database without an Airbyte platform: through PyAirbyte.

    python -m autopilot_loader duckdb --demo
    python -m autopilot_loader duckdb --config secrets/config.json --watch
    python -m autopilot_loader postgres --config secrets/config.json --schema autopilot

The config file holds what Airbyte's setup form asks for: {"api_key": "...", "frequency": 360}. The
tables of the last sync are replaced only when everything has arrived.
"""

from __future__ import annotations  # so that an old Python can say what is missing

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from autopilot_loader.destination import DEMO_MARK, MARK, Destination
from autopilot_loader.duckdb_file import DuckDBFile
from autopilot_loader.postgres_schema import PostgresSchema
from autopilot_loader.program import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Sync as the arguments say; returns the exit code (see `program.run`)."""
    options = make_parser().parse_args(arguments)
    return run(options, open_destination(options))


def make_parser() -> argparse.ArgumentParser:
    """The command line: a command for each database, and the options that both have."""
    parser = argparse.ArgumentParser(
        prog="autopilot_loader", description="Sync an Autopilot account into a database."
    )
    databases = parser.add_subparsers(dest="command", required=True, metavar="duckdb|postgres")
    duckdb = databases.add_parser("duckdb", help="into a DuckDB file of its own")
    help_ = "(autopilot.duckdb; of a demo, in demo/)"
    duckdb.add_argument("--database", type=Path, metavar="FILE", help=help_)
    postgres = databases.add_parser("postgres", help="into a schema of PostgreSQL")
    help_ = "(what PGHOST, PGDATABASE and so on say)"
    postgres.add_argument("--database", default="", metavar="URL", help=help_)
    help_ = "(autopilot; of a demo, autopilot_demo)"
    postgres.add_argument("--schema", type=_schema_name, metavar="NAME", help=help_)
    for command in (duckdb, postgres):
        _add_common_options(command)
    return parser


def open_destination(options: argparse.Namespace) -> Destination:
    """Where the tables go; opens nothing yet."""
    mark = DEMO_MARK if options.demo else MARK
    if options.command == "duckdb":
        default = Path("demo" if options.demo else "", "autopilot.duckdb")
        return DuckDBFile(options.database or default, mark, show_rows=options.demo)
    default_schema = "autopilot_demo" if options.demo else "autopilot"
    return PostgresSchema(options.database, options.schema or default_schema, mark)


def _schema_name(text: str) -> str:
    if not re.fullmatch("[a-z_][a-z0-9_]{0,39}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name: up to 40 small letters, digits and underscores are expected"
        )
    return text


def _add_common_options(command: argparse.ArgumentParser) -> None:
    account = command.add_mutually_exclusive_group(required=True)
    account.add_argument("--config", type=Path, metavar="FILE", help="JSON file with the API key")
    account.add_argument("--demo", action="store_true", help="sync a simulated account instead")
    add = command.add_argument
    add("--watch", action="store_true", help="again every `frequency` minutes, until ctrl-C")
    add("--contacts", type=int, default=2500, metavar="N", help="size of the demo (%(default)s)")


if __name__ == "__main__":
    sys.exit(main())
