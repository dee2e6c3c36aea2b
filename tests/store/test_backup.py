"""A copy of the ledger is made daily and after much journal, and costs nobody anything."""

import asyncio
import sqlite3
import stat
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from quotadeck.store import Ledger, Reader, StoreBusy, StoreError
from quotadeck.store.backup.backup import copy_to, standing, take
from quotadeck.store.backup.vacuum import NoRoom, Stopped, checked
from quotadeck.words import say
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.damages import noise, overwrite
from tests.store.values import START_US, ended, entry
from tests.wording import refuses, said

DAY_MS = 86_400_000


@pytest.fixture
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 1)


async def worked(ledger: Ledger, name: str) -> None:
    """A call, a command and, behind them, a new segment."""
    ledger.end_call(ended(f"req_{name}"))
    await ledger.command(entry(f"cmd_{name}"), durable=False)
    ledger.levels(1, {"b:rpm": 1}, {})
    await ledger.flushed()


async def looked(ledger: Ledger) -> str:
    """A look of the backups' own, and what is told after it."""
    await ledger.backups.look()
    return " | ".join(say(event.told) for event in ledger.look())


def numbers(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.journal"))


async def test_a_backup_is_a_whole_ledger_as_of_one_instant(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    for number in range(3_000):
        ledger.end_call(ended(f"req_{number}"))
    await ledger.command(entry("cmd_1"), durable=True)
    await ledger.flushed()
    made = take(directory, START_US)
    assert made.path.name.startswith("ledger-20261124T030000Z-1-")
    assert standing(directory) == [made]
    assert checked(made.path).folded == made.folded == ledger._writer.folded
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o640
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o750
    assert sorted(path.name for path in made.path.parent.iterdir()) == [made.path.name, "lock"]
    db = sqlite3.connect(made.path)
    assert db.execute("SELECT count(*) FROM calls").fetchone() == (3_000,)
    assert db.execute("SELECT count(*) FROM commands").fetchone() == (1,)
    db.close()


async def test_a_copy_beside_a_busy_writer_ends_and_is_whole(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    taking = asyncio.create_task(asyncio.to_thread(take, directory, START_US))
    number = 0
    while not taking.done():
        number += 1
        ledger.end_call(ended(f"req_{number}"))
        await ledger.flushed()
    made = taking.result()
    assert checked(made.path).folded == made.folded
    db = sqlite3.connect(made.path)
    in_calls, in_days = (
        db.execute(f"SELECT {sums}").fetchone()[0]
        for sums in ("count(*) FROM calls", "coalesce(sum(forwarded), 0) FROM rollups_day")
    )
    db.close()
    assert in_calls == in_days
    assert said(ledger.problems) == (), "nothing is told of a reader that holds the WAL: it is ours"


async def test_it_is_made_daily_and_a_restart_remembers(
    open_ledger: Opener, directory: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    assert await looked(ledger) == ""
    assert standing(directory) == []
    assert said(ledger.problems) == ()
    clock.advance_ms(DAY_MS)
    await worked(ledger, "1")
    assert await looked(ledger) == ""
    assert ledger.backup_us == START_US + DAY_MS * 1_000
    await ledger.close()

    again = await open_ledger()
    clock.advance_ms(DAY_MS - 1_000)
    await worked(again, "2")
    await again.backups.look()
    assert again.backup_us == START_US + DAY_MS * 1_000
    clock.advance_ms(1_000)
    await again.backups.look()
    assert again.backup_us == START_US + 2 * DAY_MS * 1_000
    assert said(again.problems) == ()


@pytest.mark.usefixtures("_small_segments")
async def test_it_is_made_when_the_journal_since_the_last_has_grown(
    open_ledger: Opener, directory: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.backup.backups.JOURNAL_BYTES", 20_000)
    ledger = await open_ledger()
    made = []
    for number in range(100):
        await worked(ledger, str(number))
        clock.advance_ms(600_000)
        await ledger.backups.look()
        made.append(len(standing(directory)))
    assert made[5] == 0
    assert 1 in made
    assert made[-1] == 3, "three are kept"
    second = standing(directory)[1].folded.segment
    held = numbers(directory / "archive") + numbers(directory / "journal")
    assert held == list(range(second, held[-1] + 1)), "what two backups have is kept no longer"


@pytest.mark.usefixtures("_small_segments")
async def test_segments_stay_until_two_backups_have_them(
    open_ledger: Opener, directory: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    for number in range(10):
        await worked(ledger, str(number))
    await ledger.backups.look()
    assert numbers(directory / "archive") == list(range(1, 11))
    assert numbers(directory / "journal") == [11], "a start reads no more than before"
    assert stat.S_IMODE((directory / "archive").stat().st_mode) == 0o750
    first = take(directory, clock.wall_us())
    await ledger.backups.look()
    assert numbers(directory / "archive") == list(range(1, 11)), "one may prove unreadable"
    await worked(ledger, "later")
    take(directory, clock.wall_us())
    await ledger.backups.look()
    assert numbers(directory / "archive") == [n for n in range(1, 12) if n >= first.folded.segment]


async def test_without_room_it_is_skipped_and_told_and_made_when_there_is_room_again(
    open_ledger: Opener, directory: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_ledger()
    clock.advance_ms(DAY_MS)
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1e9)
    told = await looked(ledger)
    assert "the backup was skipped" in told
    assert "MB are free, and it needs" in told
    assert any(problem.startswith("backup skipped: ") for problem in said(ledger.problems))
    assert said(ledger.troubles) == (), "it records and serves"
    assert standing(directory) == []
    clock.advance_ms(601_000)
    assert await looked(ledger) == "", "told once"
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1.5)
    assert await looked(ledger) == "", "tried every ten minutes"
    clock.advance_ms(601_000)
    assert await looked(ledger) == ""
    assert said(ledger.problems) == ()
    assert len(standing(directory)) == 1


async def test_older_backups_make_room_for_the_next_but_never_the_newest(
    open_ledger: Opener, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_ledger()
    for number in range(3):
        await worked(ledger, str(number))
        take(directory, START_US)
    await worked(ledger, "more")
    folder = directory / "backups"

    def usage(_: Path) -> SimpleNamespace:
        """Of a disk that nobody else writes to."""
        return SimpleNamespace(free=10**9 - sum(path.stat().st_size for path in folder.iterdir()))

    monkeypatch.setattr("quotadeck.store.backup.backup.shutil.disk_usage", usage)
    # As much is needed as there would be if both of the older went.
    spare = sum(backup.path.stat().st_size for backup in standing(directory)[1:])
    needed = usage(directory).free + spare // 2
    monkeypatch.setattr(
        "quotadeck.store.backup.vacuum.ROOM", needed / (directory / "ledger.db").stat().st_size
    )
    newest = standing(directory)[0]
    take(directory, START_US)
    assert newest in standing(directory)
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1e9)
    before = standing(directory)
    with refuses(NoRoom, match="make room"):
        take(directory, START_US)
    assert standing(directory) == before, "what does not help is not deleted"


async def test_an_old_backup_and_none_are_told(
    open_ledger: Opener, directory: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_ledger()
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1e9)
    clock.advance_ms(DAY_MS - 1_000)
    await ledger.backups.look()
    assert said(ledger.problems) == ()
    clock.advance_ms(1_000)
    assert "no backup in 24h" in await looked(ledger)
    assert "no backup in 24h" in said(ledger.problems)
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1.5)
    clock.advance_ms(601_000)
    await ledger.backups.look()
    assert said(ledger.problems) == ()
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1e9)
    clock.advance_ms(2 * DAY_MS - 1_000)
    await ledger.backups.look()
    assert "old" not in " ".join(said(ledger.problems))
    clock.advance_ms(1_000)
    await ledger.backups.look()
    assert "backup 2d old" in said(ledger.problems)
    await ledger.close()
    again = await open_ledger()
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1.5)
    clock.advance_ms(10_000)
    await again.backups.look()
    assert said(again.problems) == (), "a gateway that was down for days makes one first"


async def test_a_clock_that_was_wrong_once_ends_no_backups(
    open_ledger: Opener, directory: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    take(directory, START_US + 400 * DAY_MS * 1_000)
    await worked(ledger, "1")
    await ledger.backups.look()
    assert len(standing(directory)) == 2, "one from the future is no reason to wait a year"
    assert ledger.backup_us == START_US
    clock.advance_ms(3_600_000)
    await ledger.backups.look()
    assert len(standing(directory)) == 2


async def test_where_the_journal_has_a_gap_a_backup_is_made_at_once(
    open_ledger: Opener, directory: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 1)
    monkeypatch.setattr("quotadeck.store.backup.archive.MOST_BYTES", 4_000)
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1e9)
    ledger = await open_ledger()
    for number in range(20):
        await worked(ledger, str(number))
    await ledger.backups.look()
    assert sum(path.stat().st_size for path in (directory / "archive").iterdir()) <= 4_000
    told = await looked(ledger)
    assert "segments of the journal" in told
    assert "journal since the backup incomplete" in said(ledger.problems)
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1.5)
    clock.advance_ms(601_000)
    await ledger.backups.look()
    assert len(standing(directory)) == 1
    assert said(ledger.problems) == ()


async def test_a_backup_that_was_lost_is_made_good_at_once_but_never_for_nothing(
    open_ledger: Opener, directory: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 1)
    ledger = await open_ledger()
    for number in range(3):
        await worked(ledger, str(number))
        take(directory, clock.wall_us())
        await ledger.backups.look()
    standing(directory)[0].path.unlink()
    clock.advance_ms(601_000)
    await ledger.backups.look()
    assert standing(directory)[0].folded == ledger._writer.stored
    assert len(standing(directory)) == 3, "the journal reaches back to two of them again"
    for backup in standing(directory)[1:]:
        backup.path.unlink()
    made = [backup.path.stat().st_ino for backup in standing(directory)]
    for _ in range(3):
        clock.advance_ms(601_000)
        await ledger.backups.look()
    assert [backup.path.stat().st_ino for backup in standing(directory)] == made, "nothing is new"
    await worked(ledger, "more")
    await ledger.backups.look()
    assert len(standing(directory)) == 2


async def test_nothing_is_copied_from_a_ledger_that_is_damaged_or_not_ours(
    open_ledger: Opener, directory: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    for number in range(300):
        ledger.end_call(ended(f"req_{number}"))
    await ledger.flushed()
    await ledger._writer._wal.checkpoint()
    before = take(directory, START_US)
    overwrite(directory / "ledger.db", 4_096, noise(60_000))
    clock.advance_ms(DAY_MS)
    await looked(ledger)
    assert standing(directory) == [before]
    assert any(problem.startswith("ledger damaged") for problem in said(ledger.problems))
    clock.advance_ms(DAY_MS)
    ledger.look()
    assert not ledger.backups.sound
    await ledger.backups.look()
    assert standing(directory) == [before]


async def test_a_close_gives_a_copy_up(
    open_ledger: Opener, directory: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_ledger()
    for number in range(300):
        ledger.end_call(ended(f"req_{number}"))
    await ledger.flushed()
    monkeypatch.setattr("quotadeck.store.backup.vacuum._STEPS", 1)
    asked = threading.Event()

    def stop() -> bool:
        asked.set()
        return ledger.backups._stopping.is_set()

    taking = asyncio.create_task(asyncio.to_thread(take, directory, START_US, stop))
    await asyncio.to_thread(asked.wait)
    await ledger.close()
    with pytest.raises(Stopped):
        await taking
    assert [path.name for path in (directory / "backups").iterdir()] == ["lock"]


async def test_half_a_copy_is_none_and_two_at_once_are_one(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    await worked(ledger, "1")
    made = take(directory, START_US)
    half = made.path.with_name("ledger-20261125T030000Z-99-1.db")
    half.write_bytes(made.path.read_bytes()[:-1])
    (directory / "backups" / "partial").write_bytes(b"left by a kill")
    (directory / "backups" / "ledger-copy.db").write_bytes(made.path.read_bytes())
    assert standing(directory) == [made]
    await worked(ledger, "2")
    from quotadeck.store.lock import Lock

    lock = Lock(directory / "backups")
    with refuses(StoreBusy, match="another backup is being made"):
        take(directory, START_US)
    lock.close()
    take(directory, START_US)
    assert len(standing(directory)) == 2
    assert not (directory / "backups" / "partial").exists()


async def test_a_copy_goes_where_it_is_asked_to_and_over_nothing(
    open_ledger: Opener, directory: Path, tmp_path: Path
) -> None:
    ledger = await open_ledger()
    await worked(ledger, "1")
    to = tmp_path / "elsewhere" / "copy.db"
    with pytest.raises(OSError, match="No such file"):
        copy_to(directory, to, START_US)
    to.parent.mkdir()
    assert copy_to(directory, to, START_US).folded == checked(to).folded
    with refuses(StoreError, match="is there already"):
        copy_to(directory, to, START_US)
    await ledger.close()
    copy_to(directory, tmp_path / "stopped.db", START_US)
    (tmp_path / "restored").mkdir()
    to.rename(tmp_path / "restored" / "ledger.db")
    reader = await Reader.open(tmp_path / "restored")
    assert [item.id for item in await reader.log()] == ["cmd_1"]
    await reader.close()
