"""Airbyte source connector for Autopilot (AutopilotHQ, now Ortto)."""

from source_autopilot.source import SourceAutopilot

__all__ = ["SourceAutopilot"]
