"""One connection to a provider: one request at a time, and its reply as it comes.

What it holds is bounded: a reply's head, the part of a stream that nobody took, and the part of a
request that the peer has not. It all happens in the loop's callbacks; whoever asked waits for one
future. The pool decides when a wire is asked again, and never before its reply has been taken.
"""

import asyncio
from typing import Final, Protocol

import httptools

from quotadeck.gateway.upstream.client import Bounds, Broken, Into, Poured, TimedOut, UpstreamError
from quotadeck.gateway.upstream.endpoint import Endpoint, Origin
from quotadeck.gateway.upstream.reply_memory import HeldReply

PIECE_BYTES: Final = 256 * 1024
"""A larger request is written in pieces: in one it would hold up the event loop."""
HELD_BYTES: Final = 256 * 1024
"""Of a stream that nobody takes; then no more is read."""
HEAD_BYTES: Final = 64 * 1024
"""Of a reply that are no body, in one go: its head with all heads of 1xx before it, or trailers."""
FIELD_BYTES: Final = 32
"""What each field counts besides its own bytes: they must not be many, either."""

_NONE: Final[dict[bytes, bytes]] = {}


class Owner(Protocol):
    """Whom a wire belongs to."""

    def made(self, wire: "Wire") -> None:
        """The connection is there."""

    def free(self, wire: "Wire") -> None:
        """The reply is done with: whoever read it has left, and it has ended."""

    def lost(self, wire: "Wire") -> None:
        """The connection is gone."""


class Wire(asyncio.Protocol):
    """See the module."""

    __slots__ = (
        "_barren",
        "_endpoint",
        "_fields",
        "_held",
        "_interim",
        "_kept",
        "_leaving",
        "_loop",
        "_outgoing",
        "_owner",
        "_parser",
        "_parts",
        "_paused",
        "_sink",
        "_size",
        "_stuck",
        "_timer",
        "_transport",
        "_until_s",
        "_waiter",
        "bounds",
        "ended",
        "error",
        "headers",
        "idle_s",
        "keeps",
        "open",
        "origin",
        "stale",
        "status",
    )

    _transport: asyncio.Transport
    _endpoint: Endpoint

    def __init__(self, origin: Origin, owner: Owner, bounds: Bounds) -> None:
        self._loop = asyncio.get_running_loop()
        self.origin = origin
        self._owner = owner
        self.bounds = bounds
        self._parser = httptools.HttpResponseParser(self)
        self.open = False
        """Requests can be sent."""
        self.idle_s = 0.0
        """Since when it waits in the pool, by the loop's clock."""
        self.ended = True
        """The reply is there to its last byte."""
        self.keeps = False
        """The connection serves on behind the reply."""
        self.error: UpstreamError | None = None
        """Why no more comes of the reply."""
        self.stale = False
        """The error is that a kept connection was closed as we sent: before a byte of a reply,
        or with a 408 (RFC 9110, 15.5.9), by which a peer may say that it had waited too long."""
        self.status = 0
        """0: the head has not come."""
        self.headers = _NONE
        self._kept = False
        self._held: HeldReply | None = None
        """What counts a reply that is to be whole."""
        self._interim = False
        self._leaving = False
        self._paused = False
        self._stuck = False
        self._fields = self._barren = self._size = 0
        self._parts: list[bytes] = []
        self._sink: Into | None = None
        """Takes what comes in their place."""
        self._outgoing: memoryview | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._until_s = 0.0

    # What the pool and a reader ask for.

    def ask(
        self,
        endpoint: Endpoint,
        body: bytes,
        request_id: str,
        until_s: float,
        held: HeldReply | None,
    ) -> "asyncio.Future[None]":
        """Send a request. Done when its reply is whole, which ``held`` counts, or `error` is set.

        Without ``held`` it is done once the head is there. ``until_s`` by the loop's clock is when
        the reply is given up.
        """
        loop = self._loop
        self._endpoint = endpoint
        self._held = held
        self._kept = bool(self.status)
        self.headers = {}
        self.status = self._fields = self._barren = self._size = 0
        self.ended = self.keeps = False
        waiter = self._waiter = loop.create_future()
        self._until_s = until_s
        self._timer = loop.call_at(until_s, self._expire)
        head = b"%b%b\r\ncontent-length: %d\r\n\r\n" % (
            endpoint.head,
            request_id.encode(),
            len(body),
        )
        if len(body) <= PIECE_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._outgoing = memoryview(body)
            self._send_on()
        return waiter

    def more(self) -> "asyncio.Future[None]":
        """Done when there is more to take, or the reply ended, or `error` is set."""
        waiter = self._waiter = self._loop.create_future()
        return waiter

    def pour(self, sink: Into) -> "asyncio.Future[None]":
        """As `more`, but what comes goes to ``sink`` while it takes it."""
        self._sink = sink
        return self.more()

    def pour_no_more(self) -> None:
        """What comes waits again."""
        self._sink = None

    @property
    def has_news(self) -> bool:
        """Whether there is something to take, or to be told of."""
        return bool(self._parts) or self.ended or self.error is not None

    def take(self) -> list[bytes]:
        """The parts of the body that came since."""
        parts, self._parts, self._size = self._parts, [], 0
        if self._paused:
            self._paused = False
            if self.open:
                self._transport.resume_reading()
        return parts

    def leave(self) -> None:
        """Nobody reads on: it may end within a moment, else it is dropped."""
        self._leaving = True
        self._stop_timer()
        self._timer = self._loop.call_later(self.bounds.tail_s, self.abort)
        self.take()

    def fail(self, error: UpstreamError) -> None:
        """Give the reply up, and the connection with it."""
        if self.error is None:
            self.error = error
        self.abort()
        self._wake()

    def abort(self) -> None:
        """Drop the connection at once."""
        self.open = self.keeps = False
        self._stop_timer()
        self._outgoing = None
        self._transport.abort()

    # What the transport tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self.open = True
        self._owner.made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self._end_of_file()
        else:
            self._closed()
        self.abort()
        self._owner.lost(self)

    def eof_received(self) -> None:
        """A peer that says no more is gone: the transport closes."""
        self._end_of_file()
        self.open = self.keeps = False

    def data_received(self, data: bytes) -> None:
        if self.ended or self.error is not None:
            self.abort()  # bytes that nobody asked for: what comes next could be anybody's
            return
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._misread()
        else:
            self._bound()

    def pause_writing(self) -> None:
        self._stuck = True

    def resume_writing(self) -> None:
        self._stuck = False
        self._send_on()

    # What the parser tells.

    def on_message_begin(self) -> None:
        if self.ended:
            raise ValueError("a second reply")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += len(name) + len(value) + FIELD_BYTES
        if self._fields > HEAD_BYTES:
            raise ValueError("too many headers")
        if not self.status:  # else it is a trailer
            self.headers.setdefault(name.lower(), value.rstrip())

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            if status == 101 or status < 100:
                raise ValueError("no reply")
            self._interim = True
            self.headers = {}
            return
        self.status = status
        closes = not self._parser.should_keep_alive()
        if status == 408 and closes and self._kept and self._at_once():
            self.stale = True
            self.fail(self._broken())
            raise ValueError("no reply to what we asked")
        if self._held is None:
            self._wake()

    def on_body(self, body: bytes) -> None:
        self._barren = 0
        if self._leaving:
            return
        self._parts.append(body)
        self._size += len(body)
        if self._held is not None:
            self._hold(self._held, len(body))
        elif self._sink is None:
            self._wake()

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            return
        # A peer that answers before it has read the request may take its rest for another.
        unread = self._outgoing is not None or self._stuck
        self._end(keeps=self._parser.should_keep_alive() and not unread)

    # The rest.

    def _hold(self, held: HeldReply, size: int) -> None:
        try:
            held.came(size)
        except Broken as error:
            self._parts = []
            self.fail(error)
            raise

    def _misread(self) -> None:
        if self.ended:
            self.keeps = False
            self._bound()
        else:
            self.fail(self._broken())

    def _bound(self) -> None:
        """Look at what a piece has brought."""
        if self.ended:
            if self._leaving:
                self._leaving = False
                self._owner.free(self)
        elif self._barren > HEAD_BYTES:
            self.fail(self._broken())
        elif self._sink is not None and self._parts:
            self._pour_out(self._sink)
        elif self._size > HELD_BYTES and self._held is None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _pour_out(self, sink: Into) -> None:
        """What one read has brought, in one piece; who will not have it is woken."""
        chunk = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        poured = sink(chunk)
        if poured is Poured.KEPT:
            self._parts = [chunk]
        else:
            self._parts, self._size = [], 0
        if poured is not Poured.TAKEN:
            self._sink = None
            self._wake()

    def _end(self, *, keeps: bool) -> None:
        self.ended = True
        self.keeps = keeps
        self._outgoing = None
        self._stop_timer()
        self._wake()

    def _end_of_file(self) -> None:
        """The reply ends here where its head names no other end; else it is cut."""
        if (
            self.status
            and self.error is None
            and b"content-length" not in self.headers
            and b"transfer-encoding" not in self.headers
        ):
            if not self.ended:
                self._end(keeps=False)
        else:
            self._closed()

    def _closed(self) -> None:
        if self.ended or self.error is not None:
            return
        self.stale = self._kept and not self.status and not self._barren and self._at_once()
        self.fail(self._broken())

    def _at_once(self) -> bool:
        """Whether the request was sent so lately that nobody can have worked at it."""
        sent_s = self._until_s - self._endpoint.timeout_s
        return self._loop.time() - sent_s <= self.bounds.stale_s

    def _broken(self) -> Broken:
        if self.status:
            return Broken(f"{self._endpoint.name} cut or garbled its reply")
        why = "what it sent is no reply in HTTP" if self._barren else "it closed it without a reply"
        return Broken(f"{self._endpoint.name} broke the connection: {why}")

    def _expire(self) -> None:
        name, timeout_s = self._endpoint.name, self._endpoint.timeout_s
        what = "did not end within" if self.status else "was silent for"
        self.fail(TimedOut(f"{name} {what} {timeout_s:g} s"))

    def _send_on(self) -> None:
        """A piece now, and one each turn of the loop while the peer takes them."""
        if self._outgoing is None:
            return
        piece, rest = self._outgoing[:PIECE_BYTES], self._outgoing[PIECE_BYTES:]
        self._outgoing = rest or None
        self._transport.write(piece)
        if rest and not self._stuck:
            self._loop.call_soon(self._send_on)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
