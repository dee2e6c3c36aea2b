"""The one task that writes to SQLite. It reads the journal behind the hot path and folds it.

It holds no queue: what is not folded yet stands in the journal, so a locked or full SQLite costs
disk and no memory. It is asked to stop, never cancelled: a cancelled aiosqlite call leaves its
transaction open.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import aiosqlite

from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Fact, Notice, notice
from quotadeck.domain.snapshot import Event
from quotadeck.store.ballast import Ballast
from quotadeck.store.errors import StoreError, facts_of
from quotadeck.store.journal.journal import Journal, Position, Record
from quotadeck.store.sqlite.errors import is_damage, trouble
from quotadeck.store.sqlite.fold import Batch, Fold, sort
from quotadeck.store.sqlite.retention import Keep, Settled, forget
from quotadeck.store.sqlite.wal import Wal

LOG: Final = logging.getLogger(__name__)

BATCH_RECORDS: Final = 400
FLUSH_S: Final = 0.05
"""How long the first record waits for others."""
BACKOFF_S: Final = (0.05, 2.0)
"""The first wait after SQLite refused, and the longest; each is twice the one before."""
GIVE_UP_S: Final = 10.0
"""A closing ledger leaves what SQLite does not take for so long to the journal."""
HOUSEKEEPING_NS: Final = 60_000_000_000
_LARGE_BYTES: Final = 65_536
"""A record of more is read beside the event loop."""
_IDLE_S: Final = 1.0
_BEHIND_NS: Final = 5_000_000_000
MAX_EVENTS: Final = 10_000

_DATA_ERRORS: Final = (
    OverflowError,
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
)
"""The record is at fault, not the database."""


class Writer:
    """Folds one store's journal and events; see the module."""

    def __init__(
        self,
        db: aiosqlite.Connection,
        journal: Journal,
        ballast: Ballast,
        wal: Wal,
        clock: Clock,
        fold: Fold,
        folded: Position,
        keep: Keep,
    ) -> None:
        self._db = db
        self._fold = fold
        self._journal = journal
        self._ballast = ballast
        self._wal = wal
        self._clock = clock
        self._keep = keep
        self._settled = Settled(clock)
        self._events: dict[str, Event] = {}
        self._lost_events = 0
        self._work = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._waiters: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        self._caught_up_ns = clock.monotonic_ns()
        self._kept_house_ns = clock.monotonic_ns()
        self._records = 0
        self._unreadable = 0
        self._trouble: Notice | None = None
        self.unretired: Mapping[str, Fact] | None = None
        """Why segments stay in the journal that no start needs any more."""
        self.damage = ""
        """What SQLite said when it met damage."""
        self.folded = folded
        """SQLite holds all up to here."""
        self.stored = folded
        """How far SQLite says so itself: what has no rows moves it only with a new segment."""
        self._noted = 0
        """The segment that SQLite is known to have reached: no later one may be deleted."""
        self.checkpoint = 0
        """The newest segment with a `levels` record; a restart needs nothing older."""
        self.withdrawn: set[int] = set()
        """Numbers of commands that were taken back."""

    @property
    def backlog_records(self) -> int:
        """Records of the journal that are not in SQLite yet."""
        return 0 if self.folded >= self._journal.end else self._journal.appended - self._records

    @property
    def problems(self) -> tuple[Notice, ...]:
        """What keeps it from its work."""
        found: list[Notice] = []
        behind_ns = self._clock.monotonic_ns() - self._caught_up_ns
        if self.folded < self._journal.end and behind_ns > _BEHIND_NS:
            found.append(notice("vital.journal_behind", behind_ms=behind_ns // 1_000_000))
        if self._trouble:
            found.append(self._trouble)
        if held := self._wal.problem:
            found.append(held)
        if self._unreadable:
            found.append(notice("vital.records_unreadable", count=self._unreadable))
        if self._lost_events:
            found.append(notice("vital.events_lost", count=self._lost_events))
        if self._task is not None and self._task.done() and not self._stopping.is_set():
            found.append(notice("vital.writer_stopped"))
        return tuple(found)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="ledger writer")

    def wake(self) -> None:
        """There is something to fold."""
        self._work.set()

    def event(self, event: Event) -> None:
        """Queue an event; beyond 10,000 waiting ones it is counted as lost."""
        if len(self._events) >= MAX_EVENTS:
            self._lost_events += 1
            return
        self._events.setdefault(event.id, event)
        self._work.set()

    async def flushed(self) -> None:
        """Return when all that was written so far is in SQLite. Raises StoreError if it stopped."""
        target, events = self._journal.end, set(self._events)
        while self.folded < target or not events.isdisjoint(self._events):
            if self._task is None or self._task.done():
                raise StoreError("store.writer_stopped")
            self._work.set()
            self._hurry.set()
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await asyncio.wait({waiter, self._task}, return_when=asyncio.FIRST_COMPLETED)

    async def catch_up(self) -> None:
        """Fold all that may be folded. Raises sqlite3.Error or OSError."""
        while await self._may_fold():
            started_ns, target = self._clock.monotonic_ns(), self._journal.end
            events = list(self._events.values())[:BATCH_RECORDS]
            records, position = self._journal.read(self.folded, BATCH_RECORDS)
            if not records and not events and position == self.folded:
                self._caught_up_ns = started_ns
                return
            await self._commit(records, events, position)
            self._records += len(records)
            for event in events:
                self._events.pop(event.id, None)
            if position >= target:
                self._caught_up_ns = started_ns
                self._records = self._journal.appended
            await self._retire()
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()

    async def _retire(self) -> None:
        try:
            await self._journal.retire_before(min(self.folded.segment, self.checkpoint))
        except (OSError, StoreError) as error:
            self.unretired = facts_of(error)  # they stay where they are
        else:
            self.unretired = None

    async def _may_fold(self) -> bool:
        # Between two batches: under load there is no other moment.
        await self._wal.checkpoint_when_due()
        # A start cannot do without what the journal has.
        return self._task is None or await self._wal.has_room()

    async def _insert(self, batch: Batch, position: Position) -> None:
        try:
            await self._fold.insert(batch, position)
        except (sqlite3.Error, OverflowError):
            if self._db.in_transaction:
                await self._db.rollback()
            raise
        self._noted, self.stored = position.segment, position
        self._wal.folded(len(batch) + 1)

    async def _commit(
        self, records: Sequence[Record], events: Sequence[Event], position: Position
    ) -> None:
        # One record may be of ten thousand entries.
        large = any(len(record.payload) > _LARGE_BYTES for record in records)
        read = partial(sort, records, events, frozenset(self.withdrawn))
        batch, unreadable = await asyncio.to_thread(read) if large else read()
        if batch or position.segment > self._noted:
            try:
                await self._insert(batch, position)
            except _DATA_ERRORS as error:
                if len(records) + len(events) > 1:
                    await self._commit_halves(records, events, position)
                    return
                unreadable += 1
                LOG.warning("a record at %s does not fit the ledger: %s", self.folded, error)
        self._unreadable += unreadable
        self.folded = position

    async def _commit_halves(
        self, records: Sequence[Record], events: Sequence[Event], position: Position
    ) -> None:
        if events:
            if records:
                await self._commit(records, (), position)
            for event in events:
                await self._commit((), (event,), position)
            return
        half = len(records) // 2
        await self._commit(records[:half], (), records[half - 1].end)
        await self._commit(records[half:], (), position)

    async def _run(self) -> None:
        backoff_s = BACKOFF_S[0]
        give_up_s: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            stopping = self._stopping.is_set()
            self._work.clear()
            try:
                await self.catch_up()
                if stopping:
                    return
                await self._keep_house()
            except (sqlite3.Error, OSError) as error:
                self._trouble = trouble(error)
                if isinstance(error, sqlite3.Error) and is_damage(error):
                    self.damage = str(error)
                if stopping:
                    if self.damage:
                        return  # waiting mends nothing
                    give_up_s = give_up_s or loop.time() + GIVE_UP_S
                    if loop.time() >= give_up_s:
                        return
                    await asyncio.sleep(BACKOFF_S[0])
                else:
                    await _until(self._stopping, backoff_s)
                    backoff_s = min(BACKOFF_S[1], backoff_s * 2)
                continue
            self._trouble, backoff_s = None, BACKOFF_S[0]
            await _until(self._work, _IDLE_S)
            await _until(self._hurry, FLUSH_S)
            self._hurry.clear()

    async def _keep_house(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._kept_house_ns < HOUSEKEEPING_NS:
            return
        if not self._ballast.stands:
            await asyncio.to_thread(self._ballast.restore)
        if not await forget(self._db, self._fold.source, self._settled.now_us(), self._keep):
            self._kept_house_ns = now_ns
        else:
            self._work.set()

    async def stop(self) -> None:
        """Fold what is there, or give up on it after ten seconds; then close the connection.

        What SQLite did not take stays in the journal.
        """
        self._stopping.set()
        self._work.set()
        self._hurry.set()
        if self._task is not None:
            await asyncio.wait({self._task})
        await self._db.close()


async def _until(event: asyncio.Event, at_most_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(at_most_s):
            await event.wait()
