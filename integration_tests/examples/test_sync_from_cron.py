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

from integration_tests.support.connector import ALL_TIME, KEY, ROOT, TIMEOUT_SECONDS, Output
from integration_tests.support.docker_on_path import put_docker_on_path
from integration_tests.support.docker_stand_in import put_stand_in_on_path
from integration_tests.support.rows import expected_rows, sorted_rows
from simulator import Account, Simulator

SCRIPT = ROOT / "examples" / "sync_from_cron.sh"
STILL_RUNNING = 75
REQUESTS_OF_A_LARGE_SYNC = 15 + 9 + 5 + 1 + 3 + 3  # pages of each chain, lists, segments twice

# Pages for two seconds at 20 requests a second, with a state about every second.
large = pytest.mark.parametrize(
    "account", [Account(contacts=1_500, segment_sizes=[900, 450, 0, 250])], ids=["large"]
)


@pytest.fixture
def account() -> Account:
    """Two pages of contacts; `large` replaces it where a sync has to last."""
    return Account(contacts=150, segment_sizes=[20, 0])


@pytest.fixture
def autopilot(account: Account) -> Iterator[Simulator]:
    """A slow API: there is time to interrupt a sync."""
    with Simulator(account, key=KEY, latency_seconds=0.1) as simulator:
        yield simulator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the script, with a space in its name."""
    folder = tmp_path / "my account"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(ALL_TIME))
    shutil.copy(ROOT / "examples" / "catalog.json", folder)
    return folder


@pytest.fixture
def stand_in(tmp_path: Path, autopilot: Simulator, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in for Docker on PATH that reaches the simulator; the file of its process id."""
    return put_stand_in_on_path(autopilot.url, tmp_path / "bin", monkeypatch)


@pytest.fixture(params=["stand-in", pytest.param("docker", marks=pytest.mark.image_tests)])
def kill_container(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    autopilot: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Path], None]:
    """Put a `docker` on PATH that reaches the simulator; returns its `docker kill`."""
    if request.param == "docker":
        put_docker_on_path(autopilot.url, tmp_path / "bin", monkeypatch)
        return docker_kill
    process_id: Path = request.getfixturevalue("stand_in")
    return lambda _: os.kill(int(process_id.read_text()), signal.SIGKILL)


def docker_kill(folder: Path) -> None:
    """Kill the container that syncs into the folder."""
    listing = ["docker", "ps", "--quiet", f"--filter=volume={folder}"]
    running = subprocess.run(listing, capture_output=True, encoding="utf-8", check=True)  # noqa: S603
    subprocess.run(["docker", "kill", *running.stdout.split()], check=True)  # noqa: S603, S607


@contextmanager
def start_sync(
    folder: Path, autopilot: Simulator, requests: int
) -> Iterator[subprocess.Popen[str]]:
    """Run the script until it has sent so many requests, and to its end after the block.

    Its stderr is a file beside the folder.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    with (
        (folder.parent / "stderr").open("w") as stderr,
        subprocess.Popen([SCRIPT, folder], stderr=stderr, encoding="utf-8") as process,  # noqa: S603
    ):
        while autopilot.log.count() < requests:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process


def sync(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script to its end."""
    return subprocess.run(  # noqa: S603 - our own program
        [SCRIPT, folder],
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def complete_syncs(folder: Path) -> list[Path]:
    """The files of complete syncs, oldest first."""
    return sorted(folder.glob("sync-*.jsonl"))


def read_rows(file: Path) -> dict[str, list[Any]]:
    """The records in a complete sync, in a comparable order."""
    return sorted_rows(Output(0, file.read_text(), "").rows)


def other_files(folder: Path) -> set[str]:
    """The names in the folder beside complete syncs."""
    return {file.name for file in {*folder.iterdir()} - {*complete_syncs(folder)}}


def test_sync__to_its_end(
    folder: Path, account: Account, kill_container: Callable[[Path], None]
) -> None:
    """A sync is one file with every row once, only for its owner; the next one is another file."""
    first, second = sync(folder), sync(folder)

    assert (first.returncode, first.stderr) == (second.returncode, second.stderr) == (0, "")
    rows = [read_rows(file) for file in complete_syncs(folder)]
    assert rows == [sorted_rows(expected_rows(account))] * 2
    assert [file.stat().st_mode & 0o777 for file in complete_syncs(folder)] == [0o600] * 2
    assert other_files(folder) == {"config.json", "catalog.json"}


@large
def test_sync__container_killed(
    folder: Path, account: Account, autopilot: Simulator, kill_container: Callable[[Path], None]
) -> None:
    """A killed connector leaves no complete sync; the next run goes on and has each row once."""
    with start_sync(folder, autopilot, requests=25) as killed:
        kill_container(folder)
    complete_after_kill = complete_syncs(folder)
    requests = autopilot.log.count()
    rest = sync(folder)
    requests_of_rest = autopilot.log.count() - requests

    assert killed.returncode == 128 + signal.SIGKILL
    assert complete_after_kill == []
    assert rest.returncode == 0
    assert requests_of_rest < REQUESTS_OF_A_LARGE_SYNC
    [whole] = complete_syncs(folder)
    assert read_rows(whole) == sorted_rows(expected_rows(account))
    assert other_files(folder) == {"config.json", "catalog.json"}


@large
def test_sync__script_killed(
    folder: Path, account: Account, autopilot: Simulator, kill_container: Callable[[Path], None]
) -> None:
    """After a SIGKILL the next run takes over the lock and the rows, and ends the container."""
    with start_sync(folder, autopilot, requests=25) as killed:
        killed.kill()
    if kill_container is not docker_kill:
        kill_container(folder)  # the stand-in has no `docker rm --force`
    rest = sync(folder)

    assert (rest.returncode, rest.stderr) == (0, "")
    [whole] = complete_syncs(folder)
    assert read_rows(whole) == sorted_rows(expected_rows(account))


@large
def test_sync__stopped(
    folder: Path, account: Account, autopilot: Simulator, kill_container: Callable[[Path], None]
) -> None:
    """SIGTERM reaches the connector, whose exit code and sentence are passed on."""
    with start_sync(folder, autopilot, requests=25) as stopped:
        stopped.terminate()
    stderr = (folder.parent / "stderr").read_text()
    rest = sync(folder)

    assert stopped.returncode == 143
    assert "is not complete (exit code 143); the next run goes on with it." in stderr
    assert "The sync was stopped from outside before it was complete." in stderr
    assert rest.returncode == 0
    [whole] = complete_syncs(folder)
    assert read_rows(whole) == sorted_rows(expected_rows(account))


@large
def test_sync__while_another_runs(
    folder: Path, account: Account, autopilot: Simulator, kill_container: Callable[[Path], None]
) -> None:
    """Two runs never overlap: the second says so and leaves the first alone."""
    with start_sync(folder, autopilot, requests=5) as first:
        requests = autopilot.log.count()
        second = sync(folder)
        assert first.poll() is None, "the first run ended too early for this test"

    assert second.returncode == STILL_RUNNING
    assert "is still running" in second.stderr
    assert first.returncode == 0
    assert autopilot.log.count() > requests
    [whole] = complete_syncs(folder)
    assert read_rows(whole) == sorted_rows(expected_rows(account))


@pytest.mark.usefixtures("stand_in")
def test_sync__wrong_key(folder: Path, account: Account) -> None:
    """Cron's mail says what is wrong; with the right key the sync begins anew."""
    (folder / "config.json").write_text(json.dumps({**ALL_TIME, "api_key": "f" * 32}))
    refused = sync(folder)
    (folder / "config.json").write_text(json.dumps(ALL_TIME))
    accepted = sync(folder)

    assert refused.returncode == 1
    assert refused.stderr.count("Autopilot does not accept the API key") == 1
    assert "Traceback" not in refused.stderr
    assert accepted.returncode == 0
    [whole] = complete_syncs(folder)
    assert read_rows(whole) == sorted_rows(expected_rows(account))


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("changed", ["nothing", "config.json", "catalog.json", "a day"])
def test_sync__unfinished_but_stale(folder: Path, account: Account, changed: str) -> None:
    """Rows of other settings or of another day are not mixed: the sync begins anew."""
    (folder / "unfinished").mkdir()
    (folder / "unfinished" / "began").write_text("20260101T000000Z\n")
    (folder / "unfinished" / "0000.jsonl").write_text('{"type":"LOG","log":{"message":"old"}}\n')
    if changed == "a day":
        long_ago = time.time() - 2 * 24 * 60 * 60
        for file in [folder / "unfinished" / "began", *folder.glob("*.json")]:
            os.utime(file, (long_ago, long_ago))
    elif changed != "nothing":
        later = time.time() + 10
        os.utime(folder / changed, (later, later))
    done = sync(folder)

    assert done.returncode == 0
    [whole] = complete_syncs(folder)
    goes_on = changed == "nothing"
    assert ("old" in Output(0, whole.read_text(), "").log.splitlines()) == goes_on
    assert (whole.name == "sync-20260101T000000Z.jsonl") == goes_on
    assert read_rows(whole) == sorted_rows(expected_rows(account))


@pytest.mark.usefixtures("stand_in")
def test_sync__published_but_not_tidied_up(folder: Path, account: Account) -> None:
    """After a power cut behind the last step the sync is not published again."""
    (folder / "unfinished").mkdir()
    (folder / "unfinished" / "began").write_text("20260101T000000Z\n")
    published = folder / "sync-20260101T000000Z.jsonl"
    published.write_text("")

    assert sync(folder).returncode == 0

    assert published.read_text() == ""
    assert read_rows(complete_syncs(folder)[1]) == sorted_rows(expected_rows(account))


@pytest.mark.usefixtures("stand_in")
def test_sync__stale_lock(folder: Path) -> None:
    """A lock is taken over when its process id belongs to another program."""
    (folder / "lock").symlink_to(str(os.getppid()))

    assert sync(folder).returncode == 0
    assert other_files(folder) == {"config.json", "catalog.json"}


def test_sync__no_engine(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Docker, cron mails its message and exit code."""
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho Cannot connect to the Docker daemon. >&2\nexit 125\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    run = sync(folder)

    assert run.returncode == 125
    assert "Cannot connect to the Docker daemon." in run.stderr
    assert complete_syncs(folder) == []


@pytest.mark.parametrize("missing", ["config.json", "catalog.json"])
def test_sync__no_file(folder: Path, missing: str) -> None:
    """A missing file is named, and nothing begins."""
    (folder / missing).unlink()

    run = sync(folder)

    assert run.returncode == 66
    assert run.stderr == f"There is no {folder}/{missing} that can be read.\n"
    assert other_files(folder) == {"config.json", "catalog.json"} - {missing}


def test_sync__no_folder() -> None:
    """Without a folder it shows its usage."""
    run = subprocess.run([SCRIPT], capture_output=True, encoding="utf-8", check=False)  # noqa: S603

    assert (run.returncode, run.stdout) == (64, "")
    assert run.stderr.startswith("usage:")


def test_sync__wrong_image(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If Docker cannot run the image, that is said, and nothing is left to go on with."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").write_text("#!/bin/sh\nexit 125\n")
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)

    done = sync(folder)

    sentence = "Nothing was started: Docker cannot run the image source-autopilot"
    assert (done.returncode, done.stderr) == (125, f"{sentence} (exit code 125).\n")
    assert sorted(os.listdir(folder)) == ["catalog.json", "config.json"]
