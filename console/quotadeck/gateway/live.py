"""The live picture: what requests leave behind in memory, and its reading as a Snapshot."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from quotadeck.domain.calls import Call, Cause
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Entry
from quotadeck.domain.layers import InForce
from quotadeck.domain.limits import BudgetLimit, Kind, RateLimit
from quotadeck.domain.reading import Money, Reading
from quotadeck.domain.snapshot import (
    Budget,
    Change,
    Event,
    Flow,
    Level,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    Vitals,
)
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.wording import value_text
from quotadeck.gateway.budget_days import BudgetDays
from quotadeck.gateway.flight import Flight
from quotadeck.gateway.flows import Flows
from quotadeck.gateway.levels import levels_in_slices
from quotadeck.gateway.plan import Plan, ProjectPlan, RoutePlan, TargetPlan
from quotadeck.gateway.readings import Sources, pause_ends, reading_of
from quotadeck.gateway.recall import recall
from quotadeck.gateway.states import States, subjects_of
from quotadeck.limiter import BucketState, Limiter
from quotadeck.limiter import Money as Spend

_HALF_MINUTE_US = 30_000_000
_ROWS_A_SLICE = 20
"""Rows built before the event loop gets a turn: about a millisecond."""
EVENTS_SHOWN = 20
_JUDGED_ANEW_NS = 900_000_000
"""Whoever listens has judged within a second; the second's own job leaves it to them."""


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
        unserved: Callable[[], str] = str,
        keyed: Callable[[str], bool] = bool,
    ) -> None:
        """``unserved`` says why the gateway cannot serve, empty when it can; ``keyed`` whether a
        living key serves a project."""
        self._catalogue = catalogue
        self._plan = plan
        self._limiter = limiter
        self._days = days
        self._clock = clock
        self._vitals = vitals
        self._unserved = unserved
        self._keyed = keyed
        self._states = States()
        self._judged_ns = 0
        self._day: dict[str, str] = {}
        self._wake_all()
        self._projects = {name: Flows() for name in catalogue.projects}
        self._targets = {name: Flows() for name in catalogue.targets}
        self._events: deque[Event] = deque(maxlen=EVENTS_SHOWN)
        self._rows: dict[str, tuple[ProjectPlan, Mapping[str, BucketState], ProjectRow]] = {}

    def seed(self, minutes: Iterable[tuple[int, str, int]], events: Iterable[Event]) -> None:
        """Start from the ledger, as if we had been there.

        ``minutes`` is the last hour's spend as (the minute's start in UTC µs, project,
        nano-dollars), ``events`` the newest events; old to new.
        """
        now_ns, now_us = self._clock.monotonic_ns(), self._clock.wall_us()
        for minute_us, project, nano in minutes:
            if project in self._projects:
                ago_us = max(0, now_us - minute_us - _HALF_MINUTE_US)
                self._projects[project].spent_before(now_ns - ago_us * 1_000, nano)
        self._events.extend(events)

    def recall(self, calls: Iterable[Call], entries: Iterable[Entry]) -> None:
        """Judge from now on as if we had seen these calls and commands of the last process."""
        recall(
            self._states, calls, entries, self._plan(),
            now_ns=self._clock.monotonic_ns(), now_us=self._clock.wall_us(),
        )  # fmt: skip

    def happened(self, event: Event) -> None:
        """An event to show under the rows; one told again after a restart is shown once."""
        if all(shown.id != event.id for shown in self._events):
            self._events.append(event)

    def begun(self, flight: Flight) -> None:
        """A request was dispatched."""
        opened = flight.open
        now_ns = flight.arrival.at_ns
        self._projects[opened.project].admitted(now_ns, opened.model)
        self._targets[opened.target].admitted(now_ns, opened.model)
        self._states.admitted(
            self._clock.monotonic_ns(), subjects_of(opened.project, opened.target, opened.model)
        )

    def ended(self, call: Call) -> None:
        """A dispatched request ended."""
        now_ns = self._clock.monotonic_ns()
        self._projects[call.project].ended(now_ns, call)
        self._targets[call.target].ended(now_ns, call)
        self._states.ended(now_ns, call, subjects_of(call.project, call.target, call.model))

    def refused(
        self,
        project: str,
        model: str,
        cause: Cause,
        gate: Subject,
        wait_ms: int = 0,
        *,
        money_held: bool = False,
    ) -> None:
        """We refused a request: ``gate`` did, and would let it pass after ``wait_ms``.

        ``model`` is what it asked for, where that is known; ``money_held``: the day's money would
        have covered it without what requests under way hold.
        """
        now_ns = self._clock.monotonic_ns()
        plan = self._plan()
        self._projects[project].refused(now_ns, model if model in plan.routes else "")
        if gate.kind is SubjectKind.TARGET:
            self._targets[gate.name].refused(now_ns)
        self._states.refused(
            now_ns, Subject.project(project), cause, gate, wait_ms, money_held=money_held
        )

    def changed(self, subjects: Iterable[Subject], keyed: Iterable[str] = ()) -> None:
        """Commands, or their ends, changed these, and keys of the projects ``keyed``.

        What they refused before is history.
        """
        self._states.changed(subjects)
        self._states.keys_changed(keyed)
        self._states.wake(
            Subject.target(target)
            for subject in subjects
            if subject.kind is SubjectKind.MODEL
            for target in self._catalogue.routes[subject.name].targets
        )

    async def second(self) -> None:
        """Judge what happened, if no listener has had it judged within the second."""
        if self._clock.monotonic_ns() - self._judged_ns >= _JUDGED_ANEW_NS:
            await self._judge()

    async def _judge(self) -> None:
        now_ns = self._judged_ns = self._clock.monotonic_ns()
        unserved = self._unserved()
        if self._states.judge_gateway(Reading(now_ns // 1_000_000, unserved=unserved)):
            self._wake_all()

        ends_us = pause_ends(self._plan())

        async def read(subjects: Sequence[Subject]) -> Mapping[Subject, Reading]:
            plan = self._plan()
            named = [name for kind, name in subjects if kind is SubjectKind.PROJECT]
            money = await self._money_of([plan.projects[p] for p in named if p in plan.projects])
            sources = Sources(
                plan, self._projects, self._targets, money, self._keyed, unserved, ends_us
            )
            made = ((one, reading_of(one, self._states, sources, now_ns)) for one in subjects)
            return {subject: reading for subject, reading in made if reading}

        await self._states.judge(read)

    def _wake_all(self) -> None:
        """At a start the ledger may say that money is spent; and all suffer from a sick gateway."""
        for kind in SubjectKind:
            self._states.wake(Subject(kind, name) for name in self._catalogue.names(kind))

    async def _money_of(self, plans: Sequence[ProjectPlan]) -> dict[str, Money]:
        """The day's money of those whose budget can refuse."""
        found: dict[str, Money] = {}
        limited = [p for p in plans if p.budget_nano is not None]
        limited = [p for p in limited if Kind.BUDGET not in p.project.shadow]
        for plan, day, spend in await self._spends(limited):
            name = plan.project.id
            if self._day.setdefault(name, day.day) != day.day:
                self._day[name] = day.day
                self._states.day_began(name)
            found[name] = Money(day.nano_usd, spend.spent_nano, spend.held_nano, day.ends_at_us)
        return found

    async def snapshot(self) -> Snapshot:
        """The whole picture. Gives way to requests between slices of rows."""
        await self._judge()
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
            vitals=replace(self._vitals(), state=self._states.gateway),
            projects=tuple(projects),
            targets=tuple(targets),
            routes=tuple(self._route_row(route) for route in plan.routes.values()),
            events=tuple(reversed(self._events)),
        )

    async def _project_rows(
        self, plans: Sequence[ProjectPlan], states: Mapping[str, BucketState]
    ) -> list[ProjectRow]:
        return [
            self._project_row(plan, states, day, spend)
            for plan, day, spend in await self._spends(plans)
        ]

    async def _spends(
        self, plans: Sequence[ProjectPlan]
    ) -> list[tuple[ProjectPlan, BudgetLimit, Spend]]:
        """Each project's day and what was spent on it; a day that is unknown is looked up."""
        now_us = self._clock.wall_us()
        today = [(plan, self._days.limit(plan, now_us)) for plan in plans]
        money = await self._limiter.money({plan.budget_key: day.day for plan, day in today})
        self._days.look_up(
            {plan.project.id: day.day for plan, day in today if plan.budget_key not in money}
        )
        return [(plan, day, money.get(plan.budget_key, Spend())) for plan, day in today]

    def _project_row(
        self,
        plan: ProjectPlan,
        states: Mapping[str, BucketState],
        day: BudgetLimit,
        spend: Spend,
    ) -> ProjectRow:
        flows = self._projects[plan.project.id]
        budget = Budget(plan.budget_nano, spend.spent_nano, spend.held_nano, day.ends_at_us)
        mine = {key: states[key] for key in (plan.rpm_key, plan.tpm_key) if key in states}
        state = self._states.of(Subject.project(plan.project.id))
        known = self._rows.get(plan.project.id)
        if (
            flows.quiet()
            and known
            and known[0] is plan
            and known[1] == mine
            and known[2].budget == budget
            and known[2].flow == Flow()
            and known[2].state is state
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
            state=state,
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
            state=self._states.of(Subject.target(plan.target.id)),
        )

    def _route_row(self, plan: RoutePlan) -> RouteRow:
        return RouteRow(
            id=plan.route.model,
            version=plan.version,
            targets=plan.route.targets,
            serving=plan.serving,
            paused=plan.paused is not None,
            changes=_changes(plan.changes),
            state=self._states.of(Subject.model(plan.route.model)),
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
                was=value_text(entry.field, item.base),
                layer=item.layer,
                until_us=entry.until_us,
                actor=entry.actor,
                reason=entry.reason,
            )
        )
    return tuple(changes)
