"""Tests of `source_autopilot.api`."""
