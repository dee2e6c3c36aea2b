# ruff: noqa: S608 - the SQL is put together from our own names alone
"""What goes when: in chunks, each a transaction of its own, so that the fold never waits long.

Day roll-ups, events, catalogues and the command log stay. A clock that is wrong for a while deletes
nothing.
"""

from dataclasses import dataclass
from typing import Final

import aiosqlite

from quotadeck.domain.clock import Clock
from quotadeck.store.sqlite.tables import HOUR, MINUTE, Per

CHUNK_ROWS: Final = 5_000
_HOUR_US: Final = 3_600_000_000
SETTLED_NS: Final = 6 * _HOUR_US * 1_000
"""Longer than a wrong clock stands unnoticed, shorter than a gateway runs between two restarts."""
_STEP_US: Final = 60_000_000
"""More than two clocks drift apart."""
_FREED_PAGES: Final = 2_000
"""Pages given back to the file system after a chunk; bounds how long that takes."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long rows stay, and how large the calls may make the file."""

    calls_us: int = 7 * 24 * _HOUR_US
    file_bytes: int = 5_000_000_000
    minutes_us: int = 48 * _HOUR_US
    hours_us: int = 90 * 24 * _HOUR_US
    levels_us: int = 48 * _HOUR_US
    states_us: int = 90 * 24 * _HOUR_US
    """After they were left."""
    made_us: int = 30 * 24 * _HOUR_US
    made_rows: int = 2_000_000


class Settled:
    """The wall clock once it has run for hours without a step, here and since the start.

    What it says before may be a week ahead for a minute, and what is deleted then does not come
    back; what is kept some hours too long harms nobody.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart_us, self._since_ns = self._look()

    def now_us(self) -> int | None:
        """What it says; None while that may be wrong. To be asked again and again."""
        apart_us, now_ns = self._look()
        if abs(apart_us - self._apart_us) > _STEP_US:
            self._apart_us, self._since_ns = apart_us, now_ns
        if now_ns - self._since_ns < SETTLED_NS:
            return None
        return apart_us + now_ns // 1_000

    def _look(self) -> tuple[int, int]:
        now_ns = self._clock.monotonic_ns()
        return self._clock.wall_us() - now_ns // 1_000, now_ns


_OLDEST: Final = "SELECT seq FROM {0} WHERE source_id = ? ORDER BY seq LIMIT ?"
_OLD_CALLS: Final = f"DELETE FROM calls WHERE seq IN ({_OLDEST.format('calls')}) AND at_us < ?"
_OLDEST_CALLS: Final = f"DELETE FROM calls WHERE seq IN ({_OLDEST.format('calls')})"
_OLD_LEVELS: Final = f"DELETE FROM levels WHERE seq IN ({_OLDEST.format('levels')}) AND at_us < ?"
_OLD_STATES: Final = (
    "DELETE FROM states WHERE seq IN (SELECT seq FROM states WHERE left_us < ? AND source_id = ? "
    "ORDER BY left_us LIMIT ?)"
)

_OLD_MADE: Final = (
    "DELETE FROM made WHERE rowid IN (SELECT rowid FROM made WHERE at_us < ? AND source_id = ? "
    "ORDER BY at_us LIMIT ?)"
)
_MORE_MADE: Final = (
    "DELETE FROM made WHERE rowid IN (SELECT rowid FROM made "
    "WHERE rowid <= (SELECT max(rowid) FROM made) - ? ORDER BY rowid LIMIT ?)"
)


def _old_sums(table: str, per: Per) -> str:
    name = f"{table}_{per.name}"
    return (
        f"DELETE FROM {name} WHERE rowid IN (SELECT rowid FROM {name} "
        f"WHERE source_id = ? AND {per.column} < ? ORDER BY {per.column} LIMIT ?)"
    )


_OLD_SUMS: Final = {
    per: [_old_sums(table, per) for table in ("rollups", "refusals")] for per in (MINUTE, HOUR)
}


async def forget(db: aiosqlite.Connection, source: int, now_us: int | None, keep: Keep) -> bool:
    """Delete at most one chunk of each kind; True when a full chunk went, so more may be due.

    ``now_us`` None: nobody knows how old anything is, and only a file too large loses calls.

    Calls go in the order they ended, so one that was long under way may stay a little longer.
    Raises sqlite3.Error; each statement is a transaction.
    """
    gone = [0]
    if now_us is not None:
        states_before = now_us - keep.states_us
        gone = [
            await _delete(db, _OLD_CALLS, (source, CHUNK_ROWS, now_us - keep.calls_us)),
            await _delete(db, _OLD_LEVELS, (source, CHUNK_ROWS, now_us - keep.levels_us)),
            await _delete(db, _OLD_STATES, (states_before, source, CHUNK_ROWS)),
            await _delete(db, _OLD_MADE, (now_us - keep.made_us, source, CHUNK_ROWS)),
        ]
        for per, keep_us in ((MINUTE, keep.minutes_us), (HOUR, keep.hours_us)):
            for statement in _OLD_SUMS[per]:
                gone.append(await _delete(db, statement, (source, now_us - keep_us, CHUNK_ROWS)))
    gone.append(await _delete(db, _MORE_MADE, (keep.made_rows, CHUNK_ROWS)))
    if await _used_bytes(db) > keep.file_bytes:
        gone.append(await _delete(db, _OLDEST_CALLS, (source, CHUNK_ROWS)))
    if any(gone):
        await db.execute_fetchall(f"PRAGMA incremental_vacuum({_FREED_PAGES})")
    return max(gone) >= CHUNK_ROWS


async def _delete(db: aiosqlite.Connection, statement: str, values: tuple[int, ...]) -> int:
    cursor = await db.execute(statement, values)
    await cursor.close()
    return cursor.rowcount


async def _used_bytes(db: aiosqlite.Connection) -> int:
    figures = []
    for name in ("page_count", "freelist_count", "page_size"):
        rows = list(await db.execute_fetchall(f"PRAGMA {name}"))
        figures.append(int(rows[0][0]))
    pages, free, page_bytes = figures
    return (pages - free) * page_bytes
