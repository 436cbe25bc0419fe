"""`launcher.py FILE PROGRAM ARGUMENT...`: run a program and write what it took, as JSON.

It is a small process of its own because the kernel counts the memory of the process that starts a
program into the program's peak, and the benchmark may hold a million keys.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

started_at = time.monotonic()
process = subprocess.Popen(sys.argv[2:])  # noqa: S603 - a program of the list in peers.py
_, status, used = os.wait4(process.pid, 0)
usage = {
    "code": os.waitstatus_to_exitcode(status),
    "seconds": time.monotonic() - started_at,
    "cpu_seconds": used.ru_utime + used.ru_stime,
    "peak_mb": used.ru_maxrss / 1024,
}
Path(sys.argv[1]).write_text(json.dumps(usage))
