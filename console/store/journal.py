"""The journal: segments of records that are written first. SQLite is their fold.

Each process starts a segment of its own, so nothing is ever written behind a torn tail. Later ones
begin with the calls still open and a `levels` record: from there on a restart needs nothing older.
A write is one plain ``write`` to an O_APPEND descriptor: it survives kill -9, not a power cut.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from console.store.ballast import DISK_FULL, Ballast
from console.store.places import create_file, sync_directory
from console.store.records import FRAME_HEAD_BYTES, next_frame

_SUFFIX: Final = ".journal"
_READ_BYTES: Final = 512 * 1024


class Position(NamedTuple):
    """A place in the journal: a segment's number and a byte in it."""

    segment: int
    offset: int


class Record(NamedTuple):
    """A whole record, and the position behind it."""

    payload: bytes
    end: Position


class Journal:
    """The segments of one store and the one that is written to."""

    def __init__(self, directory: Path, ballast: Ballast) -> None:
        self._directory = directory
        self._ballast = ballast
        names = (path.stem for path in directory.glob(f"*{_SUFFIX}"))
        self._segments = sorted(int(name) for name in names if name.isdecimal())
        self._descriptor = -1
        self._size = 0
        self._torn = False
        self.held: Position | None = None
        """Nothing from here on may be folded yet: a command waits to be durable."""
        self.appended = 0
        """Records written by this process."""
        self.damaged: set[Position] = set()
        """Where bytes were skipped because they were no whole record, though more came behind."""
        self.trouble: OSError | None = None
        """The last write failed like this; None when it did not."""

    @property
    def oldest(self) -> int | None:
        """The number of the oldest segment; None where there is none."""
        return self._segments[0] if self._segments else None

    @property
    def newest(self) -> int:
        return self._segments[-1] if self._segments else 0

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
        """Write to a new segment that begins with the frames of ``head``.

        Raises OSError, and then nothing has changed.
        """
        path, data = self._path(number), b"".join(head)
        descriptor = create_file(path, os.O_WRONLY | os.O_APPEND | os.O_EXCL)
        try:
            _write_all(descriptor, data)
            sync_directory(self._directory)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        self._close_segment()
        self._segments.append(number)
        self._descriptor, self._size, self._torn = descriptor, len(data), False
        self.appended += len(head)

    def append(self, frame: bytes) -> None:
        """Write one record whole or not at all; a full disk is met once with the ballast.

        Raises OSError when it could not be written.
        """
        try:
            self._write(frame)
        except OSError as error:
            self.trouble = error
            if error.errno not in DISK_FULL or not self._ballast.release():
                raise
            self._write(frame)
        self.trouble = None
        self.appended += 1

    def _write(self, frame: bytes) -> None:
        if self._torn:
            os.ftruncate(self._descriptor, self._size)
            self._torn = False
        written = os.write(self._descriptor, frame)
        if written != len(frame):
            self._torn = True
            _write_all(self._descriptor, frame[written:])
            self._torn = False
        self._size += len(frame)

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
            return [], Position(min(n for n in self._segments if n > at.segment), 0)
        descriptor = os.open(self._path(at.segment), os.O_RDONLY | os.O_CLOEXEC)
        try:
            last = at.segment == horizon.segment
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
        return [], Position(at.segment + 1, 0)

    def _split(self, data: bytes, at: Position, limit: int) -> tuple[list[Record], int]:
        records: list[Record] = []
        consumed = 0
        while len(records) < limit and (found := next_frame(data, consumed)) is not None:
            start, end = found
            if start - FRAME_HEAD_BYTES > consumed:
                self.damaged.add(Position(at.segment, at.offset + consumed))
            records.append(Record(data[start:end], Position(at.segment, at.offset + end)))
            consumed = end
        return records, consumed

    def drop_before(self, segment: int) -> None:
        """Delete older segments, the oldest first."""
        while self._segments and self._segments[0] < min(segment, self.newest):
            self._path(self._segments[0]).unlink(missing_ok=True)
            del self._segments[0]

    def close(self) -> None:
        self._close_segment()

    def _close_segment(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:010d}{_SUFFIX}"


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
