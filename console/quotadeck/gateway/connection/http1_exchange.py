"""One request on its HTTP/1 connection, and its answer's way back: what a handler holds."""

import asyncio
import http
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from quotadeck.domain.refusals import BodyCut, Refusal
from quotadeck.gateway.connection.connections import Seat
from quotadeck.gateway.connection.dates import date_line
from quotadeck.gateway.connection.exchange import Header
from quotadeck.gateway.connection.heads import RequestHead
from quotadeck.gateway.connection.states import (
    ANSWERED,
    BEGUN,
    FINISHED,
    PIECE,
    Event,
    Impossible,
)

_PHRASES: Final = {status.value: status.phrase for status in http.HTTPStatus}
_STATUS_LINES: Final = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode()
    for status in range(200, 600)
}
PIECE_BYTES: Final = 256 * 1024
"""A larger answer is written in pieces of so much."""
_WITHOUT_BODY: Final = (204, 304)
_CLOSE: Final = b"connection: close\r\n"


class Outlet(Protocol):
    """The connection, as an exchange uses it."""

    write_paused: bool
    """The client has not taken all that was written."""

    def go_on(self) -> None:
        """Tell the client to send its body."""

    def send(self, event: Event, data: bytes) -> None:
        """A piece of the answer, and what it is. Raises Impossible where it has no place."""

    async def taken(self) -> None:
        """Wait until the client took what was written, or is gone."""

    def wanted(self) -> None:
        """The handler waits for the rest of the body."""


class Http1Exchange:
    """See `Exchange`. Once it is answered, or its client is gone, nothing of it is written."""

    __slots__ = (
        "_body_ended",
        "_came",
        "_chunked",
        "_expects",
        "_gone",
        "_head",
        "_headless",
        "_hung_up",
        "_more",
        "_outlet",
        "_pieces",
        "_spoilt",
        "asked",
        "headers",
        "held_bytes",
        "keep",
        "lost",
        "method",
        "path",
        "seat",
        "task",
        "whole",
    )

    def __init__(self, outlet: Outlet, head: RequestHead, seat: Seat) -> None:
        self._outlet = outlet
        path = head.path.decode("ascii")
        self.method = head.method
        self.path = urllib.parse.unquote(path) if "%" in path else path
        self.headers: Sequence[Header] = head.headers
        self.seat = seat
        self.keep = head.keep_alive
        """Whether the connection stays behind the answer; a head that says otherwise ends it."""
        self.lost = False
        """Nobody is there to be answered."""
        self.whole = False
        """The answer's last byte was written, or had nobody to go to."""
        self.task: asyncio.Task[None] | None = None
        self.asked = False
        """The handler waits for the body."""
        self.held_bytes = 0
        """Of the body, that the handler has not taken."""
        self._came: list[bytes] = []
        self._body_ended = False
        self._spoilt: Refusal | None = None
        """Why the rest of the body will not be had."""
        self._more: asyncio.Future[None] | None = None
        self._expects = head.expects_continue
        self._gone: Callable[[], None] | None = None
        self._hung_up = False
        self._pieces = False
        self._head: bytes | None = None
        """Of an answer in pieces, until it is written: with the first of them, where that comes in
        the same turn of the loop."""
        self._headless = head.method == "HEAD"
        self._chunked = head.version != "1.0"
        """HTTP/1.0 knows no chunks: there the end of the connection is the end of the answer."""

    @property
    def begun(self) -> bool:
        """See `Exchange`."""
        return self.whole or self._pieces

    async def body(self, grow: Callable[[int], None]) -> bytes:
        """See `Exchange`."""
        if self._expects:
            self._expects = False
            if not self.lost:
                self._outlet.go_on()
        parts: list[bytes] = []
        self.asked = True
        try:
            while not self.lost:
                came, self._came, self.held_bytes = self._came, [], 0
                for part in came:
                    grow(len(part))
                parts += came
                if self._spoilt is not None:
                    raise self._spoilt
                if self._body_ended:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
                self._outlet.wanted()
                self._more = asyncio.get_running_loop().create_future()
                await self._more
        finally:
            self.asked = False
        raise BodyCut

    def watch(self, gone: Callable[[], None]) -> None:
        """See `Exchange`."""
        if self._hung_up:
            asyncio.get_running_loop().call_soon(gone)
        else:
            self._gone = gone

    async def answer(self, status: int, head: bytes, body: bytes) -> None:
        """See `Exchange`."""
        if await self._heard():
            self._may_stay(head)
            bare = self._headless or status in _WITHOUT_BODY
            if len(body) > PIECE_BYTES and not bare:
                await self._answer_in_pieces(status, head, body)
            else:
                data = whole_answer(status, head, body, keep=self.keep, headless=bare)
                self._outlet.send(ANSWERED, data)
        self.whole = True

    async def _answer_in_pieces(self, status: int, head: bytes, body: bytes) -> None:
        """As the client takes them: what it does not take is in memory once, and counts there."""
        self._pieces = True
        data = whole_answer(status, head, body[:PIECE_BYTES], len(body), keep=self.keep)
        self._outlet.send(BEGUN, data)
        for at in range(PIECE_BYTES, len(body), PIECE_BYTES):
            if not await self._heard():
                return
            last = at + PIECE_BYTES >= len(body)
            self._outlet.send(FINISHED if last else PIECE, body[at : at + PIECE_BYTES])

    async def begin(self, status: int, head: bytes) -> None:
        """See `Exchange`."""
        if self.begun:
            raise Impossible("a second answer to a request")
        self._may_stay(head)
        self._headless = self._headless or status in _WITHOUT_BODY
        self._pieces = True
        framed = self._chunked and not self._headless
        framing = b"transfer-encoding: chunked\r\n" if framed else b""
        self._head = b"".join((_STATUS_LINES[status], date_line(), _lines(head), framing))
        asyncio.get_running_loop().call_soon(self._send_head)

    async def write(self, data: bytes) -> None:
        """See `Exchange`."""
        if await self._heard():
            self._put(data)

    @property
    def taking(self) -> bool:
        """See `Exchange`."""
        return not self._outlet.write_paused

    def write_now(self, data: bytes) -> None:
        """See `Exchange`."""
        if self.whole:
            raise Impossible("a piece of an answer that is whole")
        if not self.lost:
            self._put(data)

    def _put(self, data: bytes) -> None:
        data = self._framed(data)
        if self._head is not None:
            self._outlet.send(BEGUN, self._take_head() + data)
        else:
            self._outlet.send(PIECE, data)

    async def finish(self, data: bytes) -> None:
        """See `Exchange`."""
        if await self._heard():
            end = b"0\r\n\r\n" if self._chunked and not self._headless else b""
            data = self._framed(data) + end
            if self._head is not None:
                self._outlet.send(ANSWERED, self._take_head() + data)
            else:
                self._outlet.send(FINISHED, data)
        self.whole = True

    def came(self, part: bytes, *, ended: bool) -> None:
        """A part of the body is there, or its end."""
        if part or not self._came:
            self._came.append(part)
        self.held_bytes += len(part)
        self._body_ended = ended
        self._wake()

    def spoil(self, refusal: Refusal) -> None:
        """The rest of the body is not to be had: who asks for it is told so."""
        self._spoilt = refusal
        self._came, self.held_bytes = [], 0
        self.keep = False
        self._wake()

    def lose(self) -> None:
        """The client is gone, or was told otherwise."""
        self.lost = True
        self._wake()
        self.hang_up()

    def hang_up(self) -> None:
        """The client says nothing more: it is gone, most likely, but may read its answer still."""
        self.keep = False
        self._hung_up = True
        gone, self._gone = self._gone, None
        if gone is not None and not self.whole:
            gone()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def _heard(self) -> bool:
        """Whether there is somebody who hears it, once what was written before is taken."""
        if self._outlet.write_paused:
            await self._outlet.taken()
        if self.whole:
            raise Impossible("an answer to a request that has one")
        return not self.lost

    def _framed(self, data: bytes) -> bytes:
        if self._headless:
            return b""
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked and data else data

    def _may_stay(self, head: bytes) -> None:
        """Whether the connection stays: the head may say no, and who never heard that it may send
        its body may send the next request instead."""
        if _CLOSE in head or (self._expects and not self._body_ended):
            self.keep = False

    def _send_head(self) -> None:
        if self._head is not None and not self.lost:
            self._outlet.send(BEGUN, self._take_head())

    def _take_head(self) -> bytes:
        head, self._head = self._head or b"", None
        return b"%b%b\r\n" % (head, b"" if self.keep or _CLOSE in head else _CLOSE)


def whole_answer(
    status: int,
    head: bytes,
    body: bytes,
    size: int | None = None,
    *,
    keep: bool,
    headless: bool = False,
) -> bytes:
    """An answer in one piece, or its beginning where ``size`` says that there is more.

    ``headless`` is one to HEAD, which has no body.
    """
    size = len(body) if size is None else size
    return b"".join(
        (
            _STATUS_LINES[status],
            date_line(),
            _lines(head),
            b"" if keep or _CLOSE in head else _CLOSE,
            b"\r\n" if status in _WITHOUT_BODY else b"content-length: %d\r\n\r\n" % size,
            b"" if headless or status in _WITHOUT_BODY else body,
        )
    )


def _lines(head: bytes) -> bytes:
    """Header lines that end where they should, and not before."""
    if head and (not head.endswith(b"\r\n") or b"\r\n\r\n" in head):
        raise ValueError("an answer's head is no whole lines")
    return head
