"""Leases: what applications hold of their projects' quotas ahead of their calls.

A lease is a reservation in the limiter, from the very buckets that calls take from. A call that
names it draws on it: what the lease holds of a bucket moves to the call, so nothing counts twice.
What no call drew goes back when it ends. Leases live in memory: after a restart there are none,
and what their calls drew stands in the ledger as any call's.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from quotadeck.admission.admit import Acquire, bound_by
from quotadeck.admission.days import BudgetDays
from quotadeck.admission.leasing import Bounds, Leasable, amounts, bounds, leasable
from quotadeck.admission.planned import ProjectPlan
from quotadeck.domain.calls import Call
from quotadeck.domain.clock import Clock
from quotadeck.domain.ids import new_id
from quotadeck.domain.lease import (
    LIFE_MS,
    MOST_OF_A_KEY,
    MOST_OF_A_PROJECT,
    Amounts,
    LeaseEnd,
    LeasesPage,
)
from quotadeck.domain.lease_refusals import LeaseOver, NoSuchLease, TooManyLeases
from quotadeck.domain.limits import Priority, RateLimit, Take
from quotadeck.domain.refusals import LimitReached, Paused, Refusal
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.gateway.data.elsewhere import Elsewhere
from quotadeck.gateway.data.keys import Caller, KeyRing
from quotadeck.gateway.data.lease import Held, Lease
from quotadeck.gateway.data.lease_asked import LeaseAsk, LeaseName
from quotadeck.gateway.data.managers import Managers
from quotadeck.gateway.plan import Plan
from quotadeck.limiter import Admitted, DayUnknown, Limiter, Refused

_GRACE_MS: Final = 30_000
"""The limiter would charge what it finds after its deadline: leases end before, by ours."""
_LOOK_AGAIN_MS: Final = 1_000
"""What other leases hold comes back as their calls draw, at no instant that is known."""
_REMEMBERED: Final = 4_096
"""Ended leases, of which it can be told how they ended."""

_NOTHING: Final = Amounts(0, 0, 0)


class Log(Protocol):
    """Who puts on record what becomes of leases."""

    def begun(self, lease: Lease, held: Amounts) -> None: ...
    def ended(self, lease: Lease, how: LeaseEnd, back: Amounts) -> None: ...
    def second(self) -> None: ...


class Leases:
    """Those that live, and how the last ones ended."""

    def __init__(
        self,
        plan: Callable[[], Plan],
        limiter: Limiter,
        days: BudgetDays,
        clock: Clock,
        log: Log,
        record: Callable[[Call], None],
    ) -> None:
        """``record`` writes a call down that was made elsewhere, and raises OSError."""
        self._elsewhere = Elsewhere(limiter, days, clock, record)
        self._plan = plan
        self._limiter = limiter
        self._days = days
        self._clock = clock
        self._log = log
        self._live: dict[str, Lease] = {}
        self._of_project: dict[str, dict[str, Lease]] = {}
        self._of_key: Counter[str] = Counter()
        self._over: dict[str, tuple[Caller, LeaseEnd, int]] = {}
        self.managers = Managers(clock)

    async def make(self, caller: Caller, ask: LeaseAsk) -> Held:
        """A new one. Raises Paused, TooManyLeases, LimitReached or BudgetSpent, and
        LedgerUnavailable."""
        now_us, now_ns = self._clock.wall_us(), self._clock.monotonic_ns()
        identity = new_id("lease", now_us, os.urandom(10))
        lease = Lease(identity, caller, ask.manager, now_us, now_ns)
        ask = ask.beyond(_NOTHING)
        await self._book(caller, ask)
        try:
            plan = self._open(caller)
            self._room_for(caller)
            asked = (
                _either(ask.amounts, _NOTHING)
                if any(one is not None for one in ask.amounts)
                else ask.amounts
            )
            if refusal := await self._fill(plan, lease, asked, ask.least):
                raise refusal
        except Refusal:
            self._told(caller, ask, "")
            raise
        self._live[identity] = lease
        self._of_project.setdefault(caller.project, {})[identity] = lease
        self._of_key[caller.key_id] += 1
        self._renewed(lease)
        self._told(caller, ask, identity)
        held = await self._held(lease)
        self._log.begun(lease, held)
        return Held(lease, held, held, 0)

    async def renew(self, caller: Caller, identity: str, ask: LeaseAsk) -> Held:
        """It lives on, and holds what is asked as far as that is there; where nothing is asked, and
        where not even the least is there, what it held.

        Raises NoSuchLease, LeaseOver, Paused, or LedgerUnavailable.
        """
        lease = await self.mine(caller, identity)
        await self._book(caller, ask)
        plan = self._open(caller)
        lease.manager = ask.manager or lease.manager
        before = await self._held(lease)
        kept, ask = ask.kept(before), ask.beyond(before)
        wanted = _either(ask.amounts, before)
        refusal = await self._fill(plan, lease, wanted, _either(ask.least, _NOTHING))
        self._renewed(lease)
        self._told(caller, ask, identity)
        held = await self._held(lease)
        return Held(
            lease,
            held,
            _more(kept, held),
            refusal.wait_ms if refusal else 0,
            getattr(refusal, "binding", ""),
        )

    async def give_back(self, caller: Caller, identity: str) -> tuple[Lease, Amounts]:
        """End it; what went back. Raises NoSuchLease or LeaseOver."""
        lease = await self.mine(caller, identity)
        self.managers.forget(caller, lease.manager)
        return lease, await self._end(lease, LeaseEnd.GIVEN_BACK)

    async def mine(self, caller: Caller, identity: str) -> Lease:
        """Raises NoSuchLease for one of another key or project, or of nobody; LeaseOver."""
        lease = self._live.get(identity)
        if lease is not None and lease.caller == caller:
            if lease.until_ns > self._clock.monotonic_ns():
                return lease
            await self._end(lease, LeaseEnd.RAN_OUT)
        owner, how, ended_us = self._over.get(identity, (None, LeaseEnd.RAN_OUT, 0))
        if owner == caller:
            raise LeaseOver(identity, how, ended_us)
        raise NoSuchLease(identity, caller.project)

    async def draws(self, caller: Caller, name: LeaseName) -> Acquire:
        """What stands in for the limiter's `acquire` for a call that names the lease.

        Raises NoSuchLease or LeaseOver.
        """
        lease = await self.mine(caller, name.id)
        named = zip(Amounts._fields, name.most, strict=True)
        limited = {field: most for field, most in named if most is not None}
        most = {e.key: limited[e.field] * e.scale for e in lease.parts if e.field in limited}

        async def acquire(
            reservation: str, takes: Sequence[Take], priority: Priority, ttl_ms: int, turn: str
        ) -> Admitted | Refused:
            before = await self._limiter.held(lease.reservation) or {}
            answer = await self._limiter.draw(
                lease.reservation, reservation, takes, priority, ttl_ms, most, turn
            )
            if answer is None:  # it ended in this very moment
                return await self._limiter.acquire(reservation, takes, priority, ttl_ms, turn)
            if isinstance(answer, Admitted):
                after = await self._limiter.held(lease.reservation) or {}
                lease.calls += 1
                for each in lease.parts:
                    gone = before.get(each.key, 0) - after.get(each.key, 0)
                    lease.drawn[each.field] = lease.drawn.get(each.field, 0) + gone // each.scale
            return answer

        return acquire

    def project_of(self, identity: str) -> str:
        """Whose it is; empty where it does not live."""
        lease = self._live.get(identity)
        return lease.caller.project if lease else ""

    async def changed(self, subjects: Iterable[Subject], plan: Plan, keys: KeyRing) -> None:
        """Commands on these took effect: end the leases among them, and those whose project is
        paused, or whose key is gone, under what is in force now."""
        if not self._live:
            return
        for subject in subjects:
            if subject.kind is SubjectKind.LEASE and subject.name in self._live:
                await self._end(self._live[subject.name], LeaseEnd.BY_OPERATOR)
        serving = {key.id: key.projects for key in keys.by_hash.values()}
        for lease in list(self._live.values()):
            key_id, project = lease.caller
            if plan.projects[project].paused:
                await self._end(lease, LeaseEnd.PAUSED)
            elif project not in serving.get(key_id, ()):
                await self._end(lease, LeaseEnd.KEY_GONE)

    async def second(self) -> None:
        """End those that nobody renewed; put on record what happened."""
        now_ns = self._clock.monotonic_ns()
        for lease in [one for one in self._live.values() if one.until_ns <= now_ns]:
            await self._end(lease, LeaseEnd.RAN_OUT)
        self._log.second()

    async def page(self) -> LeasesPage:
        """All that live, and what the managers told."""
        now_ns = self._clock.monotonic_ns()
        rows = [one.row(await self._held(one), now_ns) for one in list(self._live.values())]
        return LeasesPage(self._clock.wall_us(), tuple(rows), self.managers.rows())

    async def undrawn(self) -> Mapping[str, int]:
        """What all leases hold, by bucket: free again after a restart, which forgets them."""
        found: dict[str, int] = {}
        for lease in self._live.values():
            for key, amount in (await self._limiter.held(lease.reservation) or {}).items():
                found[key] = found.get(key, 0) + amount
        return found

    async def _book(self, caller: Caller, ask: LeaseAsk) -> None:
        plan = self._plan().projects[caller.project]
        await self._elsewhere.book(plan, caller, ask.manager, ask.used, ask.used_number)

    def _open(self, caller: Caller) -> ProjectPlan:
        """Raises Paused."""
        plan = self._plan().projects[caller.project]
        if entry := plan.paused:
            reason = entry.reason if entry.public else ""
            raise Paused(Subject.project(caller.project), reason, entry.until_us)
        return plan

    def _room_for(self, caller: Caller) -> None:
        """Raises TooManyLeases."""
        if self._of_key[caller.key_id] >= MOST_OF_A_KEY:
            raise TooManyLeases(MOST_OF_A_KEY)
        if len(self._of_project.get(caller.project, ())) >= MOST_OF_A_PROJECT:
            raise TooManyLeases(MOST_OF_A_PROJECT, caller.project)

    async def _fill(
        self, plan: ProjectPlan, lease: Lease, wanted: Amounts, least: Amounts
    ) -> Refusal | None:
        """Have it hold what is wanted, as far as that is there.

        The refusal where it is not even the least: then it holds no more than before.
        """
        parts = leasable(plan, self._days.limit(plan, self._clock.wall_us()))
        states = await self._limiter.levels([each.key for each in parts])
        before = await self._limiter.held(lease.reservation) or {}
        others = await self._others(lease)
        held = {each.key: before.get(each.key, 0) // each.scale for each in parts}
        each_bounds = [
            bounds(
                each,
                states.get(each.key),
                held[each.key],
                others.get(each.key, 0) // each.scale,
                getattr(wanted, each.field),
                getattr(least, each.field),
            )
            for each in parts
        ]
        every = list(zip(parts, each_bounds, strict=True))
        refusal = next((_no_room(e, plan, b) for e, b in every if b.room < b.least), None)
        if refusal is None:
            most = [(each, b.wanted) for each, b in every]
            answer = await self._hold(plan, lease, most)
            if isinstance(answer, Refused):
                # What is promised to others is not there, although it has not been taken yet.
                kept = [(e, max(b.least, min(held[e.key], b.wanted))) for e, b in every]
                answer = await self._hold(plan, lease, kept, _turn_of(lease))
            if isinstance(answer, Admitted):
                if name := _turn_of(lease):
                    await self._limiter.forget(name)
                return None
            takes = [each.take(b.least) for each, b in every]
            refusal = bound_by(answer, lease.caller.project, plan.limits, takes)
        if lease.number:
            less = [(each, min(held[each.key], b.wanted)) for each, b in every]
            await self._hold(plan, lease, less)
        return refusal

    async def _hold(
        self,
        plan: ProjectPlan,
        lease: Lease,
        every: Sequence[tuple[Leasable, int]],
        turn: str = "",
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
        self, lease: Lease, takes: Sequence[Take], priority: Priority, turn: str
    ) -> Admitted | Refused:
        to, ttl_ms = f"{lease.id}.{lease.number + 1}", LIFE_MS + _GRACE_MS
        if lease.number:
            answer = await self._limiter.draw(
                lease.reservation, to, takes, priority, ttl_ms, turn=turn
            )
            if answer is not None:
                return answer
        return await self._limiter.acquire(to, takes, priority, ttl_ms, turn)

    async def _others(self, lease: Lease) -> dict[str, int]:
        """What the project's other leases hold, by bucket."""
        found: dict[str, int] = {}
        for other in self._of_project.get(lease.caller.project, {}).values():
            if other is not lease:
                for key, amount in (await self._limiter.held(other.reservation) or {}).items():
                    found[key] = found.get(key, 0) + amount
        return found

    async def _held(self, lease: Lease) -> Amounts:
        held = await self._limiter.held(lease.reservation) or {}
        return amounts((each, held.get(each.key, 0) // each.scale) for each in lease.parts)

    async def _end(self, lease: Lease, how: LeaseEnd) -> Amounts:
        """What no call drew goes back."""
        back = await self._held(lease)
        if name := _turn_of(lease):
            await self._limiter.forget(name)
        await self._limiter.release(lease.reservation)
        if self._live.pop(lease.id, None) is not None:
            key_id, project = lease.caller
            del self._of_project[project][lease.id]
            self._of_key[key_id] -= 1
            if not self._of_project[project]:
                del self._of_project[project]
            if not self._of_key[key_id]:
                del self._of_key[key_id]
        if len(self._over) >= _REMEMBERED:
            del self._over[next(iter(self._over))]
        self._over[lease.id] = lease.caller, how, self._clock.wall_us()
        self._log.ended(lease, how, back)
        return back

    def _renewed(self, lease: Lease) -> None:
        lease.until_us = self._clock.wall_us() + LIFE_MS * 1_000
        lease.until_ns = self._clock.monotonic_ns() + LIFE_MS * 1_000_000

    def _told(self, caller: Caller, ask: LeaseAsk, identity: str) -> None:
        if ask.manager or ask.waiting is not None:
            self.managers.tell(caller, ask.manager, identity, ask.waiting)


def _turn_of(lease: Lease) -> str:
    """A manager that waits has a turn of its own; of one without a name nobody knows it again."""
    key_id, project = lease.caller
    return f"lease {key_id} {project} {lease.manager}" if lease.manager else ""


def _either(asked: Amounts, else_: Amounts) -> Amounts:
    pairs = zip(asked, else_, strict=True)
    return Amounts(*(other if one is None else one for one, other in pairs))


def _more(before: Amounts, after: Amounts) -> Amounts:
    """What is there now beyond what was."""
    pairs = zip(before, after, strict=True)
    return Amounts(*(None if now is None else max(0, now - (was or 0)) for was, now in pairs))


def _no_room(each: Leasable, plan: ProjectPlan, found: Bounds) -> Refusal:
    """The project's other leases hold what leases may: until calls have drawn on them."""
    limit = next(one for one in plan.limits if one.key == each.key)
    rate = each.limit.per_minute if isinstance(each.limit, RateLimit) else 60
    wait_ms = min(LIFE_MS, max(_LOOK_AGAIN_MS, -(-(found.least - found.room) * 60_000 // rate)))
    return LimitReached(
        each.key, each.limit.amount, limit.rule.kind, found.least, wait_ms, limit.cause
    )
