"""The ledger of one gateway: its journal, the task that folds it into SQLite, and a reader.

What is on record here is in the operating system, so it survives kill -9: the records of calls at
the end of the turn of the event loop, all others when the method returns, and each in the order of
the methods. SQLite follows some milliseconds later.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from quotadeck.domain.calls import Call, Move, OpenCall, moved
from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Entry
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.snapshot import Event
from quotadeck.domain.steady import SteadyClock
from quotadeck.store.backup.backups import Backups
from quotadeck.store.backup.rebuild import make_sound, refuse_others
from quotadeck.store.ballast import DISK_FULL, Ballast
from quotadeck.store.command_appender import CommandAppender
from quotadeck.store.errors import StoreDamaged, unusable
from quotadeck.store.formats.migrate import Tell, unheard
from quotadeck.store.journal.journal import Journal
from quotadeck.store.journal.records import (
    MadeRecord,
    StateRecord,
    catalogue_frame,
    end_frame,
    levels_frame,
    made_frame,
    move_frame,
    open_frame,
    state_frame,
)
from quotadeck.store.journal.recovery import Recovered
from quotadeck.store.journal.segment import check_heads
from quotadeck.store.journal.turn import Turn, Written
from quotadeck.store.lock import Lock
from quotadeck.store.loss import Loss
from quotadeck.store.places import check_places, journal_directory, ledger_file, make_directory
from quotadeck.store.reader import Reader
from quotadeck.store.replay import replay
from quotadeck.store.sqlite.retention import Keep
from quotadeck.store.sqlite.writer import Writer
from quotadeck.store.watch import Watch

SEGMENT_BYTES: Final = 8 * 1024 * 1024
"""A segment this large is followed by a new one at the next `levels` record."""


class Ledger:
    """See `open`. One a directory; its methods are called from one event loop."""

    def __init__(
        self,
        lock: Lock,
        journal: Journal,
        ballast: Ballast,
        writer: Writer,
        reader: Reader,
        pages: Reader,
        watch: Watch,
        backups: Backups,
        recovered: Recovered,
        clock: Clock,
        catalogue: str,
    ) -> None:
        self._catalogue = catalogue
        self._lock = lock
        self._watch = watch
        self.backups: Final = backups
        self._closed = False
        self._journal = journal
        self._ballast = ballast
        self._writer = writer
        self._turn = Turn(journal, writer.wake)
        self._log = CommandAppender(journal, self._turn, writer, recovered.head)
        self.reader: Final = reader
        self.pages: Final = pages
        """A reader for those who leaf: a long search of theirs keeps nobody else waiting."""
        self.recovered: Final = recovered
        self.steady: Final = SteadyClock.resumed(clock, recovered.mark, recovered.entries)
        self.source_id: Final = reader.source_id
        self.epoch: Final = reader.epoch

    @classmethod
    async def open(
        cls,
        directory: Path,
        clock: Clock,
        keep: Keep | None = None,
        tell: Tell = unheard,
    ) -> "Ledger":
        """Open or create the store in ``directory``, and replay what the last process left.

        A ledger that is damaged or missing is moved aside and rebuilt from the newest backup and
        the journal; one of an older format is brought up to date, and ``tell`` hears how far that
        is, from another thread. Raises StoreBusy, StoreForeign, StoreNewer or OddFile before
        anything is touched; StoreError when the place cannot be used.
        """
        try:
            return await cls._open(directory, clock, keep or Keep(), tell)
        except OSError as error:
            raise unusable(directory, error) from error

    @classmethod
    async def _open(cls, directory: Path, clock: Clock, keep: Keep, tell: Tell) -> "Ledger":
        check_places(directory)
        check_heads(journal_directory(directory))
        refuse_others(directory)
        async with AsyncExitStack() as undo:
            make_directory(directory)
            lock = Lock(directory)
            undo.callback(lock.close)
            sound = await asyncio.to_thread(make_sound, directory, clock, "", tell)
            try:
                ledger = await cls._start(lock, directory, clock, keep, *sound)
            except StoreDamaged as damage:
                # In pages that no start reads all of.
                sound = await asyncio.to_thread(make_sound, directory, clock, damage.what)
                ledger = await cls._start(lock, directory, clock, keep, *sound)
            undo.pop_all()
        return ledger

    @classmethod
    async def _start(
        cls,
        lock: Lock,
        directory: Path,
        clock: Clock,
        keep: Keep,
        source_id: str,
        rebuilt: tuple[Loss, ...],
    ) -> "Ledger":
        path, segments = ledger_file(directory), journal_directory(directory)
        async with AsyncExitStack() as undo:
            make_directory(segments)
            ballast = Ballast(directory)
            await asyncio.to_thread(ballast.restore)
            journal = Journal(segments, ballast, source_id)
            undo.callback(journal.close)
            writer, wal, reader, recovered = await replay(
                undo, path, journal, ballast, clock, keep, rebuilt
            )
            pages = await Reader.open(directory)
            undo.push_async_callback(pages.close)
            watch = Watch(directory, journal, lock, wal, clock)
            backups = Backups(
                directory, journal, lambda: writer.stored, wal, clock, reader.epoch * 1_000
            )
            catalogue = await reader.last_catalogue_hash()
            undo.pop_all()
        writer.start()
        backups.start()
        return cls(
            *(lock, journal, ballast, writer, reader, pages, watch, backups, recovered, clock),
            catalogue,
        )

    def open_call(self, call: OpenCall) -> Written:
        """Record a dispatch: what is returned is done when it is on record, or holds the OSError.

        It is of all of this turn's records. A task that is cancelled while it awaits it hears of
        that when it is done: the call may be on record then, and wants an end there.
        """
        return self._turn.open(call.id, open_frame(call))

    def move_call(self, call: OpenCall, move: Move) -> Written:
        """Record that an open call, as it was until now, goes on elsewhere. As `open_call`."""
        return self._turn.move(call.id, move_frame(move), open_frame(moved(call, move)))

    def end_call(self, call: Call, made: Sequence[tuple[str, str]] = ()) -> Written:
        """Record an end, before the reply's last byte leaves. As `open_call`.

        ``made`` are the (kind, id) that its reply made, on record with it or not at all.
        """
        if made:
            self._turn.also(made_frame(MadeRecord(call.at_us, call.project, tuple(made))))
        return self._turn.end(call.id, end_frame(call))

    def end_now(self, call: Call) -> None:
        """Record an end before this returns. Raises OSError when it could not be written."""
        self._turn.end_now(call.id, end_frame(call))

    def _write(self, frame: bytes) -> None:
        self._turn.flush()
        self._journal.append(frame)

    def levels(
        self,
        at_us: int,
        not_full: Mapping[str, int],
        touched: Mapping[str, tuple[int, int, int | None]],
    ) -> None:
        """Record the level of every bucket that is not full; least, last and limit of the touched.

        To be called every ten seconds. A failure is told by `problems`: the next record mends it.
        """
        try:
            self._log.write_unrecorded()
            frame = levels_frame(at_us, not_full, touched, self.steady.mark())
            if self._journal.size < SEGMENT_BYTES or not self._new_segment(frame):
                self._write(frame)
        except OSError as error:
            self._journal.trouble = error
            return
        self._writer.checkpoint = self._journal.newest
        self._writer.wake()

    def catalogue(self, body: bytes, at_us: int) -> None:
        """Record what the config file says (`file_layer`), where it is not what was recorded last.

        A failure is told by `problems`, and the next start records it.
        """
        digest = sha256(body).hexdigest()
        if digest == self._catalogue:
            return
        try:
            self._write(catalogue_frame(body, at_us))
        except OSError as error:
            self._journal.trouble = error
            return
        self._catalogue = digest
        self._writer.wake()

    def state(
        self,
        at_us: int,
        subject: str,
        kind: str,
        cause: str,
        *,
        entered: bool,
        facts: Mapping[str, Any],
    ) -> None:
        """Record that a subject's state was entered or left. Raises OSError.

        What is entered again while it holds goes on; what is left and did not hold is nothing.
        """
        self._write(state_frame(StateRecord(at_us, subject, kind, cause, entered, facts)))
        self._writer.wake()

    def _new_segment(self, levels: bytes) -> bool:
        """Begin a segment with all that a restart needs; False leaves the old one in use."""
        self._turn.flush()
        try:
            self._journal.start(self._journal.next, [*self._turn.live, levels])
        except OSError:
            return False
        return True

    async def command(self, entry: Entry, *, durable: bool) -> Entry:
        """`commands` of one."""
        (sealed,) = await self._log.append((entry,), durable=durable)
        return sealed

    async def commands(self, entries: Sequence[Entry], *, durable: bool) -> list[Entry]:
        """See `CommandAppender.append`."""
        return await self._log.append(entries, durable=durable)

    def unrecorded(self, entries: Sequence[Entry]) -> list[Entry]:
        """See `CommandAppender.unrecorded`."""
        return self._log.unrecorded(entries)

    def event(self, event: Event) -> None:
        """Queue an event for SQLite; one id counts once. A crash loses the last milliseconds'."""
        self._writer.event(event)

    @property
    def backup_us(self) -> int | None:
        """When the newest backup was made; None where there is none."""
        return self.backups.newest_us

    @property
    def backlog_records(self) -> int:
        """Records of the journal that are not in SQLite yet."""
        return self._writer.backlog_records

    @property
    def unwritable(self) -> bool:
        """Whether the journal could not be written when it last was to be: no call is forwarded."""
        return self._journal.trouble is not None

    @property
    def troubles(self) -> tuple[Notice, ...]:
        """What keeps the store from recording all as it should now."""
        found = list(self._writer.problems)
        trouble = self._journal.trouble
        if trouble is not None and trouble.errno in DISK_FULL:
            found.append(notice("vital.journal_full"))
        elif trouble is not None:
            found.append(notice("vital.journal_fails", why=trouble.strerror or str(trouble)))
        elif not (self._ballast.stands or self._ballast.odd):
            found.append(notice("vital.ballast_used"))
        if count := self._log.waiting:
            found.append(notice("vital.commands_unrecorded", count=count))
        return (*found, *(loss.vital for loss in self._watch.now if loss.lasting))

    @property
    def problems(self) -> tuple[Notice, ...]:
        """What is wrong with the store: `troubles`, and what was lost before."""
        found = [*self.troubles]
        found += [loss.vital for loss in self.recovered.losses if loss.lasting]
        if self._journal.damaged:
            found.append(notice("vital.store.journal_damaged", count=len(self._journal.damaged)))
        found += [loss.vital for loss in self._watch.lasting]
        found += self.backups.problems
        if self._writer.unretired:
            found.append(notice("vital.unarchived", **self._writer.unretired))
        return tuple(dict.fromkeys(found))

    def look(self) -> list[Event]:
        """Look after the store's files; what is newly lost, for `event`. To be called every second.

        Takes some microseconds; milliseconds where it mends.
        """
        damage = self._writer.damage or self.reader.damage or self.pages.damage
        told = self._watch.look(damage or self.backups.damage)
        self.backups.sound = self._watch.sound
        return [*told, *self.backups.events()]

    async def flushed(self) -> None:
        """Return when all that was written so far is in SQLite."""
        self._turn.flush()
        await self._writer.flushed()

    async def close(self) -> None:
        """Fold what is left, close the files and unlock; a second time does nothing.

        While SQLite is locked or full it gives up after ten seconds: calls and commands stay in the
        journal, events that wait are lost.
        """
        if self._closed:
            return
        self._closed = True
        await self._log.settled()
        self._turn.flush()
        try:
            self._log.write_unrecorded()
        except OSError as error:
            self._journal.trouble = error
        await self.backups.stop()
        await self.reader.close()
        await self.pages.close()
        await self._writer.stop()
        await self._watch.close()
        self._journal.close()
        self._lock.close()
