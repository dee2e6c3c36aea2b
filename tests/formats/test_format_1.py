"""A store that the first format's gateway left, killed, is all there after this one's start.

``format_1/state.tar.gz`` is such a store, with a ledger and a journal that is ahead of it;
``told.json`` is what that version itself read from it after its own replay.
"""

import errno
import json
import sqlite3
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from quotadeck.domain.notice import Notice
from quotadeck.store import Ledger, StoreBusy, StoreDamaged, StoreError
from quotadeck.store.formats import migrate as migration
from quotadeck.store.sqlite.schema import USER_VERSION
from quotadeck.words import say
from tests.clocks import HandClock
from tests.gateway.desks import bench
from tests.store.values import ended, run_python
from tests.wording import refuses

HERE = Path(__file__).parent / "format_1"
TOLD: dict[str, Any] = json.loads((HERE / "told.json").read_text())
NOW_US = TOLD["now_us"]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    with tarfile.open(HERE / "state.tar.gz") as packed:
        # Not every Python 3.11 has filters, and these are our own files.
        packed.extraction_filter = getattr(tarfile, "data_filter", None)
        packed.extractall(tmp_path)
    return tmp_path / "state"


async def assert_all_there(state: Path) -> None:
    """Everything that the old version told, the new one tells."""
    async with bench(state, HandClock(NOW_US)) as at:
        reader = at.ledger.reader
        await at.ledger.flushed()
        assert (at.ledger.source_id, at.ledger.epoch) == (TOLD["source_id"], TOLD["epoch"])
        calls = await reader.calls(limit=10_000)
        assert [(seq, _old_call(call)) for seq, call in calls] == [
            (seq, call) for seq, call in TOLD["calls"]
        ]
        assert all(
            len(call.attempts) == old["attempts"]
            for (_, call), (_, old) in zip(calls, TOLD["calls"], strict=True)
        )
        for per in ("minute", "day"):
            found = [_old_rollup(row) for row in await reader.rollups(per=per, limit=-1)]
            assert found == [_told_rollup(row) for row in TOLD[per]]
        hours = await reader.rollups(per="hour", limit=-1)
        minutes = TOLD["minute"]
        assert sum(row.cost_nano_usd for row in hours) == sum(m["cost_nano_usd"] for m in minutes)
        assert sum(sum(row.refused.values()) for row in hours) == sum(
            sum(_told_rollup(row)["refused"].values()) for row in minutes
        )
        levels = [asdict(row) for row in await reader.levels(limit=-1)]
        assert [{name: row[name] for name in TOLD["levels"][0]} for row in levels] == TOLD["levels"]
        events = await reader.events(limit=-1)
        assert [
            (seq, event.id, say(event.told)) for seq, event in events[: len(TOLD["events"])]
        ] == [(seq, event["id"], event["text"]) for seq, event in TOLD["events"]]
        chain = await reader.chain()
        assert chain.broken is None
        assert asdict(chain.head) == TOLD["chain"]["head"]
        log = await reader.log()
        same = ("seq", "id", "at_us", "actor", "action", "until_us", "applied", "hash")
        assert [[str(getattr(entry, name)) for name in same] for entry in log] == [
            [str(entry[name]) for name in same] for entry in TOLD["log"]
        ]
        assert [entry.reason for entry in log] == [
            # The first format gave an undo and an end a reason of the gateway's own.
            "" if entry["action"] in ("undo", "end") else entry["reason"]
            for entry in TOLD["log"]
        ]
        assert await reader.spent_after("2026-11-01") == TOLD["spent"]
        assert _in_force(at.desk.layers) == {tuple(row[:2]): row[2:] for row in TOLD["in_force"]}
        recovered = at.ledger.recovered
        assert dict(recovered.levels) == TOLD["recovered_levels"]
        assert recovered.levels_at_us == TOLD["levels_at_us"]


def _old_call(call: Any) -> dict[str, Any]:
    told = json.loads(json.dumps(call._asdict(), default=str))
    usage = call.usage._asdict()
    told |= {name: usage[name] for name in ("input_tokens", "cached_tokens", "output_tokens")}
    told |= {"usage_is_estimate": usage["is_estimate"], "attempts": len(told["attempts"])}
    return {name: told[name] for name in TOLD["calls"][0][1]}


def _old_rollup(row: Any) -> dict[str, Any]:
    told = asdict(row)
    told["minute_us"] = told.pop("at_us")
    told["latency"] = list(told["latency"])
    told["refused"] = dict(told["refused"])
    return {name: told[name] for name in TOLD["minute"][0]}


def _told_rollup(row: dict[str, Any]) -> dict[str, Any]:
    """The first format's own columns counted these causes alone."""
    counted = zip(TOLD["causes"], row["refused"], strict=True)
    return row | {"refused": {cause: count for cause, count in counted if count}}


def _in_force(layers: Any) -> dict[tuple[str, str], list[Any]]:
    found = {}
    for subject, field in layers.by_slot:
        now = layers.in_force(subject, field, NOW_US)
        value = now.value
        if hasattr(value, "sha256"):
            value = asdict(value) | {"projects": list(value.projects)}
        entry = now.entry.id if now.entry else None
        found[str(subject), str(field)] = [str(now.layer), value, now.until_us, entry]
    return found


async def test_all_is_there_after_the_start_and_after_the_next_one(state: Path) -> None:
    await assert_all_there(state)
    await assert_all_there(state)
    kept = state / "ledger.format-1.db"
    assert sqlite3.connect(kept).execute("PRAGMA user_version").fetchone() == (1,)


async def test_it_is_told_and_goes_on_recording(state: Path) -> None:
    ledger = await Ledger.open(state, HandClock(NOW_US))
    assert ledger.problems == ()
    ledger.end_call(ended("req_new"))
    await ledger.flushed()
    newest = await ledger.reader.calls(last=1)
    assert [call.id for _, call in newest] == ["req_new"]
    assert newest[0][0] > TOLD["calls"][-1][0]
    told = [say(event.told) for _, event in await ledger.reader.events(last=3)]
    assert any(f"from format 1 to {USER_VERSION}; the old one is kept as" in text for text in told)
    await ledger.close()


_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
import quotadeck.store.formats.migrate as migration
from quotadeck.store import Ledger
from tests.clocks import HandClock

left = int(sys.argv[2])

def dies(before):
    def step(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            signal.raise_signal(signal.SIGKILL)
        return before(*args, **kwargs)
    return step

for name in ("settle", "_without_indexes", "_copied", "_keep", "sync_directory"):
    setattr(migration, name, dies(getattr(migration, name)))
Path.rename = dies(Path.rename)
asyncio.run(Ledger.open(Path(sys.argv[1]), HandClock(int(sys.argv[3]))))
os._exit(0)
"""


_STEPS = 15
"""Moments at which it can be killed: before each table, and each move of a file."""


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=[] if step % 4 == 2 else [pytest.mark.soak])
        for step in range(_STEPS)
    ],
)
async def test_killed_at_any_step_and_started_again_nothing_is_missing(
    state: Path, step: int
) -> None:
    assert run_python(_DIE, state, str(step), str(NOW_US)).returncode == -9
    await assert_all_there(state)


def test_it_has_no_more_steps_than_are_tried(state: Path) -> None:
    assert run_python(_DIE, state, str(_STEPS), str(NOW_US)).returncode == 0


async def test_without_room_it_is_refused_and_nothing_is_touched(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (state / "ledger.db").read_bytes()
    monkeypatch.setattr("quotadeck.store.formats.migrate._ROOM", 1e12)
    with refuses(StoreError, match=r"MB of free disk, where .* MB are: make room"):
        await Ledger.open(state, HandClock(NOW_US))
    assert (state / "ledger.db").read_bytes() == before
    monkeypatch.undo()
    await assert_all_there(state)


async def test_a_reader_that_stays_is_named_and_the_old_ledger_stays(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.formats.migrate._BUSY_S", 0.05)
    other = sqlite3.connect(state / "ledger.db", isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM calls").fetchone()
    with refuses(StoreBusy, match="is locked by another process"):
        await Ledger.open(state, HandClock(NOW_US))
    other.close()
    await assert_all_there(state)


async def test_a_reader_that_goes_is_waited_for(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(state / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM calls").fetchone()
    monkeypatch.setattr("quotadeck.store.formats.migrate.sleep", lambda _: other.close())
    await assert_all_there(state)


async def test_a_folder_that_it_may_not_write_is_told_as_such(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path, _flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("quotadeck.store.formats.migrate.create_file", forbidden)
    with refuses(StoreError, match=r"ledger\.migrating: Permission denied; give the gateway's"):
        await Ledger.open(state, HandClock(NOW_US))
    monkeypatch.undo()
    await assert_all_there(state)


def test_a_damaged_one_is_known_as_damaged(state: Path) -> None:
    path = state / "ledger.db"
    with closing_wal(path) as size:
        path.write_bytes(path.read_bytes()[: size // 2])
    with pytest.raises(StoreDamaged):
        migration.migrate(path, HandClock(), migration.unheard)


class closing_wal:  # noqa: N801 - reads as what it does
    """The file with all in it, and its size."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        db = sqlite3.connect(self._path, isolation_level=None)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        return self._path.stat().st_size

    def __exit__(self, *_: object) -> None:
        return


def test_progress_is_told(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quotadeck.store.formats.migrate._TOLD_S", 0.0)
    monkeypatch.setattr("quotadeck.store.formats.migrate._CHUNK_ROWS", 10)
    told: list[Notice] = []
    migration.migrate(state / "ledger.db", HandClock(), told.append)
    assert say(told[0]) == "bringing the ledger up to date: calls, 10 of 71"
