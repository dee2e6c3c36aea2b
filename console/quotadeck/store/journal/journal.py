"""The journal: segments of records that are written first. SQLite is their fold.

Each process starts a segment of its own, so nothing is ever written behind a torn tail. Each begins
with its format's number and its source, later ones go on with the calls still open and a `levels`
record: from there on a restart needs nothing older.
A write is one plain ``write`` to an O_APPEND descriptor: it survives kill -9, not a power cut.
"""

import asyncio
import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from quotadeck.domain.notice import Notice, notice
from quotadeck.store.backup.archive import Archive
from quotadeck.store.ballast import DISK_FULL, Ballast
from quotadeck.store.errors import StoreError
from quotadeck.store.journal.frames import FRAME_HEAD_BYTES, is_begun, next_frame
from quotadeck.store.journal.records import FORMAT, segment_frame
from quotadeck.store.journal.segment import SUFFIX, read_head
from quotadeck.store.places import (
    check_directory,
    create_file,
    is_open_at,
    kind_of,
    make_directory,
    open_plain,
    sync_directory,
)

_NAME: Final = re.compile(r"[0-9]{10}")
_GREATEST: Final = 9_000_000_000
_LEAP: Final = 1_000_000
"""No segment of ours is numbered so far beyond the one before it, which would be 8 TB of others: a
stray file with a great number must not use the numbers up."""
_READ_BYTES: Final = 512 * 1024


class Position(NamedTuple):
    """A place in the journal: a segment's number and a byte in it."""

    segment: int
    offset: int


class Record(NamedTuple):
    """A whole record, the position behind it, and its format; None where that was damaged."""

    payload: bytes
    end: Position
    format: int | None = FORMAT


class Tail(NamedTuple):
    """Bytes behind a segment's last whole record; ``begun`` where they are the start of one."""

    offset: int
    size: int
    begun: bool


class Journal:
    """The segments of one store and the one that is written to.

    ``source_id`` is whose records they are. Raises StoreNewer where a newer version wrote one.
    """

    def __init__(self, directory: Path, ballast: Ballast, source_id: str) -> None:
        self._directory = directory
        self._source_id = source_id
        self.ballast = ballast
        self.archive = Archive(directory.parent)
        self._segments: list[int] = []
        self._formats: dict[int, int | None] = {}
        self.barred: set[int] = set()
        """Numbers that no segment can have: something odd has the name."""
        self.odd: list[Notice] = []
        """What looks like a segment and is none; it is left alone."""
        self.foreign: dict[int, str] = {}
        """Segments that hold another source's records, and its id; they are left alone."""
        for path in sorted(directory.glob(f"*{SUFFIX}")):
            self._list(path)
        self._descriptor = -1
        self._size = 0
        self._torn = False
        self.held: Position | None = None
        """Nothing from here on may be folded yet: a command waits to be durable."""
        self.appended = 0
        """Records written by this process."""
        self.damaged: set[Position] = set()
        """Where bytes were skipped because they were no whole record, though more came behind."""
        self.tails: dict[int, Tail] = {}
        """What stands behind the last whole record of segments that are no longer written to."""
        self.mended = 0
        """How often the segment that is written to was made again."""
        self.lost: set[int] = set()
        """Segments that went while they were still needed."""
        self.trouble: OSError | None = None
        """The last write failed like this; None when it did not."""

    def _list(self, path: Path) -> None:
        mode = path.lstat().st_mode
        number = int(path.stem) if _NAME.fullmatch(path.stem) else -1
        if not stat.S_ISREG(mode):
            self.odd.append(notice("store.odd_file", path=str(path), what=kind_of(mode)))
        elif not 0 < number <= _GREATEST:
            self.odd.append(notice("store.odd_name", path=str(path)))
        elif self._segments and number > self.newest + _LEAP:
            self.odd.append(notice("store.odd_number", path=str(path)))
        else:
            head = read_head(path)
            if head.source_id in ("", self._source_id):
                self._segments.append(number)
                self._formats[number] = head.format
                return
            self.foreign[number] = head.source_id
        self.barred.add(number)

    @property
    def sizes(self) -> dict[int, int]:
        """The bytes of every segment that is there. Raises OSError."""
        return {number: self._path(number).stat().st_size for number in self._segments}

    @property
    def oldest(self) -> int | None:
        """The number of the oldest segment; None where there is none."""
        return self._segments[0] if self._segments else None

    @property
    def newest(self) -> int:
        return self._segments[-1] if self._segments else 0

    @property
    def next(self) -> int:
        """The number of the segment to come: what is odd stays where it is."""
        number = self.newest + 1
        while number in self.barred:
            number += 1
        return number

    @property
    def size(self) -> int:
        """Bytes in the segment that is written to."""
        return self._size

    @property
    def end(self) -> Position:
        """Behind the last whole record."""
        return Position(self.newest, self._size)

    @property
    def horizon(self) -> Position:
        """How far it may be folded."""
        return self.held or self.end

    def start(self, number: int, head: Sequence[bytes] = ()) -> None:
        """Write to a new segment that begins with the frames of ``head``, behind its own head.

        Raises OSError, and then nothing has changed.
        """
        head = [segment_frame(self._source_id), *head]
        path, data = self._path(number), b"".join(head)
        descriptor = create_file(path, os.O_RDWR | os.O_APPEND | os.O_EXCL)
        try:
            _write_all(descriptor, data)
            sync_directory(self._directory)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        self._close_segment()
        self._segments.append(number)
        self._formats[number] = FORMAT
        self._descriptor, self._size, self._torn = descriptor, len(data), False
        self.appended += len(head)

    def append(self, frames: bytes, count: int = 1) -> None:
        """Write so many records, all or none; a full disk is met with ballast and archive.

        Raises OSError when it could not be written.
        """
        while True:
            try:
                self._write(frames)
                break
            except OSError as error:
                self.trouble = error
                if error.errno not in DISK_FULL or not self._make_room(error):
                    raise
        self.trouble = None
        self.appended += count

    def _make_room(self, error: OSError) -> bool:
        # What is served now is worth more than what a damaged ledger would be rebuilt from. A limit
        # on a file's size is met by no room on the disk.
        return self.ballast.release() or (error.errno != errno.EFBIG and self.archive.release())

    def _write(self, frames: bytes) -> None:
        self._cut()
        written = os.write(self._descriptor, frames)
        if written != len(frames):
            self._torn = True
            try:
                _write_all(self._descriptor, frames[written:])
            except OSError:
                # The first of them may be whole, and its call was never made.
                with contextlib.suppress(OSError):
                    self._cut()
                raise
            self._torn = False
        self._size += len(frames)

    def _cut(self) -> None:
        if self._torn:
            os.ftruncate(self._descriptor, self._size)
            self._torn = False

    @property
    def stands(self) -> bool:
        """Whether the segment that is written to can still be found by its name."""
        return is_open_at(self._path(self.newest), self._descriptor)

    def mend(self) -> None:
        """Give the segment that is written to its name back: what it holds is written anew.

        A removed file lives as long as it is open; its folders are made again where they went, and
        what took its name is put aside. Raises OSError.
        """
        path = self._path(self.newest)
        fresh = path.with_suffix(".mending")
        try:
            make_directory(self._directory.parent)
            check_directory(self._directory)
            make_directory(self._directory)
            descriptor = create_file(fresh, os.O_RDWR | os.O_APPEND | os.O_TRUNC)
        except StoreError as error:
            raise OSError(errno.ENOTDIR, f"{os.strerror(errno.ENOTDIR)}: {path.parent}") from error
        try:
            at = 0
            while data := os.pread(self._descriptor, min(_READ_BYTES, self._size - at), at):
                _write_all(descriptor, data)
                at += len(data)
            _sync_data(descriptor)
            if os.path.lexists(path):
                path.rename(path.with_suffix(".aside"))
            fresh.rename(path)
            sync_directory(self._directory)
        except OSError:
            os.close(descriptor)
            raise
        os.close(self._descriptor)
        self._descriptor, self._torn = descriptor, False
        self.mended += 1

    def sync_since(self, segment: int) -> Callable[[], None]:
        """A blocking function that makes durable what stands from ``segment`` on (fdatasync)."""
        paths = [self._path(number) for number in self._segments if number >= segment]

        def sync() -> None:
            for path in paths[:-1]:
                # One that is gone by now is in SQLite, which has synced it.
                with contextlib.suppress(FileNotFoundError):
                    _sync_file(path)
            _sync_file(paths[-1])

        return sync

    def read(self, at: Position, limit: int) -> tuple[list[Record], Position]:
        """At most ``limit`` records from ``at`` to the horizon, and where to read on.

        Nothing and the same position mean that there is nothing more yet. Raises OSError.
        """
        horizon = self.horizon
        while at < horizon:
            records, at = self._read_segment(at, horizon, limit)
            if records:
                return records, at
        return [], at

    def _read_segment(
        self, at: Position, horizon: Position, limit: int
    ) -> tuple[list[Record], Position]:
        if at.segment not in self._segments:
            later = (number for number in self._segments if number > at.segment)
            return [], Position(min(later, default=horizon.segment), 0)
        last = at.segment == horizon.segment
        try:
            descriptor = self._open(at.segment)
        except FileNotFoundError:
            self.lost.add(at.segment)
            self._segments.remove(at.segment)
            return [], Position(at.segment + 1, 0)
        try:
            stop = horizon.offset if last else os.fstat(descriptor).st_size
            rest = max(0, stop - at.offset)
            wanted = _READ_BYTES
            while True:
                data = os.pread(descriptor, min(wanted, rest), at.offset)
                records, consumed = self._split(data, at, limit)
                if records or wanted >= rest:
                    break
                wanted *= 4
        finally:
            os.close(descriptor)
        if records:
            return records, Position(at.segment, at.offset + consumed)
        if last:
            self.damaged.add(at)
            return [], horizon
        if rest > 0:
            self.tails[at.segment] = Tail(at.offset, rest, is_begun(data))
        return [], Position(at.segment + 1, 0)

    def _open(self, number: int) -> int:
        # The one that is written to can be read even when its name is gone.
        if number == self.newest and self._descriptor >= 0:
            return os.dup(self._descriptor)
        return open_plain(self._path(number), os.O_RDONLY)

    def _split(self, data: bytes, at: Position, limit: int) -> tuple[list[Record], int]:
        records: list[Record] = []
        consumed = 0
        while len(records) < limit and (found := next_frame(data, consumed)) is not None:
            start, end = found
            if start - FRAME_HEAD_BYTES > consumed:
                self.damaged.add(Position(at.segment, at.offset + consumed))
            behind = Position(at.segment, at.offset + end)
            records.append(Record(data[start:end], behind, self._formats[at.segment]))
            consumed = end
        return records, consumed

    async def retire_before(self, segment: int) -> None:
        """Move older segments into the archive, synced. Raises OSError or StoreError."""
        older = {number for number in self._segments if number < min(segment, self.newest)}
        if older:
            await asyncio.to_thread(self._retire, [self._path(number) for number in sorted(older)])
            self._segments = [number for number in self._segments if number not in older]

    def _retire(self, paths: Sequence[Path]) -> None:
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                _sync_file(path)
        self.archive.take(paths)

    def close(self) -> None:
        self._close_segment()

    def _close_segment(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:010d}{SUFFIX}"


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        _sync_data(descriptor)
    finally:
        os.close(descriptor)


def _sync_data(descriptor: int) -> None:
    # macOS has no fdatasync.
    getattr(os, "fdatasync", os.fsync)(descriptor)
