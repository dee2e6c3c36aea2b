"""A connection that reads a ledger: the gateway's own, another process's, or a dead gateway's.

It cannot write, and each answer is fetched whole at once: an open cursor would keep the writer's
WAL from shrinking.
"""

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import Any, Final, Self

import aiosqlite

from quotadeck.store import lock
from quotadeck.store.errors import StoreDamaged, StoreError, StoreForeign, StoreMissing
from quotadeck.store.places import check_plain, ledger_file, wal_file
from quotadeck.store.sqlite.errors import is_damage, is_no_database
from quotadeck.store.sqlite.schema import (
    APPLICATION_ID,
    FIRST_SOURCE,
    check_version,
    reading_uri,
)

_TIMEOUT_S: Final = 5.0
_THIS_SOURCE: Final = "SELECT id, source_id, epoch FROM sources WHERE source_id = ?"


class ReadConnection:
    """A query-only connection to the ledger of one directory; it reads what one source recorded."""

    def __init__(
        self,
        directory: Path,
        db: aiosqlite.Connection,
        alone: bool,
        source: int,
        source_id: str,
        epoch: int,
    ) -> None:
        self._directory = directory
        self._db = db
        self._alone = alone
        self._connecting = asyncio.Lock()
        self.damage = ""
        """What SQLite said when it met damage."""
        self.source: Final = source
        """The source's number in this ledger."""
        self.source_id: Final = source_id
        self.epoch: Final = epoch

    @classmethod
    async def open(cls, directory: Path, source_id: str = "") -> Self:
        """Read a source's records, or those of the gateway that the ledger was made for.

        Raises StoreMissing, StoreForeign, StoreNewer, StoreOlder, StoreDamaged or StoreError.
        """
        path = ledger_file(directory)
        db: aiosqlite.Connection | None = None
        try:
            _check_readable(path)
            alone = _is_alone(directory)
            db = await _connect(directory, alone=alone)
            application = next(iter(await db.execute_fetchall("PRAGMA application_id")))[0]
            if application != APPLICATION_ID:
                raise StoreForeign(path, "another_programs")
            version = next(iter(await db.execute_fetchall("PRAGMA user_version")))[0]
            check_version(path, version)
            asked = (_THIS_SOURCE, (source_id,)) if source_id else (FIRST_SOURCE, ())
            rows = list(await db.execute_fetchall(*asked))
            if not rows and source_id:
                raise StoreMissing("store.no_such_source", path=str(path), source=source_id)
            if not rows:
                raise StoreDamaged(path, "no_source")
            return cls(directory, db, alone, *rows[0])
        except BaseException as error:
            if db is not None:
                await db.close()
            raise _named(path, error) from error

    async def close(self) -> None:
        await self._db.close()

    async def _rows(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        try:
            if self._alone:
                await self._look_again()
            return list(await self._db.execute_fetchall(statement, values))
        except sqlite3.Error as error:
            if is_damage(error):
                self.damage = str(error)
            raise _named(ledger_file(self._directory), error) from error

    async def _look_again(self) -> None:
        """An immutable reading is blind to a writer that came later: then connect anew."""
        async with self._connecting:
            if self._alone and not _is_alone(self._directory):
                blind, self._db = self._db, await _connect(self._directory, alone=False)
                self._alone = False
                await blind.close()


def _check_readable(path: Path) -> None:
    # The file is not opened here: where this process has it open in SQLite, closing a second
    # descriptor would drop SQLite's locks, and the next other process to leave it takes the WAL.
    path.stat()
    check_plain(path)
    if not os.access(path, os.R_OK):
        raise PermissionError(path)


def _is_alone(directory: Path) -> bool:
    # A clean stop leaves no WAL: then plain read-only access needs the right to make one, while an
    # immutable reading would miss the WAL that a crash leaves.
    return not wal_file(directory).exists() and not lock.is_held(directory)


async def _connect(directory: Path, *, alone: bool) -> aiosqlite.Connection:
    uri = reading_uri(ledger_file(directory), immutable=alone)
    db = await aiosqlite.connect(uri, uri=True, isolation_level=None, timeout=_TIMEOUT_S)
    # Damaged text must not keep the rest from being read.
    db.text_factory = _text
    try:
        await db.execute_fetchall("PRAGMA query_only = 1")
    except BaseException:
        await db.close()
        raise
    return db


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _named(path: Path, error: BaseException) -> BaseException:
    match error:
        case FileNotFoundError():
            return StoreMissing("store.missing", path=str(path))
        case PermissionError():
            return StoreError("store.not_yours", path=str(path))
        case sqlite3.DatabaseError() if is_no_database(error):
            return StoreForeign(path, "no_database")
        case sqlite3.OperationalError():
            return StoreError("store.unreadable", path=str(path), what=str(error))
        case sqlite3.DatabaseError():
            return StoreDamaged(path, str(error))
    return error
