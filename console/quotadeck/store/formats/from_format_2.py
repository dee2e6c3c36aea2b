"""A ledger of the second format brought to the third: in its place, in one transaction.

The third has three more columns of its calls, which the rows there need not be written anew for,
and a table of what replies made.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from quotadeck.store.errors import named
from quotadeck.store.formats.migrate import settle
from quotadeck.store.places import open_plain
from quotadeck.store.sqlite.schema import is_ledger

_FROM: Final = 2
_MADE: Final = (
    "CREATE TABLE made (source_id INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, "
    "project TEXT NOT NULL, at_us INTEGER NOT NULL, PRIMARY KEY (source_id, kind, id)) STRICT"
)
_STEPS: Final = (
    "ALTER TABLE calls ADD COLUMN web_searches INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE calls ADD COLUMN tier TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE calls ADD COLUMN stated_nano INTEGER",
    _MADE,
    "CREATE INDEX made_at ON made (at_us)",
    "PRAGMA user_version = 3",
)


def bring_up(path: Path) -> None:
    """Add the columns where they lack. The caller holds the store's lock.

    Whatever kills it, the ledger is of the one format or of the other. Raises StoreBusy where
    another process reads it, StoreDamaged, OddFile or OSError.
    """
    if not path.exists():
        return
    with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
        header = file.read(100)
    if not is_ledger(header) or int.from_bytes(header[60:64], "big") != _FROM:
        return
    try:
        # All that is in its WAL moves into the file, so that the file's head tells its format.
        settle(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version != _FROM:
                return
            db.execute("BEGIN IMMEDIATE")
            for step in _STEPS:
                db.execute(step)
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise named(path, error, "store.unmigrated") from error
