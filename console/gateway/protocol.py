"""One HTTP connection of a server: uvicorn's protocol, with bounds on what a peer can hold."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from console.gateway.connections import SEAT, Connections, Seat
from console.gateway.patience import IDLE_S, Patience, Stall, untaken_bytes
from console.gateway.peer import PEER_UID, peer_uid

HEAD_LIMIT_BYTES: Final = 32 * 1024
PIPELINED: Final = 32
"""Requests that may wait behind the one being answered: each is kilobytes for some bytes sent."""
KEEP_ALIVE_S: Final = 75
"""Between two requests of somebody known."""
STRANGER_S: Final = 15
"""For a stranger, who has shown no valid key yet: until its request is whole, and between two."""

_TOO_LARGE: Final = b"The request's headers are larger than 32 KB."


class PeerProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that knows its peer's uid and bounds what a peer can hold.

    What is not body is capped at 32 KB: heads, trailers and chunk extensions count alike, as bytes
    without any progress of a message. How many connections there may be is decided by ``table``.
    """

    _seat: Seat
    _patience: Patience
    _stall: Stall | None = None
    _received = 0
    """Bytes, since the connection was made."""

    _progress = False
    _idle_bytes = 0
    _may_exceed = False
    _too_large = False
    _cut = False

    def __init__(self, *args: Any, table: Connections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = Patience(self.loop.time())
        # So writing is paused whenever the peer has something to read, and only then.
        transport.set_write_buffer_limits(high=0)
        uid = peer_uid(transport.get_extra_info("socket"))
        self._seat = self._table.come(transport.abort, uid)
        self.app_state = {**self.app_state, SEAT: self._seat}
        if uid is not None:
            self.app_state[PEER_UID] = uid

    def connection_lost(self, exc: Exception | None) -> None:
        self._seat.leave()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._seat.rest()
        self._patience.renew(self.loop.time(), self._received)
        self.timeout_keep_alive = KEEP_ALIVE_S if self._seat.known else STRANGER_S
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._stall = Stall(self.loop.time(), untaken_bytes(self.transport))
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stall = None
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None:
            self._patience.renew(self.loop.time(), self._received)
        self._received += len(data)
        self._progress = False
        self._may_exceed = self._idle_bytes + len(data) > HEAD_LIMIT_BYTES
        super().data_received(data)
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

        That is the rest of a request, or to read what it asked for; between requests uvicorn's own
        timer runs. To be called every few seconds; ``now_s`` is the loop's time.
        """
        if self._stall is not None and self._stall.ends(now_s, untaken_bytes(self.transport)):
            self.transport.abort()
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            owes = self.timeout_keep_alive_task is None
        else:
            owes = cycle.more_body and not self.flow.read_paused
        if not owes or self.transport.is_closing():
            self._patience.renew(now_s, self._received)
        elif self._patience.ends(now_s, self._received, IDLE_S if self._seat.known else STRANGER_S):
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
