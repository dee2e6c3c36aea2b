"""A ledger of the first format brought to the present one: written anew beside it, then swapped.

The old file is only read, and stays under a name of its own: whatever kills this, the next start
finds either the old ledger, and begins again, or the new one. A table is one transaction. The
journal's segments are not touched: each tells its own format.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Notice, notice
from quotadeck.store.errors import StoreError, named
from quotadeck.store.events import facts_text
from quotadeck.store.formats.from_format_1 import STEPS
from quotadeck.store.loss import Loss, event_of, lost
from quotadeck.store.places import check_plain, create_file, open_plain, sync_directory
from quotadeck.store.sqlite.errors import is_locked
from quotadeck.store.sqlite.schema import APPLICATION_ID, USER_VERSION, is_ledger
from quotadeck.store.sqlite.tables import TABLES

Tell = Callable[[Notice], None]

_FROM: Final = 1
_ROOM: Final = 1.5
"""So many times the old file's size must be free: the new one, and its indexes being sorted."""
_FAST: Final = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000", "threads = 2")
"""What is killed is begun again: nothing here needs to be kept safe but the whole."""
_CHUNK_ROWS: Final = 200_000
_TOLD_S: Final = 2.0
_BUSY_S: Final = 5.0
"""How long a reader may take to go."""
_AGAIN_S: Final = 0.05
_EVENT: Final = (
    "INSERT INTO events (source_id, id, at_us, kind, subject, facts) "
    "SELECT id, ?, ?, ?, ?, ? FROM sources ORDER BY id LIMIT 1"
)


def unheard(_: Notice) -> None:
    """For who does not want to hear how far it is."""


def is_older(path: Path) -> bool:
    """Whether this is a ledger of the first format. Raises OddFile or OSError."""
    if not path.exists():
        return False
    with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
        header = file.read(100)
    return is_ledger(header) and int.from_bytes(header[60:64], "big") == _FROM


def migrate(path: Path, clock: Clock, tell: Tell) -> Loss:
    """Bring the ledger to the present format; what there is to tell of it.

    Takes some seconds a million calls, and tells of its way every two. The caller holds the
    store's lock. Raises StoreBusy where another process reads it, StoreDamaged where it cannot be
    read, StoreError where there is no room, or OSError; the old ledger is as it was then.
    """
    kept = path.with_name(f"ledger.format-{_FROM}.db")
    fresh = path.with_name("ledger.migrating")
    for place in (kept, fresh):
        check_plain(place)
    fresh.unlink(missing_ok=True)
    _require_room(path)
    # Of the system's words for what is not allowed here SQLite would leave none.
    os.close(create_file(fresh, os.O_WRONLY | os.O_EXCL))
    loss = lost(
        "store.migrated",
        grave=False,
        lasting=False,
        path=str(path),
        old=_FROM,
        new=USER_VERSION,
        kept=str(kept),
    )
    try:
        settle(path)
        _write(path, fresh, loss, clock, tell)
    except BaseException as error:
        fresh.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            raise named(path, error, "store.unmigrated") from error
        raise
    _keep(path, kept)
    fresh.rename(path)
    sync_directory(path.parent)
    return loss


def _require_room(path: Path) -> None:
    needed = round(path.stat().st_size * _ROOM)
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise StoreError(
            "store.migrate_no_room",
            path=str(path),
            free_mb=free // 10**6,
            needed_mb=needed // 10**6,
        )


def settle(path: Path) -> None:
    """Move all of its WAL into the file, which only one who has it alone can."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S)) as db:
        give_up_s = monotonic() + _BUSY_S
        while True:  # SQLite itself does not wait for a reader to go
            try:
                db.execute("PRAGMA journal_mode = DELETE")
                break
            except sqlite3.OperationalError as error:
                if not is_locked(error) or monotonic() >= give_up_s:
                    raise
                sleep(_AGAIN_S)


def _write(path: Path, fresh: Path, loss: Loss, clock: Clock, tell: Tell) -> None:
    with closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        for pragma in (
            "journal_mode = OFF",
            "synchronous = OFF",
            "cache_size = -200000",
            "threads = 2",
        ):
            db.execute(f"PRAGMA {pragma}")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.executescript(TABLES)
        later = _without_indexes(db)
        db.execute("ATTACH ? AS old", (f"{path.absolute().as_uri()}?mode=ro",))
        told_s = monotonic()
        for table, statements in STEPS:
            for done, whole in _copied(db, table, statements):
                if monotonic() - told_s >= _TOLD_S:
                    told_s = monotonic()
                    tell(notice("store.migrating", table=table, done=done, whole=whole))
        for statement in later:
            db.execute(statement)
        event = event_of(loss, clock)
        row = (event.id, event.at_us, event.told.kind, event.subject, facts_text(event.told))
        db.execute(_EVENT, row)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {USER_VERSION}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _without_indexes(db: sqlite3.Connection) -> list[str]:
    """Take the indexes away for now: sorted at the end they cost a third. What makes them again."""
    query = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    found = db.execute(query).fetchall()
    for name, _ in found:
        db.execute(f"DROP INDEX {name}")
    return [sql for _, sql in found]


def _copied(
    db: sqlite3.Connection, table: str, statements: tuple[str, ...]
) -> Iterator[tuple[int, int]]:
    """Copy a table in one transaction; how far that is, in its rows' numbers."""
    db.execute("BEGIN")
    for statement in statements:
        if ":low" not in statement:
            db.execute(statement)
            continue
        first, last = db.execute(f"SELECT min(seq), max(seq) FROM old.{table}").fetchone()  # noqa: S608
        for low in range(first or 0, (last or -1) + 1, _CHUNK_ROWS):
            db.execute(statement, {"low": low, "high": low + _CHUNK_ROWS})
            yield min(last, low + _CHUNK_ROWS) - first, last - first
    db.execute("COMMIT")


def _keep(path: Path, kept: Path) -> None:
    """Give the old ledger a second name; there is none without a ledger at any moment."""
    kept.unlink(missing_ok=True)
    with suppress(OSError):
        kept.hardlink_to(path)
        return
    shutil.copyfile(path, kept)
