"""Readings for everybody who listens: built once a second, encoded once, sent as events.

A reader that does not keep up is sent the latest full state instead of what it missed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final

from quotadeck.domain.snapshot import Snapshot
from quotadeck.gateway.slices import in_turns
from quotadeck.wire.stream import CHANGES, HEARTBEAT, SNAPSHOT, Encoder

INTERVAL_S: Final = 1.0
PIECE_BYTES: Final = 128 * 1024
LEAST_GAP_S: Final = 0.05
"""Between two readings, however many commands hurry them."""

_NAMED: Final = 50
"""Of those who listen."""

LOG: Final = logging.getLogger(__name__)


class _Reader:
    """One listener's mailbox: at most one event waits in it."""

    __slots__ = ("behind", "called", "event", "who")

    def __init__(self, who: str) -> None:
        self.who = who
        self.called = asyncio.Event()
        self.event: bytes | None = None
        self.behind = True
        """It needs the full state before any change means something to it."""

    def offer(self, event: bytes, *, heartbeat: bool) -> None:
        if self.behind:
            self.event = None
        elif self.event is None:
            self.event = event
        elif not heartbeat:
            self.event, self.behind = None, True
        self.called.set()


class Feed:
    """The hub of GET stream: one task serves all who listen, and none runs while nobody does."""

    def __init__(
        self,
        snapshot: Callable[[], Awaitable[Snapshot]],
        *,
        interval_s: float = INTERVAL_S,
        least_gap_s: float = LEAST_GAP_S,
    ) -> None:
        self._snapshot = snapshot
        self._interval_s = interval_s
        self._least_gap_s = least_gap_s
        self._readers = set[_Reader]()
        self._hurried = asyncio.Event()
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._encoder = Encoder()
        self._latest: Snapshot | None = None

    def hurry(self) -> None:
        """Send the next reading at once: something was changed on purpose."""
        self._hurried.set()

    def close(self) -> None:
        """End every stream after what it is being sent, and let no new one begin."""
        self._closed = True
        for reader in self._readers:
            reader.called.set()

    async def listen(self, who: str = "") -> AsyncIterator[bytes]:
        """Server-sent events: a full snapshot at once, then changes or heartbeats.

        ``who`` listens is told to all.
        """
        reader = _Reader(who)
        self._readers.add(reader)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="feed")
        reader.called.set()
        try:
            while True:
                await reader.called.wait()
                reader.called.clear()
                if self._closed:
                    return
                event = await self._event_for(reader)
                for piece in pieces(event or b""):
                    yield piece
        finally:
            self._readers.discard(reader)
            if not self._readers and self._task is not None:
                self._task.cancel()
                self._task = self._latest = None
                self._encoder.rest()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._hurried.clear()
            began = loop.time()
            try:
                await self._read()
            except Exception:
                # Without heartbeats every screen says by itself that its readings are old.
                LOG.exception("no reading could be built")
            await asyncio.sleep(self._least_gap_s)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(began + self._interval_s):
                    await self._hurried.wait()

    async def whole(self) -> bytes:
        """The data of one ``snapshot`` event, now, for who does not follow."""
        return await in_turns(self._encoder.full(await self._with_readers()))

    async def _with_readers(self) -> Snapshot:
        snapshot = await self._snapshot()
        here = tuple(sorted(reader.who for reader in self._readers if reader.who)[:_NAMED])
        if not here:
            return snapshot
        return replace(snapshot, vitals=replace(snapshot.vitals, here=here))

    async def _read(self) -> None:
        snapshot = await self._with_readers()
        data = await in_turns(self._encoder.changes(snapshot))
        self._latest = snapshot
        if data is None:
            event = _event(HEARTBEAT, self._encoder.heartbeat(snapshot))
        else:
            event = _event(CHANGES, data)
        for reader in self._readers:
            reader.offer(event, heartbeat=data is None)

    async def _event_for(self, reader: _Reader) -> bytes | None:
        if not reader.behind:
            event, reader.event = reader.event, None
            return event
        if self._latest is None:
            return None
        reader.behind = False
        return _event(SNAPSHOT, await in_turns(self._encoder.full(self._latest)))


def pieces(data: bytes) -> Iterator[bytes]:
    """What is sent in one go, so that megabytes keep nobody waiting."""
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


def _event(name: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
