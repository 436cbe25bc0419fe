"""Tests of the whole connector, as a process, against a simulated Autopilot."""
