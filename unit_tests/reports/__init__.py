"""Tests of `source_autopilot.reports`."""
