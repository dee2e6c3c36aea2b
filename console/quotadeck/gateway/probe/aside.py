"""A call that no client sent: by the way of all calls, and with what is answered listened to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from quotadeck.dialects.base import Ask, Read, Relay, Translator, UpstreamSaid
from quotadeck.gateway.connection.exchange import Header
from quotadeck.gateway.data.lanes import Lane, Lanes
from quotadeck.gateway.upstream.client import (
    Bounds,
    Into,
    Poured,
    Reply,
    StreamReply,
    UpstreamClient,
)
from quotadeck.gateway.upstream.endpoint import Endpoint

MOST_BYTES: Final = 256 * 1024
"""So much of a reply is kept to be read; a few words need no more."""


class Heard:
    """What the upstream said to one call; ``status`` is 0 where it was not reached."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[bytes, bytes] = {}
        self.body = bytearray()

    def take(self, data: bytes) -> None:
        self.body += data[: MOST_BYTES - len(self.body)]


class Listening:
    """`UpstreamClient` by another one, with what comes put into ``heard``."""

    def __init__(self, asked: UpstreamClient, heard: Heard) -> None:
        self._asked = asked
        self._heard = heard

    async def call(self, endpoint: Endpoint, body: bytes, request_id: str) -> Reply:
        reply = await self._asked.call(endpoint, body, request_id)
        self._heard.status, self._heard.headers = reply.status, reply.headers
        self._heard.take(reply.body)
        return reply

    async def stream(self, endpoint: Endpoint, body: bytes, request_id: str) -> StreamReply:
        reply = await self._asked.stream(endpoint, body, request_id)
        self._heard.status, self._heard.headers = reply.status, reply.headers
        return _Overheard(reply, self._heard)


class _Overheard:
    """`StreamReply`, each piece of which is taken down."""

    def __init__(self, reply: StreamReply, heard: Heard) -> None:
        self._reply = reply
        self._heard = heard

    @property
    def status(self) -> int:
        return self._reply.status

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        return self._reply.headers

    @property
    def bounds(self) -> Bounds:
        return self._reply.bounds

    async def next(self) -> bytes:
        piece = await self._reply.next()
        self._heard.take(piece)
        return piece

    async def pour(self, into: Into) -> None:
        def sink(chunk: bytes) -> Poured:
            poured = into(chunk)
            if poured is not Poured.KEPT:
                self._heard.take(chunk)
            return poured

        await self._reply.pour(sink)

    def cut(self) -> None:
        self._reply.cut()

    def close(self) -> None:
        self._reply.close()


class Exact:
    """A translator that sends just these bytes, and reads as ``speech`` does."""

    def __init__(self, speech: Translator, body: bytes) -> None:
        self._speech = speech
        self._body = body

    def path(self, path: str) -> str:
        return self._speech.path(path)

    def forward(self, ask: Ask, model: str, *, stream_usage: bool = True) -> bytes:  # noqa: ARG002
        return self._body

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        return self._speech.asks_with(key)

    def lines(self, ask: Ask) -> str:
        return self._speech.lines(ask)

    def reply(self, body: bytes) -> Read:
        return self._speech.reply(body)

    def relay(self, ask: Ask) -> Relay:
        return self._speech.relay(ask)

    def error(self, body: bytes) -> UpstreamSaid:
        return self._speech.error(body)


class OneLane(Lanes):
    """The same lane for all."""

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        self._lane = lane

    def of(self, *_: Any, **__: Any) -> Lane:
        return self._lane


class Aside:
    """`Exchange` without a client: it sends ``body``, and takes whatever it is answered."""

    method = "POST"
    seat: Any = None
    """It has no connection, and no place among them."""
    begun = False
    taking = True

    def __init__(self, path: str, body: bytes) -> None:
        self.path = path
        self.headers: Sequence[Header] = ((b"content-type", b"application/json"),)
        self._body = body

    async def body(self, grow: Callable[[int], None]) -> bytes:
        grow(len(self._body))
        return self._body

    def watch(self, gone: Callable[[], None]) -> None: ...

    async def answer(self, status: int, head: bytes, body: bytes) -> None: ...

    async def begin(self, status: int, head: bytes) -> None: ...

    async def write(self, data: bytes) -> None: ...

    def write_now(self, data: bytes) -> None: ...

    async def finish(self, data: bytes) -> None: ...
