"""One HTTP connection of a server: uvicorn's protocol, with bounds on what a peer can hold."""

import asyncio
import urllib.parse
from typing import Any, Final

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from quotadeck.gateway.connection.bodies import (
    HELD_BYTES,
    UNREAD_BODY_BYTES,
    Body,
    ChunkedBody,
    SizedBody,
)
from quotadeck.gateway.connection.connections import SEAT, Connections, Seat
from quotadeck.gateway.connection.heads import (
    HEAD_LIMIT_BYTES,
    BadRequest,
    GoingDown,
    HeadTooLarge,
    RequestHead,
    drop_empty_lines,
    end_of_head,
    read_head,
)
from quotadeck.gateway.connection.http1_exchange import whole_answer
from quotadeck.gateway.connection.lingering import Lingering
from quotadeck.gateway.connection.patience import (
    IDLE_S,
    KEEP_ALIVE_S,
    STRANGER_S,
    Patience,
    Stall,
    untaken_bytes,
)
from quotadeck.gateway.connection.peer import PEER_UID, peer_uid

_CR: Final = 0x0D
_PLAIN: Final = b"content-type: text/plain; charset=utf-8\r\n"


class ReadFlow(FlowControl):
    """uvicorn's, but nobody has more read while ``full``."""

    full = False

    def resume_reading(self) -> None:
        if not self.full:
            super().resume_reading()


class PeerProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that knows its peer's uid and bounds what a peer can hold.

    Requests are read one at a time by `heads.py` and `bodies.py`: the next one begins where the
    last one ended, after its answer; what came before waits as bytes. So nothing of one can be
    taken for another's, and a connection holds one request however many were sent.
    uvicorn's own parser is not used: it can be switched to another protocol, and then loses count.

    How many connections there may be is decided by ``table``.
    """

    _seat: Seat
    _ending: Lingering
    _patience: Patience
    _stall: Stall | None = None
    _received = 0
    """Bytes, since the connection was made."""
    _body: Body | None = None
    """Of the request being read; None between requests."""
    _seen = 0
    """Bytes of the next head that were looked at before."""
    _blank = 0
    """Bytes of empty lines before it."""
    _turn = False
    """What is held is read on in the next turn of the loop: others have theirs between."""
    _unread = 0
    """Bytes of the body that nobody wanted, because the answer was there before."""

    def __init__(self, *args: Any, table: Connections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table
        self._held = bytearray()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow: ReadFlow = ReadFlow(transport)
        self._patience = Patience(self.loop.time())
        self._ending = Lingering(transport, self.loop)
        # So writing is paused whenever the peer has something to read, and only then.
        transport.set_write_buffer_limits(high=0)
        uid = peer_uid(transport.get_extra_info("socket"))
        self._seat = self._table.come(transport.abort, uid)
        self.app_state = {**self.app_state, SEAT: self._seat}
        if uid is not None:
            self.app_state[PEER_UID] = uid

    def connection_lost(self, exc: Exception | None) -> None:
        self._seat.leave()
        self._ending.lost()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._seat.rest()
        if self._ending.begun:
            return
        self._patience.renew(self.loop.time(), self._received)
        self.timeout_keep_alive = KEEP_ALIVE_S if self._seat.known else STRANGER_S
        super().on_response_complete()
        if self._held:
            self._unset_keepalive_if_required()
            self._read_on()

    def pause_writing(self) -> None:
        self._stall = Stall(self.loop.time(), untaken_bytes(self.transport))
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stall = None
        super().resume_writing()

    def shutdown(self) -> None:
        """The server ends: finish the answer that is under way, and wait for nothing else."""
        if self._ending.begun:
            return
        if self._body is None or self.cycle.response_started:
            super().shutdown()
        else:
            self._refuse(GoingDown())

    def data_received(self, data: bytes) -> None:
        if self._ending.begun:
            self._ending.drop(len(data))
            return
        if self.timeout_keep_alive_task is not None:
            self._patience.renew(self.loop.time(), self._received)
        self._received += len(data)
        self._unset_keepalive_if_required()
        self._held += data
        self._read_on()
        self._bound_reading()

    def _take_turn(self) -> None:
        self._turn = False
        if not self._ending.is_closing():
            self._read_on()
            self._bound_reading()

    def _bound_reading(self) -> None:
        """Between two turns no more is read than the next ones take."""
        was_full = self.flow.full
        self.flow.full = self._turn and len(self._held) > HELD_BYTES
        if self.flow.full:
            self.flow.pause_reading()
        elif was_full and (self.cycle.response_complete or len(self.cycle.body) < HIGH_WATER_LIMIT):
            self.flow.resume_reading()

    def _read_on(self) -> None:
        """Read what can be read of what is held: a body's rest, then the next request."""
        try:
            while self._held and not self._turn and not self._ending.is_closing():
                cycle: RequestResponseCycle | None = self.cycle
                if self._body is not None:
                    going = self._read_body(self._body)
                elif cycle is not None and not cycle.response_complete:
                    going = False
                    if len(self._held) > HELD_BYTES:
                        self.flow.pause_reading()
                else:
                    going = self._read_head()
                if not going:
                    return
        except BadRequest as bad:
            self._refuse(bad)

    def _read_head(self) -> bool:
        if self._held[0] == _CR:
            self._blank += drop_empty_lines(self._held)
            self._seen = 0
            if self._blank > HEAD_LIMIT_BYTES:
                raise HeadTooLarge
        end = end_of_head(self._held, self._seen)
        if not end:
            self._seen = len(self._held)
            return False
        head = read_head(self._held[:end])
        del self._held[:end]
        self._seen = self._blank = self._unread = 0
        self._begin(head)
        return True

    def _begin(self, head: RequestHead) -> None:
        path = head.path.decode("ascii")
        self.scope = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": head.version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "method": head.method,
            "root_path": self.root_path,
            "path": self.root_path + (urllib.parse.unquote(path) if "%" in path else path),
            "raw_path": self.root_path.encode("ascii") + head.path,
            "query_string": head.query,
            "headers": head.headers,
            "state": self.app_state.copy(),
        }
        self.cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self._ending,  # type: ignore[arg-type]  # of which it uses these methods
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=head.expects_continue,
            keep_alive=head.keep_alive,
            on_response=self.on_response_complete,
        )
        size = head.body_bytes
        if size is not None and size <= len(self._held):  # as nearly always: all in one read
            self.cycle.body += self._held[:size]
            del self._held[:size]
            self.cycle.more_body = False
            self.cycle.message_event.set()
        else:
            self._body = ChunkedBody() if size is None else SizedBody(size)
        self._start_asgi_task(self.cycle, self.app)

    def _read_body(self, body: Body) -> bool:
        cycle = self.cycle
        part = body.take(self._held)
        if body.more:
            self._turn = True
            self.loop.call_soon(self._take_turn)
        if not part and not body.ended:
            return False
        if body.ended:
            self._body = None
        if cycle.response_complete:
            self._skip(len(part))
            return body.ended
        cycle.body += part
        cycle.more_body = not body.ended
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()
        return body.ended

    def _skip(self, size: int) -> None:
        self._unread += size
        if self._unread > UNREAD_BODY_BYTES:
            self._ending.close()
        elif self._body is None:  # between requests again
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _refuse(self, bad: BadRequest) -> None:
        """Answer for the request that is being read, where it has no answer yet, and close."""
        self._held.clear()
        answered = False
        if self._body is not None:
            answered = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not answered:
            words = str(bad).encode("ascii")
            self.transport.write(whole_answer(bad.status, _PLAIN, words, keep=False))
        self._ending.close()

    def cut_if_idle(self, now_s: float) -> None:
        """End the connection where the peer owes us something for too long.

        That is the rest of a request, or to read what it asked for; between requests uvicorn's own
        timer runs. To be called every few seconds; ``now_s`` is the loop's time.
        """
        if self._stall is not None and self._stall.ends(now_s, untaken_bytes(self.transport)):
            self.transport.abort()
            return
        if self._ending.begun:
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
