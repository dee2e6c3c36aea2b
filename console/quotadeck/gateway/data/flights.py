"""The flights under way: begun, moved and ended, each exactly once and each on record.

An end is written to the journal before the reply's last byte leaves, so whatever a client has whole
is in the ledger, also after kill -9.
"""

import asyncio
from contextlib import suppress

from quotadeck.admission.admit import Ticket, size_of
from quotadeck.admission.admit import move as move_admission
from quotadeck.admission.estimator import Estimator
from quotadeck.dialects.base import Ask
from quotadeck.domain.calls import Call, Outcome, failed_end, moved
from quotadeck.domain.clock import Clock
from quotadeck.domain.refusals import Draining, LedgerUnavailable, Refusal
from quotadeck.domain.rules import Used
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.arrival import Arrival, Arrivals
from quotadeck.gateway.data.flight import (
    Flight,
    attempt_of,
    call_of,
    move_of,
    opened_of,
    ttl_ms,
)
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lanes import Lane, Stop
from quotadeck.gateway.data.made import MadeIds
from quotadeck.gateway.data.observers import Observers
from quotadeck.gateway.upstream.failures import (
    CUT_UNSENT,
    OVERDUE,
    STALLED,
    UNRECORDED,
    Failure,
)
from quotadeck.limiter import Limiter
from quotadeck.store import Ledger

_NOTHING = Used(0, 0, 0)


class Flights:
    """Begins, moves and ends flights; knows those under way."""

    def __init__(
        self,
        limiter: Limiter,
        ledger: Ledger,
        estimator: Estimator,
        clock: Clock,
        observers: Observers,
    ) -> None:
        self._limiter = limiter
        self._ledger = ledger
        self._estimator = estimator
        self._clock = clock
        self._observers = observers
        self._unrecorded: list[Call] = []
        self.arrival = Arrivals(clock).new
        self.made = MadeIds(ledger.reader.owner)
        """Whose the ids are that replies made."""
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
        opened = opened_of(self._clock.wall_us(), arrival, caller, lane, ask, ticket)
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
        for told in self._observers.begun:
            told(flight.open, flight.arrival.at_ns)

    def _gone(self, flight: Flight) -> None:
        self.under_way.pop(flight.open.id, None)
        if not self.under_way:
            self.empty.set()

    async def move(self, flight: Flight, failure: Failure, stop: Stop) -> bool:
        """Go on to another target: what is held is exchanged, and that is on record, before.

        ``failure`` is of an attempt that used up nothing. False where the request may not be sent
        there, or has ended: then nothing has changed. Raises LedgerUnavailable; it has ended then.
        """
        before, prepared = flight.open, stop.prepared
        gone = flight.stop.prepared.given_up(None if failure.never_sent else _NOTHING)
        try:
            size = size_of(flight.ask, prepared, self._estimator)
            ticket = await move_admission(
                self._limiter, prepared, before.id, flight.ticket, size, gone, ttl_ms=ttl_ms(stop)
            )
        except Refusal:
            return False
        if ticket is None:
            return False
        now_ns = self._clock.monotonic_ns()
        failed = attempt_of(flight, failure.cause, now_ns)
        move = move_of(flight, failed, stop, ticket, gone, self._clock.wall_us())
        after = moved(before, move)
        flight.went_on(after, stop, ticket, now_ns)
        flight.reached = flight.reached or not failure.never_sent
        for told in self._observers.moved:
            told(failed_end(before, failed), after)
        record = self._ledger.move_call(before, move)
        try:
            await record
        except BaseException as error:
            unwritten = isinstance(error, OSError)
            await self.end(flight, UNRECORDED if unwritten else CUT_UNSENT)
            if unwritten:
                raise LedgerUnavailable(str(error)) from error
            raise
        finally:
            del record
        flight.sent_ns = self._clock.monotonic_ns()
        return True

    async def end(
        self,
        flight: Flight,
        failure: Failure | None,
        usage: Usage | None = None,
        response_id: str = "",
        made: tuple[tuple[str, str], ...] = (),
        *,
        at_once: bool = False,
    ) -> Call:
        """Record the end, settle what was held, learn from it. The second end is the first one.

        ``failure`` is None where the request was answered; ``usage`` None where nothing was used,
        or nobody knows what. ``made`` are the ids that are its project's from now on. ``at_once``:
        nothing else goes on before it is on record. Raises LedgerUnavailable, settled all the
        same: what is not on record is not delivered, and `reap` tries again to record it.
        """
        if flight.ended:
            return flight.ended
        call = call_of(flight, failure, usage, response_id, self._clock.monotonic_ns())
        flight.ended = call
        if made:
            self.made.made(call.project, made)
        record = None
        try:
            try:
                if at_once:
                    self._ledger.end_now(call)
                else:
                    record = self._ledger.end_call(call, made)
            finally:
                # Behind it in the journal stands whatever is taken of what this gives back.
                levels = await self._limiter.settle(flight.open.id, dict(call.charged))
                if levels is not None:
                    flight.levels = levels
            if record is not None:
                await record
        except OSError as error:
            self._unrecorded.append(call)
            raise LedgerUnavailable(error.strerror or str(error)) from error
        except asyncio.CancelledError:
            if record and record.done() and record.exception():
                self._unrecorded.append(call)
            raise
        finally:
            del record
            self._gone(flight)
            for told in self._observers.ended:
                told(call)
        learned = call.outcome is Outcome.OK
        if learned and usage and usage.total and not usage.is_estimate and not flight.ask.media:
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
