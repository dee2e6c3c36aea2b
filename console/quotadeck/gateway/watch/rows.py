"""The rows of the picture, kept: one is built anew when something was marked that it is made of.

What marks a row: a request of its subject, a bucket of it that the limiter says was touched, a plan
that was compiled anew, a state that was judged otherwise, a window from which something leaves, a
day that begins. Nothing else is in a row.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from quotadeck.admission.days import BudgetDays
from quotadeck.domain.clock import Clock
from quotadeck.domain.rules import Measure
from quotadeck.domain.snapshot import ProjectRow, RouteRow, TargetRow
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.slices import in_slices
from quotadeck.gateway.watch.due import Due
from quotadeck.gateway.watch.flows import FlowsBySubject
from quotadeck.gateway.watch.row import project_row, route_row, target_row
from quotadeck.gateway.watch.states import States
from quotadeck.limiter import Limiter

_A_SLICE: Final = 20
"""Rows built before the event loop gets a turn: about half a millisecond."""


class RowTables(NamedTuple):
    """The rows as of now, in the plan's order."""

    projects: tuple[ProjectRow, ...]
    targets: tuple[TargetRow, ...]
    routes: tuple[RouteRow, ...]


class Rows:
    """Not shared by two that read at the same time."""

    def __init__(
        self,
        limiter: Limiter,
        days: BudgetDays,
        clock: Clock,
        states: States,
        flows: FlowsBySubject,
    ) -> None:
        self._limiter = limiter
        self._days = days
        self._clock = clock
        self._states = states
        self._flows = flows
        self._plan: Plan | None = None
        self._marked: set[Subject] = set()
        self._due = Due()
        self._kept: dict[SubjectKind, dict[str, Any]] = {kind: {} for kind in SubjectKind}

    def mark(self, subjects: Iterable[Subject]) -> None:
        """What is said of them may be different now."""
        self._marked.update(subjects)

    async def read(self, plan: Plan) -> RowTables:
        """All rows; gives way to requests between slices of those that are built anew.

        A row that says what it said before is the same object.
        """
        self._follow(plan)
        self.mark(self._due.reached(self._clock.monotonic_ns()))
        await in_slices(self._marked, self._marked, _A_SLICE, partial(self._build, plan))
        kept = self._kept
        return RowTables(
            tuple(map(kept[SubjectKind.PROJECT].__getitem__, plan.projects)),
            tuple(map(kept[SubjectKind.TARGET].__getitem__, plan.targets)),
            tuple(map(kept[SubjectKind.MODEL].__getitem__, plan.routes)),
        )

    def _follow(self, plan: Plan) -> None:
        """What was compiled anew is another object."""
        before, self._plan = self._plan, plan
        if before is plan:
            return
        for kind, old, new in (
            (SubjectKind.PROJECT, before.projects if before else {}, plan.projects),
            (SubjectKind.TARGET, before.targets if before else {}, plan.targets),
            (SubjectKind.MODEL, before.routes if before else {}, plan.routes),
        ):
            self.mark(
                Subject(kind, name) for name, item in new.items() if old.get(name) is not item
            )

    async def _build(self, plan: Plan, subjects: Sequence[Subject]) -> None:
        projects = [
            plan.projects[name]
            for kind, name in subjects
            if kind is SubjectKind.PROJECT and name in plan.projects
        ]
        targets = [
            plan.targets[name]
            for kind, name in subjects
            if kind is SubjectKind.TARGET and name in plan.targets
        ]
        limits = [each for item in projects for each in item.limits]
        limits += [each for item in targets for each in item.limits]
        rates = [each.key for each in limits if each.rule.measure is Measure.RATE]
        buckets = await self._limiter.levels(rates)
        now_ns, now_us = self._clock.monotonic_ns(), self._clock.wall_us()
        of = self._states.of
        for spent in await self._days.spent(projects, now_us):
            subject = Subject.project(spent.plan.project.id)
            flows = self._flows.seen(subject)
            self._keep(subject, project_row(spent, buckets, flows, now_ns, now_us, of(subject)))
            self._due.at(subject, flows.next_ns())
            if not spent.known:  # until the ledger has told
                self._marked.add(subject)
        for target in targets:
            subject = Subject.target(target.target.id)
            flows = self._flows.seen(subject)
            self._keep(subject, target_row(target, buckets, flows, now_ns, now_us, of(subject)))
            self._due.at(subject, flows.next_ns())
        for kind, name in subjects:
            if kind is SubjectKind.MODEL and name in plan.routes:
                subject = Subject(kind, name)
                self._keep(subject, route_row(plan.routes[name], now_ns, now_us, of(subject)))

    def _keep(self, subject: Subject, row: Any) -> None:
        kept = self._kept[subject.kind]
        if kept.get(subject.name) != row:
            kept[subject.name] = row
