"""Connections to providers, kept for the next request, and the two ways to ask over them.

**One resend.** A provider may close a kept connection just as we send on it. Nobody can tell then
whether it read the request; RFC 9110 (9.2.2) forbids to resend what is not idempotent without other
means to know. Ours are: the connection was kept, it was closed before a single byte of a reply, and
within a second, which is a journey there and back (`STALE_S`) and not the time of an answer. What
remains is a provider that read the request and broke in that second: it might bill twice what the
client asked once. Without the resend every busy minute would give somebody a 502 for nothing. The
client is charged once; and if the resend fails too, as for a request that was sent: something may
have been used. A fresh connection's request is never sent again. Some servers close a kept
connection with a 408 instead of silence: one that comes as soon is taken the same way.
"""

import asyncio
from functools import partial
from typing import Final

from quotadeck.gateway.upstream.client import (
    BOUNDS,
    Bounds,
    Broken,
    Reply,
    StreamReply,
    Unreachable,
    gathered,
)
from quotadeck.gateway.upstream.decoding import Decoder, decoder_of
from quotadeck.gateway.upstream.dialing import Dialer
from quotadeck.gateway.upstream.endpoint import Endpoint, Origin
from quotadeck.gateway.upstream.reply_memory import HeldReply, ReplyMemory
from quotadeck.gateway.upstream.streaming import WireStream
from quotadeck.gateway.upstream.wire import Wire

IDLE_S: Final = 4.0
"""uvicorn's and Node's servers close after 5 s: who closes first meets no request on its way."""
SWEEP_S: Final = 0.5
MOST_IDLE: Final = 1_000
"""To one origin. Beyond them a connection ends with its reply."""


class Pool:
    """`UpstreamClient` over connections of our own, the last one used first."""

    def __init__(
        self,
        dialer: Dialer | None = None,
        bounds: Bounds = BOUNDS,
        *,
        memory: ReplyMemory | None = None,
        idle_s: float = IDLE_S,
        sweep_s: float = SWEEP_S,
        most_idle: int = MOST_IDLE,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._dialer = dialer or Dialer()
        self._bounds = bounds
        self._memory = memory or ReplyMemory()
        self._idle_s = idle_s
        self._sweep_s = sweep_s
        self._most_idle = most_idle
        self._idle: dict[Origin, dict[Wire, None]] = {}
        self._wires: set[Wire] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None
        """Somebody waits in `close` for the last connection to end."""

    async def call(self, endpoint: Endpoint, body: bytes, request_id: str) -> Reply:
        """See `UpstreamClient`."""
        held = HeldReply(self._memory, self._bounds.reply_bytes)
        try:
            wire = await self._ask(endpoint, body, request_id, held)
            parts, headers, status = wire.take(), wire.headers, wire.status
            self.free(wire)
            coding = headers.get(b"content-encoding")
            if coding is not None and (decoder := decoder_of(coding)) is not None:
                whole = await _unpacked(decoder, parts, self._bounds.reply_bytes, held)
            else:
                whole = parts[0] if len(parts) == 1 else b"".join(parts)
            del parts
            if wait_s := self._memory.wait_s(len(whole), self._loop.time()):
                await asyncio.sleep(wait_s)
        except BaseException:
            held.let_go()
            raise
        return Reply(status, headers, whole, held.let_go)

    async def stream(self, endpoint: Endpoint, body: bytes, request_id: str) -> StreamReply:
        """See `UpstreamClient`."""
        wire = await self._ask(endpoint, body, request_id, None)
        return WireStream(wire, self.free)

    @property
    def connections(self) -> int:
        """How many there are, idle or not."""
        return len(self._wires)

    async def close(self) -> None:
        """Drop all connections, and wait until they are gone."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._most_idle = 0
        for wire in list(self._wires):
            wire.fail(Broken("the gateway goes down"))
        if self._wires:
            self._empty = self._loop.create_future()
            await self._empty

    async def _ask(
        self, endpoint: Endpoint, body: bytes, request_id: str, held: HeldReply | None
    ) -> Wire:
        """A connection with the reply, or its head. Raises UpstreamError."""
        until_s = self._loop.time() + endpoint.timeout_s
        wire = kept = self._kept(endpoint.origin)
        if wire is None:
            wire = await self._dial(endpoint, until_s)
        try:
            await wire.ask(endpoint, body, request_id, until_s, held)
            if wire.error is None:
                return wire
            if not wire.stale:
                raise wire.error
            assert kept is not None
            wire = await self._dial_again(endpoint, until_s)
            await wire.ask(endpoint, body, request_id, until_s, held)
            if wire.error is None:
                return wire
            raise wire.error
        except BaseException:
            wire.abort()
            raise

    async def _dial(self, endpoint: Endpoint, until_s: float) -> Wire:
        left_s = until_s - self._loop.time()
        # Ends before the whole time does: what then ran out would not tell what was sent.
        within_s = min(self._bounds.connect_s, endpoint.timeout_s / 2, left_s)
        origin = endpoint.origin
        make = partial(Wire, origin, self, self._bounds)
        wire = await self._dialer.dial(origin, endpoint.name, within_s, make)
        if not wire.open:
            raise Unreachable(f"no connection to {endpoint.name}: it was closed at once")
        return wire

    async def _dial_again(self, endpoint: Endpoint, until_s: float) -> Wire:
        try:
            return await self._dial(endpoint, until_s)
        except Unreachable as error:
            # The first attempt may have been read.
            raise Broken(f"{endpoint.name} closed a connection without a reply; {error}") from None

    def _kept(self, origin: Origin) -> Wire | None:
        idle = self._idle.get(origin)
        oldest_s = self._loop.time() - self._idle_s
        while idle:
            wire, _ = idle.popitem()
            if wire.open and wire.idle_s > oldest_s:
                return wire
            wire.abort()
        return None

    def made(self, wire: Wire) -> None:
        """See `Owner`."""
        self._wires.add(wire)

    def free(self, wire: Wire) -> None:
        """See `Owner`. What nobody took of its reply must never be of the next one's."""
        wire.take()
        idle = self._idle.get(wire.origin)
        if idle is None:
            idle = self._idle[wire.origin] = {}
        if not wire.keeps or len(idle) >= self._most_idle:
            wire.abort()
            return
        wire.idle_s = self._loop.time()
        idle[wire] = None
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self._sweep_s, self._sweep)

    def _sweep(self) -> None:
        """Drop what was not used for too long; the oldest stand first."""
        oldest_s = self._loop.time() - self._idle_s
        for origin, idle in list(self._idle.items()):
            for wire in list(idle):
                if wire.idle_s > oldest_s:
                    break
                del idle[wire]
                wire.abort()
            if not idle:
                del self._idle[origin]
        again = bool(self._idle)
        self._sweeping = self._loop.call_later(self._sweep_s, self._sweep) if again else None

    def lost(self, wire: Wire) -> None:
        """See `Owner`."""
        self._wires.discard(wire)
        if (idle := self._idle.get(wire.origin)) is not None:
            idle.pop(wire, None)
        if self._empty is not None and not self._wires and not self._empty.done():
            self._empty.set_result(None)


async def _unpacked(
    decoder: Decoder, packed: list[bytes], most_bytes: int, held: HeldReply
) -> bytes:
    """The whole of it, which ``held`` counts too. Raises Broken."""

    async def piece() -> bytes:
        await asyncio.sleep(0)  # others have their turn
        unpacked = decoder.take()
        held.grow(len(unpacked))
        return unpacked

    decoder.feed(packed)
    body = await gathered(piece, most_bytes)
    decoder.end()
    return body
