"""The loader from a program of your own: this is `python -m autopilot_loader postgres ...`."""

import sys

from autopilot_loader.__main__ import main

sys.exit(main(["postgres", *sys.argv[1:]]))
