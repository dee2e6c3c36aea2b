"""The backups in a store's folder: which stand there, and how one more is made.

A backup has its name, with the instant and how far it has the journal, only when it is whole.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from quotadeck.store.backup.vacuum import NoRoom, copy, needed_bytes, require_room
from quotadeck.store.ballast import DISK_FULL
from quotadeck.store.errors import StoreBusy, StoreError
from quotadeck.store.journal.journal import Position
from quotadeck.store.lock import Lock, is_held
from quotadeck.store.places import (
    backups_directory,
    check_directory,
    check_plain,
    make_directory,
    open_plain,
    sync_directory,
    wal_file,
)
from quotadeck.store.sqlite.schema import is_whole

KEPT: Final = 3
_NAME: Final = re.compile(r"ledger-([0-9]{8}T[0-9]{6}Z)-([0-9]+)-([0-9]+)\.db")
_INSTANT: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the ledger that stands in the folder."""

    path: Path
    at_us: int
    """When it was made, by the clock of then, to the second."""
    folded: Position
    """It has all of the journal up to here."""


def standing(directory: Path) -> list[Backup]:
    """The backups of the store in ``directory``, the one with most in it first.

    Looks at their headers and sizes, no more; `vacuum.checked` reads all of one.
    """
    # Not by their instants: a clock that was wrong once would make one the newest for years.
    return sorted(_found(directory), key=lambda one: (one.folded, one.at_us), reverse=True)


def _found(directory: Path) -> Iterator[Backup]:
    for path in backups_directory(directory).glob("ledger-*.db"):
        with suppress(OSError, StoreError, ValueError):
            if (said := _NAME.fullmatch(path.name)) and _is_whole(path):
                moment = datetime.strptime(said[1], _INSTANT).replace(tzinfo=UTC)
                at_us = round(moment.timestamp()) * 1_000_000
                yield Backup(path, at_us, Position(int(said[2]), int(said[3])))


def _is_whole(path: Path) -> bool:
    descriptor = open_plain(path, os.O_RDONLY)
    try:
        return is_whole(descriptor)
    finally:
        os.close(descriptor)


def take(directory: Path, at_us: int, stop: Callable[[], bool] = lambda: False) -> Backup:
    """Copy the ledger into the store's own folder, and keep the last three backups.

    Blocks for seconds. Raises NoRoom, Stopped, StoreError or OSError; what stood there stays then.
    """
    place, owner = backups_directory(directory), directory.stat().st_uid
    if owner != os.geteuid():
        # What another account leaves there, the gateway could neither lock nor read.
        raise StoreError("store.backup_not_yours", path=str(place), folder=str(directory))
    check_directory(place)
    with _told_full(directory, place):
        make_directory(place)
        lock = _alone(place)
    try:
        partial = place / "partial"
        check_plain(partial)
        partial.unlink(missing_ok=True)
        _make_room(directory)
        with _told_full(directory, place):
            folded = copy(directory, partial, stop)
        instant = datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime(_INSTANT)
        path = place / f"ledger-{instant}-{folded.segment}-{folded.offset}.db"
        partial.rename(path)
        sync_directory(place)
        _forget(directory, path, folded)
    finally:
        lock.close()
    return Backup(path, at_us, folded)


def _alone(place: Path) -> Lock:
    try:
        return Lock(place)
    except StoreBusy as busy:
        raise StoreBusy("store.backup_busy", path=str(place)) from busy


@contextmanager
def _told_full(directory: Path, place: Path) -> Iterator[None]:
    """What the system says of a full disk, with what is free and needed."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        free = shutil.disk_usage(place).free
        raise NoRoom(place, free, needed_bytes(directory)) from error


def _make_room(directory: Path) -> None:
    """Let older backups go where that gives the room, never the newest. Raises NoRoom."""
    place, needed = backups_directory(directory), needed_bytes(directory)
    older = standing(directory)[1:]
    spare = sum(backup.path.stat().st_size for backup in older)
    if shutil.disk_usage(place).free + spare >= needed:
        while older and shutil.disk_usage(place).free < needed:
            older.pop().path.unlink()
    require_room(directory, place)


def _forget(directory: Path, newest: Path, folded: Position) -> None:
    """One that has no more than the newest is of no use, nor are those beyond the last three."""
    for backup in standing(directory):
        if backup.folded == folded and backup.path != newest:
            backup.path.unlink()
    for backup in standing(directory)[KEPT:]:
        backup.path.unlink()


def copy_to(directory: Path, to: Path, at_us: int) -> Backup:
    """Copy the ledger to a file that does not exist yet. Raises as `take`."""
    _require_free(to)  # first of all: of a folder, which is there, the name may be empty
    partial = to.with_name(f"{to.name}.partial")
    _require_free(partial)
    require_room(directory, to.parent)
    with _told_full(directory, to.parent):
        folded = copy(directory, partial, lambda: False)
    partial.rename(to)
    sync_directory(to.parent)
    return Backup(to, at_us, folded)


def _require_free(path: Path) -> None:
    if os.path.lexists(path):
        raise StoreError("store.backup_there", path=str(path))


def is_left_open(directory: Path) -> bool:
    """Whether a gateway ended without closing its ledger, which may lack what the journal has."""
    return wal_file(directory).exists() and not is_held(directory)
