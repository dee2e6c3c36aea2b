"""A request between dispatch and its end: held, recorded, and ended exactly once.

A flight is what its project holds, and the targets that were asked for it, one after the other. Its
end is written to the journal before the reply's last byte leaves, so whatever a client has whole is
in the ledger, also after kill -9.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from quotadeck.admission.admit import Ticket
from quotadeck.admission.estimator import Estimator
from quotadeck.admission.prepared import rates_of
from quotadeck.dialects.base import Ask
from quotadeck.domain.calls import Attempt, Call, OpenCall, Outcome, ended, unknown_end
from quotadeck.domain.cause import Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.money import cost_nano
from quotadeck.domain.refusals import Draining, LedgerUnavailable
from quotadeck.domain.rules import Used
from quotadeck.domain.usage import NOTHING_USED, Usage
from quotadeck.gateway.data.arrival import Arrival, Arrivals
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lanes import Lane, Stop
from quotadeck.gateway.upstream.failures import CUT_UNSENT, ITS_OWN, OVERDUE, STALLED, Failure
from quotadeck.limiter import Limiter
from quotadeck.store import Ledger

GRACE_MS = 30_000
"""A reservation outlives its upstream's timeout by this much before it is charged as lost."""


class Flight:
    """One admitted request under way."""

    __slots__ = (
        "arrival",
        "ask",
        "attempts",
        "ended",
        "first_byte_ns",
        "lane",
        "open",
        "rates",
        "sent_ns",
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
        self.rates = ticket.rates
        """The project's own, as they were left by what was done last."""
        self.attempts: tuple[Attempt, ...] = ()
        """Those that failed before this one."""
        self.sent_ns = now_ns
        self.upstream_status = 0
        self.upstream_request_id = ""
        self.first_byte_ns = 0
        self.writing = False
        """Something is being written to the client, which may not be reading."""
        self.ended: Call | None = None


class Flights:
    """Begins, moves and ends flights; knows those under way."""

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
        self.arrival = Arrivals(clock).new
        self.draining = False
        """Nothing new is begun; what has not begun yet is refused."""
        self.under_way: dict[str, Flight] = {}
        self.empty = asyncio.Event()
        self.empty.set()

    def wall_us(self) -> int:
        """UTC now, for what depends on the calendar."""
        return self._clock.wall_us()

    def now_ns(self) -> int:
        """The monotonic instant by which first bytes and ends are measured."""
        return self._clock.monotonic_ns()

    async def begin(
        self, arrival: Arrival, caller: Caller, lane: Lane, ask: Ask, ticket: Ticket
    ) -> Flight:
        """Write the request down as dispatched.

        Raises LedgerUnavailable or Draining; whatever is raised, everything has been given back.
        """
        opened = _opened(self._clock.wall_us(), arrival, caller, lane, ask, ticket)
        try:
            if self.draining:
                raise Draining
            record = self._ledger.open_call(opened)
        except BaseException:
            await self._limiter.release(arrival.id)
            raise
        flight = Flight(opened, arrival, lane, ask, ticket, self._clock.monotonic_ns())
        # Before it is on record: a drain waits for it too.
        self.under_way[arrival.id] = flight
        self.empty.clear()
        try:
            await record
        except BaseException as error:
            # A cancel comes only when it is known whether the open is on record.
            if record.done() and record.exception() is None:
                self._began(flight)
                await self.end(flight, CUT_UNSENT)
                raise
            self._gone(flight)
            await self._limiter.release(arrival.id)
            if isinstance(error, OSError):
                raise LedgerUnavailable(error.strerror or str(error)) from error
            raise
        finally:
            del record  # it knows the error, which knows this frame
        flight.sent_ns = self._clock.monotonic_ns()
        self._began(flight)
        return flight

    def _began(self, flight: Flight) -> None:
        for told in self._on_begin:
            told(flight.open, flight.arrival.at_ns)

    def _gone(self, flight: Flight) -> None:
        self.under_way.pop(flight.open.id, None)
        if not self.under_way:
            self.empty.set()

    async def end(
        self,
        flight: Flight,
        failure: Failure | None,
        usage: Usage | None = None,
        response_id: str = "",
        *,
        at_once: bool = False,
    ) -> Call:
        """Record the end, settle what was held, learn from it. The second end is the first one.

        ``failure`` is None where the request was answered; ``usage`` None where nothing was used,
        or nobody knows what. ``at_once``: nothing else goes on before it is on record. Raises
        LedgerUnavailable, settled all the same: what is not on record is not delivered, and `reap`
        tries again to record it.
        """
        if flight.ended:
            return flight.ended
        call = self._call(flight, failure, usage, response_id)
        flight.ended = call
        record = None
        try:
            try:
                if at_once:
                    self._ledger.end_now(call)
                else:
                    record = self._ledger.end_call(call)
            finally:
                # Behind it in the journal stands whatever is taken of what this gives back.
                levels = await self._limiter.settle(flight.open.id, dict(call.charged))
                if levels is not None:
                    flight.rates = rates_of(flight.stop.prepared, levels)
            if record is not None:
                await record
        except OSError as error:
            self._unrecorded.append(call)
            raise LedgerUnavailable(error.strerror or str(error)) from error
        except asyncio.CancelledError:
            if record and record.exception():
                self._unrecorded.append(call)
            raise
        finally:
            del record
            self._gone(flight)
            for told in self._on_end:
                told(call)
        learned = call.outcome is Outcome.OK
        if learned and usage and not usage.is_estimate and not flight.ask.media:
            self._estimator.learn(
                call.project,
                call.model,
                call.target,
                body_bytes=flight.ask.text_bytes,
                input_tokens=usage.input_tokens,
                output_tokens_a_choice=usage.output_tokens // flight.ask.choices,
            )
        return call

    async def reap(self) -> None:
        """End the flights whose deadline passed: charged in full, recorded as unknown."""
        with suppress(OSError):
            while self._unrecorded:
                self._ledger.end_now(self._unrecorded[0])
                del self._unrecorded[0]
        for reservation in await self._limiter.expire():
            flight = self.under_way.get(reservation)
            if flight is None or flight.ended:
                continue
            # Without its end on record the open one is replayed as just that: lost and charged.
            failure = STALLED if flight.writing else OVERDUE
            with suppress(LedgerUnavailable):
                await self.end(flight, failure, at_once=True)
            if flight.task:
                flight.task.cancel()

    def _call(
        self, flight: Flight, failure: Failure | None, usage: Usage | None, response_id: str
    ) -> Call:
        opened = flight.open
        now_ns = self._clock.monotonic_ns()
        outcome, cause, status, never_sent, _ = failure or _SERVED
        if usage is not None or outcome is not Outcome.UNKNOWN:
            usage = usage or NOTHING_USED
            cost = _cost_nano(flight.stop, usage)
            if usage.is_estimate:
                # Less than was held might be less than is billed: a budget would be passed.
                cost = max(cost, opened.held_nano_usd)
        else:
            guess = unknown_end(opened)
            usage, cost = guess.usage, guess.cost_nano_usd
        first_ns = flight.first_byte_ns or now_ns
        if never_sent:
            left = tuple((key, 0) for key, _ in opened.takes)
        else:
            used = Used(usage.input_tokens, usage.output_tokens, cost)
            left = _charged(flight, used)
        return ended(
            opened,
            outcome,
            cause,
            flight.upstream_status if status == ITS_OWN else status,
            response_id=response_id,
            cost_nano_usd=cost,
            shadowed=flight.ticket.shadowed,
            first_byte_ms=(first_ns - flight.arrival.at_ns) // 1_000_000,
            total_ms=(now_ns - flight.arrival.at_ns) // 1_000_000,
            usage=usage,
            attempts=(*flight.attempts, _attempt(flight, cause, now_ns)),
            charged=left,
        )


_SERVED = Failure(Outcome.OK, Cause.NONE, 200)


def _cost_nano(stop: Stop, usage: Usage) -> int:
    return cost_nano(
        stop.target.target.price,
        usage.input_tokens,
        usage.cached_tokens,
        usage.output_tokens,
        usage.cache_write_tokens,
    )


def _attempt(flight: Flight, cause: Cause, now_ns: int) -> Attempt:
    return Attempt(
        flight.open.target,
        cause,
        flight.upstream_status,
        (now_ns - flight.sent_ns) // 1_000_000,
        flight.upstream_request_id,
    )


def _charged(flight: Flight, used: Used) -> tuple[tuple[str, int], ...]:
    """What each bucket is left charged with; request buckets keep their request."""
    real = flight.stop.prepared.charged(used)
    return tuple((key, real[key]) for key, _ in flight.open.takes if key in real)


def _opened(
    now_us: int, arrival: Arrival, caller: Caller, lane: Lane, ask: Ask, ticket: Ticket
) -> OpenCall:
    """``now_us`` is after the admission: a replay that takes no earlier never leaves more."""
    stop = lane.stops[0]
    target = stop.target.target
    size = ticket.size
    return OpenCall(
        id=arrival.id,
        at_us=now_us,
        day=ticket.budget_day,
        project=lane.project.project.id,
        key_id=caller.key_id,
        priority=int(lane.project.project.priority),
        model=ask.model,
        served_model=target.model,
        target=target.id,
        fallback_step=stop.step,
        estimated_input=size.input_tokens,
        estimated_output=size.output_tokens,
        held_tokens=size.tokens,
        held_nano_usd=size.bound_nano,
        bound_is_estimate=size.bound_is_estimate,
        price_version=target.price.version,
        stream=ask.stream,
        retry=ask.retry,
        deadline_us=now_us + ticket.ttl_ms * 1_000,
        run_id="",
        client_request_id=arrival.client_request_id,
        takes=tuple((take.key, take.amount) for take in ticket.takes),
    )
