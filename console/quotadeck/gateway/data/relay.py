"""Relaying a stream, and settling it whatever becomes of the client or the upstream."""

import asyncio
import logging
from contextlib import suppress

from quotadeck.dialects.base import Relay
from quotadeck.domain.calls import Call
from quotadeck.domain.cause import Cause
from quotadeck.domain.money import usd_exact
from quotadeck.domain.refusals import AnswerCut, LedgerUnavailable, Refusal, UpstreamFailed
from quotadeck.domain.text import clean_lines
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.data.flight import Flight
from quotadeck.gateway.data.flights import Flights
from quotadeck.gateway.log.handler import of_request
from quotadeck.gateway.upstream.client import Broken, Poured, StreamReply, UpstreamError
from quotadeck.gateway.upstream.failures import CUT, LEFT, MAX_MESSAGE, OUR_FAULT, failure_of_stream

LOG = logging.getLogger(__name__)
LISTEN_ON_S = 5.0
"""So long the upstream is read on after the client went, to learn the real usage."""
LAST_WORDS_S = 1.0
"""So long a client may take the last event of a stream that is cut from here."""


class _Client:
    """The client's side: once it is gone, the upstream is heard out for a moment, then cut."""

    def __init__(self, flight: Flight, exchange: Exchange, reply: StreamReply) -> None:
        self._flight = flight
        self.exchange = exchange
        self._reply = reply
        self._cut: asyncio.TimerHandle | None = None
        self.gone = False
        exchange.watch(self._went)

    def _went(self) -> None:
        self.gone = True
        loop = asyncio.get_running_loop()
        self._cut = loop.call_later(LISTEN_ON_S, self._reply.cut)

    async def write(self, events: bytes) -> None:
        self._flight.writing = True
        await self.exchange.write(events)
        self._flight.writing = False

    async def finish(self, last: bytes) -> None:
        self._flight.writing = True
        await self.exchange.finish(last)
        self._flight.writing = False

    def close(self) -> None:
        if self._cut:
            self._cut.cancel()


async def relay_stream(
    flights: Flights,
    flight: Flight,
    reply: StreamReply,
    head: bytes,
    exchange: Exchange,
) -> None:
    """Pass the stream on, end the flight, and only then tell the client that it has ended.

    Whatever ends it: the terminal event says that the answer is whole, an error event that it is
    not. So nothing of what happens is raised, and a task that was cancelled ends here.
    """
    relay = flight.stop.speech.relay(flight.ask)
    client = _Client(flight, exchange, reply)
    patience_s: float | None = None
    try:
        await exchange.begin(200, head)
        try:
            broken = await _relay(flights, flight, relay, reply, client)
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


def _last(flight: Flight, relay: Relay, broken: UpstreamError | None, call: Call) -> bytes:
    """The last event of a stream whose end is on record."""
    cost_usd = usd_exact(call.cost_nano_usd)
    if broken is None:
        return relay.terminal(cost_usd)
    refusal = UpstreamFailed(str(broken), call.cause)
    return flight.lane.dialect.error_event(refusal, cost_usd)


async def _relay(
    flights: Flights, flight: Flight, relay: Relay, reply: StreamReply, client: _Client
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
            exchange.write_now(events)
        return Poured.ENOUGH if relay.ended else Poured.TAKEN

    try:
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
    cost_usd = None if call is None else usd_exact(call.cost_nano_usd)
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
    failure = failure_of_stream(broken, gone=gone, told=relay.error is not None)
    if failure is None and gone:
        failure = LEFT
    response_id = flight.lane.keys.hide(relay.response_id)
    return await flights.end(flight, failure, usage, response_id, relay.made)
