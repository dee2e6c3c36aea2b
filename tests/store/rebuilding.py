"""Stores to be destroyed, the ways in which their ledger is, and what must come back."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quotadeck.store import Ledger
from quotadeck.store.backup.backup import take
from tests.clocks import HandClock
from tests.store.damages import noise, overwrite
from tests.store.values import START_US, all_calls, ended, entry, flat, opened

CALLS = 100


async def recorded(ledger: Ledger) -> dict[str, Any]:
    """All that a ledger has to tell, but events."""
    reader = ledger.reader
    return {
        "calls": await all_calls(reader),
        "minutes": flat(await reader.rollups(per="minute", limit=-1)),
        "days": flat(await reader.rollups(per="day", limit=-1)),
        "levels": [(one.at_us, one.bucket, one.last) for one in await reader.levels(limit=-1)],
        "log": await reader.log(),
        "head": (await reader.chain()).head,
        "totals": await reader.totals(),
        "source": ledger.source_id,
        "since": ledger.recovered.since,
        "unknown": ledger.recovered.unknown,
        "bucket levels": ledger.recovered.levels,
    }


async def leave(state: Path, to: Path, *, backups: int) -> None:
    """Some runs with a backup in each; the last is killed with calls under way."""
    for run in range(3):
        ledger = await Ledger.open(state, HandClock())
        for number in range(CALLS):
            at_us = START_US + (run * CALLS + number) * 1_000_000
            ledger.open_call(opened(f"req_{run}_{number}", at_us=at_us))
            if number % 50:
                ledger.end_call(ended(f"req_{run}_{number}", at_us=at_us, total_ms=number))
            if number == CALLS // 2 and run < backups:
                await ledger.flushed()
                take(state, at_us)
            if number % 40 == 0:
                await ledger.command(entry(f"cmd_{run}_{number}", value=number), durable=True)
                ledger.levels(at_us, {"b:rpm": number}, {"b:rpm": (1, number, 60)})
        await ledger.flushed()
        await ledger.backups.look()
        if run == 2:
            shutil.copytree(state, to)
        await ledger.close()


def _sqlite(state: Path, *statements: str) -> None:
    db = sqlite3.connect(state / "ledger.db", isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()


def _all_gone(state: Path) -> None:
    for path in state.glob("ledger.db*"):
        path.unlink()


def _zeros(state: Path, at: int, size: int) -> None:
    _sqlite(state, "PRAGMA wal_checkpoint(TRUNCATE)")
    overwrite(state / "ledger.db", at, bytes(size))


def _noise(state: Path, at: int, size: int) -> None:
    _sqlite(state, "PRAGMA wal_checkpoint(TRUNCATE)")
    overwrite(state / "ledger.db", at, noise(size))


def _wal_gone(state: Path) -> None:
    (state / "ledger.db-wal").unlink()
    (state / "ledger.db-shm").unlink()


def _another(state: Path) -> None:
    _all_gone(state)
    _sqlite(state, "PRAGMA application_id = 7", "CREATE TABLE calls (id)")


def _schema(state: Path) -> None:
    _sqlite(
        state,
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET sql = 'CREATE TABEL calls' WHERE name = 'calls'",
    )


DESTROYED: dict[str, Callable[[Path], object]] = {
    "gone": lambda s: (s / "ledger.db").unlink(),
    "gone with its WAL": _all_gone,
    "empty": lambda s: os.truncate(s / "ledger.db", 0),
    "cut in its header": lambda s: os.truncate(s / "ledger.db", 70),
    "cut": lambda s: os.truncate(s / "ledger.db", 40_960),
    "header zeroed": lambda s: _zeros(s, 0, 100),
    "header noise": lambda s: _noise(s, 0, 100),
    "text": lambda s: (s / "ledger.db").write_text("all work and no play"),
    "first page zeroed behind the header": lambda s: _zeros(s, 100, 3_996),
    "pages zeroed": lambda s: _zeros(s, 4_096, 60_000),
    "pages noise": lambda s: _noise(s, 4_096, 60_000),
    "one page": lambda s: _noise(s, 3 * 4_096, 4_096),
    "all zeros": lambda s: _zeros(s, 0, (s / "ledger.db").stat().st_size),
    "another program's": _another,
    "schema": _schema,
    "a table dropped": lambda s: _sqlite(s, "DROP TABLE levels"),
    "no source": lambda s: _sqlite(s, "DELETE FROM sources"),
}
"""Everything that no start can use as it is."""

HARMED: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "WAL gone": _wal_gone,
    "WAL emptied": lambda s: os.truncate(s / "ledger.db-wal", 0),
    "WAL noise": lambda s: overwrite(s / "ledger.db-wal", 32, noise(8_000)),
    "a piece of a WAL": lambda s: os.truncate(s / "ledger.db-wal", 20_000),
}
"""What a start serves as it is, from the journal."""
