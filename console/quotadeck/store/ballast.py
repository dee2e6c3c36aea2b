"""A file that is there to be deleted: room for the last records when the disk is full."""

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

from quotadeck.domain.notice import Notice, notice
from quotadeck.store.errors import StoreError
from quotadeck.store.places import OddFile, ballast_file, check_plain, create_file

BALLAST_BYTES: Final = 16 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024
_ROOM: Final = 4
"""It comes back when so many times its size is free: not to fill the disk again at once."""

DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


class Ballast:
    """The ballast of one store."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = ballast_file(directory)

    @property
    def stands(self) -> bool:
        """Whether it has its full size."""
        try:
            return self._path.lstat().st_size >= BALLAST_BYTES
        except OSError:
            return False

    @property
    def odd(self) -> Notice | None:
        """What stands in its place and is no plain file; None when all is well."""
        try:
            check_plain(self._path)
        except OddFile as error:
            return notice("store.odd_ballast", path=str(self._path), what=error.kind)
        except OSError as error:
            why = error.strerror or str(error)
            return notice("store.odd_ballast", path=str(self._path), what=why)
        return None

    def release(self) -> bool:
        """Delete it; False when there was none to delete."""
        if self.odd:
            return False
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def restore(self) -> bool:
        """Write it again where there is room. Blocks for some milliseconds; a failure is False."""
        if self.odd:
            return False
        if self.stands:
            return True
        free = os.statvfs(self._directory)
        if free.f_bavail * free.f_frsize < _ROOM * BALLAST_BYTES:
            return False
        # Random bytes: a file system that compresses would keep no room for zeros.
        block = os.urandom(_CHUNK_BYTES)
        try:
            descriptor = create_file(self._path, os.O_WRONLY | os.O_TRUNC)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                file.writelines(block for _ in range(BALLAST_BYTES // _CHUNK_BYTES))
        except (OSError, StoreError):
            with contextlib.suppress(OSError):
                self._path.unlink()
            return False
        return self.stands
