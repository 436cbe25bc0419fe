"""Tests of `source_autopilot.records`."""
