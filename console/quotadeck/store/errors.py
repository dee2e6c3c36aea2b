"""Why a store cannot be opened: what happened, where, and what to do."""

import errno
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from quotadeck.domain.notice import Fact, NoticeError
from quotadeck.store.sqlite.errors import is_damage, is_full, is_locked


class StoreError(NoticeError):
    """The store cannot be used."""


class StoreMissing(StoreError):
    """There is no ledger at that place."""


class StoreBusy(StoreError):
    """Another process has it."""


class StoreForeign(StoreError):
    """The file is not a ledger of ours; ``what`` says why."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__("store.foreign", path=str(path), what=what)
        self.what = what


class StoreNewer(StoreError):
    """A newer Quotadeck wrote it."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__("store.newer", path=str(path), found=found, known=known)


class StoreOlder(StoreError):
    """An older Quotadeck wrote it, and it was not brought up to date yet."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__("store.older", path=str(path), found=found, known=known)


class StoreDamaged(StoreError):
    """It is ours, but cannot be trusted as it is; ``what`` is a word of ours, or SQLite's text."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__("store.damaged", path=str(path), what=what)
        self.what = what


def named(path: Path, error: sqlite3.Error, otherwise: str) -> StoreError:
    """What SQLite's error means; ``otherwise`` is the kind where it is nothing of the known."""
    if is_locked(error):
        return StoreBusy("store.locked", path=str(path))
    if is_full(error):
        return StoreError("store.full", path=str(path))
    if is_damage(error):
        return StoreDamaged(path, str(error))
    return StoreError(otherwise, path=str(path), what=str(error))


def facts_of(error: StoreError | OSError) -> Mapping[str, Fact]:
    """The error as facts of another notice: its kind, or the system's text, as ``why``."""
    if isinstance(error, StoreError):
        return {**error.told.facts, "why": error.told.kind}
    return {"why": error.strerror or str(error)}


def unusable(directory: Path, error: OSError) -> StoreError:
    """A failed input or output in the state folder, with the path and what to do."""
    kind = "store.no_io"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        kind = "store.no_io.full"
    elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        kind = "store.no_io.rights"
    return StoreError(
        kind, path=str(error.filename or directory), what=error.strerror or str(error)
    )
