"""The store's long counts: two hundred kills, half a minute of a locked file, a full disk."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quotadeck.store import Ledger
from quotadeck.store.ballast import Ballast
from tests.clocks import HandClock
from tests.store.killing import destroy_repeatedly, kill_repeatedly
from tests.store.values import all_calls, assert_sums, ended, opened
from tests.wording import said

pytestmark = pytest.mark.soak

_LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
db.execute("COMMIT")
"""


@pytest.mark.parametrize("seed", range(4))
async def test_fifty_kills_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    await kill_repeatedly(tmp_path / "state", times=50, seed=seed)


@pytest.mark.parametrize("seed", range(4))
async def test_fifty_destroyed_ledgers_come_back_equal(tmp_path: Path, seed: int) -> None:
    await destroy_repeatedly(tmp_path / "state", times=50, seed=seed)


@pytest.fixture
def locker(tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """Have another process lock the ledger until its input is closed."""
    started: list[subprocess.Popen[bytes]] = []

    def lock() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", _LOCK, str(tmp_path / "ledger.db")]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        return process

    yield lock
    for process in started:
        process.communicate()


async def test_half_a_minute_of_a_locked_ledger_loses_nothing(
    tmp_path: Path, locker: Callable[[], "subprocess.Popen[bytes]"]
) -> None:
    clock = HandClock()
    ledger = await Ledger.open(tmp_path, clock)
    other = locker()
    for second in range(30):
        for number in range(1_000):
            ledger.open_call(opened(f"req_{second}_{number}", at_us=clock.wall_us()))
            ledger.end_now(ended(f"req_{second}_{number}", at_us=clock.wall_us()))
        await asyncio.sleep(1)
        clock.advance_ms(1_000)
    assert "ledger locked by another process" in said(ledger.problems)
    assert any(word.startswith("journal ") for word in said(ledger.problems))
    assert len(await all_calls(ledger.reader)) == 0
    other.communicate()
    await ledger.flushed()
    assert len(await all_calls(ledger.reader)) == 30_000
    await assert_sums(ledger.reader)
    await ledger.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 70 MB; needs the right to mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=70m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("this account may not mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536))


async def test_a_full_disk_gives_the_ballast_for_the_last_records(small_disk: Path) -> None:
    rest, state = small_disk / "somebody_elses", small_disk / "state"
    ledger = await Ledger.open(state, HandClock())
    ballast = Ballast(state)
    assert ballast.stands
    with pytest.raises(OSError, match="No space"):
        fill(rest)
    done: list[int] = []

    async def write() -> None:
        while True:
            number = len(done)
            await ledger.open_call(opened(f"req_{number}"))
            await ledger.end_call(ended(f"req_{number}"))
            done.append(number)

    with pytest.raises(OSError, match="No space"):
        await write()
    assert len(done) > 10_000, "the ballast's room was used"
    assert not ballast.release(), "it is gone"
    assert "disk full: journal not written" in said(ledger.problems)
    rest.unlink()
    ledger.end_now(ended("req_after"))
    await ledger.flushed()
    assert len(await all_calls(ledger.reader)) >= len(done) + 1
    await assert_sums(ledger.reader)
    await ledger.close()
