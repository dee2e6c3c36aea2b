"""What becomes of a running store's files is told within a second, and mended where it can be."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from quotadeck.store import Ledger, Loss
from quotadeck.store.watch import check_pages
from quotadeck.words import say
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.damages import noise, overwrite, replaced
from tests.store.values import all_calls, ended, entry, run_python
from tests.wording import said


def _calls(ledger: Ledger, *names: str) -> None:
    for name in names:
        ledger.end_now(ended(name))


def told(ledger: Ledger) -> str:
    return " | ".join(say(event.told) for event in ledger.look())


def checks(ledger: Ledger) -> list[asyncio.Task[Loss | None]]:
    """The check of all pages, while there is one."""
    return [ledger._watch._check] if ledger._watch._check is not None else []


async def killed(directory: Path, to: Path) -> Ledger:
    """A start on what a kill -9 at this moment leaves."""
    shutil.copytree(directory, to, ignore=shutil.ignore_patterns("*.aside"))
    return await Ledger.open(to, HandClock())


def segment(directory: Path) -> Path:
    return directory / "journal" / "0000000001.journal"


async def test_a_store_that_is_left_alone_tells_nothing(
    open_ledger: Opener, directory: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    for number in range(5):
        _calls(ledger, f"req_{number}")
        await ledger.flushed()
        clock.advance_ms(11_000)
        assert told(ledger) == ""
    assert said(ledger.problems) == ()
    assert (directory / "ledger.db").stat().st_size > 4_096


@pytest.mark.parametrize(
    "take",
    [
        lambda d: segment(d).unlink(),
        lambda d: segment(d).rename(d / "taken"),
        lambda d: shutil.rmtree(d / "journal"),
        lambda d: (d / "journal").rename(d.parent / "taken"),
        lambda d: replaced(segment(d), "file"),
        lambda d: replaced(segment(d), "fifo"),
        lambda d: replaced(segment(d), "link"),
        lambda d: replaced(segment(d), "directory"),
    ],
    ids=["removed", "moved", "folder removed", "folder moved", "file", "fifo", "link", "directory"],
)
@pytest.mark.parametrize("by", ["look", "command"])
async def test_a_journal_that_goes_is_made_again_and_loses_nothing(
    open_ledger: Opener,
    directory: Path,
    tmp_path: Path,
    take: Callable[[Path], object],
    by: str,
) -> None:
    ledger = await open_ledger()
    _calls(ledger, "req_1")
    take(directory)
    _calls(ledger, "req_2")
    if by == "look":
        assert "segment 1 was removed" in told(ledger)
        await ledger.command(entry("cmd_1"), durable=True)
    else:
        await ledger.command(entry("cmd_1"), durable=False)
        assert "segment 1 was removed" in told(ledger), "a command has mended it"
    assert "journal was removed and made again" in said(ledger.problems)
    assert said(ledger.troubles) == ()
    assert told(ledger) == "", "told once"
    _calls(ledger, "req_3")
    again = await killed(directory, tmp_path / "left")
    assert {call.id for call in await all_calls(again.reader)} == {"req_1", "req_2", "req_3"}
    assert [item.id for item in again.recovered.entries] == ["cmd_1"]
    await again.close()


async def test_a_journal_that_cannot_be_made_again_is_told_and_no_command_is_called_recorded(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    shutil.rmtree(directory / "journal")
    replaced(directory / "journal", "link")
    assert "could not be made again" in told(ledger)
    assert "journal removed: records not on disk" in said(ledger.troubles)
    for durable in (True, False):
        with pytest.raises(OSError, match="Not a directory"):
            await ledger.command(entry("cmd_1"), durable=durable)
    (directory / "journal").unlink()
    assert "was written again from the open file" in told(ledger)
    assert said(ledger.troubles) == ()


async def test_a_state_folder_that_goes_is_told_and_the_journal_is_on_disk_again(
    open_ledger: Opener, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_ledger()
    _calls(ledger, "req_1")
    await ledger.flushed()
    shutil.rmtree(directory)
    heard = told(ledger)
    assert f"folder {directory} was removed" in heard
    assert "written again from the open file" in heard
    assert f"{directory / 'ledger.db'} was removed" in heard
    assert "ledger.db removed: history not on disk" in said(ledger.troubles)
    assert segment(directory).stat().st_size > 0
    _calls(ledger, "req_2")
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 1)
    ledger.levels(1, {}, {})
    await ledger.flushed()
    archived = directory / "archive" / segment(directory).name
    assert b"req_1" in archived.read_bytes(), "the journal is all that is left: it stays"
    # The lock is there again, so no other gateway begins anew beside this one.
    assert ledger._lock.stands


@pytest.mark.parametrize(
    ("harm", "says", "words"),
    [
        (lambda p: p.unlink(), "was removed", "ledger.db removed"),
        (lambda p: replaced(p, "file"), "was replaced", "ledger.db replaced"),
        (lambda p: replaced(p, "link"), "was replaced", "ledger.db replaced"),
        (lambda p: p.rename(p.with_suffix(".old")), "was removed", "ledger.db removed"),
        (lambda p: os.truncate(p, 8_192), "cut short or overwritten", "ledger damaged"),
        (lambda p: os.truncate(p, 0), "cut short or overwritten", "ledger damaged"),
        (lambda p: overwrite(p, 0, noise(100)), "cut short or overwritten", "ledger damaged"),
        (lambda p: overwrite(p, 4_096, noise(60_000)), "is damaged (", "ledger damaged"),
        (lambda p: Path(f"{p}-wal").unlink(), "ledger.db-wal was removed", "WAL removed"),
        (lambda p: replaced(Path(f"{p}-wal"), "file"), "ledger.db-wal was rem", "WAL removed"),
    ],
    ids=[
        "removed",
        "replaced",
        "a link",
        "moved",
        "cut",
        "emptied",
        "header",
        "pages",
        "wal",
        "wal2",
    ],
)
async def test_a_ledger_that_is_harmed_is_told_within_seconds(
    open_ledger: Opener, directory: Path, harm: Callable[[Path], object], says: str, words: str
) -> None:
    ledger = await open_ledger()
    for number in range(300):
        _calls(ledger, f"req_{number}")
    await ledger.flushed()
    await ledger._writer._wal.checkpoint()
    assert told(ledger) == ""
    harm(directory / "ledger.db")
    heard = ""
    for _ in range(3):  # seconds
        heard += told(ledger)
        for check in checks(ledger):
            await asyncio.wait({check})
    assert says in heard
    assert any(problem.startswith(words) for problem in said(ledger.problems))
    assert "wal" in words.lower() or "from the newest backup and the journal" in heard
    _calls(ledger, "req_later")
    await ledger.command(entry("cmd_1"), durable=True)
    assert b"cmd_1" in segment(directory).read_bytes()


async def test_a_touched_ledger_is_checked_and_found_whole(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    os.utime(directory / "ledger.db")
    assert "written by something else than the gateway" in told(ledger)
    [check] = checks(ledger)
    await asyncio.wait({check})
    assert told(ledger) == ""
    assert "ledger damaged" not in said(ledger.problems)


async def test_all_pages_are_read_once_an_hour_and_never_for_long(
    open_ledger: Opener, directory: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    clock.advance_ms(3_599_000)
    assert told(ledger) == ""
    assert not checks(ledger)
    clock.advance_ms(1_000)
    assert told(ledger) == ""
    [check] = checks(ledger)
    await asyncio.wait({check})
    assert check.result() is None
    assert check_pages(directory / "ledger.db", within_s=-1) is None


async def test_a_lock_that_is_removed_is_taken_again(open_ledger: Opener, directory: Path) -> None:
    ledger = await open_ledger()
    (directory / "lock").unlink()
    assert told(ledger) == ""
    assert said(ledger.problems) == ()
    assert ledger._lock.stands


async def test_another_process_that_leaves_the_ledger_takes_no_wal_away(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    _calls(ledger, "req_1")
    await ledger.flushed()
    script = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1])\n"
        "print(db.execute('SELECT count(*) FROM calls').fetchone()[0])\n"
        "db.close()\n"
    )
    assert run_python(script, directory / "ledger.db").stdout == "1\n"
    assert (directory / "ledger.db-wal").exists(), "SQLite's own locks hold"
    assert told(ledger) == ""
