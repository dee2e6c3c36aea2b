"""Relaying a stream, and settling it whatever becomes of the client or the upstream."""

import asyncio
import logging
from contextlib import suppress

from quotadeck.dialects.openai.errors import error_reply
from quotadeck.dialects.openai.stream import OpenAIRelay, error_event
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.money import usd_exact
from quotadeck.domain.refusals import AnswerCut, LedgerUnavailable, Refusal, UpstreamFailed
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.flight import Ending, Flight, Flights
from quotadeck.gateway.data.http import Header, Message, Receive, Send
from quotadeck.gateway.data.openai_replies import error_words
from quotadeck.gateway.upstream.client import Broken, StreamReply, TimedOut, UpstreamError
from quotadeck.gateway.upstream.keys import UpstreamKeys

LOG = logging.getLogger(__name__)
LISTEN_ON_S = 5.0
"""So long the upstream is read on after the client went, to learn the real usage."""
LAST_WORDS_S = 1.0
"""So long a client may take the last event of a stream that is cut from here."""


class _Client:
    """The client's side: once it is gone, the upstream is heard out for a moment, then cut."""

    def __init__(self, flight: Flight, receive: Receive, send: Send, reply: StreamReply) -> None:
        loop = asyncio.get_running_loop()
        self._flight = flight
        self._send = send
        self._cut: asyncio.TimerHandle | None = None
        self._watch = asyncio.ensure_future(receive())

        def arm(watch: "asyncio.Future[Message]") -> None:
            if not watch.cancelled():
                self._cut = loop.call_later(LISTEN_ON_S, reply.cut)

        self._watch.add_done_callback(arm)

    @property
    def gone(self) -> bool:
        return self._watch.done()

    async def start(self, headers: list[Header]) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def write(self, events: bytes, *, more: bool = True) -> None:
        self._flight.writing = True
        await self._send({"type": "http.response.body", "body": events, "more_body": more})
        self._flight.writing = False

    async def close(self) -> None:
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        if self._cut:
            self._cut.cancel()


async def relay_stream(
    flights: Flights,
    flight: Flight,
    reply: StreamReply,
    keys: UpstreamKeys,
    headers: list[Header],
    receive: Receive,
    send: Send,
) -> None:
    """Pass the stream on, end the flight, and only then tell the client that it has ended.

    Whatever ends it: the terminal event says that the answer is whole, an error event that it is
    not. So nothing of what happens is raised, and a task that was cancelled ends here.
    """
    relay = OpenAIRelay(include_usage=flight.request.include_usage)
    client = _Client(flight, receive, send, reply)
    patience_s: float | None = None
    try:
        await client.start(headers)
        try:
            broken = await _relay(flights, flight, relay, reply, client)
            if broken is None and relay.error is not None:
                words = error_words(relay.error, keys)
                broken = Broken(f"its stream ended with an error: {words or 'it says no more'}")
            ending = _ending(relay, flight, broken, keys, gone=client.gone)
            last = _last(relay, broken, await flights.end(flight, ending))
        except (Exception, asyncio.CancelledError) as fault:  # noqa: BLE001 -- told and logged
            reply.cut()
            last, patience_s = await _fallen(flights, flight, fault), LAST_WORDS_S
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await client.write(last, more=False)
    finally:
        await client.close()


def _last(relay: OpenAIRelay, broken: UpstreamError | None, call: Call) -> bytes:
    """The last event of a stream whose end is on record."""
    cost_usd = usd_exact(call.cost_nano_usd)
    if broken is None:
        return relay.terminal(cost_usd)
    return error_event(error_reply(UpstreamFailed(str(broken), call.cause)).body, cost_usd)


async def _relay(
    flights: Flights, flight: Flight, relay: OpenAIRelay, reply: StreamReply, client: _Client
) -> UpstreamError | None:
    """Pass on what comes until the stream ends; why the upstream did not end it well."""
    try:
        while chunk := await reply.next():
            events = relay.feed(chunk)
            if events:
                flight.first_byte_ns = flight.first_byte_ns or flights.now_ns()
                await client.write(events)
            if relay.ended:
                break
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
        await flights.end(
            flight, Ending(Outcome.UNKNOWN, Cause.RESTART if cut else Cause.BROKEN_REPLY, 0)
        )
    except LedgerUnavailable:
        pass  # settled all the same
    except Exception:
        LOG.exception("request %s could not be ended", flight.arrival.id)
    call = flight.ended
    if isinstance(fault, asyncio.CancelledError):
        reply = error_reply(why_cut(call))
    else:
        if not isinstance(fault, Refusal):
            LOG.error("request %s failed in its stream", flight.arrival.id, exc_info=fault)
        reply = error_reply(fault)
    return error_event(reply.body, None if call is None else usd_exact(call.cost_nano_usd))


def why_cut(call: Call | None) -> Refusal:
    """What to tell whose request was cancelled: it was too late, or the gateway goes down."""
    late = call is not None and call.cause in (Cause.TIMEOUT, Cause.CLIENT_GONE)
    return UpstreamFailed("it did not end in time", Cause.TIMEOUT) if late else AnswerCut()


def _ending(
    relay: OpenAIRelay,
    flight: Flight,
    broken: UpstreamError | None,
    keys: UpstreamKeys,
    *,
    gone: bool,
) -> Ending:
    """A stream without usage is counted as its estimated input and a token for each delta."""
    usage = relay.usage or Usage(flight.ticket.size.input_tokens, 0, relay.deltas, is_estimate=True)
    response_id = keys.hide(relay.response_id)
    if relay.error is not None:
        return Ending(Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX, 200, usage, response_id)
    if gone and broken is not None:
        return Ending(Outcome.UNKNOWN, Cause.CLIENT_GONE, 200, usage, response_id)
    if isinstance(broken, TimedOut):
        return Ending(Outcome.UPSTREAM_ERROR, Cause.TIMEOUT, 200, usage, response_id)
    if broken is not None:
        return Ending(Outcome.UPSTREAM_ERROR, Cause.BROKEN_REPLY, 200, usage, response_id)
    cause = Cause.CLIENT_GONE if gone else Cause.NONE
    return Ending(Outcome.OK, cause, 200, usage, response_id)
