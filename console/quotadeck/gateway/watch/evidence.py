"""What each subject is judged from: its tally, under the limits and pauses in force."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from quotadeck.admission.days import BudgetDays
from quotadeck.admission.planned import PlannedLimit, ProjectPlan, TargetPlan
from quotadeck.domain.cause import Cause
from quotadeck.domain.evidence import DayBudget, Decided, Ended, Evidence, RefusedLately, Use
from quotadeck.domain.rules import Measure
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.usual import NOTHING_LATELY, Usual
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.watch.flows import Flows, FlowsBySubject
from quotadeck.gateway.watch.states import States


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the evidence of one moment comes from. ``keyed`` says whether a living key serves a
    project; ``unserved`` why the gateway cannot serve; ``ends_us`` when the paused models' pauses
    end; ``usual`` what a project's traffic is like at this hour."""

    plan: Plan
    flows: FlowsBySubject
    states: States
    days: BudgetDays
    keyed: Callable[[str], bool]
    unserved: str
    ends_us: Mapping[Subject, int | None]
    now_ns: int
    now_us: int
    usual: Callable[[str], Usual | None]

    async def read(self, subjects: Sequence[Subject]) -> dict[Subject, Evidence]:
        """The evidence of those that the plan knows."""
        named = (name for kind, name in subjects if kind is SubjectKind.PROJECT)
        plans = [self.plan.projects[name] for name in named if name in self.plan.projects]
        money = await self._money(plans)
        made = ((one, _evidence(one, self, money)) for one in subjects)
        return {subject: evidence for subject, evidence in made if evidence}

    async def _money(self, plans: Iterable[ProjectPlan]) -> dict[str, DayBudget]:
        """The day's money of those whose budget can refuse."""
        limited = [plan for plan in plans if plan.budget.binds]
        return {
            one.plan.project.id: DayBudget(
                one.day.nano_usd, one.spent_nano, one.held_nano, one.day.ends_at_us
            )
            for one in await self.days.spent(limited, self.now_us)
        }


_NOTHING: Final = Decided()
_NO_TROUBLE: Final = Ended()


def pause_ends(plan: Plan) -> dict[Subject, int | None]:
    """By model, when the pauses of paused models end."""
    return {Subject.model(name): r.paused.until_us for name, r in plan.routes.items() if r.paused}


def _evidence(subject: Subject, at: Sources, money: Mapping[str, DayBudget]) -> Evidence | None:
    """The evidence of a project, a target or a model; None for what is unknown."""
    plan, now_ns = at.plan, at.now_ns
    kind, name = subject
    tally, now_ms = at.states.told(subject), now_ns // 1_000_000
    if tally is None:
        base = now_ms, _NOTHING, _NO_TROUBLE
    elif tally.calm(now_ns):
        base = now_ms, tally.admitted_lately(now_ns), _NO_TROUBLE
    else:
        decided = _with_gates(tally.decided(now_ns), at)
        base = now_ms, decided, tally.ended_lately(now_ns)
    if kind is SubjectKind.PROJECT and name in plan.projects:
        return _of_project(plan.projects[name], at, base, money.get(name))
    if kind is SubjectKind.TARGET and name in plan.targets:
        return _of_target(plan.targets[name], at, base)
    if kind is SubjectKind.MODEL and name in plan.routes:
        paused = plan.routes[name].paused
        return Evidence(
            *base,
            unserved=at.unserved,
            paused=paused is not None,
            until_us=paused.until_us if paused else None,
            cuts_off=at.states.cut_off_by(subject, now_ns) if paused else (),
        )
    return None


_Base = tuple[int, Decided, Ended]


def _of_project(plan: ProjectPlan, at: Sources, base: _Base, money: DayBudget | None) -> Evidence:
    name = plan.project.id
    revoked = bool(base[1].refused and base[1].by({Cause.KEY_REVOKED}))
    flows, usual = at.flows.seen(Subject.project(name)), at.usual(name)
    return Evidence(
        *base,
        uses=_uses(plan.limits, flows, at.now_ns),
        money=money,
        unserved=at.unserved,
        paused=plan.paused is not None,
        until_us=plan.paused.until_us if plan.paused else None,
        keyless=revoked and not at.keyed(name),
        usual=usual,
        lately=flows.lately(at.now_ns) if usual else NOTHING_LATELY,
    )


def _of_target(plan: TargetPlan, at: Sources, base: _Base) -> Evidence:
    """A target is paused where every model is that it serves, or that has its home there."""
    name = plan.target.id
    routes = at.plan.routes.values()
    serves = [route for route in routes if route.serving == name]
    serves = serves or [route for route in routes if route.route.targets[0] == name]
    pauses = [route.paused for route in serves if route.paused]
    paused = bool(serves) and len(pauses) == len(serves)
    ends = [entry.until_us for entry in pauses if entry.until_us is not None]
    return Evidence(
        *base,
        uses=_uses(plan.limits, at.flows.seen(Subject.target(name)), at.now_ns),
        unserved=at.unserved,
        paused=paused,
        until_us=min(ends, default=None) if paused else None,
    )


def _uses(limits: Iterable[PlannedLimit], flows: Flows, now_ns: int) -> tuple[Use, ...]:
    """What the last minute took of each rate that can refuse."""
    return tuple(
        Use(each.rule.kind, flows.used(each.rule, now_ns), each.value)
        for each in limits
        if each.rule.measure is Measure.RATE and each.value is not None and not each.shadow
    )


def _with_gates(decided: Decided, at: Sources) -> Decided:
    """Paused models' refusals with their pause's end, targets' with what they let through."""
    shared = {one.gate for one in decided.refused if _is_shared(one.gate, at)}
    if not shared:
        return decided
    refused = tuple(_with_gate(one, at) if one.gate in shared else one for one in decided.refused)
    return replace(decided, refused=refused)


def _is_shared(gate: Subject, at: Sources) -> bool:
    return gate.kind is SubjectKind.TARGET or gate in at.ends_us


def _with_gate(one: RefusedLately, at: Sources) -> RefusedLately:
    if one.gate.kind is SubjectKind.MODEL:
        return replace(one, until_us=at.ends_us[one.gate])
    tally = at.states.told(one.gate)
    passed, passed_60s = tally.passed(at.now_ns) if tally else (0, 0)
    return replace(one, passed=passed, passed_60s=passed_60s)
