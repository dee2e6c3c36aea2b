"""One row of the picture, from the values that it is made of."""

from collections.abc import Iterable, Mapping

from quotadeck.admission.days import Spent
from quotadeck.admission.planned import PlannedLimit, TargetPlan
from quotadeck.domain.in_force import changes_of
from quotadeck.domain.limits import RateLimit, SlotLimit
from quotadeck.domain.rules import Measure
from quotadeck.domain.snapshot import (
    Budget,
    Level,
    LimitReading,
    ProjectRow,
    RouteRow,
    TargetRow,
)
from quotadeck.domain.state import State
from quotadeck.gateway.plan import RoutePlan
from quotadeck.gateway.watch.flows import Flows
from quotadeck.limiter import BucketState

Buckets = Mapping[str, BucketState]
"""By their keys; those that were never touched are absent."""


def project_row(
    spent: Spent, buckets: Buckets, flows: Flows, now_ns: int, now_us: int, state: State
) -> ProjectRow:
    """A project's limits and what is left of them, its day's money, and what passed."""
    plan = spent.plan
    return ProjectRow(
        id=plan.project.id,
        name=plan.project.name,
        priority=plan.project.priority.word,
        version=plan.version,
        paused=plan.paused is not None,
        limits=_limits(plan.limits, buckets, flows, now_ns, spent),
        budget=Budget(plan.budget.value, spent.spent_nano, spent.held_nano, spent.day.ends_at_us),
        flow=flows.flow(now_ns),
        changes=changes_of(plan.changes, state, now_ns // 1_000_000, now_us),
        models=flows.models(now_ns),
        state=state,
    )


def target_row(
    plan: TargetPlan, buckets: Buckets, flows: Flows, now_ns: int, now_us: int, state: State
) -> TargetRow:
    """A target's own limits and what its upstream answers."""
    return TargetRow(
        id=plan.target.id,
        version=plan.version,
        limits=_limits(plan.limits, buckets, flows, now_ns),
        flow=flows.flow(now_ns),
        upstream_429_60s=flows.upstream_429_60s(now_ns),
        changes=changes_of(plan.changes, state, now_ns // 1_000_000, now_us),
        state=state,
    )


def route_row(plan: RoutePlan, now_ns: int, now_us: int, state: State) -> RouteRow:
    """A model: where it may go, and where it goes."""
    return RouteRow(
        id=plan.route.model,
        version=plan.version,
        targets=plan.route.targets,
        serving=plan.serving,
        paused=plan.paused is not None,
        changes=changes_of(plan.changes, state, now_ns // 1_000_000, now_us),
        state=state,
    )


def _limits(
    limits: Iterable[PlannedLimit],
    buckets: Buckets,
    flows: Flows,
    now_ns: int,
    spent: Spent | None = None,
) -> tuple[LimitReading, ...]:
    """What is taken of each limit in force; of money, what was ``spent``."""
    found = []
    for each in limits:
        if each.value is None:
            continue
        if each.rule.measure is Measure.MONEY and spent:
            used, held = spent.spent_nano, spent.held_nano
        else:
            used, held = flows.used(each.rule, now_ns), 0
        level = _level(each.limit, buckets.get(each.key), now_ns)
        found.append(LimitReading(each.rule.field, each.value, used, held, level))
    return tuple(found)


def _level(
    limit: RateLimit | SlotLimit | None, state: BucketState | None, now_ns: int
) -> Level | None:
    """A full bucket is so since ever, whether or not it was touched."""
    if not isinstance(limit, RateLimit):
        return None
    if state is None or state.level >= limit.capacity:
        return Level(limit.capacity, limit.capacity, 0)
    return Level(state.level, limit.capacity, now_ns // 1_000_000)
