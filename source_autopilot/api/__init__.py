"""Autopilot's HTTP API: one question, one answer. Knows no tables and no Airbyte protocol."""
