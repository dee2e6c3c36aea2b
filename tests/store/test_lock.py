"""One gateway a store, and nobody else keeps it out: whoever may only read may lock nothing."""

import asyncio
import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from quotadeck.store import Ledger, StoreBusy
from quotadeck.store.lock import Lock, holder, is_held
from tests.clocks import HandClock
from tests.wording import refuses

# As another account that has the group of the store, when the tests run as root.
_ASK = """
import os, sys
from pathlib import Path
from quotadeck.store.lock import holder, is_held
if os.geteuid() == 0:
    os.setgid(12345), os.setuid(12346)
print(is_held(Path(sys.argv[1])), holder(Path(sys.argv[1])))
"""
_LOCK_ALL = """
import fcntl, os, sys
from pathlib import Path
if os.geteuid() == 0:
    os.setgid(12345), os.setuid(12346)
held = []
for path in Path(sys.argv[1]).rglob("*"):
    try:
        file = path.open("rb")
    except OSError:
        continue
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if path.name != "ledger.db-shm":
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    held.append(file)
print(len(held), flush=True)
sys.stdin.read()
"""
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A closed store that the group 12345 may read."""
    directory = tmp_path / "state"
    asyncio.run(_open_and_close(directory))
    for path in (directory, *directory.rglob("*")):
        os.chown(path, -1, 12345)
    for parent in list(directory.parents)[:4]:
        parent.chmod(parent.stat().st_mode | 0o011)
    return directory


async def _open_and_close(directory: Path) -> None:
    await (await Ledger.open(directory, HandClock())).close()


def test_it_is_told_to_others_and_to_the_same_process_and_asking_drops_nothing(
    tmp_path: Path,
) -> None:
    assert not is_held(tmp_path)
    lock = Lock(tmp_path)
    for _ in range(2):
        assert is_held(tmp_path)
        assert holder(tmp_path) == os.getpid()
        with refuses(StoreBusy, match="another gateway is writing this store"):
            Lock(tmp_path)
    lock.close()
    assert not is_held(tmp_path)
    Lock(tmp_path).close()


@root
def test_who_may_not_open_the_lock_can_still_ask(state: Path) -> None:
    def ask() -> str:
        done = subprocess.run(
            [sys.executable, "-c", _ASK, str(state)], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert ask() == "False None"
    lock = Lock(state)
    assert ask() == "True None"
    lock.close()


@root
def test_a_reader_that_locks_all_that_it_can_open_keeps_no_gateway_from_starting(
    state: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _LOCK_ALL, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as reader:
        assert reader.stdout is not None
        assert int(reader.stdout.readline()) > 2
        asyncio.run(_open_and_close(state))
        reader.communicate()


def test_a_lock_of_an_older_version_is_closed_to_readers(tmp_path: Path) -> None:
    (tmp_path / "lock").touch(0o640)
    Lock(tmp_path).close()
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600


def test_a_link_to_a_lock_takes_the_same_lock(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    lock = Lock(first)
    os.link(first / "lock", second / "lock")
    with pytest.raises(StoreBusy):
        Lock(second)
    with (first / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the owner's own, and of another kind
    lock.close()


def test_parents_of_the_state_folder_are_nobody_elses_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        asyncio.run(_open_and_close(tmp_path / "a" / "b" / "state"))
    finally:
        os.umask(old)
    modes = [stat.S_IMODE((tmp_path / place).stat().st_mode) for place in ("a", "a/b")]
    assert modes == [0o755, 0o755]
    assert stat.S_IMODE((tmp_path / "a/b/state").stat().st_mode) == 0o750
