"""What becomes of a running store's files: looked at once a second, told once, mended if it can be.

A file that is open lives on without its name: all goes well until the next start finds nothing. So
the names are compared with what is open. Of the ledger's file this keeps one descriptor of its own
as long as SQLite has it open (closing one drops SQLite's locks).
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Notice
from quotadeck.domain.snapshot import Event
from quotadeck.store.backup.rebuild import suspect
from quotadeck.store.errors import StoreError
from quotadeck.store.journal.journal import Journal
from quotadeck.store.lock import Lock
from quotadeck.store.loss import Loss, event_of, lost
from quotadeck.store.places import (
    is_open_at,
    journal_directory,
    ledger_file,
    open_plain,
    wal_file,
)
from quotadeck.store.sqlite.schema import is_whole, reading_uri
from quotadeck.store.sqlite.wal import Wal

CHECK_NS: Final = 3_600_000_000_000
CHECK_S: Final = 20.0
"""How long the hourly check of all pages may take: it holds the WAL as every reader does."""
_STEPS: Final = 100_000


class Watch:
    """The names and the content of one open store."""

    def __init__(
        self, directory: Path, journal: Journal, lock: Lock, wal: Wal, clock: Clock
    ) -> None:
        self._directory = directory
        self._file = ledger_file(directory)
        self._journal = journal
        self._lock = lock
        self._wal = wal
        self._clock = clock
        self._descriptor = open_plain(self._file, os.O_RDONLY)
        self._folders = {
            path: _identity(path) for path in (directory, journal_directory(directory))
        }
        self._wal_identity = _identity(wal_file(directory))
        self._checked_ns = clock.monotonic_ns()
        self._check: asyncio.Task[Loss | None] | None = None
        self._told: set[str] = set()
        self._short = 0
        self._mended = journal.mended
        self._damage = ""
        self.sound = True
        """The ledger's file is the one that is written, and nothing was found wrong with it."""
        self.now: tuple[Loss, ...] = ()
        """What is wrong at present."""
        self.lasting: list[Loss] = []
        """What was lost, or mended, since the start."""

    def look(self, damage: str) -> list[Event]:
        """What is new since the last look; ``damage`` is what SQLite said when it was used."""
        before = len(self.lasting)
        ledger = [*self._ledger(damage)]
        found = [*self._files(), *ledger, *self._held()]
        self._finish_check()
        self.sound = not (ledger or self._damage)
        new = [loss for loss in found if loss.told.kind not in self._told]
        self._told = {loss.told.kind for loss in found}
        self.now = tuple(found)
        return [event_of(loss, self._clock) for loss in (*new, *self.lasting[before:])]

    def _files(self) -> Iterator[Loss]:
        for path, identity in self._folders.items():
            if _identity(path) != identity:
                self.lasting.append(lost("store.folder_removed", folder=str(path), name=path.name))
                self._folders[path] = _identity(path)
        yield from self._mend_journal()
        for number in sorted(self._journal.lost):
            self._journal.lost.discard(number)
            self.lasting.append(lost("store.segment_lost", segment=number))
        if not self._lock.stands and not self._lock.mend():
            yield lost("store.lock_removed", path=str(self._directory / "lock"))

    def _mend_journal(self) -> Iterator[Loss]:
        segment, folder = self._journal.newest, str(self._directory)
        if not self._journal.stands:
            try:
                self._journal.mend()
            except OSError as error:
                yield lost(
                    "store.journal_removed",
                    segment=segment,
                    folder=folder,
                    why=error.strerror or str(error),
                )
        # A command that found it gone may have mended it before.
        if self._journal.mended > self._mended:
            self._mended = self._journal.mended
            self._folders = {path: _identity(path) for path in self._folders}
            self.lasting.append(
                lost("store.journal_mended", grave=False, segment=segment, folder=folder)
            )

    def _ledger(self, damage: str) -> Iterator[Loss]:
        path = str(self._file)
        if not is_open_at(self._file, self._descriptor):
            replaced = os.path.lexists(self._file)
            yield lost("store.ledger_replaced" if replaced else "store.ledger_removed", path=path)
        elif damage or self._is_cut():
            damage = damage or "cut_short"
            self._suspect(damage)
            yield _damaged(self._file, damage)
        if self._wal_identity and _identity(wal_file(self._directory)) != self._wal_identity:
            yield lost("store.wal_removed", path=str(wal_file(self._directory)))
        self._wal_identity = self._wal_identity or _identity(wal_file(self._directory))

    def _held(self) -> Iterator[Loss]:
        if held := self._wal.problem:
            yield Loss(Notice("store.wal_held", held.facts), lasting=False)

    def _is_cut(self) -> bool:
        """Whether the header or the size is wrong; twice, as a checkpoint writes in steps."""
        if self._wal.checkpointing:
            return False
        self._short = 0 if is_whole(self._descriptor) else self._short + 1
        return self._short > 1

    def _finish_check(self) -> None:
        """Start the check of all pages when it is due, and take in what the last one said."""
        if self._check is not None and self._check.done():
            found, self._check = self._check.result(), None
            if found is not None:
                self._suspect(str(found.told.facts["why"]))
                self.lasting.append(found)
        changed = self._wal.is_changed
        if changed:
            self._wal.accept_change()
            self.lasting.append(lost("store.ledger_written", path=str(self._file)))
        due = self._clock.monotonic_ns() - self._checked_ns >= CHECK_NS
        if (due or changed) and self._check is None:
            self._checked_ns = self._clock.monotonic_ns()
            self._check = asyncio.create_task(asyncio.to_thread(check_pages, self._file))

    def _suspect(self, what: str) -> None:
        """A start does not read all pages: it must know."""
        if not self._damage:
            self._damage = what
            with contextlib.suppress(OSError, StoreError):
                suspect(self._directory, what)

    async def close(self) -> None:
        """Let go of the file; SQLite has closed it."""
        if self._check is not None:
            await asyncio.wait({self._check})
        os.close(self._descriptor)


def check_pages(path: Path, within_s: float = CHECK_S) -> Loss | None:
    """Read all pages, or what can be read of them in that time: None where all is well."""
    end_s = monotonic() + within_s
    try:
        db = sqlite3.connect(reading_uri(path, immutable=False), uri=True)
        try:
            db.set_progress_handler(lambda: monotonic() > end_s, _STEPS)
            said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        finally:
            db.close()
    except sqlite3.OperationalError:
        # Locked, or it took too long: nothing was found so far.
        return None
    except sqlite3.DatabaseError as error:
        said = str(error)
    return None if said == "ok" else _damaged(path, said.splitlines()[-1])


def _damaged(path: Path, what: str) -> Loss:
    return lost("store.ledger_damaged", path=str(path), why=what)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
