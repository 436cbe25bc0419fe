"""A PostgreSQL of the test's own, from Debian's package: own folder, own port, gone afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integration_tests.support.connector import SECONDS

PASSWORD = "p@ss/word: 100 %"  # noqa: S105 - what no URL takes as it is


def programs() -> Path | None:
    """Where the newest PostgreSQL has its programs; None if there is none."""
    found = [Path(initdb).parent for initdb in [shutil.which("initdb")] if initdb]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda it: float(it.parent.name))
    return next((it for it in reversed([*found, *debian]) if (it / "initdb").exists()), None)


@contextmanager
def postgresql() -> Iterator[dict[str, str]]:
    """A server that runs while the block does: the environment variables that psql finds it by."""
    folder = tempfile.mkdtemp(
        prefix="source-autopilot-postgres-"
    )  # pytest's own only root may read
    environment = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(_free_port()),
        "PGDATABASE": "postgres",
        "PGUSER": "autopilot",
        "PGPASSWORD": PASSWORD,
    }
    try:
        _create(Path(folder))
        options = f"-h 127.0.0.1 -p {environment['PGPORT']} -k {folder} -F"
        _run("pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", "-o", options, "start")
        try:
            yield environment
        finally:
            _run("pg_ctl", "-D", f"{folder}/data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _create(folder: Path) -> None:
    (folder / "password").write_text(PASSWORD)
    for path in [folder, folder / "password"] if _nobody() else []:
        shutil.chown(path, **_nobody())
    account = ["-U", "autopilot", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"]
    _run("initdb", "-D", f"{folder}/data", *account, "-E", "UTF8", "--locale=C", "--no-sync")


def _run(program: str, *arguments: str) -> None:
    place = programs()
    assert place
    account: dict[str, Any] = {**_nobody(), "extra_groups": []} if _nobody() else {}
    subprocess.run(  # noqa: S603 - PostgreSQL's own programs
        [str(place / program), *arguments],
        stdout=subprocess.DEVNULL,  # the server inherits it: a pipe would never end
        stderr=subprocess.DEVNULL,
        timeout=SECONDS,
        check=True,
        cwd="/",
        **account,
    )


def _nobody() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return int(it.getsockname()[1])
