"""What each subject is judged from: its tally, under the limits and pauses in force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from quotadeck.domain.calls import Cause
from quotadeck.domain.limits import Kind, RateLimit
from quotadeck.domain.reading import Decided, Ended, Money, Reading, Use
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.gateway.flows import Flows
from quotadeck.gateway.plan import Plan, ProjectPlan, TargetPlan
from quotadeck.gateway.states import States


@dataclass(frozen=True, slots=True)
class Sources:
    """Where readings come from. ``money`` are the projects' days, without those whose budget
    refuses nothing; ``keyed`` says whether a living key serves a project; ``unserved`` why the
    gateway cannot serve; ``ends_us`` when the paused models' pauses end."""

    plan: Plan
    projects: Mapping[str, Flows]
    targets: Mapping[str, Flows]
    money: Mapping[str, Money]
    keyed: Callable[[str], bool]
    unserved: str
    ends_us: Mapping[Subject, int | None]


def pause_ends(plan: Plan) -> dict[Subject, int | None]:
    """By model, when the pauses of paused models end."""
    return {Subject.model(name): r.paused.until_us for name, r in plan.routes.items() if r.paused}


def reading_of(subject: Subject, states: States, sources: Sources, now_ns: int) -> Reading | None:
    """The reading of a project, a target or a model; None for what is unknown."""
    plan = sources.plan
    kind, name = subject
    tally = states.tally(subject)
    base = (
        now_ns // 1_000_000,
        _with_ends(tally.decided(now_ns), sources.ends_us),
        tally.ended_lately(now_ns),
    )
    if kind is SubjectKind.PROJECT and name in plan.projects:
        return _of_project(plan.projects[name], sources, base, now_ns)
    if kind is SubjectKind.TARGET and name in plan.targets:
        return _of_target(plan.targets[name], sources, base, now_ns)
    if kind is SubjectKind.MODEL and name in plan.routes:
        paused = plan.routes[name].paused
        return Reading(
            *base,
            unserved=sources.unserved,
            paused=paused is not None,
            until_us=paused.until_us if paused else None,
            cuts_off=states.cut_off_by(subject, now_ns) if paused else (),
        )
    return None


_Base = tuple[int, Decided, Ended]


def _of_project(plan: ProjectPlan, sources: Sources, base: _Base, now_ns: int) -> Reading:
    name, shadow = plan.project.id, plan.project.shadow
    requests, tokens = sources.projects[name].taken(now_ns)
    revoked = bool(base[1].by({Cause.KEY_REVOKED}))
    return Reading(
        *base,
        uses=_uses(
            (Kind.RPM, requests, None if Kind.RPM in shadow else plan.requests),
            (Kind.TPM, tokens, None if Kind.TPM in shadow else plan.tokens),
        ),
        money=sources.money.get(name),
        unserved=sources.unserved,
        paused=plan.paused is not None,
        until_us=plan.paused.until_us if plan.paused else None,
        keyless=revoked and not sources.keyed(name),
    )


def _of_target(plan: TargetPlan, sources: Sources, base: _Base, now_ns: int) -> Reading:
    """A target is paused where every model is that it serves, or that has its home there."""
    name = plan.target.id
    requests, tokens = sources.targets[name].taken(now_ns)
    routes = sources.plan.routes.values()
    serves = [route for route in routes if route.serving == name]
    serves = serves or [route for route in routes if route.route.targets[0] == name]
    pauses = [route.paused for route in serves if route.paused]
    paused = bool(serves) and len(pauses) == len(serves)
    ends = [entry.until_us for entry in pauses if entry.until_us is not None]
    return Reading(
        *base,
        uses=_uses((Kind.RPM, requests, plan.requests), (Kind.TPM, tokens, plan.tokens)),
        unserved=sources.unserved,
        paused=paused,
        until_us=min(ends, default=None) if paused else None,
    )


def _uses(*taken: tuple[Kind, int, RateLimit | None]) -> tuple[Use, ...]:
    return tuple(Use(str(kind), used, limit.per_minute) for kind, used, limit in taken if limit)


def _with_ends(decided: Decided, ends_us: Mapping[Subject, int | None]) -> Decided:
    """Paused models' refusals with the instant at which the model's pause ends."""
    if not any(one.gate in ends_us for one in decided.refused):
        return decided
    refused = tuple(replace(one, until_us=ends_us.get(one.gate)) for one in decided.refused)
    return replace(decided, refused=refused)
