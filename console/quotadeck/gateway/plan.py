"""What is in force now: the catalogue under the command log's layers, compiled for the hot path.

A Plan is a frozen value that is replaced as a whole; a request reads one Plan from its arrival to
its dispatch, so it never sees half of a change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from quotadeck.domain.catalogue import Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.commands import Entry, Field, Value
from quotadeck.domain.layers import InForce, Layers, Slot
from quotadeck.domain.limits import MICRO, Kind, Limit, RateLimit, SlotLimit, Take, bucket_key
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.gateway.upstream_keys import UpstreamKeys, upstream_keys


@dataclass(frozen=True, slots=True)
class Windows:
    """Seconds of a limit that its bucket holds: the burst."""

    request_s: int
    token_s: int


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """A project's values in force. ``one_request`` is the ready take of its rpm bucket."""

    project: Project
    version: int
    paused: Entry | None
    one_request: Take | None
    one_slot: Take | None
    tokens: RateLimit | None
    budget_nano: int | None
    changes: tuple[InForce, ...]
    rpm_key: str
    tpm_key: str
    budget_key: str

    @property
    def requests(self) -> RateLimit | None:
        limit = self.one_request.limit if self.one_request else None
        return limit if isinstance(limit, RateLimit) else None

    @property
    def slots(self) -> int | None:
        limit = self.one_slot.limit if self.one_slot else None
        return limit.slots if isinstance(limit, SlotLimit) else None


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """A target's values in force; its buckets are shared by projects."""

    target: Target
    upstream: Upstream
    version: int
    one_request: Take | None
    tokens: RateLimit | None
    changes: tuple[InForce, ...]
    rpm_key: str
    tpm_key: str

    @property
    def requests(self) -> RateLimit | None:
        limit = self.one_request.limit if self.one_request else None
        return limit if isinstance(limit, RateLimit) else None


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
        upstream_keys(upstream.key for upstream in catalogue.upstreams.values()),
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
        for name, limit in (
            (Field.RPM, project.rpm),
            (Field.TPM, project.tpm),
            (Field.CONCURRENCY, project.concurrency),
            (Field.BUDGET, project.daily_budget_nano_usd),
        ):
            if limit is not None:
                values[subject, name] = limit
    for target in catalogue.targets.values():
        for name, limit in ((Field.RPM, target.rpm), (Field.TPM, target.tpm)):
            if limit is not None:
                values[Subject.target(target.id), name] = limit
    for route in catalogue.routes.values():
        values[Subject.model(route.model), Field.TARGET] = route.targets[0]
    return values


def limits_of(plan: Plan, subjects: Iterable[Subject] | None = None) -> dict[str, Limit]:
    """Rate and slot buckets' limits by bucket key (money is per day and not among them).

    Of the ``subjects`` only, where they are given.
    """
    projects: Iterable[ProjectPlan | None] = plan.projects.values()
    targets: Iterable[TargetPlan | None] = plan.targets.values()
    if subjects is not None:
        named = list(subjects)
        projects = [plan.projects.get(n) for kind, n in named if kind is SubjectKind.PROJECT]
        targets = [plan.targets.get(n) for kind, n in named if kind is SubjectKind.TARGET]
    limits: dict[str, Limit] = {}
    for project in projects:
        if project is None:
            continue
        for take in (project.one_request, project.one_slot):
            if take:
                limits[take.key] = take.limit
        if project.tokens:
            limits[project.tpm_key] = project.tokens
    for target in targets:
        if target is None:
            continue
        if target.one_request:
            limits[target.rpm_key] = target.one_request.limit
        if target.tokens:
            limits[target.tpm_key] = target.tokens
    return limits


def _project(project: Project, layers: Layers, windows: Windows, now_us: int) -> ProjectPlan:
    subject = Subject.project(project.id)
    rpm, tpm, slots, budget = (
        _number(layers, subject, name, now_us)
        for name in (Field.RPM, Field.TPM, Field.CONCURRENCY, Field.BUDGET)
    )
    rpm_key, tpm_key = bucket_key(subject, Kind.RPM), bucket_key(subject, Kind.TPM)
    slots_key = bucket_key(subject, Kind.CONCURRENCY)
    shadow = project.shadow
    return ProjectPlan(
        project,
        layers.version(subject),
        layers.in_force(subject, Field.PAUSED, now_us).entry,
        Take(rpm_key, MICRO, RateLimit(rpm, windows.request_s), shadow=Kind.RPM in shadow)
        if rpm is not None
        else None,
        Take(slots_key, 1, SlotLimit(slots), shadow=Kind.CONCURRENCY in shadow)
        if slots is not None
        else None,
        RateLimit(tpm, windows.token_s) if tpm is not None else None,
        budget,
        layers.overrides(subject, now_us),
        rpm_key,
        tpm_key,
        bucket_key(subject, Kind.BUDGET),
    )


def _target(
    target: Target, upstream: Upstream, layers: Layers, windows: Windows, now_us: int
) -> TargetPlan:
    subject = Subject.target(target.id)
    rpm, tpm = (_number(layers, subject, name, now_us) for name in (Field.RPM, Field.TPM))
    rpm_key = bucket_key(subject, Kind.RPM)
    return TargetPlan(
        target,
        upstream,
        layers.version(subject),
        Take(rpm_key, MICRO, RateLimit(rpm, windows.request_s), shared=True)
        if rpm is not None
        else None,
        RateLimit(tpm, windows.token_s) if tpm is not None else None,
        layers.overrides(subject, now_us),
        rpm_key,
        bucket_key(subject, Kind.TPM),
    )


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
        layers.in_force(subject, Field.PAUSED, now_us).entry,
        layers.overrides(subject, now_us),
    )


def _number(layers: Layers, subject: Subject, name: Field, now_us: int) -> int | None:
    value = layers.in_force(subject, name, now_us).value
    return value if isinstance(value, int) and not isinstance(value, bool) else None
