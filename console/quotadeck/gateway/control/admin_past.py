"""The picture of a past instant: ``GET snapshot?at=``, from the ledger.

What is read is read on the reader's thread, what is made of it is made in slices: requests have
their turns, however many projects there are.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from quotadeck.domain.as_of import snapshot_of
from quotadeck.domain.calls import OpenCall
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Entry
from quotadeck.gateway.control.admin_pages import Asked, span_of
from quotadeck.gateway.control.desk import Desk
from quotadeck.gateway.slices import in_turns
from quotadeck.store import AsOf, Ledger, Reader, alarms_between, report_of
from quotadeck.wire.objects import dump
from quotadeck.wire.stream import Encoder, uncollected

_PATIENCE_S: Final = 0.5
"""For what is not in SQLite yet; where that takes longer it is in trouble, and says so."""

_MANY: Final = 500
"""Rows that are written beside the event loop."""


class PastPictures:
    """Made one at a time."""

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Catalogue | None,
        clock: Clock,
        under_way: Callable[[], Iterable[OpenCall]],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._under_way = under_way
        self._as_of = AsOf(ledger.pages, catalogue)

    async def at(self, at_us: int) -> bytes:
        """The data of a ``snapshot`` event. Raises StoreError."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await self._ledger.flushed()
        with uncollected():
            return await self._made(at_us)

    async def _made(self, at_us: int) -> bytes:
        then = await self._as_of.then(at_us, self._clock.wall_us(), self._under_way())
        snapshot, encoder = await in_turns(snapshot_of(then)), Encoder()
        data = await in_turns(encoder.full(snapshot))
        # Ten thousand rows are not let go of in one turn either.
        del then, snapshot
        await in_turns(encoder.forget())
        return data


async def alarms(asked: Asked, reader: Reader, now_us: int) -> bytes:
    """``GET alarms?since=&until=``: the troubles that held at any instant between the two."""
    page = await alarms_between(reader, *span_of(asked, now_us))
    return await asyncio.to_thread(dump, page) if len(page.rows) > _MANY else dump(page)


async def report(asked: Asked, reader: Reader, desk: Desk, now_us: int, name: str) -> bytes:
    """``GET report?since=&until=``: all of a span; it ends now where no end is given."""
    since_us, until_us = span_of(asked, now_us)

    def in_force(entry: Entry) -> bool:
        return desk.living(entry, now_us)

    told = await report_of(reader, since_us, until_us, now_us, in_force, name)
    many = len(told.projects) + len(told.alarms) > _MANY
    return await asyncio.to_thread(dump, told) if many else dump(told)
