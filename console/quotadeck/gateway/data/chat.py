"""A chat completion from its arrival to its record: the gateway's hot path, top to bottom."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quotadeck.admission.admit import admit, size_of
from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import Estimator
from quotadeck.admission.prepared import prepare
from quotadeck.dialects.openai.errors import error_reply
from quotadeck.dialects.openai.request import ChatRequest, parse_chat
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry
from quotadeck.domain.nearest import nearest
from quotadeck.domain.refusals import (
    ModelNotAllowed,
    Paused,
    RateLevel,
    Refusal,
    UnknownModel,
    UpstreamFailed,
)
from quotadeck.domain.rules import bucket_key
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.flight import GRACE_MS, Arrival, Ending, Flight, Flights, Routing
from quotadeck.gateway.data.http import Receive, Send, read_body, send_whole
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.gateway.data.openai_replies import (
    chat_reply,
    failure_of,
    reply_headers,
    request_id_of,
    stream_headers,
)
from quotadeck.gateway.data.streaming import relay_stream, why_cut
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.upstream.client import (
    Reply,
    StreamReply,
    TimedOut,
    Unreachable,
    UpstreamClient,
    UpstreamError,
    read_whole,
)
from quotadeck.gateway.upstream.endpoint import Endpoint, endpoint_of
from quotadeck.limiter import Limiter

_PATH = "/chat/completions"
_ANSWERED = (200, 201, 202, 203)
"""What an answer may come with."""


@dataclass(frozen=True, slots=True)
class ChatRoute:
    """What the path needs. ``plan`` gives the one in force; ``refused`` are told of refusals."""

    plan: Callable[[], Plan]
    limiter: Limiter
    days: BudgetDays
    estimator: Estimator
    flights: Flights
    upstream: UpstreamClient
    refused: Sequence[Callable[[RefusedRequest], None]]
    body_limit_bytes: int

    async def answer(
        self,
        arrival: Arrival,
        caller: Caller,
        headers: dict[bytes, bytes],
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer one request. Raises Refusal, already recorded, where no model answers."""
        request = None
        try:
            request = parse_chat(
                await read_body(receive, headers, self.body_limit_bytes),
                headers.get(b"x-stainless-retry-count", b""),
            )
            flight = await self._dispatch(arrival, caller, self.plan(), request)
        except Refusal as refusal:
            self.tell(arrival, caller, request, refusal)
            raise
        try:
            if request.stream:
                await self._stream(flight, receive, send)
            else:
                await self._whole(flight, send)
        except UpstreamError as error:
            raise await self._failed(flight, error) from None
        except BaseException as error:
            # Cut, or a fault of ours: whatever was sent may be billed, so it is charged.
            cut = isinstance(error, asyncio.CancelledError)
            cause = Cause.RESTART if cut else Cause.BROKEN_REPLY
            call = await self.flights.end(flight, Ending(Outcome.UNKNOWN, cause, 0))
            if cut:
                raise why_cut(call) from None
            raise

    def tell(
        self, arrival: Arrival, caller: Caller | None, ask: ChatRequest | None, refusal: Refusal
    ) -> None:
        """Tell all who want to know of a request that we refused."""
        it = RefusedRequest(arrival, caller, ask, refusal, error_reply(refusal).status, self.plan())
        for told in self.refused:
            told(it)

    async def _dispatch(
        self, arrival: Arrival, caller: Caller, plan: Plan, request: ChatRequest
    ) -> Flight:
        routing = routing_of(plan, caller, request)
        prepared = prepare(routing.project, routing.target)
        size = size_of(request, prepared, self.estimator)
        upstream = routing.target.upstream
        ticket = await admit(
            self.limiter,
            self.days,
            prepared,
            arrival.id,
            size,
            now_us=self.flights.wall_us(),
            ttl_ms=round(upstream.timeout_s * 1_000) + GRACE_MS,
        )
        return await self.flights.begin(arrival, caller, routing, request, ticket)

    async def _whole(self, flight: Flight, send: Send) -> None:
        target = flight.routing.target
        body = flight.request.for_upstream(target.target.model)
        reply = await self.upstream.call(_endpoint(flight), body, flight.arrival.id)
        self._answered(flight, reply)
        if reply.status not in _ANSWERED:
            raise await self._refused(flight, reply, reply.body)
        usage, response_id = chat_reply(reply.body, flight.ticket.size)
        response_id = self.plan().upstream_keys.hide(response_id)
        call = await self.flights.end(
            flight, Ending(Outcome.OK, Cause.NONE, 200, usage, response_id)
        )
        headers = reply_headers(call, await self._rates(flight))
        await send_whole(send, 200, headers, reply.body)

    async def _stream(self, flight: Flight, receive: Receive, send: Send) -> None:
        target = flight.routing.target
        body = flight.request.for_upstream(target.target.model)
        reply = await self.upstream.stream(_endpoint(flight), body, flight.arrival.id)
        try:
            self._answered(flight, reply)
            if reply.status not in _ANSWERED:
                raise await self._refused(flight, reply, await read_whole(reply))
            headers = stream_headers(flight.open, flight.ticket.rates)
            keys = self.plan().upstream_keys
            await relay_stream(self.flights, flight, reply, keys, headers, receive, send)
        except BaseException:
            reply.cut()
            raise
        finally:
            reply.close()

    def _answered(self, flight: Flight, reply: Reply | StreamReply) -> None:
        flight.upstream_status = reply.status
        flight.upstream_request_id = request_id_of(reply.headers, self.plan().upstream_keys)

    async def _rates(self, flight: Flight) -> tuple[RateLevel, ...]:
        before = flight.ticket.rates
        project = Subject.project(flight.routing.project.project.id)
        keys = [bucket_key(project, rate.kind) for rate in before]
        states = await self.limiter.levels(keys)
        return tuple(
            rate._replace(level=states[key].level) for key, rate in zip(keys, before, strict=True)
        )

    async def _refused(self, flight: Flight, reply: Reply | StreamReply, body: bytes) -> Refusal:
        """End a flight that the upstream answered with an error; the refusal to answer with.

        Not raised here: a frame that knows what it raises is a cycle, and keeps megabytes of
        request until the next full garbage collection.
        """
        ending, refusal = failure_of(reply.status, reply.headers, body, self.plan().upstream_keys)
        await self.flights.end(flight, ending)
        return refusal

    async def _failed(self, flight: Flight, error: UpstreamError) -> UpstreamFailed:
        """End a flight whose upstream gave no usable answer; the refusal to answer with."""
        cause = {Unreachable: Cause.UNREACHABLE, TimedOut: Cause.TIMEOUT}.get(
            type(error), Cause.BROKEN_REPLY
        )
        never_sent = isinstance(error, Unreachable)
        outcome = Outcome.UPSTREAM_ERROR if never_sent else Outcome.UNKNOWN
        status = 504 if isinstance(error, TimedOut) else 502
        await self.flights.end(flight, Ending(outcome, cause, status, never_sent=never_sent))
        return UpstreamFailed(str(error), cause)


def _endpoint(flight: Flight) -> Endpoint:
    upstream = flight.routing.target.upstream
    key = ((b"authorization", f"Bearer {upstream.key}".encode()),) if upstream.key else ()
    return endpoint_of(upstream, _PATH, key)


def routing_of(plan: Plan, caller: Caller, request: ChatRequest) -> Routing:
    """Where the request goes. Raises UnknownModel, ModelNotAllowed or Paused."""
    # First of all the model: what is refused further down is on record under its name.
    route = plan.routes.get(request.model)
    if route is None:
        raise UnknownModel(request.model, nearest(request.model, plan.routes))
    project = plan.projects[caller.project]
    if project.paused:
        raise _paused(Subject.project(project.project.id), project.paused)
    allowed = project.project.models
    if allowed and request.model not in allowed:
        raise ModelNotAllowed(request.model, project.project.id, allowed)
    if route.paused:
        raise _paused(Subject.model(route.route.model), route.paused)
    return Routing(project, route, plan.targets[route.serving])


def _paused(subject: Subject, entry: Entry) -> Paused:
    return Paused(subject, entry.reason if entry.public else "", entry.until_us)
