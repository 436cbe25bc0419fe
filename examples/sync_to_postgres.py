"""Sync an Autopilot account into PostgreSQL without an Airbyte platform: through PyAirbyte.

    python examples/sync_to_postgres.py --demo --database postgresql://autopilot@localhost/warehouse
    PGPASSWORD=... python examples/sync_to_postgres.py --config secrets/config.json

The database is the one that psql would open: what --database leaves out comes from PGHOST, PGUSER,
PGPASSWORD and so on. Its user has to be allowed to create schemas. The tables are in the schema
autopilot, with the columns that Airbyte's own PostgreSQL destination would make. A sync replaces
them in one transaction, and only when everything has arrived.
"""

from __future__ import annotations  # so that an old Python can say what is missing

import sys
from collections.abc import Sequence

from postgres_schema import PostgresSchema
from sync_program import make_parser, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Sync as the arguments say; returns the exit code (see `sync_program.run`)."""
    parser = make_parser("Sync an Autopilot account into the schema autopilot of PostgreSQL.")
    help_ = "(what PGHOST, PGDATABASE and so on say)"
    parser.add_argument("--database", default="", metavar="URL", help=help_)
    options = parser.parse_args(arguments)
    return run(options, PostgresSchema(options.database))


if __name__ == "__main__":
    sys.exit(main())
