"""A flight: a request between its dispatch and its end, and its records in the journal.

It knows what is held for it, and the targets that were tried for it, one after the other.
"""

import asyncio
from collections.abc import Mapping

from quotadeck.admission.admit import Ticket
from quotadeck.dialects.base import Ask
from quotadeck.domain.calls import Attempt, Call, Move, OpenCall, Outcome, ended, unknown_end
from quotadeck.domain.cause import Cause
from quotadeck.domain.rules import Used
from quotadeck.domain.tiers import FIELDS
from quotadeck.domain.usage import NOTHING_USED, Usage
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.booked import booked, model_in
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lanes import Lane, Stop
from quotadeck.gateway.upstream.failures import ITS_OWN, Failure

GRACE_MS = 30_000
"""A reservation outlives its upstream's timeout by this much before it is charged as lost."""


class Flight:
    """One admitted request under way."""

    __slots__ = (
        "arrival",
        "ask",
        "ended",
        "first_byte_ns",
        "lane",
        "left",
        "levels",
        "open",
        "reached",
        "sent_ns",
        "served_as",
        "stop",
        "task",
        "ticket",
        "upstream_request_id",
        "upstream_status",
        "writing",
    )

    def __init__(
        self, opened: OpenCall, arrival: Arrival, lane: Lane, ask: Ask, ticket: Ticket, now_ns: int
    ) -> None:
        self.open = opened
        self.arrival = arrival
        self.lane = lane
        self.stop = lane.stops[0]
        self.ask = ask
        self.ticket = ticket
        self.task = asyncio.current_task()
        self.levels = ticket.levels
        """Of what it holds, or held, as they were left by what was done last."""
        self.reached = False
        """An attempt before this one reached its upstream."""
        self.sent_ns = now_ns
        self.upstream_status = 0
        self.upstream_request_id = ""
        self.first_byte_ns = 0
        self.served_as = ""
        """The model that the reply says it is of, where the request let others answer it."""
        self.writing = False
        """Something is being written to the client, which may not be reading."""
        self.left = False
        """The client hung up before it had its answer."""
        self.ended: Call | None = None

    def leave(self) -> None:
        """The client hung up. What was asked for is finished or cancelled, as its project says."""
        self.left = True
        if self.left_alone and self.task is not None and self.ended is None:
            self.task.cancel()

    @property
    def left_alone(self) -> bool:
        """Whether its client has left, and nobody else wants the answer."""
        return self.left and self.lane.project.project.on_leave == "cancel"

    def said(self, reply: bytes) -> None:
        """Learn who answered, of the beginning of a reply at least, where that may be another."""
        chooses = self.ask.beyond.chooses
        if chooses and any(field not in FIELDS for field, _ in chooses):
            self.served_as = model_in(reply)

    def estimated(self, output_tokens: int) -> Usage:
        """Its usage where none was told that can be believed: the input is as estimated before."""
        return Usage(self.ticket.size.input_tokens, 0, output_tokens, is_estimate=True)

    def went_on(self, opened: OpenCall, stop: Stop, ticket: Ticket, now_ns: int) -> None:
        """The next attempt begins, at this stop; what the call holds is ``opened``'s."""
        self.open, self.stop, self.ticket, self.levels = opened, stop, ticket, ticket.levels
        self.sent_ns = now_ns
        self.upstream_status, self.upstream_request_id = 0, ""


def call_of(
    flight: Flight, failure: Failure | None, usage: Usage | None, response_id: str, now_ns: int
) -> Call:
    """The record of its end. Parameters as of `Flights.end`."""
    opened = flight.open
    outcome, cause, status, never_sent, _ = failure or _SERVED
    if usage is not None or outcome is not Outcome.UNKNOWN:
        usage, cost, fees, version = booked(
            flight.stop.target,
            flight.lane.targets,
            usage or NOTHING_USED,
            opened.held_nano_usd,
            flight.served_as,
        )
        if version != opened.price_version:
            opened = opened._replace(price_version=version)
    else:
        guess = unknown_end(opened)
        usage, cost, fees = guess.usage, guess.cost_nano_usd, 0
    first_ns = flight.first_byte_ns or now_ns
    if never_sent and not flight.reached:
        left = tuple((key, 0) for key, _ in opened.takes)
    else:
        used = Used(usage.input_tokens, usage.output_tokens, cost)
        left = _charged(flight, used, never_sent=never_sent)
    return ended(
        opened,
        outcome,
        cause,
        flight.upstream_status if status == ITS_OWN else status,
        response_id=response_id,
        cost_nano_usd=cost,
        fees_nano_usd=fees,
        shadowed=flight.ticket.shadowed,
        first_byte_ms=(first_ns - flight.arrival.at_ns) // 1_000_000,
        total_ms=(now_ns - flight.arrival.at_ns) // 1_000_000,
        usage=usage,
        attempts=(*opened.attempts, attempt_of(flight, cause, now_ns)),
        charged=left,
    )


_SERVED = Failure(Outcome.OK, Cause.NONE, 200)


def attempt_of(flight: Flight, cause: Cause, now_ns: int) -> Attempt:
    """The attempt that is under way, ended now."""
    return Attempt(
        flight.open.target,
        cause,
        flight.upstream_status,
        (now_ns - flight.sent_ns) // 1_000_000,
        flight.upstream_request_id,
    )


def _charged(flight: Flight, used: Used, *, never_sent: bool) -> tuple[tuple[str, int], ...]:
    """What each bucket is left charged with; request buckets keep their request.

    ``never_sent``: the last attempt, and so its target keeps nothing.
    """
    prepared = flight.stop.prepared
    real = prepared.charged(used)
    if never_sent:
        real |= prepared.given_up(None)
    return tuple([(key, real[key]) for key, _ in flight.open.takes if key in real])


def opened_of(
    now_us: int, arrival: Arrival, caller: Caller, lane: Lane, ask: Ask, ticket: Ticket
) -> OpenCall:
    """The record of its dispatch.

    ``now_us`` is after the admission: a replay that takes no earlier never leaves more.
    """
    stop = lane.stops[0]
    target = stop.target.target
    size = ticket.size
    # Every request passes here, and fields by name would take a microsecond.
    return OpenCall(
        arrival.id,
        now_us,
        ticket.budget.day,
        lane.project.project.id,
        caller.key_id,
        int(lane.project.project.priority),
        ask.model,
        target.model,
        target.id,
        stop.step,
        size.input_tokens,
        size.output_tokens,
        size.input_tokens + size.output_tokens,
        size.bound_nano,
        size.bound_is_estimate,
        target.price.version,
        ask.stream,
        ask.retry,
        now_us + ticket.ttl_ms * 1_000,
        arrival.trace_id,
        arrival.client_request_id,
        tuple([(take.key, take.amount) for take in ticket.takes]),
    )


def move_of(
    flight: Flight,
    failed: Attempt,
    stop: Stop,
    ticket: Ticket,
    gone: Mapping[str, int],
    now_us: int,
) -> Move:
    """The record of its going on to ``stop``. ``now_us`` is after its new buckets were taken.

    ``gone`` is what the failed attempt leaves taken of those it gives up.
    """
    target, size = stop.target.target, ticket.size
    return Move(
        id=flight.open.id,
        at_us=now_us,
        served_model=target.model,
        target=target.id,
        fallback_step=stop.step,
        estimated_input=size.input_tokens,
        estimated_output=size.output_tokens,
        held_tokens=size.tokens,
        held_nano_usd=size.bound_nano,
        bound_is_estimate=size.bound_is_estimate,
        price_version=target.price.version,
        deadline_us=now_us + ticket.ttl_ms * 1_000,
        gone=tuple((key, gone[key]) for key, _ in flight.open.takes if key in gone),
        takes=tuple((take.key, take.amount) for take in ticket.takes),
        failed=failed,
    )


def ttl_ms(stop: Stop) -> int:
    """How long what is held for it outlives its being sent there."""
    return round(stop.endpoint.timeout_s * 1_000) + GRACE_MS
