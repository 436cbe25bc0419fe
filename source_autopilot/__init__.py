"""Airbyte source connector for Autopilot (AutopilotHQ, now Ortto)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_autopilot.source import SourceAutopilot

__all__ = ["SourceAutopilot"]


def __getattr__(name: str) -> Any:
    """Import the source when it is asked for: that takes a second, and signals do not wait."""
    if name == "SourceAutopilot":
        from source_autopilot.source import SourceAutopilot

        return SourceAutopilot
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
