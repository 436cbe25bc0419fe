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

import pytest

from integration_tests.support.connector import TIMEOUT_SECONDS

PASSWORD = "p@ss/word: 100 %"  # noqa: S105 - all of it has to be encoded in a URL


def find_programs() -> Path | None:
    """The folder of the newest PostgreSQL's programs; None if there is none."""
    initdb = shutil.which("initdb")
    on_path = [Path(initdb).parent] if initdb else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    newest_last = sorted(debian, key=lambda folder: float(folder.parent.name))
    folders = reversed([*on_path, *newest_last])
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


needs_postgres = pytest.mark.skipif(
    not find_programs(), reason="PostgreSQL is not installed: apt-get install it"
)


@contextmanager
def run_postgresql() -> Iterator[dict[str, str]]:
    """Run a server during the block; yields the environment variables by which psql finds it."""
    folder = tempfile.mkdtemp(prefix="source-autopilot-postgres-")  # only root reads pytest's own
    environment = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(_find_free_port()),
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
    if account := _unprivileged_account():
        for path in [folder, folder / "password"]:
            shutil.chown(path, **account)
    user = ["-U", "autopilot", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"]
    _run("initdb", "-D", f"{folder}/data", *user, "-E", "UTF8", "--locale=C", "--no-sync")


def _run(program: str, *arguments: str) -> None:
    place = find_programs()
    assert place
    account: dict[str, Any] = _unprivileged_account()
    if account:
        account["extra_groups"] = []
    subprocess.run(  # noqa: S603 - PostgreSQL's own programs
        [str(place / program), *arguments],
        stdout=subprocess.DEVNULL,  # the server inherits it: a pipe would never end
        stderr=subprocess.DEVNULL,
        timeout=TIMEOUT_SECONDS,
        check=True,
        cwd="/",
        **account,
    )


def _unprivileged_account() -> dict[str, Any]:
    """Another account than root's, as which PostgreSQL refuses to run; empty if we are not root."""
    return {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}


def _find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
