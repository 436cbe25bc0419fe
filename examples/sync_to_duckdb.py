"""Sync an Autopilot account into a DuckDB file without an Airbyte platform: through PyAirbyte.

    python examples/sync_to_duckdb.py --demo
    python examples/sync_to_duckdb.py --config secrets/config.json
    python examples/sync_to_duckdb.py --config secrets/config.json --watch

The config file holds what Airbyte's setup form asks for: {"api_key": "...", "frequency": 360}.
A sync replaces the whole file, and only when everything has arrived: after a failed one (exit code
1) the file still is what the last good sync made of it. So keep tables and views of your own in
another file, and ATTACH this one there.
"""

from __future__ import annotations  # so that an old Python can say what is missing

import sys
from collections.abc import Sequence
from pathlib import Path

from duckdb_file import DuckDBFile
from sync_program import make_parser, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Sync as the arguments say; returns the exit code (see `sync_program.run`)."""
    parser = make_parser("Sync an Autopilot account into a DuckDB file.")
    help_ = "(autopilot.duckdb; of a demo, in demo/)"
    parser.add_argument("--database", type=Path, metavar="FILE", help=help_)
    options = parser.parse_args(arguments)
    default = Path("demo" if options.demo else "", "autopilot.duckdb")
    return run(options, DuckDBFile(options.database or default))


if __name__ == "__main__":
    sys.exit(main())
