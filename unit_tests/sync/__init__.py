"""Tests of `source_autopilot.sync`."""
