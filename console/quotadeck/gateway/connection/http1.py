"""One HTTP/1.1 connection of the data plane: bounded in all that a peer can hold, and for how long.

Requests are read one at a time by `heads.py` and `bodies.py`: the next one begins where the last
one ended, behind its answer; what came before waits as bytes. So nothing of one can be taken for
another's, and a connection holds one request however many were sent. Each has a task of its own.
"""

import asyncio
import logging
from typing import Final

from quotadeck.domain.refusals import Draining, NotHttp, Refusal
from quotadeck.gateway.connection.bodies import (
    HELD_BYTES,
    UNREAD_BODY_BYTES,
    Body,
    ChunkedBody,
    SizedBody,
)
from quotadeck.gateway.connection.connections import Seat
from quotadeck.gateway.connection.heads import (
    HEAD_LIMIT_BYTES,
    BadRequest,
    HeadTooLarge,
    drop_empty_lines,
    end_of_head,
    read_head,
)
from quotadeck.gateway.connection.http1_exchange import Http1Exchange, whole_answer
from quotadeck.gateway.connection.http1_service import Service
from quotadeck.gateway.connection.lingering import Lingering
from quotadeck.gateway.connection.patience import (
    IDLE_S,
    KEEP_ALIVE_S,
    STRANGER_S,
    Patience,
    Stall,
    untaken_bytes,
)
from quotadeck.gateway.connection.peer import peer_uid
from quotadeck.gateway.connection.states import (
    ANSWERING,
    ASKED,
    ASKED_WHOLE,
    BEGUN,
    BODY,
    BODY_ENDED,
    CAME,
    EARLY,
    ENDED,
    HEAD,
    IDLE,
    LOST,
    PIECE,
    SKIPPING,
    STREAMING,
    Event,
    State,
    after,
)

LOG: Final = logging.getLogger(__name__)

_CR: Final = 0x0D
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_OWED_S: Final = {
    IDLE: (STRANGER_S, KEEP_ALIVE_S),
    HEAD: (STRANGER_S, IDLE_S),
    BODY: (STRANGER_S, IDLE_S),
    EARLY: (STRANGER_S, IDLE_S),
    SKIPPING: (STRANGER_S, IDLE_S),
}
"""How long a stranger, and somebody known, may owe us bytes; elsewhere nothing is owed."""


class Http1Connection(asyncio.Protocol):
    """See the module; ``service`` is what it shares with others."""

    __slots__ = (
        "_blank",
        "_body",
        "_ending",
        "_exchange",
        "_held",
        "_loop",
        "_mute",
        "_patience",
        "_received",
        "_seat",
        "_seen",
        "_service",
        "_stall",
        "_taken",
        "_turn",
        "_unread",
        "read_paused",
        "state",
        "transport",
        "write_paused",
    )

    transport: asyncio.Transport
    _seat: Seat
    _patience: Patience

    def __init__(self, service: Service) -> None:
        self._service = service
        self._loop = asyncio.get_running_loop()
        self.state: State = IDLE
        self._held = bytearray()
        """What came and was not read yet."""
        self._received = 0
        """Bytes, since the connection was made."""
        self._seen = 0
        """Bytes of the next head that were looked at before."""
        self._blank = 0
        """Bytes of empty lines before it."""
        self._turn = False
        """What is held is read on in the next turn of the loop: others have theirs between."""
        self._body: Body | None = None
        """What is still to come of it."""
        self._unread = 0
        """Bytes of the body that nobody wanted, because the answer was there before."""
        self._exchange: Http1Exchange | None = None
        """The request that has no whole answer yet."""
        self.read_paused = False
        self.write_paused = False
        self._taken: asyncio.Future[None] | None = None
        self._stall: Stall | None = None
        self._mute = False
        """The peer has ended its side, and is still to be answered."""
        self._ending: Lingering | None = None

    # What the transport tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        # So writing is paused whenever the peer has something to read, and only then.
        transport.set_write_buffer_limits(high=0)
        self._patience = Patience(self._loop.time())
        uid = peer_uid(transport.get_extra_info("socket"))
        self._seat = self._service.table.come(transport.abort, uid)
        self._service.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._to(LOST)
        self._body = None
        self._held.clear()
        self._service.lost(self)
        self._seat.leave()
        if self._ending is not None:
            self._ending.lost()
        self._lose_exchange()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self.state is IDLE:
            self._patience.renew(self._loop.time(), self._received)
            self._to(CAME)
        self._received += len(data)
        if self._ending is not None:
            self._ending.drop(len(data))
            return
        self._held += data
        self._read_on()

    def eof_received(self) -> bool:
        """Who says no more than this is gone, but for one that waits for its answer: it may read.

        Else the transport closes.
        """
        self._mute = self.state is ANSWERING or self.state is STREAMING
        if self._mute:
            assert self._exchange is not None
            self._exchange.hang_up()
        return self._mute

    def pause_writing(self) -> None:
        self.write_paused = True
        self._stall = Stall(self._loop.time(), untaken_bytes(self.transport))

    def resume_writing(self) -> None:
        self.write_paused = False
        self._stall = None
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)

    # What the server tells.

    def shutdown(self) -> None:
        """The server ends: finish the answer that is under way, and wait for nothing else."""
        if self.state is IDLE:
            self.transport.close()
        elif self.state in (HEAD, BODY):
            self._refuse(Draining())
        elif self.state is SKIPPING:
            self._end()
        elif self._exchange is not None:
            self._exchange.keep = False

    def cut_if_idle(self, now_s: float) -> None:
        """End the connection where the peer owes us something for too long.

        That is a request, its rest, or to read what it asked for. To be called every few seconds;
        ``now_s`` is the loop's time.
        """
        if self._stall is not None and self._stall.ends(now_s, untaken_bytes(self.transport)):
            self.transport.abort()
            return
        owed = None if self.read_paused else _OWED_S.get(self.state)
        if owed is None or self.transport.is_closing():
            self._patience.renew(now_s, self._received)
        elif self._patience.ends(now_s, self._received, owed[self._seat.known]):
            if self.state is IDLE:
                self.transport.close()
            else:
                self.transport.abort()

    # What the exchange tells (see `Outlet`).

    def go_on(self) -> None:
        """See `Outlet`."""
        self.transport.write(_CONTINUE)

    def send(self, event: Event, data: bytes) -> None:
        """See `Outlet`. Behind the end of an answer, what came behind its request has its turn."""
        self._to(event)
        if data:
            self.transport.write(data)
        if event is BEGUN or event is PIECE:
            return
        exchange, self._exchange = self._exchange, None
        assert exchange is not None
        self._seat.rest()
        if not exchange.keep:
            self._end()
            return
        self._unread = 0
        self._between()
        self._read_on()

    async def taken(self) -> None:
        """See `Outlet`."""
        while self.write_paused:
            self._taken = self._loop.create_future()
            await self._taken

    def wanted(self) -> None:
        """See `Outlet`."""
        self._bound_reading()

    # Reading.

    def _read_on(self) -> None:
        """Read what can be read of what is held: a body's rest, then the next request."""
        try:
            while self._held and not self._turn:
                state = self.state
                if state is HEAD:
                    going = self._read_head()
                elif state is BODY or state is EARLY or state is SKIPPING:
                    going = self._read_body()
                else:
                    break
                if not going:
                    break
        except BadRequest as bad:
            self._refuse(NotHttp(bad.status, str(bad)))
        if self.read_paused or self._held or self._body is not None:
            self._bound_reading()

    def _read_head(self) -> bool:
        held = self._held
        if held[0] == _CR:
            self._blank += drop_empty_lines(held)
            self._seen = 0
            if self._blank > HEAD_LIMIT_BYTES:
                raise HeadTooLarge
        end = end_of_head(held, self._seen)
        if not end:
            self._seen = len(held)
            return False
        head = read_head(held[:end])
        del held[:end]
        self._seen = self._blank = 0
        exchange = self._exchange = Http1Exchange(self, head, self._seat)
        size = head.body_bytes
        if size is not None and size <= len(held):  # as nearly always: all in one read
            exchange.came(bytes(held[:size]), ended=True)
            del held[:size]
            self._to(ASKED_WHOLE)
        else:
            self._body = ChunkedBody() if size is None else SizedBody(size)
            self._to(ASKED)
        self._service.starting.begin(self._start)
        return True

    def _start(self) -> None:
        """Have the request handled, unless its connection was lost before its turn."""
        exchange = self._exchange
        if exchange is not None:
            exchange.task = task = self._loop.create_task(self._run(exchange))
            self._service.tasks.add(task)

    def _read_body(self) -> bool:
        body = self._body
        assert body is not None
        part = body.take(self._held)
        if body.more:
            self._turn = True
            self._loop.call_soon(self._take_turn)
        if body.ended:
            self._body = None
            self._to(BODY_ENDED)
        if self._exchange is not None:
            if part or body.ended:
                self._exchange.came(part, ended=body.ended)
        else:
            self._unread += len(part)
            if self._unread > UNREAD_BODY_BYTES:
                self._end()
                return False
            if body.ended:
                self._between()
        return body.ended

    def _take_turn(self) -> None:
        self._turn = False
        self._read_on()

    def _between(self) -> None:
        """The answer is whole: the next request is owed, or the rest of this one."""
        self._patience.renew(self._loop.time(), self._received)
        if self.state is IDLE and self._held:
            self._to(CAME)

    def _bound_reading(self) -> None:
        """No more is read than what waits here has room for."""
        exchange = self._exchange
        full = len(self._held) > HELD_BYTES or (
            exchange is not None and exchange.held_bytes > HELD_BYTES and not exchange.asked
        )
        if full == self.read_paused or self.transport.is_closing():
            return
        self.read_paused = full
        if full:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    # The request's task, and the ends.

    async def _run(self, exchange: Http1Exchange) -> None:
        try:
            await self._service.handle(exchange)
        except Exception:
            LOG.exception("a request had no answer")
        finally:
            if exchange.task is not None:
                self._service.done(exchange.task)
            if not exchange.whole and not exchange.lost:
                self.transport.abort()  # what has come is not the whole

    def _refuse(self, refusal: Refusal) -> None:
        """Have the request that is being read refused, where it has no answer yet, and end."""
        if self.state is BODY and self._exchange is not None:
            # Whose it is, and in which dialect it asks, its handler knows.
            self._exchange.spoil(refusal)
            self._held.clear()
            return
        untold = self.state is HEAD
        self._lose_exchange()
        self._seat.rest()
        if untold:
            status, head, body = self._service.refused(refusal)
            self.transport.write(whole_answer(status, head, body, keep=False))
        self._end()

    def _lose_exchange(self) -> None:
        if self._exchange is not None:
            self._exchange.lose()
        self._exchange = None

    def _end(self) -> None:
        """Nothing more is said; the peer may still read what was (see `Lingering`)."""
        self._to(ENDED)
        self._held.clear()
        self._body = None
        self.read_paused = False
        if self._mute:
            self.transport.close()
            return
        self._ending = Lingering(self.transport, self._loop)
        self._ending.close()

    def _to(self, event: Event) -> None:
        self.state = after(self.state, event)
