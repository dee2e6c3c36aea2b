"""What SQLite's refusals mean to the store, and what the vitals tell of them."""

import sqlite3

from quotadeck.domain.notice import Notice, notice


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another process holds what was asked for."""
    return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk is: the index of a WAL, which is memory mapped, has a code of its own."""
    whole = getattr(error, "sqlite_errorcode", None)
    return _code(error) == sqlite3.SQLITE_FULL or whole == sqlite3.SQLITE_IOERR_SHMSIZE


def is_damage(error: sqlite3.Error) -> bool:
    whole = getattr(error, "sqlite_errorcode", None)
    damage = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
    return _code(error) in damage or whole == sqlite3.SQLITE_IOERR_SHORT_READ


def is_no_database(error: sqlite3.Error) -> bool:
    return _code(error) == sqlite3.SQLITE_NOTADB


def trouble(error: sqlite3.Error | OSError) -> Notice:
    """What keeps the ledger from being written, for the vitals."""
    if isinstance(error, OSError):
        return notice("vital.ledger_fails", why=error.strerror or str(error))
    if is_locked(error):
        return notice("vital.ledger_locked")
    if is_full(error):
        return notice("vital.ledger_full")
    if is_damage(error):
        return notice("vital.store.ledger_damaged")
    return notice("vital.ledger_fails", why=str(error))


def _code(error: sqlite3.Error) -> int:
    # An extended code carries the primary one in its low byte.
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
