"""A copy of a ledger that is in use, and the check of one.

``VACUUM INTO`` copies as of one instant, on a connection of its own and with a read transaction
alone: the writer goes on, and its WAL grows meanwhile. (A stepped ``backup()`` beside a writer
begins again at each commit and never ends.)
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from quotadeck.store import lock
from quotadeck.store.errors import StoreDamaged, StoreError, StoreForeign, named
from quotadeck.store.journal.journal import Position
from quotadeck.store.places import create_file, ledger_file, wal_file
from quotadeck.store.sqlite.errors import is_damage, is_full
from quotadeck.store.sqlite.schema import (
    APPLICATION_ID,
    Origin,
    check_header,
    check_version,
    origin_in,
    reading_uri,
)

ROOM: Final = 1.5
"""So many times the ledger's size must be free: a full disk is worse than a late backup."""
MARGIN_BYTES: Final = 64 * 1024 * 1024
"""A copy that leaves less than this free is given up: the journal needs the room."""
_STEPS: Final = 20_000
"""Of SQLite's machine between two looks at how the copy goes: a few megabytes."""
_SYNCED_BYTES: Final = 16 * 1024 * 1024
"""Written to the disk in such parts: all at once would keep the writer's commits waiting."""

_REST_S: Final = 0.1


class NoRoom(StoreError):
    """The disk does not hold a copy."""

    def __init__(self, place: Path, free_bytes: int, needed_bytes: int) -> None:
        super().__init__(
            "store.backup_no_room",
            path=str(place),
            free_mb=free_bytes // 10**6,
            needed_mb=needed_bytes // 10**6,
            ledgers=f"{ROOM:g}",
        )
        self.free_bytes, self.needed_bytes = free_bytes, needed_bytes


class Stopped(StoreError):
    """The copy was given up, as it was asked to be."""


def require_room(directory: Path, place: Path) -> None:
    """Raises NoRoom where the file system of ``place`` does not hold a copy, or OSError."""
    free, needed = shutil.disk_usage(place).free, needed_bytes(directory)
    if free < needed:
        raise NoRoom(place, free, needed)


def needed_bytes(directory: Path) -> int:
    """What must be free for a copy of the ledger. Raises OSError."""
    return round(ROOM * ledger_file(directory).lstat().st_size)


def copy(directory: Path, to: Path, stop: Callable[[], bool]) -> Position:
    """Copy the ledger to a new file, read it back, sync it; how far it has the journal.

    Blocks for seconds. Raises NoRoom, Stopped, StoreError or OSError, and leaves no file then.
    """
    descriptor = create_file(to, os.O_WRONLY | os.O_EXCL)
    pace = _Pace(to.parent, descriptor, needed_bytes(directory), stop)
    try:
        _vacuum(directory, to, pace)
        os.fsync(descriptor)
        try:
            return checked(to, pace).folded
        except StoreDamaged as damage:
            raise StoreError("store.backup_unread", path=str(to), what=damage.what) from damage
    except BaseException as error:
        to.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            raise pace.named(ledger_file(directory), error) from error
        raise
    finally:
        os.close(descriptor)


def checked(path: Path, pace: Callable[[], int] | None = None) -> Origin:
    """Read all pages of a copy that nobody writes; whose it is, and how far it goes. Blocks.

    Raises StoreError, OSError, or sqlite3.Error where it could not be read to the end.
    """
    check_header(path)
    db = sqlite3.connect(reading_uri(path, immutable=True), uri=True, isolation_level=None)
    try:
        db.set_progress_handler(pace, _STEPS)
        check_version(path, db.execute("PRAGMA user_version").fetchone()[0])
        if (said := str(db.execute("PRAGMA quick_check(1)").fetchone()[0])) != "ok":
            raise StoreDamaged(path, said.splitlines()[-1])
        return origin_in(path, db)
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            raise StoreDamaged(path, str(error)) from error
        raise
    finally:
        db.close()


def _vacuum(directory: Path, to: Path, pace: "_Pace") -> None:
    path = ledger_file(directory)
    # As in `Reader`: without a WAL and a writer, plain read-only access would make one.
    alone = not wal_file(directory).exists() and not lock.is_held(directory)
    db = sqlite3.connect(reading_uri(path, immutable=alone), uri=True, isolation_level=None)
    try:
        if db.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
            raise StoreForeign(path, "another_programs")
        db.set_progress_handler(pace, _STEPS)
        db.execute("VACUUM INTO ?", (str(to.absolute()),))
    finally:
        db.close()


class _Pace:
    """Asked by SQLite now and then while it copies: rests, syncs what is written, may end it.

    It rests as long as it worked: the requests go on meanwhile, perhaps on the same core.
    """

    def __init__(self, place: Path, descriptor: int, needed: int, stop: Callable[[], bool]) -> None:
        self._place = place
        self._descriptor = descriptor
        self._needed = needed
        self._stop = stop
        self._synced = 0
        self._short = False
        self._rested_s = monotonic()

    def __call__(self) -> int:
        sleep(min(_REST_S, monotonic() - self._rested_s))
        size = os.fstat(self._descriptor).st_size
        if size - self._synced >= _SYNCED_BYTES:
            os.fsync(self._descriptor)
            self._synced = size
            self._short = shutil.disk_usage(self._place).free < MARGIN_BYTES
        self._rested_s = monotonic()
        return int(self._short or self._stop())

    def named(self, path: Path, error: sqlite3.Error) -> StoreError:
        """Why the copy was not made."""
        if self._short or is_full(error):
            return NoRoom(self._place, shutil.disk_usage(self._place).free, self._needed)
        if self._stop():
            return Stopped("store.backup_stopped", path=str(path))
        return named(path, error, "store.uncopied")
