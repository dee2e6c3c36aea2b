"""What is in force now: the catalogue under the command log's layers, compiled for the hot path.

A Plan is a frozen value that is replaced as a whole; a request reads one Plan from its arrival to
its dispatch, so it never sees half of a change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from quotadeck.admission.planned import ProjectPlan, TargetPlan, planned
from quotadeck.domain.catalogue import Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.commands import Entry, Field, Value
from quotadeck.domain.layers import InForce, Layers, Slot
from quotadeck.domain.limits import RateLimit, SlotLimit
from quotadeck.domain.rules import Measure, Rule, Windows, rules_of
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.gateway.upstream.keys import UpstreamKeys, upstream_keys


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """The target that serves a model now, and how many steps down its route that is."""

    route: Route
    version: int
    serving: str
    step: int
    paused: Entry | None
    changes: tuple[InForce, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    projects: Mapping[str, ProjectPlan]
    targets: Mapping[str, TargetPlan]
    routes: Mapping[str, RoutePlan]
    upstream_keys: UpstreamKeys


def compile_plan(catalogue: Catalogue, layers: Layers, windows: Windows, now_us: int) -> Plan:
    """The whole plan, as at start-up."""
    return Plan(
        {
            name: _project(item, layers, windows, now_us)
            for name, item in catalogue.projects.items()
        },
        {
            name: _target(item, catalogue.upstreams[item.upstream], layers, windows, now_us)
            for name, item in catalogue.targets.items()
        },
        {name: _route(item, layers, now_us) for name, item in catalogue.routes.items()},
        upstream_keys(
            secret
            for upstream in catalogue.upstreams.values()
            for secret in (upstream.key, *upstream.hidden)
        ),
    )


def recompile(
    plan: Plan,
    subjects: Iterable[Subject],
    catalogue: Catalogue,
    layers: Layers,
    windows: Windows,
    now_us: int,
) -> Plan:
    """The plan with the named subjects read again; the rest stays as it was."""
    projects, targets, routes = dict(plan.projects), dict(plan.targets), dict(plan.routes)
    for subject in subjects:
        kind, name = subject
        if kind is SubjectKind.PROJECT and name in projects:
            projects[name] = _project(catalogue.projects[name], layers, windows, now_us)
        elif kind is SubjectKind.TARGET and name in targets:
            item = catalogue.targets[name]
            upstream = catalogue.upstreams[item.upstream]
            targets[name] = _target(item, upstream, layers, windows, now_us)
        elif kind is SubjectKind.MODEL and name in routes:
            routes[name] = _route(catalogue.routes[name], layers, now_us)
    return replace(plan, projects=projects, targets=targets, routes=routes)


def file_layer(catalogue: Catalogue) -> dict[Slot, Value]:
    """The file's values by subject and field, under which the command log is folded."""
    values: dict[Slot, Value] = {}
    for project in catalogue.projects.values():
        subject = Subject.project(project.id)
        values |= {(subject, name): value for name, value in project.limits.items()}
        values[subject, Field.PRIORITY] = project.priority.word
    for target in catalogue.targets.values():
        subject = Subject.target(target.id)
        values |= {(subject, name): value for name, value in target.limits.items()}
    for route in catalogue.routes.values():
        values[Subject.model(route.model), Field.TARGET] = route.targets[0]
    return values


def limits_of(
    plan: Plan, subjects: Iterable[Subject] | None = None
) -> dict[str, RateLimit | SlotLimit]:
    """Rate and slot buckets' limits by bucket key (money is per day and not among them).

    Of the ``subjects`` only, where they are given.
    """
    plans: Iterable[ProjectPlan | TargetPlan | None]
    if subjects is None:
        plans = (*plan.projects.values(), *plan.targets.values())
    else:
        plans = [_plan_of(plan, subject) for subject in subjects]
    return {
        each.key: each.limit
        for of in plans
        if of is not None
        for each in of.limits
        if each.limit is not None
    }


def _plan_of(plan: Plan, subject: Subject) -> ProjectPlan | TargetPlan | None:
    match subject.kind:
        case SubjectKind.PROJECT:
            return plan.projects.get(subject.name)
        case SubjectKind.TARGET:
            return plan.targets.get(subject.name)
        case _:
            return None


def _project(project: Project, layers: Layers, windows: Windows, now_us: int) -> ProjectPlan:
    subject = Subject.project(project.id)
    values = _values(subject, project.limits, layers, now_us)
    if layers.changed(subject):
        given = layers.in_force(subject, Field.PRIORITY, now_us).value
        project = project.of_class(given if isinstance(given, str) else "")
    limits = planned(subject, values, windows, project.shadow)
    for budget in limits:
        if budget.rule.measure is Measure.MONEY:
            break
    return ProjectPlan(
        project,
        layers.version(subject),
        _paused(subject, layers, now_us),
        limits,
        budget,
        layers.overrides(subject, now_us),
    )


def _target(
    target: Target, upstream: Upstream, layers: Layers, windows: Windows, now_us: int
) -> TargetPlan:
    subject = Subject.target(target.id)
    return TargetPlan(
        target,
        upstream,
        layers.version(subject),
        planned(subject, _values(subject, target.limits, layers, now_us), windows),
        layers.overrides(subject, now_us),
    )


def _values(
    subject: Subject, file: Mapping[Field, int], layers: Layers, now_us: int
) -> list[tuple[Rule, int | None]]:
    """The limits in force. Of ten thousand projects most have none but the ``file``'s."""
    rules = rules_of(subject.kind)
    if not layers.changed(subject):
        return [(rule, file.get(rule.field)) for rule in rules]
    found = ((rule, layers.in_force(subject, rule.field, now_us).value) for rule in rules)
    return [(rule, value if isinstance(value, int) else None) for rule, value in found]


def _paused(subject: Subject, layers: Layers, now_us: int) -> Entry | None:
    return layers.in_force(subject, Field.PAUSED, now_us).entry if layers.changed(subject) else None


def _route(route: Route, layers: Layers, now_us: int) -> RoutePlan:
    subject = Subject.model(route.model)
    forced = layers.in_force(subject, Field.TARGET, now_us).value
    # A target that has left the file since it was forced cannot serve; the route's own order can.
    serving = forced if isinstance(forced, str) and forced in route.targets else route.targets[0]
    return RoutePlan(
        route,
        layers.version(subject),
        serving,
        route.targets.index(serving),
        _paused(subject, layers, now_us),
        layers.overrides(subject, now_us),
    )
