"""A locked or full disk costs history's freshness, never a record."""

import gc
import json
import sqlite3
import tracemalloc
from pathlib import Path

import pytest

from quotadeck.store import Ledger, StoreBusy
from quotadeck.store.ballast import BALLAST_BYTES, Ballast
from quotadeck.store.sqlite.errors import trouble
from quotadeck.words import say
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import all_calls, assert_sums, ended, entry, event, opened, run_python
from tests.wording import refuses, said


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait hundredths of a second where the product waits seconds."""
    monkeypatch.setattr("quotadeck.store.sqlite.connection.BUSY_TIMEOUT_S", 0.01)
    monkeypatch.setattr("quotadeck.store.sqlite.writer.BACKOFF_S", (0.01, 0.02))
    monkeypatch.setattr("quotadeck.store.sqlite.writer.GIVE_UP_S", 0.05)
    monkeypatch.setattr("quotadeck.store.replay.OPEN_LOCKED_S", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_a_locked_ledger_is_told_and_catches_up(
    open_ledger: Opener, directory: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    other = sqlite3.connect(directory / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(500):
        ledger.open_call(opened(f"req_{number}"))
        ledger.end_call(ended(f"req_{number}"))
    ledger.event(event("evt_1"))
    durable = await ledger.command(entry("cmd_1"), durable=True)
    clock.advance_ms(30_000)
    while "ledger locked by another process" not in said(ledger.problems):
        await ledger.reader.calls()
    assert "journal 20s behind" in said(ledger.problems)
    assert ledger.backlog_records == 1_001
    clock.advance_ms(150_000)
    assert "journal 3m behind" in said(ledger.problems)

    other.execute("COMMIT")
    other.close()
    await ledger.flushed()
    assert ledger.backlog_records == 0
    while said(ledger.problems):
        await ledger.reader.calls()
    assert len(await all_calls(ledger.reader)) == 500
    assert await ledger.reader.log() == [durable]
    assert len(await ledger.reader.events()) == 1
    await assert_sums(ledger.reader)


@pytest.mark.usefixtures("impatient")
async def test_what_a_locked_ledger_did_not_take_at_the_end_is_there_at_the_next_start(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    other = sqlite3.connect(directory / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.end_call(ended("req_1"))
    await ledger.close()
    with refuses(StoreBusy, match="locked by another process"):
        await open_ledger()
    other.execute("COMMIT")
    other.close()
    again = await open_ledger()
    assert [call.id for call in await all_calls(again.reader)] == ["req_1"]


_FULL = """
import asyncio, json, resource, signal, sys
from pathlib import Path
from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.store.values import ended, entry, opened
from tests.wording import said

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    directory = Path(sys.argv[1])
    ballast = directory / "ballast"
    ledger = await Ledger.open(directory, HandClock())
    had_ballast = ballast.exists()
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    done = []
    try:
        for number in range(1_000):
            await ledger.open_call(opened(f"req_{number}"))
            await ledger.end_call(ended(f"req_{number}"))
            done.append(f"req_{number}")
    except OSError as error:
        errno = error.errno
    try:
        await ledger.command(entry("cmd_1"), durable=True)
        written = True
    except OSError:
        written = False
        ledger.unrecorded([entry("cmd_1")])
    left = {
        "had_ballast": had_ballast,
        "ballast": ballast.exists(),
        "errno": errno,
        "done": done,
        "written": written,
        "full": said(ledger.problems),
    }
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    ledger.end_call(ended("req_after"))
    await ledger.command(entry("cmd_2"), durable=True)
    await ledger.flushed()
    left["after"] = said(ledger.problems)
    print(json.dumps(left), flush=True)
    if sys.argv[2] == "close":
        await ledger.close()
    else:
        signal.raise_signal(signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["close", "kill"])
async def test_a_full_disk_surfaces_once_the_ballast_is_gone_and_heals(
    directory: Path, clock: HandClock, end: str
) -> None:
    done = run_python(_FULL, directory, end)
    assert done.returncode == (0 if end == "close" else -9), done.stderr
    left = json.loads(done.stdout)
    assert left["errno"] == 27, "EFBIG, which is met as ENOSPC is"
    assert left["had_ballast"]
    assert not left["ballast"]
    assert not left["written"]
    assert "disk full: journal not written" in left["full"]
    assert "1 command in force, not recorded" in left["full"]
    assert left["after"] == ["disk nearly full: ballast used"]

    ledger = await Ledger.open(directory, clock)
    assert said(ledger.problems) == (), (
        "no torn record stayed in the middle, and the ballast is back"
    )
    calls = {call.id for call in await all_calls(ledger.reader)}
    assert calls >= {*left["done"], "req_after"}
    assert len(calls - set(left["done"])) <= 2
    assert [(item.seq, item.id) for item in await ledger.reader.log()] == [
        (1, "cmd_1"),
        (2, "cmd_2"),
    ]
    await assert_sums(ledger.reader)
    await ledger.close()


def test_the_ballast_is_sixteen_megabytes_of_real_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert BALLAST_BYTES == 16 * 1024 * 1024
    monkeypatch.setattr("quotadeck.store.ballast.BALLAST_BYTES", BALLAST_BYTES)
    ballast = Ballast(tmp_path)
    assert not ballast.release()
    assert ballast.restore()
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= BALLAST_BYTES
    assert ballast.release()
    assert not any(tmp_path.iterdir())


async def test_the_ballast_comes_back_while_the_gateway_runs(
    open_ledger: Opener, directory: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    (directory / "ballast").unlink()
    assert list(said(ledger.problems)) == ["disk nearly full: ballast used"]
    clock.advance_ms(61_000)
    ledger.event(event("evt_1"))
    while said(ledger.problems):
        await ledger.flushed()
        await ledger.reader.calls()
    assert (directory / "ballast").exists()


@pytest.mark.usefixtures("impatient")
async def test_the_writer_reads_the_journal_and_keeps_nothing_in_memory(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    other = sqlite3.connect(directory / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.end_now(ended("req_0"))  # what is made once is made
    tracemalloc.start()
    for number in range(1, 5_000):
        ledger.end_now(ended(f"req_{number}"))
    gc.collect()  # a few frozen values wait for it
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (directory / "journal" / "0000000001.journal").stat().st_size > 1_000_000
    assert held_bytes < 50_000
    other.execute("COMMIT")
    other.close()
    await ledger.flushed()
    assert len(await all_calls(ledger.reader)) == 5_000


def test_a_wal_index_without_room_is_a_full_disk_and_not_a_broken_one() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert say(trouble(error)) == "disk full: ledger not written"
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
    assert say(trouble(error)) == "ledger: disk I/O error"
