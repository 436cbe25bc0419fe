"""Makes the first look-ups of names fail in a connector that has this folder on PYTHONPATH."""

import os
import socket
from typing import Any

_look_up = socket.getaddrinfo
_failures = int(os.environ.get("FAILING_LOOK_UPS", "0"))


def _getaddrinfo(*args: Any, **kwargs: Any) -> Any:
    global _failures
    if _failures > 0:
        _failures -= 1
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _look_up(*args, **kwargs)


socket.getaddrinfo = _getaddrinfo
