"""SQLite's WAL: checkpointed here alone, and what keeps it from being.

A reader that stays in a transaction pins the WAL: frames behind its snapshot cannot go into the
file, so the WAL grows. A checkpoint makes the file longer, which needs room just when a grown WAL
has filled the disk. While it is pinned, `Reserve` keeps that room, or the fold waits: then all
heals by itself when the reader leaves.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import aiosqlite

from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Notice, notice
from quotadeck.store.ballast import Ballast
from quotadeck.store.errors import StoreError
from quotadeck.store.kernel_locks import locks_on
from quotadeck.store.places import create_file, ledger_file, reserve_file, wal_file
from quotadeck.store.sqlite.errors import is_full

_CHUNK_BYTES: Final = 1024 * 1024
SLACK_BYTES: Final = 2 * _CHUNK_BYTES
"""More than one batch of the fold makes the file longer."""
CHECKPOINT_ROWS: Final = 3_000
CHECKPOINT_NS: Final = 10_000_000_000
_PINNED_AGAIN_NS: Final = 1_000_000_000
_TOLD_NS: Final = 10_000_000_000
TOLD_BYTES: Final = 4 * 1024 * 1024
"""A WAL that is pinned so long and as large as this is told."""
_SMALL_BYTES: Final = 16 * 1024 * 1024
"""A larger WAL is cut when it can be."""
_READER_SLOTS: Final = range(123, 128)
"""Bytes of the -shm file that a reader locks one of: https://www.sqlite.org/walformat.html"""


class Reserve:
    """A file that holds the room which a checkpoint will need."""

    def __init__(self, directory: Path) -> None:
        self._path = reserve_file(directory)

    def grow(self, size: int) -> bool:
        """Make it hold ``size`` bytes. Blocks; False where the disk is full."""
        try:
            descriptor = create_file(self._path, os.O_WRONLY | os.O_APPEND)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                while os.fstat(descriptor).st_size < size:
                    # Random bytes: a file system that compresses would keep no room for zeros.
                    if file.write(os.urandom(_CHUNK_BYTES)) != _CHUNK_BYTES:
                        return False
        except (OSError, StoreError):
            return False
        return True

    def release(self) -> bool:
        """Delete it; False when there was none to delete."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


class Wal:
    """The WAL of the writer's connection."""

    def __init__(
        self, directory: Path, db: aiosqlite.Connection, ballast: Ballast, clock: Clock
    ) -> None:
        self._ballast = ballast
        self._file = ledger_file(directory)
        self._path = wal_file(directory)
        self._db = db
        self._clock = clock
        self.reserve: Final = Reserve(directory)
        self._rows = 0
        self._tried_ns = clock.monotonic_ns()
        self._pinned_ns: int | None = None
        self._who: tuple[str, ...] = ()
        self._copying = False
        self.waits = False
        """The fold waits: there is no room for a checkpoint of more."""
        self.checkpointing = False
        self.stamp_ns = self._changed_ns()
        """When the ledger's file was last written, by a checkpoint: nothing else may."""

    @property
    def size(self) -> int:
        """Bytes of the file; it is cut only now and then."""
        try:
            return self._path.lstat().st_size
        except OSError:
            return 0

    def folded(self, rows: int) -> None:
        """So many rows were committed."""
        self._rows += rows

    @property
    def problem(self) -> Notice | None:
        """How large it is and which processes hold it, once that lasts."""
        if self._pinned_ns is None or (self._copying and not self.waits):
            return None
        held_ns, size = self._clock.monotonic_ns() - self._pinned_ns, self.size
        lasts = size >= _SMALL_BYTES or (held_ns >= _TOLD_NS and size >= TOLD_BYTES)
        if not (lasts or self.waits):
            return None
        held_ms, size_mb = held_ns // 1_000_000, size >> 20
        if self.waits:
            return notice("vital.wal_full", size_mb=size_mb, held_ms=held_ms, pids=self._who)
        return notice("vital.wal_held", size_mb=size_mb, held_ms=held_ms, pids=self._who)

    @contextlib.contextmanager
    def copying(self) -> Iterator[None]:
        """While a backup of ours holds it, which ends by itself."""
        self._copying = True
        try:
            yield
        finally:
            self._copying, self._pinned_ns = False, None

    async def checkpoint_when_due(self) -> None:
        """Checkpoint after many rows, or some seconds after any. Raises sqlite3.Error."""
        since_ns = self._clock.monotonic_ns() - self._tried_ns
        if self._pinned_ns is not None:
            due = since_ns >= _PINNED_AGAIN_NS
        else:
            due = self._rows >= CHECKPOINT_ROWS or (self._rows > 0 and since_ns >= CHECKPOINT_NS)
        if due:
            await self.checkpoint()

    async def checkpoint(self) -> None:
        """Move all that no reader needs into the file. Raises sqlite3.Error."""
        self._tried_ns, self._rows = self._clock.monotonic_ns(), 0
        try:
            whole = await self._checkpoint("PASSIVE")
        except sqlite3.Error as error:
            if not (is_full(error) and (self.reserve.release() or self._ballast.release())):
                raise
            whole = await self._checkpoint("PASSIVE")
        if not whole:
            self._pinned_ns = self._pinned_ns or self._clock.monotonic_ns()
            self._who = await asyncio.to_thread(self._holders)
            return
        if self.size > _SMALL_BYTES or self.waits:
            # A reader that came just now only puts it off.
            await self._checkpoint("TRUNCATE")
        self._pinned_ns, self.waits = None, False
        self.reserve.release()

    async def _checkpoint(self, how: str) -> bool:
        """Whether all of it went into the file."""
        self.checkpointing = True
        try:
            rows = await self._db.execute_fetchall(f"PRAGMA wal_checkpoint({how})")
        finally:
            self.stamp_ns = self._changed_ns()
            self.checkpointing = False
        _, frames, moved = next(iter(rows))
        return bool(moved >= frames)

    async def has_room(self) -> bool:
        """Whether more may be folded: always, but while a reader pins it on a full disk.

        Raises sqlite3.Error.
        """
        if self._pinned_ns is None:
            return True
        pages = next(iter(await self._db.execute_fetchall("PRAGMA page_count")))[0]
        page = next(iter(await self._db.execute_fetchall("PRAGMA page_size")))[0]
        with contextlib.suppress(OSError):
            longer = pages * page - self._file.lstat().st_size
            self.waits = not await asyncio.to_thread(self.reserve.grow, longer + SLACK_BYTES)
        return not self.waits

    @property
    def is_changed(self) -> bool:
        """Whether something else than a checkpoint has written the ledger's file."""
        return not self.checkpointing and self._changed_ns() not in {0, self.stamp_ns}

    def accept_change(self) -> None:
        """It was told."""
        self.stamp_ns = self._changed_ns()

    def _changed_ns(self) -> int:
        try:
            return self._file.lstat().st_mtime_ns
        except OSError:
            return 0

    def _holders(self) -> tuple[str, ...]:
        """Which processes read now; Linux alone tells."""
        try:
            locks = locks_on(Path(f"{self._file}-shm")) or ()
        except OSError:
            return ()
        pids = {
            lock.pid for lock in locks if lock.kind == "POSIX" and lock.first_byte in _READER_SLOTS
        } - {os.getpid(), 0}
        return tuple(map(str, sorted(pids)[:3]))
