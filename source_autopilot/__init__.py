"""Airbyte source connector for Autopilot (AutopilotHQ, now Ortto)."""

import gc

# Nothing that importing the CDK makes is garbage; looking for some takes a quarter of the start.
_collects = gc.isenabled()
gc.disable()

from source_autopilot.source import SourceAutopilot  # noqa: E402 - see above

if _collects:
    gc.enable()

__all__ = ["SourceAutopilot"]
