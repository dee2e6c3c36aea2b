"""Relaying a stream, and settling it whatever becomes of the client or the upstream."""

import asyncio

from console.domain.calls import Cause, Outcome
from console.domain.money import usd_exact
from console.gateway.flight import Ending, Flight, FlightDeck
from console.gateway.http import Header, Message, Receive, Send
from console.gateway.openai_errors import error_reply
from console.gateway.openai_replies import error_words
from console.gateway.refusals import UpstreamFailed
from console.gateway.sse import DONE, EventTooLong, OpenAIRelay, cost_comment, error_event
from console.gateway.upstream import Broken, StreamReply, TimedOut, UpstreamError
from console.gateway.usage import Usage

LISTEN_ON_S = 5.0
"""So long the upstream is read on after the client went, to learn the real usage."""


class _Client:
    """The client's side: once it is gone, the upstream is heard out for a moment, then cut."""

    def __init__(self, receive: Receive, reply: StreamReply) -> None:
        loop = asyncio.get_running_loop()
        self._cut: asyncio.TimerHandle | None = None
        self._watch = asyncio.ensure_future(receive())

        def arm(watch: "asyncio.Future[Message]") -> None:
            if not watch.cancelled():
                self._cut = loop.call_later(LISTEN_ON_S, reply.cut)

        self._watch.add_done_callback(arm)

    @property
    def gone(self) -> bool:
        return self._watch.done()

    async def close(self) -> None:
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        if self._cut:
            self._cut.cancel()


async def relay_stream(
    deck: FlightDeck,
    flight: Flight,
    reply: StreamReply,
    headers: list[Header],
    receive: Receive,
    send: Send,
) -> None:
    """Pass the stream on, end the flight, and only then send the terminal event."""
    relay = OpenAIRelay(include_usage=flight.request.include_usage)
    client = _Client(receive, reply)
    broken: UpstreamError | None = None
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            async for chunk in reply.chunks:
                events = relay.feed(chunk)
                if events:
                    flight.first_byte_ns = flight.first_byte_ns or deck.now_ns()
                    await send(_part(events, more=True))
                if relay.done or relay.error is not None:
                    break
            relay.close()
        except EventTooLong:
            broken = Broken("it sent an event without end")
        except UpstreamError as error:
            broken = error
        if broken is None and relay.error is not None:
            broken = Broken(f"its stream ended with an error: {error_words(relay.error)}")
        elif broken is None and not relay.done:
            broken = Broken("its stream ended early")
        call = await deck.end(flight, _ending(relay, flight, broken, gone=client.gone))
        last = cost_comment(usd_exact(call.cost_nano_usd))
        if broken is None:
            await send(_part(last + DONE, more=False))
        else:
            words = error_reply(UpstreamFailed(str(broken), call.cause))
            await send(_part(last + error_event(words.body), more=False))
    finally:
        await client.close()


def _ending(
    relay: OpenAIRelay, flight: Flight, broken: UpstreamError | None, *, gone: bool
) -> Ending:
    """A stream without usage is counted as its estimated input and a token for each delta."""
    usage = relay.usage or Usage(flight.ticket.size.input_tokens, 0, relay.deltas, is_estimate=True)
    response_id = relay.response_id
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


def _part(body: bytes, *, more: bool) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": more}
