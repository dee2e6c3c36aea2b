"""A store's start: what the last process left is folded before anything new is written."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from console.domain.calls import unknown_end
from console.domain.clock import Clock
from console.domain.ids import new_id
from console.domain.snapshot import Happening, HappeningKind
from console.domain.text import clean
from console.store.ballast import Ballast
from console.store.chain import verify
from console.store.connection import connect, folded_position
from console.store.errors import StoreBusy, StoreError
from console.store.journal import Journal
from console.store.loss import Loss, broken_log, losses
from console.store.reader import Reader
from console.store.records import end_frame
from console.store.recovery import Recovered, Scan
from console.store.retention import Keep
from console.store.schema import damaged
from console.store.sqlite_errors import is_damage, is_full, is_locked
from console.store.writer import Writer

OPEN_LOCKED_S: Final = 30.0
"""How long a starting gateway waits for a SQLite that another process has locked."""
_AGAIN_S: Final = 0.05

LOG: Final = logging.getLogger(__name__)
T = TypeVar("T")


async def replay(
    undo: AsyncExitStack, path: Path, journal: Journal, ballast: Ballast, clock: Clock, keep: Keep
) -> tuple[Writer, Reader, Recovered]:
    """Read and fold what the last process left; record the calls that it cut off as unknown.

    ``undo`` is told how to close what is opened. Raises StoreError or OSError.
    """
    db = await _patiently(partial(connect, path), path, ballast)
    undo.push_async_callback(db.close)
    folded = await folded_position(db)
    sizes = journal.sizes
    journal.start(max(journal.next, folded.segment + 1))
    scan = Scan()
    scan.read(journal)
    writer = Writer(db, journal, ballast, clock, folded, keep)
    writer.withdrawn |= scan.withdrawn
    writer.checkpoint = scan.checkpoint
    reader = await Reader.open(path.parent)
    undo.push_async_callback(reader.close)
    without = scan.levels is None and await reader.has_levels()
    found = [*losses(path.parent, journal, sizes, folded, without_levels=without)]
    # In the transaction of the first fold: a start that is killed tells it again, or has told it.
    _tell(found, writer, clock)
    await _patiently(writer.catch_up, path, ballast)
    links = await reader.chain()
    broken = broken_log(await asyncio.to_thread(verify, links))
    _tell(broken, writer, clock)
    known = await reader.known(list(scan.live))
    unknown = [unknown_end(call) for call in scan.live.values() if call.id not in known]
    for call in unknown:
        journal.append(end_frame(call))
    await _patiently(writer.catch_up, path, ballast)
    return writer, reader, scan.recovered(links, unknown, (*found, *broken))


def _tell(found: Iterable[Loss], writer: Writer, clock: Clock) -> None:
    for loss in found:
        LOG.warning("%s", loss.text)
        writer.event(gateway_event(clock, loss.text))


def gateway_event(clock: Clock, text: str) -> Happening:
    """An event about the gateway itself."""
    at_us = clock.wall_us()
    name = new_id("evt", at_us, os.urandom(10))
    return Happening(name, at_us, HappeningKind.GATEWAY, "", clean(text, 600))


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
                raise _named(path, error) from error


def _named(path: Path, error: sqlite3.Error) -> StoreError:
    if is_locked(error):
        return StoreBusy(f"{path} is locked by another process; end that one, then start again")
    if is_full(error):
        return StoreError(f"{path}: the disk is full; make room, then start again")
    if is_damage(error):
        return damaged(path, str(error))
    return StoreError(f"{path} cannot be used: {error}")
