"""The loader from a program of your own: this is `python -m autopilot_loader duckdb ...`."""

import sys

from autopilot_loader.__main__ import main

sys.exit(main(["duckdb", *sys.argv[1:]]))
