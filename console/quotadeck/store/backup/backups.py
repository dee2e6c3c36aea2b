"""When the ledger is copied: daily, and after each gigabyte of journal; and what is told of it.

Two of them and the journal since each can rebuild a ledger. A journal that does not reach so far
back, as a backup was lost or segments were, is a reason for the next one, too. Where the disk has
no room a copy is put off and told; the journal's archive grows meanwhile, up to its bound and as
long as the disk has room.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.snapshot import Event
from quotadeck.store.backup.archive import Archive, segment_sizes
from quotadeck.store.backup.backup import Backup, standing, take
from quotadeck.store.backup.vacuum import NoRoom, Stopped
from quotadeck.store.errors import StoreDamaged, StoreError, facts_of
from quotadeck.store.journal.journal import Journal, Position
from quotadeck.store.loss import Loss, event_of, lost
from quotadeck.store.places import journal_directory
from quotadeck.store.sqlite.wal import Wal

DAY_US: Final = 86_400_000_000
STALE_US: Final = 2 * DAY_US
JOURNAL_BYTES: Final = 1_000_000_000
LOOK_S: Final = 10.0
SETTLED_NS: Final = 3_600_000_000_000
"""A gateway that was down for days is given this long before it is told to have no backup."""
AGAIN_NS: Final = 600_000_000_000
"""Before another try, and between two backups whatever the clock on the wall says."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a damaged ledger would be rebuilt from."""

    newest: Backup | None
    journal_bytes: int
    """What the journal has since the newest backup, or all that there is."""
    gap: bool
    """The journal does not reach back to the newest backup, or to its own beginning."""
    single: bool
    """Nor to the one before it: should the newest prove unreadable, something would be missing."""
    floor: int
    """Older segments are of no use: two backups have what they say."""


def holding(directory: Path, last: int) -> Holding:
    """Look into the folders; ``last`` is the segment that is written to. Blocks for a moment."""
    backups = standing(directory)
    newest = backups[0] if backups else None
    since = newest.folded.segment if newest else 1
    floor = backups[1].folded.segment if len(backups) > 1 else 0
    found = {**Archive(directory).sizes, **segment_sizes(journal_directory(directory))}
    sizes = {number: size for number, size in found.items() if number <= last}

    def lacks(first: int) -> bool:
        return sum(number >= first for number in sizes) < last - first + 1

    size = sum(size for number, size in sizes.items() if number >= since)
    return Holding(newest, size, lacks(since), lacks(max(1, floor)), floor)


class Backups:
    """Makes the backups of one open store; see the module."""

    def __init__(
        self,
        directory: Path,
        journal: Journal,
        stored: Callable[[], Position],
        wal: Wal,
        clock: Clock,
        epoch_us: int,
    ) -> None:
        self._directory = directory
        self._journal = journal
        self._stored = stored
        self._wal = wal
        self._clock = clock
        self._epoch_us = epoch_us
        self._began_ns = self._again_ns = clock.monotonic_ns()
        self._holding = holding(directory, journal.newest)
        self._failure: Loss | None = None
        self._now: list[Loss] = []
        self._untold: list[Event] = []
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.sound = True
        """The ledger's file is the one that is written, and nothing was found wrong with it."""
        self.damage = ""
        """What SQLite said when it met damage."""

    @property
    def newest_us(self) -> int | None:
        """When the newest backup was made; None where there is none."""
        return self._holding.newest.at_us if self._holding.newest else None

    @property
    def problems(self) -> tuple[Notice, ...]:
        """What keeps a damaged ledger from coming back whole."""
        return tuple(loss.vital for loss in self._now)

    def events(self) -> list[Event]:
        """What is to be told since the last call."""
        untold, self._untold = self._untold, []
        return untold

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="backups")

    async def stop(self) -> None:
        """Give up the copy that is being made."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._stopping.wait()
                    return
            await self.look()

    async def look(self) -> None:
        """Make a backup where one is due, and let segments go that two backups have."""
        await self._look()
        if self._is_due():
            await self._take()
            await self._look()
        with contextlib.suppress(OSError):  # tried again in a moment
            await asyncio.to_thread(self._journal.archive.drop_before, self._holding.floor)
        found, known = list(self._found()), {loss.told.kind for loss in self._now}
        self._untold += [
            event_of(loss, self._clock) for loss in found if loss.told.kind not in known
        ]
        self._now = found

    async def _look(self) -> None:
        self._holding = await asyncio.to_thread(holding, self._directory, self._journal.newest)

    def _is_due(self) -> bool:
        if not self.sound or self._clock.monotonic_ns() < self._again_ns:
            return False
        now = self._holding
        more = now.newest is None or now.newest.folded < self._stored()
        if more and (now.single or now.journal_bytes >= JOURNAL_BYTES):
            return True
        # One from the future was named by a clock that has been put right since.
        return not 0 <= self._age_us() < DAY_US

    def _age_us(self) -> int:
        return self._clock.wall_us() - (self.newest_us or self._epoch_us)

    async def _take(self) -> None:
        self._again_ns = self._clock.monotonic_ns() + AGAIN_NS
        try:
            at_us, stop = self._clock.wall_us(), self._stopping.is_set
            with self._wal.copying():
                await asyncio.to_thread(take, self._directory, at_us, stop)
        except Stopped:
            return
        except StoreDamaged as damage:
            self.damage = damage.what
        except (StoreError, OSError) as error:
            self._failure = _failed(error)
        else:
            self._failure = None

    def _found(self) -> Iterator[Loss]:
        if self._failure is not None:
            yield self._failure
        if self._holding.gap:
            yield lost("store.backup_gap", folder=str(self._directory))
        ran_ns = self._clock.monotonic_ns() - self._began_ns
        late_us = STALE_US if self.newest_us else DAY_US
        if self._age_us() >= late_us and (self._failure or ran_ns >= SETTLED_NS):
            kind = "store.backup_stale" if self.newest_us else "store.backup_none"
            yield Loss(notice(kind, age_ms=self._age_us() // 1_000))


def _failed(error: StoreError | OSError) -> Loss:
    if isinstance(error, NoRoom):
        free_mb, needed_mb = error.free_bytes // 10**6, error.needed_bytes // 10**6
        return lost("store.backup_skipped", free_mb=free_mb, needed_mb=needed_mb)
    return Loss(Notice("store.backup_failed", facts_of(error)))
