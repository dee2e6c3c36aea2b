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

from quotadeck.admission.admit import Acquire
from quotadeck.admission.days import BudgetDays
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
from quotadeck.domain.limits import Priority, Take
from quotadeck.domain.refusals import Paused, Refusal
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.gateway.data.elsewhere import Elsewhere
from quotadeck.gateway.data.filling import Filling
from quotadeck.gateway.data.keys import Caller, KeyRing
from quotadeck.gateway.data.lease import Held, Lease
from quotadeck.gateway.data.lease_asked import LeaseAsk, LeaseName
from quotadeck.gateway.data.managers import Managers
from quotadeck.gateway.data.turns import TurnBook
from quotadeck.gateway.plan import Plan
from quotadeck.limiter import Admitted, Limiter, Refused, TurnName

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
        turns: TurnBook,
    ) -> None:
        """``record`` writes a call down that was made elsewhere, and raises OSError."""
        self._filling = Filling(limiter, days, clock, turns)
        self._elsewhere = Elsewhere(limiter, days, clock, record)
        self._plan = plan
        self._limiter = limiter
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
        lease = Lease(identity, caller, ask, now_us, now_ns)
        ask = ask.beyond(_NOTHING)
        await self.book(caller, ask)
        try:
            plan = self._open(caller)
            self._room_for(caller)
            asked = (
                _either(ask.amounts, _NOTHING)
                if any(one is not None for one in ask.amounts)
                else ask.amounts
            )
            # From now on it ends by all that ends leases, also while it is being filled.
            self._renewed(lease)
            self._add(lease)
            try:
                if refusal := await self._fill(plan, lease, asked, ask.least):
                    raise refusal
            except BaseException:
                self._remove(lease)
                raise
        except Refusal:
            self._told(caller, ask, "")
            raise
        self._told(caller, ask, identity)
        held = await self._filling.held(lease)
        lease.begun = True
        self._log.begun(lease, held)
        return Held(lease, held, held, 0)

    async def renew(self, caller: Caller, identity: str, ask: LeaseAsk) -> Held:
        """It lives on, and holds what is asked as far as that is there; where nothing is asked, and
        where not even the least is there, what it held.

        Raises NoSuchLease, LeaseOver, Paused, or LedgerUnavailable.
        """
        await self.book(caller, ask)  # whatever has become of the lease
        lease = await self.mine(caller, identity)
        plan = self._open(caller)
        lease.of(ask)
        before = await self._filling.held(lease)
        kept, ask = ask.kept(before), ask.beyond(before)
        if kept != before:
            # It was used elsewhere, and counted there, or is of no use: what is more is taken anew.
            await self._filling.keep(plan, lease, kept)
        wanted = _either(ask.amounts, before)
        refusal = await self._fill(plan, lease, wanted, _either(ask.least, _NOTHING))
        self._renewed(lease)
        self._told(caller, ask, identity)
        held = await self._filling.held(lease)
        return Held(
            lease,
            held,
            _more(kept, held),
            refusal.wait_ms if refusal else 0,
            getattr(refusal, "binding", ""),
        )

    async def book(self, caller: Caller, ask: LeaseAsk) -> None:
        """Write down what it tells to have used elsewhere; see `Elsewhere.book`."""
        await self._elsewhere.book(self._plan(), caller, ask.whose, ask.used, ask.used_number)

    async def give_back(self, caller: Caller, identity: str) -> tuple[Lease, Amounts]:
        """End it; what went back. Raises NoSuchLease or LeaseOver."""
        lease = await self.mine(caller, identity)
        self.managers.forget(caller, lease.whose)
        return lease, await self._end(lease, LeaseEnd.GIVEN_BACK)

    async def mine(self, caller: Caller, identity: str) -> Lease:
        """Raises NoSuchLease for one of another key or project, or of nobody; LeaseOver."""
        lease = self._live.get(identity)
        if lease is not None and lease.caller == caller:
            if lease.until_ns > self._clock.monotonic_ns():
                return lease
            await self._end(lease, LeaseEnd.RAN_OUT)
        raise self._is_over(caller, identity)

    async def draws(self, caller: Caller, name: LeaseName) -> Acquire:
        """What stands in for the limiter's `acquire` for a call that names the lease.

        Raises NoSuchLease or LeaseOver.
        """
        lease = await self.mine(caller, name.id)
        named = zip(Amounts._fields, name.most, strict=True)
        limited = {field: most for field, most in named if most is not None}
        most = {e.key: limited[e.field] * e.scale for e in lease.parts if e.field in limited}

        async def acquire(
            reservation: str,
            takes: Sequence[Take],
            priority: Priority,
            ttl_ms: int,
            turn: TurnName | None,
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
        serving = keys.serving()
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
        rows = [one.row(await self._filling.held(one), now_ns) for one in list(self._live.values())]
        return LeasesPage(self._clock.wall_us(), tuple(rows), self.managers.rows())

    async def undrawn(self) -> Mapping[str, int]:
        """What all leases hold, by bucket: free again after a restart, which forgets them."""
        found: dict[str, int] = {}
        for lease in self._live.values():
            for key, amount in (await self._limiter.held(lease.reservation) or {}).items():
                found[key] = found.get(key, 0) + amount
        return found

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
        """See `Filling.fill`. Raises LeaseOver where it ended meanwhile: then it holds nothing."""
        of_project = self._of_project[lease.caller.project].values()
        others = [other for other in of_project if other is not lease]
        refusal = await self._filling.fill(plan, lease, others, wanted, least)
        if lease.id not in self._live:
            await self._limiter.release(lease.reservation)
            raise self._is_over(lease.caller, lease.id)
        return refusal

    def _is_over(self, caller: Caller, identity: str) -> LeaseOver | NoSuchLease:
        owner, how, ended_us = self._over.get(identity, (None, LeaseEnd.RAN_OUT, 0))
        if owner == caller:
            return LeaseOver(identity, how, ended_us)
        return NoSuchLease(identity, caller.project)

    def _add(self, lease: Lease) -> None:
        key_id, project = lease.caller
        self._live[lease.id] = lease
        self._of_project.setdefault(project, {})[lease.id] = lease
        self._of_key[key_id] += 1

    def _remove(self, lease: Lease) -> None:
        if self._live.pop(lease.id, None) is None:
            return
        key_id, project = lease.caller
        del self._of_project[project][lease.id]
        self._of_key[key_id] -= 1
        if not self._of_project[project]:
            del self._of_project[project]
        if not self._of_key[key_id]:
            del self._of_key[key_id]

    async def _end(self, lease: Lease, how: LeaseEnd) -> Amounts:
        """What no call drew goes back."""
        back = await self._filling.emptied(lease)
        self._remove(lease)
        if len(self._over) >= _REMEMBERED:
            del self._over[next(iter(self._over))]
        self._over[lease.id] = lease.caller, how, self._clock.wall_us()
        if lease.begun:
            self._log.ended(lease, how, back)
        return back

    def _renewed(self, lease: Lease) -> None:
        lease.until_us = self._clock.wall_us() + LIFE_MS * 1_000
        lease.until_ns = self._clock.monotonic_ns() + LIFE_MS * 1_000_000

    def _told(self, caller: Caller, ask: LeaseAsk, identity: str) -> None:
        if ask.whose or ask.waiting is not None:
            self.managers.tell(caller, ask, identity)


def _either(asked: Amounts, else_: Amounts) -> Amounts:
    pairs = zip(asked, else_, strict=True)
    return Amounts(*(other if one is None else one for one, other in pairs))


def _more(before: Amounts, after: Amounts) -> Amounts:
    """What is there now beyond what was."""
    pairs = zip(before, after, strict=True)
    return Amounts(*(None if now is None else max(0, now - (was or 0)) for was, now in pairs))
