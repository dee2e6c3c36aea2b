"""A store's start: what the last process left is folded before anything new is written."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from quotadeck.domain.calls import unknown_end
from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Entry
from quotadeck.store.ballast import Ballast
from quotadeck.store.chain import Chain, readable
from quotadeck.store.errors import named
from quotadeck.store.journal.journal import Journal
from quotadeck.store.journal.records import end_frame
from quotadeck.store.journal.recovery import Recovered, Scan
from quotadeck.store.loss import Loss, broken_log, event_of, losses
from quotadeck.store.reader import Reader
from quotadeck.store.sqlite.connection import connect, folded_position
from quotadeck.store.sqlite.errors import is_full, is_locked
from quotadeck.store.sqlite.fold import Fold
from quotadeck.store.sqlite.retention import Keep
from quotadeck.store.sqlite.wal import Wal
from quotadeck.store.sqlite.writer import Writer

OPEN_LOCKED_S: Final = 30.0
"""How long a starting gateway waits for a SQLite that another process has locked."""
_AGAIN_S: Final = 0.05

T = TypeVar("T")


async def replay(
    undo: AsyncExitStack,
    path: Path,
    journal: Journal,
    ballast: Ballast,
    clock: Clock,
    keep: Keep,
    rebuilt: tuple[Loss, ...],
) -> tuple[Writer, Wal, Reader, Recovered]:
    """Read and fold what the last process left; record the calls that it cut off as unknown.

    ``undo`` is told how to close what is opened; ``rebuilt`` is on record already.
    Raises StoreError or OSError.
    """
    db = await _patiently(partial(connect, path), path, ballast)
    undo.push_async_callback(db.close)
    wal = Wal(path.parent, db, ballast, clock)
    # First of all: it gives room back where a reader of the last process' had filled the disk.
    await _patiently(wal.checkpoint, path, ballast)
    reader = await Reader.open(path.parent)
    undo.push_async_callback(reader.close)
    folded = await folded_position(db, reader.source)
    sizes = journal.sizes
    journal.start(max(journal.next, folded.segment + 1))
    scan = Scan()
    scan.read(journal)
    fold = Fold(db, reader.source)
    writer = Writer(db, journal, ballast, wal, clock, fold, folded, keep)
    writer.withdrawn |= scan.withdrawn
    writer.checkpoint = scan.checkpoint
    without = scan.levels is None and await reader.has_levels()
    found = [*losses(path.parent, journal, sizes, folded, without_levels=without)]
    # In the transaction of the first fold: a start that is killed tells it again, or has told it.
    for loss in found:
        writer.event(event_of(loss, clock))
    await _patiently(writer.catch_up, path, ballast)
    chain, entries = Chain(), list[Entry]()
    async for links in reader.links():
        await asyncio.to_thread(chain.add, links)
        entries += readable(link for link in links if link.applied)
    broken = broken_log(chain.broken)
    for loss in broken:
        writer.event(event_of(loss, clock))
    known = await reader.known(list(scan.live))
    unknown = [unknown_end(call) for call in scan.live.values() if call.id not in known]
    for call in unknown:
        journal.append(end_frame(call))
    await _patiently(writer.catch_up, path, ballast)
    return (
        writer,
        wal,
        reader,
        scan.recovered(entries, chain.head, unknown, (*rebuilt, *found, *broken)),
    )


async def _patiently(step: Callable[[], Awaitable[T]], path: Path, ballast: Ballast) -> T:
    """Do a step of the replay, waiting for a locked file and making room on a full disk."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + OPEN_LOCKED_S
    while True:
        try:
            return await step()
        except sqlite3.DatabaseError as error:
            if is_locked(error) and loop.time() < give_up_s:
                await asyncio.sleep(_AGAIN_S)
            elif not (is_full(error) and ballast.release()):
                raise named(path, error, "store.unusable") from error
