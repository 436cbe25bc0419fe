"""Tests of `source_autopilot.streams`."""
