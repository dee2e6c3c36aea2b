"""The writer's connection."""

from pathlib import Path
from typing import Final

import aiosqlite

from quotadeck.store.journal.journal import Position
from quotadeck.store.sqlite.schema import reading_uri

BUSY_TIMEOUT_S: Final = 1.0
_WAL_BYTES: Final = 64 * 1024 * 1024
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA journal_size_limit = {_WAL_BYTES}",
    # `Wal` checkpoints: it has to know when, and whether all went through.
    "PRAGMA wal_autocheckpoint = 0",
    # The sums of a batch, before they are added to the roll-ups.
    "PRAGMA temp_store = MEMORY",
)


async def connect(path: Path) -> aiosqlite.Connection:
    """The only connection that may write or checkpoint. Raises sqlite3.Error.

    SQLite before 3.51.3 can lose commits where two do: https://www.sqlite.org/wal.html#walresetbug
    """
    uri = reading_uri(path, immutable=False).replace("?mode=ro", "?mode=rw")
    db = await aiosqlite.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    try:
        for statement in _PRAGMAS:
            await db.execute_fetchall(statement)
    except BaseException:
        await db.close()
        raise
    return db


async def folded_position(db: aiosqlite.Connection, source: int) -> Position:
    """How far SQLite says that a source's journal is folded."""
    statement = "SELECT folded_segment, folded_offset FROM sources WHERE id = ?"
    rows = await db.execute_fetchall(statement, (source,))
    return Position(*next(iter(rows)))


async def source_number(db: aiosqlite.Connection, source_id: str, epoch: int) -> int:
    """The number in this ledger of a source that is recorded in it; new ones get one."""
    await db.execute_fetchall(
        "INSERT INTO sources (source_id, epoch, change, folded_segment, folded_offset) "
        "VALUES (?, ?, 0, 0, 0) ON CONFLICT (source_id) DO NOTHING",
        (source_id, epoch),
    )
    rows = await db.execute_fetchall("SELECT id FROM sources WHERE source_id = ?", (source_id,))
    return int(next(iter(rows))[0])
