"""The live picture: what requests leave behind in memory, and its reading as a Snapshot."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from console.domain.calls import Call, Cause
from console.domain.catalogue import Catalogue
from console.domain.clock import Clock
from console.domain.layers import InForce
from console.domain.limits import BudgetLimit, RateLimit
from console.domain.snapshot import (
    Budget,
    Change,
    Flow,
    Happening,
    Level,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    Vitals,
)
from console.domain.wording import value_text
from console.gateway.budget_days import BudgetDays
from console.gateway.flight import Flight
from console.gateway.flows import Flows
from console.gateway.levels import levels_in_slices
from console.gateway.plan import Plan, ProjectPlan, RoutePlan, TargetPlan
from console.limiter import BucketState, Limiter, Money

_HALF_MINUTE_US = 30_000_000
_ROWS_A_SLICE = 20
"""Rows built before the event loop gets a turn: about a millisecond."""
HAPPENINGS_SHOWN = 20


class Live:
    """Fed by the data plane as requests pass; `snapshot` is read once a second."""

    def __init__(
        self,
        catalogue: Catalogue,
        plan: Callable[[], Plan],
        limiter: Limiter,
        days: BudgetDays,
        clock: Clock,
        vitals: Callable[[], Vitals],
    ) -> None:
        self._plan = plan
        self._limiter = limiter
        self._days = days
        self._clock = clock
        self._vitals = vitals
        self._projects = {name: Flows() for name in catalogue.projects}
        self._targets = {name: Flows() for name in catalogue.targets}
        self._happenings: deque[Happening] = deque(maxlen=HAPPENINGS_SHOWN)
        self._rows: dict[str, tuple[ProjectPlan, Mapping[str, BucketState], ProjectRow]] = {}

    def seed(
        self, minutes: Iterable[tuple[int, str, int]], happenings: Iterable[Happening]
    ) -> None:
        """Start from the ledger, as if we had been there.

        ``minutes`` is the last hour's spend as (the minute's start in UTC µs, project,
        nano-dollars), ``happenings`` the newest events; old to new.
        """
        now_ns, now_us = self._clock.monotonic_ns(), self._clock.wall_us()
        for minute_us, project, nano in minutes:
            if project in self._projects:
                ago_us = max(0, now_us - minute_us - _HALF_MINUTE_US)
                self._projects[project].spent_before(now_ns - ago_us * 1_000, nano)
        self._happenings.extend(happenings)

    def happened(self, happening: Happening) -> None:
        """An event to show under the rows; one told again after a restart is shown once."""
        if all(shown.id != happening.id for shown in self._happenings):
            self._happenings.append(happening)

    def begun(self, flight: Flight) -> None:
        """A request was dispatched."""
        opened = flight.open
        now_ns = flight.arrival.at_ns
        self._projects[opened.project].admitted(now_ns, opened.model)
        self._targets[opened.target].admitted(now_ns, opened.model)

    def ended(self, call: Call) -> None:
        """A dispatched request ended."""
        now_ns = self._clock.monotonic_ns()
        self._projects[call.project].ended(now_ns, call)
        self._targets[call.target].ended(now_ns, call)

    def refused(self, project: str, target: str, cause: Cause) -> None:
        """We refused a request; ``target`` is empty where its own limits were not the cause."""
        now_ns = self._clock.monotonic_ns()
        self._projects[project].refused(now_ns, cause)
        if target:
            self._targets[target].refused(now_ns, cause)

    async def snapshot(self) -> Snapshot:
        """The whole picture. Gives way to requests between slices of rows."""
        plan = self._plan()
        states = {key: state async for key, state in levels_in_slices(self._limiter, _keys(plan))}
        every = list(plan.projects.values())
        projects: list[ProjectRow] = []
        for start in range(0, len(every), _ROWS_A_SLICE):
            projects += await self._project_rows(every[start : start + _ROWS_A_SLICE], states)
            await asyncio.sleep(0)
        now_ns = self._clock.monotonic_ns()
        targets = [self._target_row(target, states, now_ns) for target in plan.targets.values()]
        return Snapshot(
            now_ms=now_ns // 1_000_000,
            at_us=self._clock.wall_us(),
            vitals=self._vitals(),
            projects=tuple(projects),
            targets=tuple(targets),
            routes=tuple(_route_row(route) for route in plan.routes.values()),
            happenings=tuple(reversed(self._happenings)),
        )

    async def _project_rows(
        self, plans: Sequence[ProjectPlan], states: Mapping[str, BucketState]
    ) -> list[ProjectRow]:
        now_us = self._clock.wall_us()
        today = [self._days.limit(plan, now_us) for plan in plans]
        money = await self._limiter.money(
            {plan.budget_key: day.day for plan, day in zip(plans, today, strict=True)}
        )
        unknown = {
            plan.project.id: day.day
            for plan, day in zip(plans, today, strict=True)
            if plan.budget_key not in money
        }
        self._days.look_up(unknown)
        return [
            self._project_row(plan, states, day, money.get(plan.budget_key, Money()))
            for plan, day in zip(plans, today, strict=True)
        ]

    def _project_row(
        self,
        plan: ProjectPlan,
        states: Mapping[str, BucketState],
        day: BudgetLimit,
        money: Money,
    ) -> ProjectRow:
        flows = self._projects[plan.project.id]
        budget = Budget(plan.budget_nano, money.spent_nano, money.held_nano, day.ends_at_us)
        mine = {key: states[key] for key in (plan.rpm_key, plan.tpm_key) if key in states}
        known = self._rows.get(plan.project.id)
        if (
            flows.quiet()
            and known
            and known[0] is plan
            and known[1] == mine
            and known[2].budget == budget
            and known[2].flow == Flow()
        ):
            return known[2]
        now_ns = self._clock.monotonic_ns()
        row = ProjectRow(
            id=plan.project.id,
            name=plan.project.name,
            priority=plan.project.priority.word,
            version=plan.version,
            paused=plan.paused is not None,
            rpm=_level(plan.requests, mine.get(plan.rpm_key)),
            tpm=_level(plan.tokens, mine.get(plan.tpm_key)),
            slots=plan.slots,
            budget=budget,
            flow=flows.flow(now_ns),
            changes=_changes(plan.changes),
            models=flows.models(now_ns),
        )
        self._rows[plan.project.id] = (plan, mine, row)
        return row

    def _target_row(
        self, plan: TargetPlan, states: Mapping[str, BucketState], now_ns: int
    ) -> TargetRow:
        flows = self._targets[plan.target.id]
        return TargetRow(
            id=plan.target.id,
            version=plan.version,
            rpm=_level(plan.requests, states.get(plan.rpm_key)),
            tpm=_level(plan.tokens, states.get(plan.tpm_key)),
            flow=flows.flow(now_ns),
            upstream_429_60s=flows.upstream_429_60s(now_ns),
            changes=_changes(plan.changes),
        )


def _keys(plan: Plan) -> list[str]:
    keys: list[str] = []
    for project in plan.projects.values():
        keys += (project.rpm_key, project.tpm_key)
    for target in plan.targets.values():
        keys += (target.rpm_key, target.tpm_key)
    return keys


def _level(limit: RateLimit | None, state: BucketState | None) -> Level | None:
    """A bucket never touched is full, since ever."""
    if limit is None:
        return None
    if state is None:
        return Level(limit.capacity, limit.capacity, limit.per_minute, 0)
    return Level(state.level, limit.capacity, limit.per_minute, state.at_ns // 1_000_000)


def _route_row(plan: RoutePlan) -> RouteRow:
    return RouteRow(
        id=plan.route.model,
        version=plan.version,
        targets=plan.route.targets,
        serving=plan.serving,
        paused=plan.paused is not None,
        changes=_changes(plan.changes),
    )


def _changes(in_force: tuple[InForce, ...]) -> tuple[Change, ...]:
    changes = []
    for item in in_force:
        entry = item.entry
        if entry is None or entry.field is None or item.value is None:
            continue
        changes.append(
            Change(
                command_id=entry.id,
                field=str(entry.field),
                value=value_text(entry.field, item.value),
                was=entry.before,
                layer=item.layer,
                until_us=entry.until_us,
                actor=entry.actor,
                reason=entry.reason,
            )
        )
    return tuple(changes)
