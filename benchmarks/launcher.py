"""`launcher.py FILE PROGRAM ARGUMENT...`: run a program and write down what it took, as JSON.

A process of its own, and a small one: what the kernel says of a program's peak of memory includes
the peak of the process that started it, and that one may hold a simulator and a million keys.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

began = time.monotonic()
process = subprocess.Popen(sys.argv[2:])  # noqa: S603 - a program of the list in peers.py
_, status, used = os.wait4(process.pid, 0)
usage = {
    "code": os.waitstatus_to_exitcode(status),
    "seconds": time.monotonic() - began,
    "cpu_seconds": used.ru_utime + used.ru_stime,
    "peak_mb": used.ru_maxrss / 1024,
}
Path(sys.argv[1]).write_text(json.dumps(usage))
