"""What goes when: in chunks, each a transaction of its own, so that the fold never waits long.

Day roll-ups, events and the command log stay. A clock that is wrong for a while deletes nothing.
"""

from dataclasses import dataclass
from typing import Final

import aiosqlite

from quotadeck.domain.clock import Clock
from quotadeck.store.schema import OWN_SOURCE

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
    levels_us: int = 48 * _HOUR_US


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


_OLD_CALLS: Final = (
    "DELETE FROM calls WHERE seq IN (SELECT seq FROM calls WHERE source_id = ? "
    "ORDER BY seq LIMIT ?) AND at_us < ?"
)
_OLDEST_CALLS: Final = (
    "DELETE FROM calls WHERE seq IN (SELECT seq FROM calls WHERE source_id = ? "
    "ORDER BY seq LIMIT ?)"
)
_OLD_MINUTES: Final = (
    "DELETE FROM rollups_minute WHERE rowid IN (SELECT rowid FROM rollups_minute "
    "WHERE source_id = ? AND minute_us < ? ORDER BY minute_us LIMIT ?)"
)
_OLD_LEVELS: Final = (
    "DELETE FROM levels WHERE seq IN (SELECT seq FROM levels WHERE source_id = ? "
    "ORDER BY seq LIMIT ?) AND at_us < ?"
)


async def forget(db: aiosqlite.Connection, now_us: int | None, keep: Keep) -> bool:
    """Delete at most one chunk of each kind; True when a full chunk went, so more may be due.

    ``now_us`` None: nobody knows how old anything is, and only a file too large loses calls.

    Calls go in the order they ended, so one that was long under way may stay a little longer.
    Raises sqlite3.Error; each statement is a transaction.
    """
    gone = [0]
    if now_us is not None:
        gone = [
            await _delete(db, _OLD_CALLS, (OWN_SOURCE, CHUNK_ROWS, now_us - keep.calls_us)),
            await _delete(db, _OLD_MINUTES, (OWN_SOURCE, now_us - keep.minutes_us, CHUNK_ROWS)),
            await _delete(db, _OLD_LEVELS, (OWN_SOURCE, CHUNK_ROWS, now_us - keep.levels_us)),
        ]
    if await _used_bytes(db) > keep.file_bytes:
        gone.append(await _delete(db, _OLDEST_CALLS, (OWN_SOURCE, CHUNK_ROWS)))
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
