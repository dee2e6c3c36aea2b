"""What a lease holds: it is filled from the buckets of its project, and moved when it changes.

It is a reservation in the limiter, another one each time that it holds something else. Of money it
holds a day's: what it held of yesterday's pays for nothing today, and counts for nothing here.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from quotadeck.admission.admit import bound_by
from quotadeck.admission.days import BudgetDays
from quotadeck.admission.leasing import Bounds, Leasable, amounts, bounds, leasable
from quotadeck.admission.planned import ProjectPlan
from quotadeck.domain.clock import Clock
from quotadeck.domain.lease import LIFE_MS, Amounts
from quotadeck.domain.limits import BudgetLimit, Priority, RateLimit, Take
from quotadeck.domain.refusals import LimitReached, Refusal
from quotadeck.gateway.data.lease import Lease
from quotadeck.gateway.data.turns import TurnBook, Wanted
from quotadeck.limiter import Admitted, DayUnknown, Limiter, Refused, TurnName

_GRACE_MS: Final = 30_000
"""The limiter would charge what it finds after its deadline: leases end before, by ours."""
_LOOK_AGAIN_MS: Final = 1_000
"""What other leases hold comes back as their calls draw, at no instant that is known."""


class Filling:
    """Fills leases, and tells what they hold."""

    def __init__(self, limiter: Limiter, days: BudgetDays, clock: Clock, turns: TurnBook) -> None:
        self._limiter = limiter
        self._days = days
        self._clock = clock
        self._turns = turns

    async def fill(
        self,
        plan: ProjectPlan,
        lease: Lease,
        others: Iterable[Lease],
        wanted: Amounts,
        least: Amounts,
    ) -> Refusal | None:
        """Have it hold what is wanted, as far as that is there; ``others`` are the project's.

        The refusal where it is not even the least: then it holds no more than before. A manager
        that has a name waits in turn for it.
        """
        budget = self._days.limit(plan, self._clock.wall_us())
        parts = leasable(plan, budget)
        states = await self._limiter.levels([each.key for each in parts])
        before = await self._of_day(lease, budget)
        elsewhere = dict[str, int]()
        for other in others:
            for key, amount in (await self._of_day(other, budget)).items():
                elsewhere[key] = elsewhere.get(key, 0) + amount
        held = {each.key: before.get(each.key, 0) // each.scale for each in parts}
        every = [
            (
                each,
                bounds(
                    each,
                    states.get(each.key),
                    held[each.key],
                    elsewhere.get(each.key, 0) // each.scale,
                    getattr(wanted, each.field),
                    getattr(least, each.field),
                ),
            )
            for each in parts
        ]
        refusal = next((_no_room(e, plan, b) for e, b in every if b.room < b.least), None)
        if refusal is None:
            answer = await self._in_turn(plan, lease, every, held)
            if isinstance(answer, Admitted):
                return None
            refusal = answer
        if lease.number:
            less = [(each, min(held[each.key], found.wanted)) for each, found in every]
            await self._hold(plan, lease, less)
        return refusal

    async def keep(self, plan: ProjectPlan, lease: Lease, kept: Amounts) -> None:
        """Have it hold no more than this; the rest goes back to its buckets."""
        budget = self._days.limit(plan, self._clock.wall_us())
        held = await self._of_day(lease, budget)
        less = [
            (each, min(held.get(each.key, 0) // each.scale, getattr(kept, each.field) or 0))
            for each in leasable(plan, budget)
        ]
        await self._hold(plan, lease, less)

    async def held(self, lease: Lease) -> Amounts:
        """What it holds, in whole units."""
        held = await self._limiter.held(lease.reservation) or {}
        return amounts((each, held.get(each.key, 0) // each.scale) for each in lease.parts)

    async def emptied(self, lease: Lease) -> Amounts:
        """What it held goes back, and it waits for nothing more; what that was."""
        held = await self.held(lease)
        await self._limiter.release(lease.reservation)
        if turn := self._turn(lease):
            await self._turns.given_up(lease.caller, turn)
        return held

    def _turn(self, lease: Lease) -> Wanted | None:
        """That of its manager. One that does not say who it is nobody knows again."""
        if not lease.whose:
            return None
        sent = f"lease {lease.whose}".encode()
        return self._turns.of(lease.caller, sent, lease.reservation, announced=True)

    async def _of_day(self, lease: Lease, budget: BudgetLimit) -> dict[str, int]:
        """What it holds, by bucket; money of this day alone."""
        gone = {
            each.key
            for each in lease.parts
            if isinstance(each.limit, BudgetLimit) and each.limit.day != budget.day
        }
        held = await self._limiter.held(lease.reservation) or {}
        return {key: amount for key, amount in held.items() if key not in gone}

    async def _in_turn(
        self,
        plan: ProjectPlan,
        lease: Lease,
        every: Sequence[tuple[Leasable, Bounds]],
        held: dict[str, int],
    ) -> Admitted | Refusal:
        """All that is wanted; else, what is promised to others not being there although it has not
        been taken yet, the least, for which it waits in turn."""
        turn = self._turn(lease)
        answer = await self._hold(plan, lease, [(each, found.wanted) for each, found in every])
        if isinstance(answer, Admitted):
            if turn:
                await self._turns.given_up(lease.caller, turn)
            return answer
        kept = [(e, max(b.least, min(held[e.key], b.wanted))) for e, b in every]
        answer = await self._hold(plan, lease, kept, turn and turn.name)
        if isinstance(answer, Admitted):
            if turn:
                self._turns.claimed(lease.caller, turn)
            return answer
        takes = [each.take(found.least) for each, found in every]
        refusal = bound_by(answer, lease.caller.project, plan.limits, takes)
        if turn:
            self._turns.given(lease.caller, turn, refusal)
        return refusal

    async def _hold(
        self,
        plan: ProjectPlan,
        lease: Lease,
        every: Sequence[tuple[Leasable, int]],
        turn: TurnName | None = None,
    ) -> Admitted | Refused:
        """Have it hold just that; refused, it holds what it held, and may be promised a turn."""
        takes = [each.take(amount) for each, amount in every]
        try:
            answer = await self._moved(lease, takes, plan.project.priority, turn)
        except DayUnknown as unknown:
            await self._days.learn(plan.project.id, unknown.day)
            answer = await self._moved(lease, takes, plan.project.priority, turn)
        if isinstance(answer, Admitted):
            before, lease.number = lease.reservation, lease.number + 1
            lease.parts = tuple(each for each, _ in every)
            await self._limiter.release(before)
        return answer

    async def _moved(
        self, lease: Lease, takes: Sequence[Take], priority: Priority, turn: TurnName | None
    ) -> Admitted | Refused:
        to, ttl_ms = f"{lease.id}.{lease.number + 1}", LIFE_MS + _GRACE_MS
        if lease.number:
            answer = await self._limiter.draw(
                lease.reservation, to, takes, priority, ttl_ms, turn=turn
            )
            if answer is not None:
                return answer
        return await self._limiter.acquire(to, takes, priority, ttl_ms, turn)


def _no_room(each: Leasable, plan: ProjectPlan, found: Bounds) -> Refusal:
    """The project's other leases hold what leases may: until calls have drawn on them."""
    limit = next(one for one in plan.limits if one.key == each.key)
    rate = each.limit.per_minute if isinstance(each.limit, RateLimit) else 60
    wait_ms = min(LIFE_MS, max(_LOOK_AGAIN_MS, -(-(found.least - found.room) * 60_000 // rate)))
    return LimitReached(
        each.key, each.limit.amount, limit.rule.kind, found.least, wait_ms, limit.cause
    )
