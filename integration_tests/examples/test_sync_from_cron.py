"""`examples/sync_from_cron.sh`, with a stand-in for Docker; `make test-image` has the real one."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from integration_tests.conftest import ALL_TIME, KEY
from integration_tests.support import docker_stand_in
from integration_tests.support.connector import ROOT, SECONDS, Output
from integration_tests.support.docker_on_path import docker_that_reaches
from integration_tests.sync.test_read import expected_rows, sorted_rows
from simulator import Account, Simulator

SCRIPT = ROOT / "examples" / "sync_from_cron.sh"
BUSY = 75
REQUESTS = 15 + 9 + 5 + 1 + 3 + 3  # of a whole sync: each page, the lists, and the segments twice


@pytest.fixture
def account() -> Account:
    """Some pages: two seconds at 20 requests a second, and there is a state about every second."""
    return Account(contacts=1_500, segment_sizes=[900, 450, 0, 250])


@pytest.fixture
def autopilot(account: Account) -> Iterator[Simulator]:
    """A slow API: there is time to interrupt a sync."""
    with Simulator(account, key=KEY, latency_seconds=0.1) as simulator:
        yield simulator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the script is given, with a space in its name."""
    folder = tmp_path / "my account"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(ALL_TIME))
    shutil.copy(ROOT / "examples" / "catalog.json", folder)
    return folder


@pytest.fixture(params=["stand-in", pytest.param("docker", marks=pytest.mark.image_tests)])
def kill_container(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    autopilot: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], None]:
    """A `docker` on PATH that reaches the simulator; the function is its `docker kill`."""
    programs = tmp_path / "bin"
    if request.param == "docker":
        docker_that_reaches(autopilot.url, programs, monkeypatch)
        return _docker_kill
    process_id = docker_stand_in.put_on_path(autopilot.url, programs, monkeypatch)
    return lambda: os.kill(int(process_id.read_text()), signal.SIGKILL)


def _docker_kill() -> None:
    listing = ["docker", "ps", "--quiet", "--filter=name=source-autopilot-"]
    running = subprocess.run(listing, capture_output=True, encoding="utf-8", check=True)  # noqa: S603
    subprocess.run(["docker", "kill", *running.stdout.split()], check=True)  # noqa: S603, S607


@contextmanager
def begun(folder: Path, autopilot: Simulator, requests: int) -> Iterator[subprocess.Popen[str]]:
    """A run of the script that has sent so many requests; it is waited for.

    What it says is in the file `said` beside the folder.
    """
    deadline = time.monotonic() + SECONDS
    with (
        (folder.parent / "said").open("w") as said,
        subprocess.Popen([SCRIPT, folder], stderr=said, encoding="utf-8") as process,  # noqa: S603
    ):
        while autopilot.log.count() < requests:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process


def sync(folder: Path) -> subprocess.CompletedProcess[str]:
    """A run of the script to its end."""
    return subprocess.run(  # noqa: S603 - our own program
        [SCRIPT, folder], capture_output=True, encoding="utf-8", timeout=SECONDS, check=False
    )


def complete(folder: Path) -> list[Path]:
    """The complete syncs, oldest first."""
    return sorted(folder.glob("sync-*.jsonl"))


def rows(file: Path) -> dict[str, list[Any]]:
    """The records in a complete sync, in a comparable order."""
    return sorted_rows(Output(0, file.read_text(), "").rows)


def names(folder: Path) -> set[str]:
    """What is in the folder beside complete syncs."""
    return {it.name for it in folder.iterdir()} - {it.name for it in complete(folder)}


def test_sync__to_its_end(
    folder: Path, account: Account, kill_container: Callable[[], None]
) -> None:
    """A sync is one file with every row once, only for its owner; the next one is another file."""
    first, second = sync(folder), sync(folder)

    assert (first.returncode, first.stderr) == (second.returncode, second.stderr) == (0, "")
    assert [rows(it) for it in complete(folder)] == [sorted_rows(expected_rows(account))] * 2
    assert [it.stat().st_mode & 0o777 for it in complete(folder)] == [0o600] * 2
    assert names(folder) == {"config.json", "catalog.json"}


def test_sync__container_killed(
    folder: Path, account: Account, autopilot: Simulator, kill_container: Callable[[], None]
) -> None:
    """A killed connector leaves no complete sync; the next run goes on and has each row once."""
    with begun(folder, autopilot, requests=25) as killed:
        kill_container()
    after_killed = complete(folder)
    asked = autopilot.log.count()
    rest = sync(folder)
    asked_again = autopilot.log.count() - asked

    assert killed.returncode == 128 + signal.SIGKILL
    assert after_killed == []
    assert rest.returncode == 0
    assert asked_again < REQUESTS
    [whole] = complete(folder)
    assert rows(whole) == sorted_rows(expected_rows(account))
    assert names(folder) == {"config.json", "catalog.json"}


def test_sync__script_killed(
    folder: Path, account: Account, autopilot: Simulator, kill_container: Callable[[], None]
) -> None:
    """Kill the script, and the next run takes its lock and what it had, and ends its container."""
    with begun(folder, autopilot, requests=25) as killed:
        killed.kill()
    if kill_container is not _docker_kill:
        kill_container()  # the stand-in has no `docker rm --force`
    rest = sync(folder)

    assert (rest.returncode, rest.stderr) == (0, "")
    [whole] = complete(folder)
    assert rows(whole) == sorted_rows(expected_rows(account))


def test_sync__stopped(
    folder: Path, account: Account, autopilot: Simulator, kill_container: Callable[[], None]
) -> None:
    """SIGTERM reaches the connector, whose exit code and sentence are passed on."""
    with begun(folder, autopilot, requests=25) as stopped:
        stopped.terminate()
    said = (folder.parent / "said").read_text()
    rest = sync(folder)

    assert stopped.returncode == 143
    assert "is not complete (exit code 143); the next run goes on with it." in said
    assert "The sync was stopped from outside before it was complete." in said
    assert rest.returncode == 0
    [whole] = complete(folder)
    assert rows(whole) == sorted_rows(expected_rows(account))


def test_sync__while_another_runs(
    folder: Path, account: Account, autopilot: Simulator, kill_container: Callable[[], None]
) -> None:
    """Two runs never overlap: the second says so and leaves the first alone."""
    with begun(folder, autopilot, requests=5) as first:
        asked = autopilot.log.count()
        second = sync(folder)
        assert first.poll() is None, "the first run ended too early for this test"

    assert second.returncode == BUSY
    assert "is still running" in second.stderr
    assert first.returncode == 0
    assert autopilot.log.count() > asked
    [whole] = complete(folder)
    assert rows(whole) == sorted_rows(expected_rows(account))


def test_sync__wrong_key(
    folder: Path, account: Account, kill_container: Callable[[], None]
) -> None:
    """Cron's mail says what is wrong; with the right key the sync is begun anew."""
    (folder / "config.json").write_text(json.dumps({**ALL_TIME, "api_key": "f" * 32}))
    refused = sync(folder)
    (folder / "config.json").write_text(json.dumps(ALL_TIME))
    accepted = sync(folder)

    assert refused.returncode == 1
    assert refused.stderr.count("Autopilot does not accept the API key") == 1
    assert "Traceback" not in refused.stderr
    assert accepted.returncode == 0
    assert [rows(it) for it in complete(folder)] == [sorted_rows(expected_rows(account))]


@pytest.mark.parametrize("changed", ["config.json", "catalog.json", "a day"])
def test_sync__unfinished_but_stale(
    folder: Path,
    account: Account,
    autopilot: Simulator,
    kill_container: Callable[[], None],
    changed: str,
) -> None:
    """Rows of other settings, or of another day, are not mixed: the sync is begun anew."""
    with begun(folder, autopilot, requests=25):
        kill_container()
    if changed == "a day":
        long_ago = time.time() - 2 * 24 * 60 * 60
        for file in [folder / "unfinished" / "began", *folder.glob("*.json")]:
            os.utime(file, (long_ago, long_ago))
    else:
        (folder / changed).touch()
    (folder / "unfinished" / "0000.jsonl").write_text('{"type":"LOG","log":{"message":"old"}}\n')
    anew = sync(folder)

    assert anew.returncode == 0
    [whole] = complete(folder)
    assert "old" not in {
        it["log"]["message"]
        for it in Output(0, whole.read_text(), "").messages
        if it["type"] == "LOG"
    }
    assert rows(whole) == sorted_rows(expected_rows(account))


def test_sync__published_but_not_tidied_up(
    folder: Path, account: Account, kill_container: Callable[[], None]
) -> None:
    """A power cut behind the last step does not have the sync published twice."""
    (folder / "unfinished").mkdir()
    (folder / "unfinished" / "began").write_text("20260101T000000Z\n")
    published = folder / "sync-20260101T000000Z.jsonl"
    published.write_text("")

    assert sync(folder).returncode == 0

    assert published.read_text() == ""
    assert rows(complete(folder)[1]) == sorted_rows(expected_rows(account))


def test_sync__lock_of_a_run_that_is_no_more(
    folder: Path, account: Account, kill_container: Callable[[], None]
) -> None:
    """After a power cut the number of the last run may be another process's by now."""
    (folder / "lock").symlink_to(str(os.getppid()))

    assert sync(folder).returncode == 0
    assert names(folder) == {"config.json", "catalog.json"}


def test_sync__no_engine(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Docker does not answer, its own words and exit code are what cron mails."""
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho Cannot connect to the Docker daemon. >&2\nexit 125\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    run = sync(folder)

    assert run.returncode == 125
    assert "Cannot connect to the Docker daemon." in run.stderr
    assert complete(folder) == []


@pytest.mark.parametrize("missing", ["config.json", "catalog.json"])
def test_sync__no_file(folder: Path, missing: str) -> None:
    """A file that is missing is named, and nothing is begun."""
    (folder / missing).unlink()

    run = sync(folder)

    assert run.returncode == 66
    assert run.stderr == f"There is no {folder}/{missing} that can be read.\n"
    assert names(folder) == {"config.json", "catalog.json"} - {missing}


def test_sync__no_folder() -> None:
    """Without a folder it says how it is used."""
    run = subprocess.run([SCRIPT], capture_output=True, encoding="utf-8", check=False)  # noqa: S603

    assert (run.returncode, run.stdout) == (64, "")
    assert run.stderr.startswith("usage:")
