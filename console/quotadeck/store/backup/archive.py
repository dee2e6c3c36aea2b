"""Segments of the journal that no start needs any more, kept until two backups have what they say.

A ledger that is damaged comes back from a backup and the journal since. Kept since the newest but
one: should the newest prove unreadable, the one before it serves as well, and nothing is missing.
"""

import contextlib
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from quotadeck.store.journal.segment import SUFFIX, read_head
from quotadeck.store.places import (
    archive_directory,
    check_directory,
    journal_directory,
    make_directory,
    sync_directory,
)

MOST_BYTES: Final = 4 * 1024**3
"""Beyond that the oldest segments go, loudly where no backup has them: the disk is not ours."""
_RELEASED_BYTES: Final = 64 * 1024 * 1024


def segment_sizes(folder: Path) -> dict[int, int]:
    """The bytes of every file with a segment's name in a folder, the oldest first."""
    found = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with contextlib.suppress(OSError, ValueError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                found[int(path.stem)] = status.st_size
    return found


class Archive:
    """The archive of one store."""

    def __init__(self, directory: Path) -> None:
        self._directory = archive_directory(directory)
        self._journal = journal_directory(directory)

    @property
    def sizes(self) -> dict[int, int]:
        """The bytes of every segment in it, the oldest first."""
        return segment_sizes(self._directory)

    def take(self, paths: Sequence[Path]) -> None:
        """Move durable segments into it. Raises OSError, or OddFile where it is no directory."""
        check_directory(self._directory)
        make_directory(self._directory)
        for path in paths:
            # One that is gone by now is missed when it is needed.
            with contextlib.suppress(FileNotFoundError):
                path.rename(self._directory / path.name)
        sync_directory(self._directory)

    def give_back(self, since: int) -> None:
        """Put the segments from number ``since`` on back into the journal, for a start to read.

        The newest first: one that is killed in between leaves no gap in either. Raises OSError, or
        StoreNewer where a newer version wrote one: then none is moved.
        """
        paths = [self._path(number) for number in sorted(self.sizes, reverse=True)]
        missing = [path for path in paths if int(path.stem) >= since and self._lacks(path)]
        for path in missing:
            read_head(path)
        for path in missing:
            make_directory(self._journal)
            path.rename(self._journal / path.name)

    def _lacks(self, path: Path) -> bool:
        return not (self._journal / path.name).exists()

    def drop_before(self, number: int) -> None:
        """Delete the segments before ``number``, and the oldest of too many. Raises OSError."""
        sizes = self.sizes
        kept = sum(sizes.values())
        for found, size in sizes.items():
            if found < number or kept > MOST_BYTES:
                self._path(found).unlink(missing_ok=True)
                kept -= size

    def release(self) -> bool:
        """Delete some of the oldest, as the disk is full; False when there was none to delete."""
        freed = 0
        with contextlib.suppress(OSError):
            for number, size in self.sizes.items():
                if freed >= _RELEASED_BYTES:
                    break
                self._path(number).unlink()
                freed += size
        return freed > 0

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:010d}{SUFFIX}"
