"""A reader that pins the WAL is told, and all heals when it leaves: on a full disk too."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quotadeck.store import Ledger
from quotadeck.words import say
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import all_calls, assert_sums, ended, event
from tests.wording import said

_READER = """
import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
db.execute("BEGIN")
print(db.execute("SELECT count(*) FROM calls").fetchone()[0], flush=True)
sys.stdin.read()
"""


@contextmanager
def pinned(directory: Path) -> Iterator[int]:
    """Another process that stays in a transaction; its pid."""
    with subprocess.Popen(
        [sys.executable, "-c", _READER, str(directory / "ledger.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline()
        yield reader.pid
        reader.communicate()


async def until_well(ledger: Ledger, clock: HandClock, *allowed: str) -> None:
    """Let time pass until there is nothing wrong, and nothing left to fold."""
    async with asyncio.timeout(60):
        while set(said(ledger.troubles)) - set(allowed) or ledger.backlog_records:
            clock.advance_ms(1_100)
            ledger._writer.wake()
            await asyncio.sleep(0.01)


async def test_a_reader_that_stays_is_told_with_its_process_and_age(
    open_ledger: Opener, directory: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.sqlite.wal.TOLD_BYTES", 100_000)
    ledger = await open_ledger()
    ledger.end_call(ended("req_0"))
    await ledger.flushed()
    with pinned(directory) as pid:
        for number in range(1, 400):
            ledger.end_call(ended(f"req_{number}"))
        await ledger.flushed()
        assert not list(ledger.troubles)
        for _ in range(2):
            clock.advance_ms(11_000)
            ledger.event(event(f"evt_{clock.monotonic_ns()}"))
            await ledger.flushed()
        words = said(ledger.troubles)[0]
        assert words == f"WAL 0 MB: a reader has held it for 10s (process {pid})"
        assert [say(event.told).partition(";")[0] for event in ledger.look()] == [words]
        clock.advance_ms(150_000)
        assert ledger.look() == [], "told once"
        assert "for 2m" in said(ledger.troubles)[0]
        assert (directory / "reserve").exists()
        assert len(await all_calls(ledger.reader)) == 400, "it is still folded"
    await until_well(ledger, clock)
    assert not (directory / "reserve").exists()
    assert said(ledger.problems) == ()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 5 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root may mount a small disk")
    command = [mount, "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


async def fill(ledger: Ledger, clock: HandClock) -> int:
    """Record calls until nothing more can be; how many were."""
    number = 0
    try:
        while True:
            ledger.end_now(ended(f"req_{number}"))
            number += 1
            if number % 100 == 0:
                clock.advance_ms(300)
                await asyncio.sleep(0)
                await asyncio.sleep(0.002)
    except OSError:
        return number


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
async def test_a_disk_that_a_pinned_wal_has_filled_heals_when_the_reader_leaves(
    small_disk: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch, restart: bool
) -> None:
    monkeypatch.setattr("quotadeck.store.sqlite.wal.CHECKPOINT_ROWS", 300)
    monkeypatch.setattr("quotadeck.store.sqlite.wal._SMALL_BYTES", 100_000)
    monkeypatch.setattr("quotadeck.store.sqlite.wal._CHUNK_BYTES", 100_000)
    monkeypatch.setattr("quotadeck.store.sqlite.wal.SLACK_BYTES", 600_000)
    monkeypatch.setattr("quotadeck.store.ballast.BALLAST_BYTES", 100_000)
    monkeypatch.setattr("quotadeck.store.sqlite.writer.BACKOFF_S", (0.01, 0.02))
    directory = small_disk / "state"
    ledger = await Ledger.open(directory, clock)
    ledger.end_call(ended("req_first"))
    await ledger.flushed()
    with pinned(directory):
        recorded = await fill(ledger, clock)
        assert recorded > 1_000
        disk = os.statvfs(directory)
        assert disk.f_bavail * disk.f_frsize < 4_096
        assert (directory / "ledger.db-wal").stat().st_size > 500_000
        assert "disk full: journal not written" in said(ledger.troubles)
        if restart:
            left = small_disk.parent / "left"
            shutil.copytree(directory, left)
    if restart:
        await ledger.close()
        shutil.rmtree(directory)
        shutil.copytree(left, directory)
        disk = os.statvfs(directory)
        assert disk.f_bavail * disk.f_frsize < 40_000, "as full as the kill left it"
        ledger = await Ledger.open(directory, clock)
    await until_well(
        ledger, clock, "disk nearly full: ballast used", "disk full: journal not written"
    )
    ledger.end_now(ended("req_after"))
    await until_well(ledger, clock, "disk nearly full: ballast used")
    assert (directory / "ledger.db-wal").stat().st_size < 500_000
    assert len(await all_calls(ledger.reader)) == recorded + 2
    await assert_sums(ledger.reader)
    await ledger.close()
