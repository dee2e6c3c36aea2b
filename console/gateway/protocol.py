"""One HTTP connection of a server: uvicorn's protocol, with bounds on what a peer can hold."""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from console.gateway.peer import PEER_UID, peer_uid

HEAD_LIMIT_BYTES: Final = 32 * 1024
PIPELINED: Final = 32
"""Requests that may wait behind the one being answered: each is kilobytes for some bytes sent."""
IDLE_S: Final = 60.0
"""A head must be whole in this time, and a body may pause no longer."""

_TOO_LARGE: Final = b"The request's headers are larger than 32 KB."


class PeerProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that knows its peer's uid and bounds what a peer can hold.

    What is not body is capped at 32 KB: heads, trailers and chunk extensions count alike, as bytes
    without any progress of a message. ``limit_concurrency`` is the most connections: one more is
    cut at once, while uvicorn alone would let it in and refuse everybody's requests.
    """

    _progress = False
    _idle_bytes = 0
    _may_exceed = False
    _too_large = False
    _cut = False
    _closing = False
    _since_s = 0.0
    """When the last progress was, or the first byte of a head that is not whole yet."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since_s = self.loop.time()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self.connections.discard(self)
            transport.abort()
            return
        uid = peer_uid(transport.get_extra_info("socket"))
        if uid is not None:
            self.app_state = {**self.app_state, PEER_UID: uid}

    def data_received(self, data: bytes) -> None:
        self._progress = False
        self._may_exceed = self._idle_bytes + len(data) > HEAD_LIMIT_BYTES
        super().data_received(data)
        if self._progress or not self._idle_bytes:
            self._since_s = self.loop.time()
        if self._progress:
            self._idle_bytes = 0
            return
        self._idle_bytes += len(data)
        if self._idle_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            self._too_large = True
            self.send_400_response("")

    def on_headers_complete(self) -> None:
        self._progress = True
        if self._may_exceed and self._head_bytes() > HEAD_LIMIT_BYTES:
            self._too_large = True
            raise ValueError("headers too large")  # the parser turns it into send_400_response
        if len(self.pipeline) >= PIPELINED:
            self._cut = True
            raise ValueError("too many requests at once")
        super().on_headers_complete()
        # The scope keeps its list: trailers are no headers (RFC 9110, 6.5.1) and go nowhere.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._progress = True
        super().on_message_complete()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def cut_if_idle(self, now_s: float) -> None:
        """End the connection where the peer owes us something for too long.

        That is a request that does not go on, or to read what a closing connection has left;
        between requests uvicorn's own timer runs. To be called once every ``IDLE_S`` or so.
        """
        if self.transport.is_closing():
            if self._closing:
                self.transport.abort()
            self._closing = True
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            owes = self.timeout_keep_alive_task is None
        else:
            owes = cycle.more_body
        if owes and now_s - self._since_s >= IDLE_S:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        if self._cut:
            self.transport.abort()
            return
        if not self._too_large:
            super().send_400_response(msg)
            return
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
            b"content-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TOO_LARGE), _TOO_LARGE)
        )
        self.transport.close()
