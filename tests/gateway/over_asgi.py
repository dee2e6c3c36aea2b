"""`Exchange` over ASGI: a handler behind any such server, to compare it with our own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from quotadeck.domain.refusals import BodyCut
from quotadeck.gateway.connection.connections import seat_of
from quotadeck.gateway.connection.exchange import Exchange, Header

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


def over_asgi(handle: Callable[[Exchange], Awaitable[None]]) -> App:
    """The ASGI application that has its requests answered by ``handle``.

    Where that ends without a whole answer the connection is cut: what has come is not the whole.
    """

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"the data plane speaks HTTP only, not {scope['type']}")
        exchange = AsgiExchange(scope, receive, send)
        try:
            await handle(exchange)
        finally:
            await exchange.leave()
        if not exchange.whole:
            exchange.seat.hang_up()
            while (await receive())["type"] != "http.disconnect":
                pass

    return app


class AsgiExchange:
    """See `Exchange`."""

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: Sequence[Header] = scope["headers"]
        self.seat = seat_of(scope)
        self.begun = self.whole = False
        self._receive = receive
        self._send = send
        self._watch: asyncio.Future[Message] | None = None

    async def body(self, grow: Callable[[int], None]) -> bytes:
        parts: list[bytes] = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BodyCut
            part = message.get("body", b"")
            grow(len(part))
            parts.append(part)
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def watch(self, gone: Callable[[], None]) -> None:
        self._watch = asyncio.ensure_future(self._receive())

        def told(watch: "asyncio.Future[Message]") -> None:
            if not watch.cancelled():
                gone()

        self._watch.add_done_callback(told)

    async def answer(self, status: int, head: bytes, body: bytes) -> None:
        await self._start(status, b"%bcontent-length: %d\r\n" % (head, len(body)))
        await self.finish(body)

    async def begin(self, status: int, head: bytes) -> None:
        await self._start(status, head)

    async def write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    taking = False

    def write_now(self, data: bytes) -> None:
        raise NotImplementedError

    async def finish(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data})
        self.whole = True

    async def leave(self) -> None:
        """Nothing more is done with it."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def _start(self, status: int, head: bytes) -> None:
        pairs = (line.split(b": ", 1) for line in head.split(b"\r\n") if line)
        headers = [(name, value) for name, value in pairs]
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
