"""A ledger that is lost comes back from backup and journal with all that was synced."""

import asyncio
import errno
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from quotadeck.store import Ledger, StoreError, StoreForeign
from quotadeck.store.backup.backup import standing
from quotadeck.store.sqlite.schema import create
from quotadeck.words import say
from tests.clocks import HandClock
from tests.store.damages import noise, overwrite
from tests.store.rebuilding import DESTROYED, HARMED, leave, recorded
from tests.store.values import all_calls, assert_sums, contents, ended, entry
from tests.wording import refuses

Harm = Callable[[Path], object]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """By how many backups were made: a store as kill -9 leaves it."""
    home = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("quotadeck.store.ballast.BALLAST_BYTES", 4_096)
        patch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 9_000)
        for backups in (0, 1, 3):
            left = home / f"left_{backups}"
            asyncio.run(leave(home / f"running_{backups}", left, backups=backups))
    return {backups: home / f"left_{backups}" for backups in (0, 1, 3)}


@pytest.fixture(scope="module")
def whole(
    templates: dict[int, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[int, dict[str, Any]]:
    """What each of them has to tell where nothing is damaged."""
    told = {}
    for backups, path in templates.items():
        twin = tmp_path_factory.mktemp("twin") / "state"
        shutil.copytree(path, twin)
        told[backups] = asyncio.run(start(twin))
    return told


async def start(state: Path, losses: str = "", *, lacks: str = "") -> dict[str, Any]:
    """A start that serves; what it has to tell."""
    ledger = await Ledger.open(state, HandClock())
    try:
        told = [say(loss.told) for loss in ledger.recovered.losses]
        assert re.search(losses, " | ".join(told)), told
        assert bool(told) == bool(losses), told
        assert not (lacks and re.search(lacks, " | ".join(told))), told
        events = [say(event.told) for _, event in await ledger.reader.events()]
        assert not told or events[-len(told) :] == told
        found = await recorded(ledger)
        await assert_sums(ledger.reader)
        ledger.end_call(ended("req_new"))
        await ledger.command(entry("cmd_new"), durable=True)
        await ledger.flushed()
        assert "req_new" in {call.id for call in await all_calls(ledger.reader)}
        broken = (await ledger.reader.chain()).broken
        assert broken is None or "incomplete" in " | ".join(told)
    finally:
        await ledger.close()
    return found


@pytest.mark.parametrize(
    ("how", "backups"),
    [
        *((how, 3) for how in DESTROYED),
        *((how, 0) for how in ("gone", "header noise", "pages noise", "another program's")),
        ("gone with its WAL", 1),
    ],
)
def test_a_destroyed_ledger_comes_back_whole(
    how: str,
    backups: int,
    templates: dict[int, Path],
    whole: dict[int, dict[str, Any]],
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    shutil.copytree(templates[backups], state)
    DESTROYED[how](state)
    damaged = {name: data for name, data in contents(state).items() if name.startswith("ledger.db")}
    source = "the journal alone" if backups == 0 else "the backup of 2026-11-24"
    says = f"was not usable .* rebuilt from {source}"
    back = asyncio.run(start(state, says, lacks="incomplete"))
    assert back == whole[backups]
    aside = [path for path in state.iterdir() if path.name.startswith("damaged-")]
    kept = contents(aside[0]) if aside else {}
    for name, data in damaged.items():
        assert kept[name] == data or name.endswith("-shm"), f"{name} was not kept as it was"
    if how == "gone":
        asyncio.run(start(state))  # the next start tells nothing more


@pytest.mark.parametrize(
    ("how", "backups"), [*((how, 3) for how in HARMED), ("WAL gone", 0), ("nothing", 0)]
)
def test_a_ledger_whose_wal_was_harmed_loses_nothing(
    how: str,
    backups: int,
    templates: dict[int, Path],
    whole: dict[int, dict[str, Any]],
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    shutil.copytree(templates[backups], state)
    HARMED[how](state)
    # Without its WAL the file is of long ago; the journal since may have gone for two backups.
    older = "" if backups == 0 or how == "nothing" else "older than its newest"
    assert asyncio.run(start(state, older)) == whole[backups]


@pytest.mark.parametrize("harm", [lambda p: overwrite(p, 4_096, noise(30_000)), Path.unlink])
@pytest.mark.parametrize("bad", [1, 2, 3])
def test_a_damaged_backup_is_passed_over_for_the_one_before(
    harm: Harm,
    bad: int,
    templates: dict[int, Path],
    whole: dict[int, dict[str, Any]],
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    shutil.copytree(templates[3], state)
    (state / "ledger.db").unlink()
    for backup in standing(state)[:bad]:
        harm(backup.path)
    if bad == 1:
        back = asyncio.run(start(state, "rebuilt from the backup of", lacks="incomplete"))
        assert back == whole[3]
        return
    # The journal of before the newest but one is gone: what is lost is named.
    source = "the backup of" if bad == 2 else "the journal alone"
    back = asyncio.run(start(state, f"rebuilt from {source}.*segment .* missing"))
    assert len(back["calls"]) < len(whole[3]["calls"])
    assert back["log"][-1] == whole[3]["log"][-1]
    assert back["calls"][-50:] == whole[3]["calls"][-50:]


def test_a_backup_of_another_format_is_passed_over_and_stays(
    templates: dict[int, Path], whole: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    shutil.copytree(templates[3], state)
    (state / "ledger.db").unlink()
    newest = standing(state)[0]
    db = sqlite3.connect(newest.path)
    db.execute("PRAGMA user_version = 1")
    db.close()
    assert asyncio.run(start(state, "rebuilt from the backup of", lacks="incomplete")) == whole[3]
    assert newest.path.exists()


def test_another_ledgers_backup_is_passed_over_and_stays(
    templates: dict[int, Path], whole: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    shutil.copytree(templates[3], state)
    (state / "ledger.db").unlink()
    foreign = state / "backups" / "ledger-20990101T000000Z-9999-1.db"
    create(foreign, "src_other", 1)
    assert asyncio.run(start(state, "rebuilt from the backup of", lacks="incomplete")) == whole[3]
    assert foreign.exists()


@pytest.mark.parametrize("how", ["told before", "met on the way"])
async def test_a_disk_without_room_is_told_and_left_as_it_was(
    how: str,
    templates: dict[int, Path],
    whole: dict[int, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = tmp_path / "state"
    shutil.copytree(templates[3], state)
    (state / "ledger.db").write_bytes(noise(30_000))

    def filling(_: Path, to: Path) -> None:
        to.write_bytes(noise(30_000))
        raise OSError(errno.ENOSPC, "No space left on device", str(to))

    if how == "told before":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000))
    else:
        monkeypatch.setattr(shutil, "copyfile", filling)
    before = contents(state)
    with refuses(StoreError, match="make room"):
        await Ledger.open(state, HandClock())
    assert contents(state).keys() == before.keys()
    monkeypatch.undo()
    assert await start(state, "rebuilt from the backup of", lacks="incomplete") == whole[3]


def test_without_backup_and_with_half_a_journal_what_is_lost_is_named(
    templates: dict[int, Path], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    shutil.copytree(templates[0], state)
    (state / "ledger.db").unlink()
    for path in sorted((state / "archive").iterdir())[:4]:
        path.unlink()
    says = r"rebuilt from the journal alone, which begins at .*segment 1–4 is missing"
    asyncio.run(start(state, says))


def test_cursors_of_the_lost_ledger_are_not_the_new_ones(
    templates: dict[int, Path], tmp_path: Path
) -> None:
    async def epoch(state: Path) -> tuple[str, int]:
        ledger = await Ledger.open(state, HandClock())
        await ledger.close()
        return ledger.source_id, ledger.epoch

    for backups, path in templates.items():
        state = tmp_path / f"state_{backups}"
        shutil.copytree(path, state)
        source, before = asyncio.run(epoch(state))
        (state / "ledger.db").unlink()
        again, after = asyncio.run(epoch(state))
        assert again == source
        assert after != before
        assert abs(after - before) < 5_000, "it is still since when spend is counted"


def test_a_ledger_that_lost_its_wal_and_the_journal_since_is_the_backups(
    templates: dict[int, Path], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    shutil.copytree(templates[3], state)
    newest, *_, oldest = standing(state)
    for path in state.glob("ledger.db*"):
        path.unlink()
    shutil.copy(oldest.path, state / "ledger.db")
    shutil.rmtree(state / "archive")
    back = asyncio.run(start(state, "older than its newest backup.*is rebuilt from the backup"))
    assert len(back["calls"]) > 200
    assert newest.path.exists()


async def test_damage_that_no_start_looks_for_is_noted_and_rebuilt_by_the_next(
    templates: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.sqlite.schema._SMALL_BYTES", 0)
    state = tmp_path / "state"
    shutil.copytree(templates[3], state)
    ledger = await Ledger.open(state, HandClock())
    before = await recorded(ledger)
    await ledger._writer._wal.checkpoint()
    await ledger.close()
    data = (state / "ledger.db").read_bytes()
    page = data.index(b"chatcmpl-req_0_7") // 4_096  # of calls that no start reads
    overwrite(state / "ledger.db", page * 4_096, noise(4_096))

    ledger = await Ledger.open(state, HandClock())
    assert ledger.recovered.losses == (), "no start reads all of a large one"
    ledger._watch._checked_ns = -(10**18)
    ledger.look()
    assert ledger._watch._check is not None
    await asyncio.wait({ledger._watch._check})
    assert "restart the gateway" in " ".join(say(event.told) for event in ledger.look())
    ledger.end_call(ended("req_more"))
    await ledger.close()
    assert (state / "ledger.damaged").read_text() != ""

    again = await Ledger.open(state, HandClock())
    assert [loss.told.kind for loss in again.recovered.losses] == ["store.rebuilt"]
    back = await recorded(again)
    assert back["calls"][:-1] == before["calls"]
    assert back["calls"][-1].id == "req_more"
    assert back["log"] == before["log"]
    assert not (state / "ledger.damaged").exists()
    await again.close()


async def test_damage_that_the_replay_meets_is_rebuilt_in_the_same_start(
    templates: dict[int, Path],
    whole: dict[int, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("quotadeck.store.sqlite.schema._SMALL_BYTES", 0)
    state = tmp_path / "state"
    shutil.copytree(templates[3], state)
    db = sqlite3.connect(state / "ledger.db")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'commands'").fetchone()[0]
    db.close()
    overwrite(state / "ledger.db", (root - 1) * 4_096, noise(4_096))
    ledger = await Ledger.open(state, HandClock())
    assert "store.rebuilt" in {loss.told.kind for loss in ledger.recovered.losses}
    assert await recorded(ledger) == whole[3]
    await ledger.close()


@pytest.mark.parametrize("content", [b"", b"hello", bytes(4_096)])
def test_a_file_that_is_no_ledger_and_has_none_of_our_files_beside_it_is_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "ledger.db").write_bytes(content)
    with pytest.raises(StoreForeign):
        asyncio.run(Ledger.open(tmp_path, HandClock()))
    assert contents(tmp_path) == {"ledger.db": content}


def test_the_folder_that_backups_and_segments_go_to_may_be_taken(
    templates: dict[int, Path], whole: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    for name in ("archive", "backups"):
        state = tmp_path / name
        shutil.copytree(templates[0], state)
        shutil.rmtree(state / name, ignore_errors=True)
        (state / name).write_text("precious")
        assert asyncio.run(start(state)) == whole[0]
        assert (state / name).read_text() == "precious"
