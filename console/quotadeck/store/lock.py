"""One writer a store: a lock that the kernel drops when its holder dies.

The file is the owner's alone. Whoever may read a file may lock it, shared or (by flock) whole, and
the on-call group, which may read the store, could keep a gateway from starting. The lock belongs to
the open file (F_OFD_SETLK): asking in the same process does not drop it.
"""

import errno
import fcntl
import os
import struct
import sys
from pathlib import Path
from typing import Final

from quotadeck.store.errors import StoreBusy, StoreError
from quotadeck.store.kernel_locks import locks_on
from quotadeck.store.places import create_file, is_open_at, lock_file, open_plain, wal_file

_MODE: Final = 0o600
_MAC: Final = sys.platform == "darwin"
# The numbers and the struct flock of <fcntl.h>: CPython names them on Linux alone.
_SETLK, _GETLK = (90, 92) if _MAC else (37, 36)
_FLOCK: Final = struct.Struct("@qqihh" if _MAC else "@hhqqi4x")


class Lock:
    """The lock of one store's writer; `close` gives it back."""

    def __init__(self, directory: Path) -> None:
        """Take it. Raises StoreBusy, OddFile or OSError."""
        self._directory = directory
        self._descriptor = _take(directory)

    @property
    def stands(self) -> bool:
        """Whether the next gateway would meet it."""
        return is_open_at(lock_file(self._directory), self._descriptor)

    def mend(self) -> bool:
        """Take it at its name again; False where that cannot be."""
        try:
            fresh = _take(self._directory)
        except (OSError, StoreError):
            return False
        os.close(self._descriptor)
        self._descriptor = fresh
        return True

    def close(self) -> None:
        os.close(self._descriptor)


def _take(directory: Path) -> int:
    descriptor = create_file(lock_file(directory), os.O_RDWR, _MODE)
    try:
        fcntl.fcntl(descriptor, _SETLK, _flock(fcntl.F_WRLCK))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    except OSError as error:
        os.close(descriptor)
        if error.errno not in {errno.EAGAIN, errno.EACCES}:
            raise
        raise StoreBusy("store.held", path=str(directory)) from error
    return descriptor


def holder(directory: Path) -> int | None:
    """The process that holds the store; None for an account that may not read the lock."""
    try:
        descriptor = open_plain(lock_file(directory), os.O_RDONLY)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        said = file.read(32).strip()
    return int(said) if said.isdigit() else None


def is_held(directory: Path) -> bool:
    """Whether a writer holds the store; also for an account that may not open its lock."""
    path = lock_file(directory)
    try:
        descriptor = open_plain(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except PermissionError:
        return _is_listed(path, directory)
    try:
        found = fcntl.fcntl(descriptor, _GETLK, _flock(fcntl.F_RDLCK))
    finally:
        os.close(descriptor)
    kind: int = _FLOCK.unpack(found)[3 if _MAC else 0]
    return kind != fcntl.F_UNLCK


def _flock(kind: int) -> bytes:
    """The whole file; the pid must be 0."""
    return _FLOCK.pack(0, 0, 0, kind, 0) if _MAC else _FLOCK.pack(kind, 0, 0, 0, 0)


def _is_listed(path: Path, directory: Path) -> bool:
    """Without the list a WAL that lies there is taken for a writer's."""
    locks = locks_on(path)
    if locks is None:
        return wal_file(directory).exists()
    return any((lock.kind, lock.mode) == ("OFDLCK", "WRITE") for lock in locks)
