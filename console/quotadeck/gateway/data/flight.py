"""A request between dispatch and its end: held, recorded, and ended exactly once.

The end is written to the journal before the reply's last byte leaves, so whatever a client has
whole is in the ledger, also after kill -9.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from quotadeck.admission.admit import Ticket
from quotadeck.admission.estimator import Estimator
from quotadeck.admission.planned import ProjectPlan, TargetPlan
from quotadeck.dialects.openai.request import ChatRequest
from quotadeck.domain.calls import Attempt, Call, OpenCall, Outcome, ended, unknown_end
from quotadeck.domain.cause import Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.ids import new_id
from quotadeck.domain.money import cost_nano
from quotadeck.domain.refusals import Draining, LedgerUnavailable
from quotadeck.domain.rules import Used
from quotadeck.domain.usage import NOTHING_USED, Usage
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.plan import RoutePlan
from quotadeck.limiter import Limiter
from quotadeck.store import Ledger

GRACE_MS = 30_000
"""A reservation outlives its upstream's timeout by this much before it is charged as lost."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request's id, the instant it came, on both clocks, and the caller's own name for it."""

    id: str
    at_us: int
    at_ns: int
    client_request_id: str = ""


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a request goes: its project, its model's route, the target that serves it now."""

    project: ProjectPlan
    route: RoutePlan
    target: TargetPlan


@dataclass(frozen=True, slots=True)
class Ending:
    """How a flight ended. ``usage`` None: nothing was used, or with ``unknown`` nobody knows."""

    outcome: Outcome
    cause: Cause
    http_status: int
    usage: Usage | None = None
    response_id: str = ""
    never_sent: bool = False
    """The upstream never saw it: everything is given back."""


@dataclass(slots=True, eq=False)
class Flight:
    """One admitted request under way."""

    open: OpenCall
    arrival: Arrival
    routing: Routing
    request: ChatRequest
    ticket: Ticket
    task: "asyncio.Task[object] | None"
    sent_ns: int
    upstream_status: int = 0
    upstream_request_id: str = ""
    first_byte_ns: int = 0
    writing: bool = False
    """Something is being written to the client, which may not be reading."""
    ended: Call | None = field(default=None)


class Flights:
    """Begins and ends flights; knows those under way."""

    def __init__(
        self,
        limiter: Limiter,
        ledger: Ledger,
        estimator: Estimator,
        clock: Clock,
        on_begin: Sequence[Callable[[OpenCall, int], None]],
        on_end: Sequence[Callable[[Call], None]],
    ) -> None:
        self._limiter = limiter
        self._ledger = ledger
        self._estimator = estimator
        self._clock = clock
        self._on_begin = on_begin
        self._on_end = on_end
        self._unrecorded: list[Call] = []
        self.draining = False
        """Nothing new is begun; what has not begun yet is refused."""
        self.under_way: dict[str, Flight] = {}
        self.empty = asyncio.Event()
        self.empty.set()

    def arrival(self) -> Arrival:
        """A new request's id and instants."""
        at_us = self._clock.wall_us()
        return Arrival(
            new_id("req", at_us, secrets.token_bytes(10)), at_us, self._clock.monotonic_ns()
        )

    def wall_us(self) -> int:
        """UTC now, for what depends on the calendar."""
        return self._clock.wall_us()

    def now_ns(self) -> int:
        """The monotonic instant by which first bytes and ends are measured."""
        return self._clock.monotonic_ns()

    async def begin(
        self,
        arrival: Arrival,
        caller: Caller,
        routing: Routing,
        request: ChatRequest,
        ticket: Ticket,
    ) -> Flight:
        """Write the request down as dispatched.

        Raises LedgerUnavailable or Draining; whatever is raised, everything has been given back.
        """
        opened = _opened(self._clock.wall_us(), arrival, caller, routing, request, ticket)
        try:
            if self.draining:
                raise Draining
            self._ledger.open_call(opened)
        except BaseException as error:
            await self._limiter.release(arrival.id)
            if isinstance(error, OSError):
                raise LedgerUnavailable(error.strerror or str(error)) from error
            raise
        task, now_ns = asyncio.current_task(), self._clock.monotonic_ns()
        flight = Flight(opened, arrival, routing, request, ticket, task, now_ns)
        self.under_way[arrival.id] = flight
        self.empty.clear()
        for told in self._on_begin:
            told(opened, arrival.at_ns)
        return flight

    async def end(self, flight: Flight, ending: Ending) -> Call:
        """Record the end, settle what was held, learn from it. The second end is the first one.

        Raises LedgerUnavailable, settled all the same: what is not on record is not delivered, and
        `reap` tries again to record it.
        """
        if flight.ended:
            return flight.ended
        call = self._call(flight, ending)
        flight.ended = call
        try:
            self._ledger.end_call(call)
        except OSError as error:
            self._unrecorded.append(call)
            raise LedgerUnavailable(error.strerror or str(error)) from error
        finally:
            await self._limiter.settle(flight.open.id, dict(call.charged))
            del self.under_way[flight.open.id]
            if not self.under_way:
                self.empty.set()
            for told in self._on_end:
                told(call)
        usage = ending.usage
        certain = usage and not usage.is_estimate and not flight.request.media
        if usage and certain and ending.outcome is Outcome.OK:
            self._estimator.learn(
                call.project,
                call.model,
                call.target,
                body_bytes=flight.request.text_bytes,
                input_tokens=usage.input_tokens,
                output_tokens_a_choice=usage.output_tokens // flight.request.choices,
            )
        return call

    async def reap(self) -> None:
        """End the flights whose deadline passed: charged in full, recorded as unknown."""
        with suppress(OSError):
            while self._unrecorded:
                self._ledger.end_call(self._unrecorded[0])
                del self._unrecorded[0]
        for reservation in await self._limiter.expire():
            flight = self.under_way.get(reservation)
            if flight is None:
                continue
            # Without its end on record the open one is replayed as just that: lost and charged.
            cause = Cause.CLIENT_GONE if flight.writing else Cause.TIMEOUT
            with suppress(LedgerUnavailable):
                await self.end(flight, Ending(Outcome.UNKNOWN, cause, 0))
            if flight.task:
                flight.task.cancel()

    def _call(self, flight: Flight, ending: Ending) -> Call:
        opened = flight.open
        now_ns = self._clock.monotonic_ns()
        target = flight.routing.target
        usage = ending.usage or NOTHING_USED
        if ending.outcome is Outcome.UNKNOWN and ending.usage is None:
            guess = unknown_end(opened)
            usage, cost = guess.usage, guess.cost_nano_usd
        else:
            cost = cost_nano(
                target.target.price,
                usage.input_tokens,
                usage.cached_tokens,
                usage.output_tokens,
                usage.cache_write_tokens,
            )
            if usage.is_estimate:
                # Less than was held might be less than is billed: a budget would be passed.
                cost = max(cost, opened.held_nano_usd)
        first = flight.first_byte_ns or now_ns
        used = Used(usage.input_tokens, usage.output_tokens, cost)
        attempt = Attempt(
            opened.target,
            ending.cause,
            flight.upstream_status,
            (now_ns - flight.sent_ns) // 1_000_000,
            flight.upstream_request_id,
        )
        return ended(
            opened,
            ending.outcome,
            ending.cause,
            ending.http_status,
            response_id=ending.response_id,
            cost_nano_usd=cost,
            shadowed=flight.ticket.shadowed,
            first_byte_ms=(first - flight.arrival.at_ns) // 1_000_000,
            total_ms=(now_ns - flight.arrival.at_ns) // 1_000_000,
            usage=usage,
            attempts=(attempt,),
            charged=_charged(flight, ending, used),
        )


def _charged(flight: Flight, ending: Ending, used: Used) -> tuple[tuple[str, int], ...]:
    """What each bucket is left charged with; request buckets keep their request."""
    if ending.never_sent:
        return tuple((key, 0) for key, _ in flight.open.takes)
    limits = (*flight.routing.project.limits, *flight.routing.target.limits)
    real = {each.key: each.amount(used) for each in limits if each.ready is None}
    return tuple((key, real[key]) for key, _ in flight.open.takes if key in real)


def _opened(
    now_us: int,
    arrival: Arrival,
    caller: Caller,
    routing: Routing,
    request: ChatRequest,
    ticket: Ticket,
) -> OpenCall:
    """``now_us`` is after the admission: a replay that takes no earlier never leaves more."""
    target = routing.target.target
    size = ticket.size
    return OpenCall(
        id=arrival.id,
        at_us=now_us,
        day=ticket.budget_day,
        project=routing.project.project.id,
        key_id=caller.key_id,
        priority=int(routing.project.project.priority),
        model=request.model,
        served_model=target.model,
        target=target.id,
        fallback_step=routing.route.step,
        estimated_input=size.input_tokens,
        estimated_output=size.output_tokens,
        held_tokens=size.tokens,
        held_nano_usd=size.bound_nano,
        bound_is_estimate=size.bound_is_estimate,
        price_version=target.price.version,
        stream=request.stream,
        retry=request.retry,
        deadline_us=now_us + ticket.ttl_ms * 1_000,
        run_id="",
        client_request_id=arrival.client_request_id,
        takes=tuple((take.key, take.amount) for take in ticket.takes),
    )
