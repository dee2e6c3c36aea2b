"""A request from its body to its record: the gateway's hot path, top to bottom.

It knows no dialect: what it sees of a request is an `Ask`, and whoever speaks the client's dialect
reads and writes the rest.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from quotadeck.admission.admit import Acquire, Ticket, admit, size_of
from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import Estimator
from quotadeck.admission.prepared import rates_of
from quotadeck.dialects.base import NOTHING_BEYOND, Ask, Dialect, NotAnAnswer
from quotadeck.dialects.head import upstream_id_line
from quotadeck.domain.calls import Outcome, told_cost
from quotadeck.domain.refusals import LimitReached, Refusal
from quotadeck.gateway.connection.body_memory import HeldBody
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.blame import Answering
from quotadeck.gateway.data.flight import Flight, ttl_ms
from quotadeck.gateway.data.flights import Flights
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lanes import Lane, Lanes, Stop
from quotadeck.gateway.data.lease_asked import HEADER
from quotadeck.gateway.data.lease_door import draws
from quotadeck.gateway.data.leases import Leases
from quotadeck.gateway.data.observers import Refusals
from quotadeck.gateway.data.permits import permitted
from quotadeck.gateway.data.relay import relay_stream, why_cut
from quotadeck.gateway.data.turned import estimated_of, folded, is_stream
from quotadeck.gateway.data.turns import ANNOUNCES, FIRST, TurnBook
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.upstream.client import (
    Reply,
    StreamReply,
    UpstreamClient,
    UpstreamError,
    read_whole,
)
from quotadeck.gateway.upstream.failures import (
    ANSWERED,
    CLIENT_GONE,
    CUT,
    LEFT,
    OUR_FAULT,
    Failed,
    failed_as,
    failed_by,
    failed_with,
)
from quotadeck.gateway.upstream.told import request_id_of, stated_nano
from quotadeck.limiter import Limiter

_AS_IT_COMES = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"
"""No proxy keeps a stream back."""


_WRONG: Final = (400, 422)
_STREAM_USAGE: Final = (b"stream_options", b"include_usage")


@dataclass(frozen=True, slots=True)
class Calls:
    """What the path needs. ``plan`` gives the one in force."""

    plan: Callable[[], Plan]
    limiter: Limiter
    days: BudgetDays
    estimator: Estimator
    flights: Flights
    lanes: Lanes
    upstream: UpstreamClient
    refusals: Refusals
    body_limit_bytes: int
    turns: TurnBook
    leases: Leases
    answering: Answering = field(default_factory=Answering)
    without_stream_usage: set[str] = field(default_factory=set)
    """The upstreams that have refused to be asked for a stream's usage."""

    async def answer(
        self,
        dialect: Dialect,
        arrival: Arrival,
        caller: Caller,
        headers: dict[bytes, bytes],
        exchange: Exchange,
        held: HeldBody,
    ) -> None:
        """Answer one request. Raises Refusal, already told, where no model answers."""
        ask = None
        try:
            body = await held.read(exchange, headers, self.body_limit_bytes)
            ask = dialect.parse(exchange.path, body, headers)
            del body  # it may be megabytes, and lives on in what was read of it
            lane = self.lanes.of(self.plan(), caller.project, ask.model, dialect, exchange.path)
            if ask.beyond is not NOTHING_BEYOND:
                ask = await permitted(ask, lane.project.project, self.flights.made)
            # What the upstream's form cannot say is refused before anything is taken for it.
            outgoing = self._outgoing(lane.stops[0], ask)
            acquire = await draws(self.leases, caller, headers) if HEADER in headers else None
            ticket = await self._admit(arrival, ask, lane, caller, headers, outgoing, acquire)
            flight = await self.flights.begin(arrival, caller, lane, ask, ticket)
        except Refusal as refusal:
            self.refusals.tell(dialect, arrival, caller, ask, refusal)
            raise
        attempt, further = self._stream if ask.stream else self._whole, iter(lane.stops[1:])
        try:
            while failed := await attempt(flight, exchange, outgoing):
                failed = self._judged(failed, flight, exchange.path)
                stop = next(further, None) if failed.failure.elsewhere else None
                if stop is None or not await self.flights.move(flight, failed.failure, stop):
                    await self.flights.end(flight, failed.failure, failed.usage)
                    break
                outgoing = self._outgoing(stop, ask)
        except BaseException as error:
            # Cut, or a fault of ours: whatever was sent may be billed, so it is charged.
            cut = isinstance(error, asyncio.CancelledError)
            why = CLIENT_GONE if flight.left_alone else CUT if cut else OUR_FAULT
            call = await self.flights.end(flight, why)
            if cut:
                raise why_cut(call) from None
            raise
        if not failed:
            if flight.ended and flight.ended.outcome is Outcome.OK:
                now_ns = self.flights.now_ns()
                self.answering.answered(flight.stop.target.target.id, exchange.path, now_ns)
        else:
            failed.refusal.upstream_request_id = flight.upstream_request_id
            try:
                raise failed.refusal
            finally:
                # A frame that knows what it raises is a cycle, and keeps megabytes of request.
                del failed

    def _judged(self, failed: Failed, flight: Flight, path: str) -> Failed:
        target = flight.stop.target.target.id
        return self.answering.judged(failed, flight.ask, target, path, self.flights.now_ns())

    async def _admit(
        self,
        arrival: Arrival,
        ask: Ask,
        lane: Lane,
        caller: Caller,
        headers: Mapping[bytes, bytes],
        outgoing: bytes,
        acquire: Acquire | None,
    ) -> Ticket:
        stop, turns = lane.stops[0], self.turns
        comes = headers.get(ANNOUNCES)
        wanted = turns.of(
            caller, outgoing, arrival.id, announced=comes is not None, first=comes == FIRST
        )
        try:
            ticket = await admit(
                self.limiter,
                self.days,
                stop.prepared,
                arrival.id,
                size_of(ask, stop.prepared, self.estimator),
                now_us=self.flights.wall_us(),
                ttl_ms=ttl_ms(stop),
                turn=wanted and wanted.name,
                acquire=acquire,
            )
        except LimitReached as refusal:
            if wanted:
                turns.given(caller, wanted, refusal)
            raise
        if wanted and wanted.name.name != arrival.id:
            turns.claimed(caller, wanted)
        return ticket

    async def _whole(self, flight: Flight, exchange: Exchange, body: bytes) -> Failed | None:
        exchange.watch(flight.leave)
        try:
            reply = await self.upstream.call(flight.stop.endpoint, body, _sent_as(flight))
        except UpstreamError as error:
            return failed_by(error)
        try:
            return await self._pass(flight, reply, exchange)
        finally:
            reply.let_go()

    async def _pass(self, flight: Flight, reply: Reply, exchange: Exchange) -> Failed | None:
        self._answered(flight, reply)
        if reply.status not in ANSWERED:
            return self._refused(flight, reply, reply.body)
        keys = flight.lane.keys
        try:
            if is_stream(reply.body):
                told, response_id, body, made = folded(flight, reply.body)
            else:
                told, response_id, body, made = flight.stop.speech.reply(reply.body)
        except NotAnAnswer as error:
            return failed_as(error, reply.headers, keys)
        flight.said(reply.body)
        usage = told or estimated_of(flight, reply.body)
        if (stated := stated_nano(reply.headers)) is not None:
            usage = usage._replace(stated_nano=stated)
        failure = LEFT if flight.left else None
        call = await self.flights.end(flight, failure, usage, keys.hide(response_id), made)
        head = flight.lane.dialect.whole_head + _head(flight)
        if (cost_usd := told_cost(call)) is not None:
            head += b"x-cost-usd: %b\r\n" % cost_usd.encode()
        await exchange.answer(200, head, body)
        return None

    async def _stream(
        self, flight: Flight, exchange: Exchange, body: bytes, *, asks_less: bool = False
    ) -> Failed | None:
        """``asks_less``: for the second time, without asking for a stream's usage."""
        reply: StreamReply | None = None
        try:
            reply = await self.upstream.stream(flight.stop.endpoint, body, _sent_as(flight))
            self._answered(flight, reply)
            if reply.status not in ANSWERED:
                said = await read_whole(reply)
                if not asks_less and (less := self._less(flight, body, reply.status, said)):
                    reply.close()
                    return await self._stream(flight, exchange, less, asks_less=True)
                return self._refused(flight, reply, said)
            if asks_less:
                self.without_stream_usage.add(flight.stop.target.upstream.name)
            head = flight.lane.dialect.stream_head + _AS_IT_COMES + _head(flight)
            return await relay_stream(self.flights, flight, reply, head, exchange)
        except BaseException as error:
            if reply is not None:
                reply.cut()
            if isinstance(error, UpstreamError):
                return failed_by(error)
            raise
        finally:
            if reply is not None:
                reply.close()

    def _outgoing(self, stop: Stop, ask: Ask) -> bytes:
        """The body as it goes to a stop's upstream. Raises BadField."""
        upstream = stop.target.upstream
        asks = upstream.stream_usage == "always" or (
            upstream.stream_usage == "auto" and upstream.name not in self.without_stream_usage
        )
        return _forwarded(stop, ask, stream_usage=asks)

    def _less(self, flight: Flight, sent: bytes, status: int, said: bytes) -> bytes | None:
        """The body without asking for a stream's usage, where that may be what was refused.

        Nothing was used up: the upstream has refused the request as one that is wrong. Its words
        may be the client's own, so what is remembered for all is only that it helped.
        """
        refused = status in _WRONG and any(name in said for name in _STREAM_USAGE)
        if not refused or flight.stop.target.upstream.stream_usage != "auto":
            return None
        less = _forwarded(flight.stop, flight.ask, stream_usage=False)
        return less if less != sent else None

    def _answered(self, flight: Flight, reply: Reply | StreamReply) -> None:
        flight.upstream_status = reply.status
        flight.upstream_request_id = request_id_of(reply.headers, flight.lane.keys)

    def _refused(self, flight: Flight, reply: Reply | StreamReply, body: bytes) -> Failed:
        """Of an upstream that answered with an error."""
        said = flight.stop.speech.error(body)
        empty = not body.strip()
        return failed_with(reply.status, reply.headers, said, empty, flight.lane.keys)


def _forwarded(stop: Stop, ask: Ask, *, stream_usage: bool) -> bytes:
    facts = stop.target.target
    if ask.max_tokens is None and facts.max_output_tokens is not None:
        # Some forms must have a bound: where a client names none, it is the target's own.
        ask = ask._replace(max_tokens=facts.max_output_tokens)
    return stop.speech.forward(ask, facts.model, stream_usage=stream_usage)


def _sent_as(flight: Flight) -> str:
    """The value of x-request-id to the upstream, and the lines behind it.

    Of a header that the upstream's config names, that one alone is sent.
    """
    lines = flight.stop.speech.lines(flight.ask)
    if lines and flight.stop.target.upstream.headers:
        own = {name.lower() for name, _ in flight.stop.target.upstream.headers}
        each = lines.split("\r\n")
        lines = "\r\n".join([one for one in each if one.partition(":")[0].lower() not in own])
    return flight.arrival.sent_as + lines


def _head(flight: Flight) -> bytes:
    name = flight.lane.dialect.id_lines % {b"id": flight.arrival.id.encode()}
    if flight.upstream_request_id:
        name += upstream_id_line(flight.upstream_request_id)
    stop, dialect = flight.stop, flight.lane.dialect
    return name + stop.head + dialect.rates(rates_of(stop.prepared, flight.levels))
