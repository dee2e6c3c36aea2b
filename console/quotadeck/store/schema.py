"""What is stored: the tables of one ledger, and how a file is known to be one of ours.

Integers only: money in nano-dollars, instants in UTC microseconds, durations in milliseconds.
Every row belongs to a source (``sources.id``; the gateway's own is 1). ``seq`` columns are cursors
and are never used twice. There are no prompts and no replies.

Indexes of tables that are read by cursor do not begin with ``source_id``: SQLite would take such a
one for the first page of a large table, and sort all of it.
"""

import os
import sqlite3
from dataclasses import fields
from pathlib import Path
from typing import Final

from quotadeck.domain.calls import REFUSAL_CAUSES, Call
from quotadeck.domain.latency import COLUMNS
from quotadeck.store.errors import StoreBusy, StoreDamaged, StoreForeign, StoreNewer
from quotadeck.store.places import (
    FILE_MODE,
    check_plain,
    open_plain,
    sync_directory,
    wal_file,
)
from quotadeck.store.sqlite_errors import is_locked

APPLICATION_ID: Final = 0x51444543
"""``QDEC``, in the file's header at byte 68."""
USER_VERSION: Final = 1
OWN_SOURCE: Final = 1

CALL_COLUMNS: Final = tuple(field.name for field in fields(Call) if field.name != "charged")
"""As in `Call`, in its order; what a call left taken of buckets is in the journal alone."""

REFUSED_COLUMNS: Final = tuple(f"refused_{cause.value}" for cause in REFUSAL_CAUSES)
LATENCY_COLUMNS: Final = tuple(f"latency_{index:02}" for index in range(COLUMNS))
"""Counts of total_ms of the calls that the upstream answered (ok, upstream_error, client_error)."""
SUM_COLUMNS: Final = (
    "forwarded",
    "upstream_errors",
    "client_errors",
    "unknown",
    *REFUSED_COLUMNS,
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "cost_nano_usd",
    *LATENCY_COLUMNS,
)

_SUMS: Final = ",\n  ".join(f"{name} INTEGER NOT NULL" for name in SUM_COLUMNS)

SCHEMA: Final = f"""
CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  source_id TEXT NOT NULL UNIQUE,
  epoch INTEGER NOT NULL,
  change INTEGER NOT NULL,
  folded_segment INTEGER NOT NULL,
  folded_offset INTEGER NOT NULL
) STRICT;

CREATE TABLE calls (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL,
  id TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  day TEXT NOT NULL,
  project TEXT NOT NULL,
  key_id TEXT NOT NULL,
  priority INTEGER NOT NULL,
  model TEXT NOT NULL,
  outcome TEXT NOT NULL,
  cause TEXT NOT NULL,
  http_status INTEGER NOT NULL,
  count INTEGER NOT NULL,
  response_id TEXT NOT NULL,
  served_model TEXT NOT NULL,
  target TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  fallback_step INTEGER NOT NULL,
  estimated_input INTEGER NOT NULL,
  estimated_output INTEGER NOT NULL,
  held_nano_usd INTEGER NOT NULL,
  bound_is_estimate INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  usage_is_estimate INTEGER NOT NULL,
  cost_nano_usd INTEGER NOT NULL,
  price_version TEXT NOT NULL,
  binding TEXT NOT NULL,
  shadowed TEXT NOT NULL,
  queue_ms INTEGER NOT NULL,
  first_byte_ms INTEGER NOT NULL,
  total_ms INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  retry INTEGER NOT NULL,
  UNIQUE (id, source_id)
) STRICT;
CREATE INDEX calls_of_project ON calls (project, source_id);

CREATE TABLE rollups_minute (
  source_id INTEGER NOT NULL,
  minute_us INTEGER NOT NULL,
  project TEXT NOT NULL,
  model TEXT NOT NULL,
  change INTEGER NOT NULL,
  {_SUMS},
  PRIMARY KEY (source_id, minute_us, project, model)
) STRICT;
CREATE INDEX rollups_minute_changed ON rollups_minute (source_id, change);

CREATE TABLE rollups_day (
  source_id INTEGER NOT NULL,
  day TEXT NOT NULL,
  project TEXT NOT NULL,
  model TEXT NOT NULL,
  change INTEGER NOT NULL,
  {_SUMS},
  PRIMARY KEY (source_id, day, project, model)
) STRICT;
CREATE INDEX rollups_day_changed ON rollups_day (source_id, change);

CREATE TABLE buckets (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  UNIQUE (source_id, key)
) STRICT;

CREATE TABLE levels (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  least INTEGER NOT NULL,
  last INTEGER NOT NULL,
  UNIQUE (bucket, at_us, source_id)
) STRICT;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL,
  id TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (id, source_id)
) STRICT;

CREATE TABLE commands (
  source_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  subject TEXT NOT NULL,
  hash TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (source_id, seq)
) STRICT;
CREATE INDEX commands_of_subject ON commands (source_id, subject, seq);
CREATE TRIGGER commands_are_never_changed BEFORE UPDATE ON commands
BEGIN SELECT RAISE(ABORT, 'the command log is only appended to'); END;
CREATE TRIGGER commands_are_never_removed BEFORE DELETE ON commands
BEGIN SELECT RAISE(ABORT, 'the command log is only appended to'); END;
"""

KEY: Final = (
    "CASE WHEN json_valid(CAST(body AS TEXT)) "
    "THEN json_extract(CAST(body AS TEXT), '$.idempotency_key') END"
)
"""Of an entry in the command log; found by an index, which every start makes sure of.

An entry that was damaged has none: it must not keep the gateway from starting.
"""
INDEXES: Final = f"CREATE INDEX IF NOT EXISTS commands_of_key ON commands (source_id, {KEY})"


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
            f"PRAGMA user_version = {USER_VERSION}; {SCHEMA} COMMIT;"
        )
        db.execute("INSERT INTO sources VALUES (?, ?, ?, 0, 0, 0)", (OWN_SOURCE, source_id, epoch))
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
        raise no_database(path)
    if not is_ledger(header):
        raise foreign(path)
    check_version(path, int.from_bytes(header[60:64], "big"))


def _is_database(header: bytes) -> bool:
    return len(header) >= 100 and header.startswith(b"SQLite format 3\0")


def is_ledger(header: bytes) -> bool:
    """Whether a file that begins with these 100 bytes is one of ours."""
    return _is_database(header) and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def check_version(path: Path, version: int) -> None:
    """Raises StoreNewer or StoreDamaged for a version that is not ours."""
    if version > USER_VERSION:
        raise StoreNewer(
            f"{path} was written by a newer Quotadeck (format {version}, this one knows "
            f"{USER_VERSION}); update Quotadeck, or name another state directory"
        )
    if version < 1:
        raise damaged(path, "its format number is missing")


_SMALL_BYTES: Final = 64 * 1024 * 1024
"""Up to here the whole file is checked at start: a quarter of a second at most."""


def check_content(path: Path) -> None:
    """Read the file through SQLite, read-only: the version in its WAL, its tables, its pages.

    The caller holds the writer's lock. Raises StoreNewer or StoreDamaged.
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
                    raise damaged(path, str(said).splitlines()[0])
            if db.execute("SELECT count(*) FROM sources").fetchone() != (1,):
                raise damaged(path, "it names no source")
        finally:
            db.close()
    except sqlite3.DatabaseError as error:
        if is_locked(error):
            raise StoreBusy(
                f"{path} is locked by another process; end that one, then start again"
            ) from error
        raise damaged(path, str(error)) from error


def reading_uri(path: Path, *, immutable: bool) -> str:
    """SQLite's address of the file for reading; ``immutable`` looks at no WAL and no lock."""
    return f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if immutable else "")


def no_database(path: Path) -> StoreForeign:
    return StoreForeign(f"{path} is not a SQLite database; {anew(path)}")


def foreign(path: Path) -> StoreForeign:
    return StoreForeign(
        f"{path} belongs to another program; move it away, or name another state directory"
    )


def damaged(path: Path, what: str) -> StoreDamaged:
    return StoreDamaged(f"{path} is damaged ({what}); {anew(path)}")


def anew(path: Path) -> str:
    """What can be done about a ledger that is lost: nothing makes a backup of it yet."""
    return (
        f"put back a copy of {path.parent} if you made one, or move {path.parent} away and start "
        "anew: projects and limits come from the config, keys must be added again, today's spend "
        "counts from zero; keep what you moved, the journal in it too"
    )
