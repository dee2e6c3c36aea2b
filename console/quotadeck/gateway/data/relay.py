"""Relaying a stream, and settling it whatever becomes of the client or the upstream.

Nothing is sent before the first event of the answer, for a while at most: until then an error is an
answer of its own, with its own status.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from quotadeck.dialects.base import NotAnAnswer, Relay
from quotadeck.domain.calls import Call, told_cost
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import AnswerCut, LedgerUnavailable, Refusal, UpstreamFailed
from quotadeck.domain.text import clean_lines
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.data.flight import Flight
from quotadeck.gateway.data.flights import Flights
from quotadeck.gateway.data.turned import is_whole, streamed
from quotadeck.gateway.log.handler import of_request
from quotadeck.gateway.upstream.client import (
    MAX_REPLY_BYTES,
    Broken,
    Poured,
    StreamReply,
    UpstreamError,
    gathered,
)
from quotadeck.gateway.upstream.failures import (
    CUT,
    LEFT,
    MAX_MESSAGE,
    NO_STREAM,
    OUR_FAULT,
    Failed,
    failed_as,
    failed_by,
    failure_of_stream,
)

LOG = logging.getLogger(__name__)
LISTEN_ON_S = 5.0
"""So long the upstream is read on after the client went, to learn the real usage."""
LAST_WORDS_S = 1.0
"""So long a client may take the last event of a stream that is cut from here."""
OPENING_S = 15.0
"""So long the first event is waited for, before the client gets a status all the same."""
QUIET_S = 15.0
"""So long nothing is sent before a sign of life is."""
_MOST_QUIET_BYTES: Final = 64 * 1024
"""More than this of comments is sent before the first event."""
_SIGN_OF_LIFE: Final = b": keep-alive\n"
"""A line: with an empty line behind it, the official SDKs would take it for an event."""


class _Client:
    """The client's side: once it is gone, the upstream is heard out for a moment, then cut."""

    def __init__(self, flight: Flight, exchange: Exchange, reply: StreamReply) -> None:
        self._flight = flight
        self.exchange = exchange
        self._reply = reply
        self._loop = asyncio.get_running_loop()
        self._cut: asyncio.TimerHandle | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self.wrote_s = 0.0
        """When something was written last, by the loop's clock."""
        self.gone = False
        exchange.watch(self._went)

    def _went(self) -> None:
        self.gone = True
        self._cut = self._loop.call_later(LISTEN_ON_S, self._reply.cut)

    async def begin(self, head: bytes) -> None:
        await self.exchange.begin(200, head)
        self.wrote_s = self._loop.time()
        self._quiet = self._loop.call_later(QUIET_S, self._live)

    def _live(self) -> None:
        """Say that the answer goes on, where nothing has said so for a while."""
        due_s = self.wrote_s + QUIET_S
        if self._loop.time() >= due_s:
            if self.exchange.taking and not self._flight.writing and not self.gone:
                self.exchange.write_now(_SIGN_OF_LIFE)
            self.wrote_s = self._loop.time()
            due_s = self.wrote_s + QUIET_S
        self._quiet = self._loop.call_at(due_s, self._live)

    async def write(self, events: bytes) -> None:
        self._flight.writing = True
        await self.exchange.write(events)
        self._flight.writing = False
        self.wrote_s = self._loop.time()

    def write_now(self, events: bytes) -> None:
        self.exchange.write_now(events)
        self.wrote_s = self._loop.time()

    async def finish(self, last: bytes) -> None:
        self._flight.writing = True
        await self.exchange.finish(last)
        self._flight.writing = False

    def close(self) -> None:
        for timer in (self._cut, self._quiet):
            if timer:
                timer.cancel()


class _Opening:
    """What came before the client was sent anything."""

    def __init__(self, relay: Relay, reply: StreamReply) -> None:
        self._relay = relay
        self._reply = reply
        self.events = b""
        self.broken: UpstreamError | None = None
        self.whole = b""
        """The answer, where it came as a whole one."""

    async def come(self) -> None:
        """Wait for an event of the answer, the end, or what is no stream at all."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(OPENING_S):
                    await self._come()
            if self.whole:  # however long the rest takes: there is no status before all of it
                self.whole += await gathered(self._reply.next, MAX_REPLY_BYTES)
        except UpstreamError as error:
            self.broken = error

    async def _come(self) -> None:
        relay, known = self._relay, False
        while not (relay.begun or relay.ended or len(self.events) > _MOST_QUIET_BYTES):
            chunk = await self._reply.next()
            if not chunk:
                self.events += relay.close()
                if relay.error is None and not relay.done:
                    self.broken = Broken("its stream ended early")
                return
            if not known and is_whole(chunk):
                self.whole = chunk
                return
            known = known or bool(chunk.strip())
            self.events += relay.feed(chunk)

    def failed(self, flight: Flight) -> Failed | None:
        """Why there is no answer to begin with; None where there is one, or may be."""
        relay = self._relay
        if relay.begun:
            return None
        if relay.error is not None:
            told = NotAnAnswer("its stream is an error", relay.error, relay.usage)
            return failed_as(told, self._reply.headers, flight.lane.keys)
        if self.broken is None and relay.ended:
            self.broken = Broken(relay.broken or "its stream holds no answer")
        if not isinstance(self.broken, Broken):
            return None if self.broken is None else failed_by(self.broken)
        refusal = UpstreamFailed(str(self.broken), NO_STREAM.cause)
        # What it did until then may be billed.
        return Failed(NO_STREAM, refusal, flight.estimated(0))


async def relay_stream(
    flights: Flights,
    flight: Flight,
    reply: StreamReply,
    head: bytes,
    exchange: Exchange,
) -> Failed | None:
    """Pass the stream on, end the flight, and only then tell the client that it has ended.

    The terminal event says that the answer is whole, an error event that it is not. So nothing of
    what happens behind the first event is raised, and a task that was cancelled ends here. Before
    it, the attempt has failed, and nothing was sent.
    """
    relay = flight.stop.speech.relay(flight.ask)
    client = _Client(flight, exchange, reply)
    patience_s: float | None = None
    try:
        opening = _Opening(relay, reply)
        await opening.come()
        if opening.whole and opening.broken is None:
            return await _turned(flights, flight, opening.whole, reply, head, client)
        flight.said(opening.events)
        failed = None if client.gone else opening.failed(flight)
        if failed:
            return failed
        await client.begin(head)
        try:
            broken = opening.broken or await _relay(
                flights, flight, relay, reply, client, opening.events
            )
            if broken is None and relay.error is not None:
                words = clean_lines(flight.lane.keys.hide(relay.error.message), MAX_MESSAGE)
                broken = Broken(f"its stream ended with an error: {words or 'it says no more'}")
            call = await _end(flights, flight, relay, broken, gone=client.gone)
            last = _last(flight, relay, broken, call)
        except (Exception, asyncio.CancelledError) as fault:  # noqa: BLE001 -- told and logged
            reply.cut()
            last, patience_s = await _fallen(flights, flight, fault), LAST_WORDS_S
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await client.finish(last)
    finally:
        client.close()
    return None


async def _turned(
    flights: Flights,
    flight: Flight,
    whole: bytes,
    reply: StreamReply,
    head: bytes,
    client: _Client,
) -> Failed | None:
    """Tell a whole answer as the stream that was asked for."""
    try:
        read, relay = streamed(flight, whole)
    except NotAnAnswer as error:
        return failed_as(error, reply.headers, flight.lane.keys)
    flight.said(whole)
    failure = LEFT if client.gone else None
    response_id = flight.lane.keys.hide(read.response_id)
    call = await flights.end(flight, failure, read.usage, response_id, read.made)
    await client.begin(head)
    await client.write(read.body)
    await client.finish(relay.terminal(cost_of(flight, call)))
    return None


def cost_of(flight: Flight, call: Call) -> str | None:
    """What the call cost in dollars, where it is known and its stream is to tell."""
    return told_cost(call) if flight.lane.project.project.cost_comment else None


def _last(flight: Flight, relay: Relay, broken: UpstreamError | None, call: Call) -> bytes:
    """The last event of a stream whose end is on record."""
    cost_usd = cost_of(flight, call)
    if broken is None:
        return relay.terminal(cost_usd)
    refusal = UpstreamFailed(str(broken), call.cause)
    return flight.lane.dialect.error_event(refusal, cost_usd)


async def _relay(
    flights: Flights,
    flight: Flight,
    relay: Relay,
    reply: StreamReply,
    client: _Client,
    opening: bytes,
) -> UpstreamError | None:
    """Pass on what comes until the stream ends; why the upstream did not end it well."""
    exchange = client.exchange

    def pass_on(chunk: bytes) -> Poured:
        """Without a wait, which most chunks need not."""
        if not exchange.taking:
            return Poured.KEPT
        events = relay.feed(chunk)
        if events:
            flight.first_byte_ns = flight.first_byte_ns or flights.now_ns()
            client.write_now(events)
        return Poured.ENOUGH if relay.ended else Poured.TAKEN

    try:
        if opening:
            flight.first_byte_ns = flight.first_byte_ns or flights.now_ns()
            await client.write(opening)
        if not relay.ended:
            await reply.pour(pass_on)
        while not relay.ended and (chunk := await reply.next()):
            events = relay.feed(chunk)
            if events:
                flight.first_byte_ns = flight.first_byte_ns or flights.now_ns()
                await client.write(events)
            if not relay.ended:
                await reply.pour(pass_on)
        events = relay.close()
        if events:
            await client.write(events)
    except UpstreamError as error:
        return error
    if relay.broken:
        return Broken(relay.broken)
    return None if relay.done or relay.error is not None else Broken("its stream ended early")


async def _fallen(
    flights: Flights, flight: Flight, fault: Exception | asyncio.CancelledError
) -> bytes:
    """The last event of a stream that was cut, could not be recorded, or met a fault of ours.

    Whatever was sent may be billed, so it is charged.
    """
    cut = isinstance(fault, asyncio.CancelledError)
    try:
        await flights.end(flight, CUT if cut else OUR_FAULT)
    except LedgerUnavailable:
        pass  # settled all the same
    except Exception:
        LOG.exception(
            "request %s could not be ended", flight.arrival.id, extra=of_request(flight.arrival.id)
        )
    call = flight.ended
    refusal: Exception = fault if isinstance(fault, Exception) else why_cut(call)
    if not isinstance(refusal, Refusal):
        request = flight.arrival.id
        LOG.error(
            "request %s failed in its stream", request, exc_info=fault, extra=of_request(request)
        )
    cost_usd = None if call is None else cost_of(flight, call)
    return flight.lane.dialect.error_event(refusal, cost_usd)


def why_cut(call: Call | None) -> Refusal:
    """What to tell whose request was cancelled: it was too late, or the gateway goes down."""
    late = call is not None and call.cause in (Cause.TIMEOUT, Cause.CLIENT_GONE)
    return UpstreamFailed("it did not end in time", Cause.TIMEOUT) if late else AnswerCut()


async def _end(
    flights: Flights,
    flight: Flight,
    relay: Relay,
    broken: UpstreamError | None,
    *,
    gone: bool,
) -> Call:
    """A stream without usage is counted as its estimated input and a token for each delta."""
    usage = relay.usage or flight.estimated(relay.deltas)
    failure = failure_of_stream(broken, gone=gone, told=relay.error)
    if failure is None and gone:
        failure = LEFT
    response_id = flight.lane.keys.hide(relay.response_id)
    return await flights.end(flight, failure, usage, response_id, relay.made)
