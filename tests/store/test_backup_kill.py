"""kill -9 while a ledger is copied or rebuilt, and a disk that fills meanwhile: nothing is lost."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quotadeck.store import Ledger
from quotadeck.store.backup.backup import standing, take
from quotadeck.store.backup.vacuum import NoRoom, checked
from quotadeck.store.ballast import Ballast
from quotadeck.words import say
from tests.clocks import HandClock
from tests.store.rebuilding import DESTROYED, leave, recorded
from tests.store.values import START_US, all_calls, assert_sums, ended
from tests.wording import refuses, said


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with backups, as kill -9 leaves it."""
    home = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("quotadeck.store.ballast.BALLAST_BYTES", 4_096)
        patch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 9_000)
        asyncio.run(leave(home / "running", home / "left", backups=3))
    return home / "left"


@pytest.fixture(scope="session")
def whole(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    twin = tmp_path_factory.mktemp("twin") / "state"
    shutil.copytree(template, twin)
    return asyncio.run(told(twin))


async def told(state: Path) -> dict[str, Any]:
    """What a start finds; a start before it may have ended what was under way."""
    ledger = await Ledger.open(state, HandClock())
    found = await recorded(ledger)
    del found["since"], found["unknown"]
    await assert_sums(ledger.reader)
    await ledger.close()
    return found


def killed(work: str, state: Path, file: str, step: int) -> bool:
    """Let a process do it; whether it came to that step, and died there."""
    command = [sys.executable, "-m", "tests.store.dying_at", work, str(state), file, str(step)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, -9}, done.stderr
    return done.returncode == -9


def rebuilds_after_a_kill(
    template: Path, whole: dict[str, Any], place: Path, file: str, step: int
) -> bool:
    """Whether the step was reached; raises AssertionError where something was lost."""
    state = place / f"{file}-{step}"
    shutil.copytree(template, state)
    DESTROYED["pages noise"](state)
    died = killed("start", state, file, step)
    assert asyncio.run(told(state)) == whole, f"killed at step {step} of {file}"
    assert not (state / "ledger.damaged").exists()
    shutil.rmtree(state)
    return died


def copies_after_a_kill(template: Path, place: Path, file: str, step: int) -> bool:
    """The same of a backup."""
    state = place / f"{file}-{step}"
    shutil.copytree(template, state)
    before = standing(state)
    died = killed("backup", state, file, step)
    for backup in standing(state):
        assert checked(backup.path).folded == backup.folded
    assert standing(state)[-1].folded >= before[-1].folded
    made = take(state, START_US)
    assert checked(made.path).folded == made.folded
    assert len(standing(state)) <= 3
    assert not (state / "backups" / "partial").exists()
    shutil.rmtree(state)
    return died


@pytest.mark.parametrize(
    ("file", "step"),
    [("rebuild.py", 50), ("rebuild.py", 75), ("rebuild.py", 70), ("archive.py", 25)],
)
def test_a_kill_during_a_rebuild_loses_nothing(
    template: Path, whole: dict[str, Any], tmp_path: Path, file: str, step: int
) -> None:
    assert rebuilds_after_a_kill(template, whole, tmp_path, file, step)


@pytest.mark.parametrize(("file", "step"), [("vacuum.py", 20), ("backup.py", 120)])
def test_a_kill_during_a_backup_leaves_whole_ones_alone(
    template: Path, tmp_path: Path, file: str, step: int
) -> None:
    assert copies_after_a_kill(template, tmp_path, file, step)


@pytest.mark.soak
@pytest.mark.parametrize("file", ["rebuild.py", "archive.py", "vacuum.py", "backup.py"])
def test_a_kill_at_every_line_of_a_rebuild_loses_nothing(
    template: Path, whole: dict[str, Any], tmp_path: Path, file: str
) -> None:
    step = 1
    while rebuilds_after_a_kill(template, whole, tmp_path, file, step):
        step += 1
    assert step > 5


@pytest.mark.soak
@pytest.mark.parametrize("file", ["vacuum.py", "backup.py"])
def test_a_kill_at_every_line_of_a_backup_leaves_whole_ones_alone(
    template: Path, tmp_path: Path, file: str
) -> None:
    step = 1
    while copies_after_a_kill(template, tmp_path, file, step):
        step += 1
    assert step > 20


def fill(path: Path) -> None:
    """Take all the room that is left."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4_096))


async def test_a_disk_that_fills_during_a_copy_costs_the_copy_alone(
    small_disk: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk(4)
    state = disk / "state"
    ledger = await Ledger.open(state, HandClock())
    for number in range(2_000):
        ledger.end_call(ended(f"req_{number}"))
    await ledger.flushed()
    await ledger._writer._wal.checkpoint()
    fill(disk / "somebody_elses")
    with refuses(NoRoom, match="free where a backup needs"):
        take(state, START_US)
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 0)
    with pytest.raises(NoRoom):
        take(state, START_US)
    assert standing(state) == []
    assert not (state / "backups" / "partial").exists()
    (disk / "somebody_elses").unlink()
    monkeypatch.setattr("quotadeck.store.backup.vacuum.MARGIN_BYTES", 2**40)
    monkeypatch.setattr("quotadeck.store.backup.vacuum._SYNCED_BYTES", 1)
    monkeypatch.setattr("quotadeck.store.backup.vacuum._STEPS", 100)
    with pytest.raises(NoRoom):  # others need the room before it is gone
        take(state, START_US)
    monkeypatch.undo()
    ledger.end_call(ended("req_more"))
    await ledger.flushed()
    assert len(await all_calls(ledger.reader)) == 2_001
    await ledger.close()


async def test_a_full_disk_takes_the_archive_before_a_call_is_turned_away(
    small_disk: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk(16)
    state, clock = disk / "state", HandClock()
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 100_000)
    monkeypatch.setattr("quotadeck.store.sqlite.writer.BACKOFF_S", (0.01, 0.02))
    ledger = await Ledger.open(state, clock)
    number = 0
    while sum(path.stat().st_size for path in (state / "archive").glob("*")) < 1_000_000:
        for _ in range(50):
            number += 1
            ledger.end_now(ended(f"req_{number}"))
        ledger.levels(1, {}, {})
        await ledger.flushed()
    await ledger._writer._wal.checkpoint()
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1e9)
    fill(disk / "somebody_elses")
    archived = number
    with contextlib.suppress(OSError):
        while True:
            number += 1
            ledger.end_now(ended(f"req_{number}"))
    assert number - archived > 4_000, "the archive's room was used"
    assert not Ballast(state).stands
    assert not any((state / "archive").iterdir())
    await ledger.backups.look()
    assert "no backup has were removed, or given up" in " ".join(say(e.told) for e in ledger.look())
    assert "journal since the backup incomplete" in said(ledger.problems)
    (disk / "somebody_elses").unlink()
    ledger.end_call(ended("req_after"))
    monkeypatch.setattr("quotadeck.store.backup.vacuum.ROOM", 1.0)
    await ledger.flushed()
    await ledger.close()
    again = await Ledger.open(state, clock)
    assert len(await all_calls(again.reader)) >= number, "and no call was lost"
    await again.close()
