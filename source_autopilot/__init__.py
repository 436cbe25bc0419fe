"""Airbyte source connector for Autopilot (AutopilotHQ, now Ortto)."""

import gc

# Nothing that importing the CDK makes is garbage, and all of it lives as long as the process:
# looking for some takes a quarter of the start, and looking at it again later takes time too.
_collects = gc.isenabled()
gc.disable()

from source_autopilot.source import SourceAutopilot  # noqa: E402 - see above

gc.freeze()
if _collects:
    gc.enable()

__all__ = ["SourceAutopilot"]
