"""How a file is known to be a ledger of ours, and how a new one is made."""

import os
import re
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from quotadeck.store.errors import (
    StoreDamaged,
    StoreForeign,
    StoreNewer,
    StoreOlder,
    named,
)
from quotadeck.store.journal.journal import Position
from quotadeck.store.places import (
    FILE_MODE,
    check_plain,
    open_plain,
    sync_directory,
    wal_file,
)
from quotadeck.store.sqlite.tables import TABLES

APPLICATION_ID: Final = 0x51444543
"""``QDEC``, in the file's header at byte 68."""
USER_VERSION: Final = 3
"""The number of `TABLES`: whoever changes them gives them the next one, and a migration."""


class Origin(NamedTuple):
    """Whose ledger it is, and how far it has that source's journal."""

    source_id: str
    folded: Position


def create(path: Path, source_id: str, epoch: int) -> None:
    """Write an empty ledger beside ``path`` and move it there whole. Blocks for milliseconds."""
    fresh = path.with_suffix(".new")
    check_plain(fresh)
    fresh.unlink(missing_ok=True)
    db = sqlite3.connect(fresh, isolation_level=None)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {USER_VERSION}; {TABLES} COMMIT;"
        )
        db.execute(
            "INSERT INTO sources (source_id, epoch, change, folded_segment, folded_offset) "
            "VALUES (?, ?, 0, 0, 0)",
            (source_id, epoch),
        )
    finally:
        db.close()
    fresh.chmod(FILE_MODE)
    fresh.rename(path)
    sync_directory(path.parent)


def check_header(path: Path) -> None:
    """Read the file's first 100 bytes and refuse what is not ours; touches nothing.

    Source: https://www.sqlite.org/fileformat2.html#the_database_header
    SQLite in this process must not have the file open: closing ours would drop its locks.
    Raises StoreForeign, StoreNewer, OddFile or OSError.
    """
    with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
        header = file.read(100)
    if not _is_database(header):
        raise StoreForeign(path, "no_database")
    if not is_ledger(header):
        raise StoreForeign(path, "another_programs")
    check_version(path, int.from_bytes(header[60:64], "big"))


def _is_database(header: bytes) -> bool:
    return len(header) >= 100 and header.startswith(b"SQLite format 3\0")


def is_ledger(header: bytes) -> bool:
    """Whether a file that begins with these 100 bytes is one of ours."""
    return _is_database(header) and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def is_whole(descriptor: int) -> bool:
    """Whether an open file is one of ours and as long as its header says. Raises OSError."""
    header = os.pread(descriptor, 100, 0)
    pages, page = int.from_bytes(header[28:32], "big"), int.from_bytes(header[16:18], "big")
    return is_ledger(header) and os.fstat(descriptor).st_size >= pages * page


def check_version(path: Path, version: int) -> None:
    """Raises StoreNewer, StoreOlder or StoreDamaged for a version that is not ours."""
    if version > USER_VERSION:
        raise StoreNewer(path, version, USER_VERSION)
    if version < 1:
        raise StoreDamaged(path, "no_format")
    if version < USER_VERSION:
        raise StoreOlder(path, version, USER_VERSION)


FIRST_SOURCE: Final = "SELECT id, source_id, epoch FROM sources ORDER BY id LIMIT 1"
"""The one that the ledger was made for: a gateway's own."""
_TABLES: Final = tuple(re.findall(r"CREATE TABLE (\w+)", TABLES))
_SMALL_BYTES: Final = 64 * 1024 * 1024
"""Up to here the whole file is checked at start: a quarter of a second at most."""


def check_content(path: Path) -> Origin:
    """Read the file through SQLite, read-only: the version in its WAL, its tables, its pages.

    The caller holds the writer's lock. Raises StoreNewer, StoreOlder, StoreDamaged, StoreBusy or
    StoreError.
    """
    try:
        # Where there is no WAL, plain read-only access would make one.
        alone = not wal_file(path.parent).exists()
        db = sqlite3.connect(reading_uri(path, immutable=alone), uri=True)
        try:
            check_version(path, db.execute("PRAGMA user_version").fetchone()[0])
            if path.stat().st_size <= _SMALL_BYTES:
                said = db.execute("PRAGMA quick_check(1)").fetchone()[0]
                if said != "ok":
                    raise StoreDamaged(path, str(said).splitlines()[-1])
            there = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
            if gone := [name for name in _TABLES if name not in there]:
                raise StoreDamaged(path, f"no such table: {gone[0]}")
            return origin_in(path, db)
        finally:
            db.close()
    except sqlite3.DatabaseError as error:
        raise named(path, error, "store.unusable") from error


def origin_in(path: Path, db: sqlite3.Connection) -> Origin:
    """Raises StoreDamaged or sqlite3.Error."""
    query = "SELECT source_id, folded_segment, folded_offset FROM sources ORDER BY id LIMIT 1"
    row = db.execute(query).fetchone()
    if row is None:
        raise StoreDamaged(path, "no_source")
    return Origin(row[0], Position(*row[1:]))


def reading_uri(path: Path, *, immutable: bool) -> str:
    """SQLite's address of the file for reading; ``immutable`` looks at no WAL and no lock."""
    return f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if immutable else "")
