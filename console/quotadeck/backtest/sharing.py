"""What shares a bucket with a change: whose requests must be replayed, and which buckets fill."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from quotadeck.admission.planned import PlannedLimit, ProjectPlan
from quotadeck.backtest.terms import Terms
from quotadeck.domain.limits import RateLimit
from quotadeck.domain.rules import Measure
from quotadeck.domain.subject import Subject, SubjectKind


class Sharing(NamedTuple):
    """``rates`` are the keys of the rate buckets that their requests take from."""

    projects: frozenset[str]
    rates: frozenset[str]


Least = Callable[[Sequence[str]], Mapping[str, int]]
"""The least level that each of some buckets had in the time, micro-units; none of a full one."""


def wide_open(
    changed: Sequence[Subject],
    callers: Sequence[tuple[str, str]],
    terms: tuple[Terms, Terms],
    refusing: Collection[str],
    least: Least,
) -> frozenset[str]:
    """Targets whose limits bind nobody, whatever comes of the change: what calls them shares
    nothing.

    That can be told where projects alone are changed, each bound by a limit of its own of each
    kind that the target has: where what these let through in a minute, and at once, leaves the
    target half of its limit, and nobody of ``refusing`` models was refused by one. The least
    levels are of looks a second apart; hence half, and not only the part that low priority leaves.
    """
    if any(subject.kind is not SubjectKind.PROJECT for subject in changed):
        return frozenset()
    names = {subject.name for subject in changed}
    called: dict[str, set[str]] = {}
    models: dict[str, set[str]] = {}
    for project, model in callers:
        for each in terms:
            models.setdefault(each.serving(model), set()).add(model)
            if project in names:
                called.setdefault(each.serving(model), set()).add(project)
    found = set[str]()
    for target, projects in called.items():
        plan = terms[1].target(target)
        if plan is None or not models[target].isdisjoint(refusing):
            continue
        plans = [each.project(project) for each in terms for project in projects]
        levels = least([limit.key for limit in plan.limits])
        if all(_leaves_half(limit, plans, levels.get(limit.key)) for limit in plan.limits):
            found.add(target)
    return frozenset(found)


def _leaves_half(
    limit: PlannedLimit, plans: Sequence[ProjectPlan | None], level: int | None
) -> bool:
    shared = limit.limit
    if not isinstance(shared, RateLimit):
        return False
    minute = burst = 0
    for plan in plans:
        own = [each.limit for each in plan.limits if each.rule is limit.rule] if plan else []
        if not own or not isinstance(own[0], RateLimit):
            return False
        minute, burst = minute + own[0].per_minute, burst + own[0].capacity
    left = (shared.capacity if level is None else level) - burst
    return left * 2 >= shared.capacity and minute * 4 <= shared.per_minute


def sharing(
    changed: Iterable[Subject],
    callers: Sequence[tuple[str, str]],
    terms: Sequence[Terms],
) -> Sharing:
    """Of (project, model) that came, under any of the terms.

    A project's limits are its own, a target's are shared: so from the changed ones to what they
    call, to whoever else calls that, and so on.
    """
    targets_of: dict[str, set[str]] = {}
    projects_of: dict[str, set[str]] = {}
    for project, model in callers:
        for each in terms:
            target = each.serving(model)
            plan = each.target(target)
            if plan is not None and plan.limits:
                targets_of.setdefault(project, set()).add(target)
                projects_of.setdefault(target, set()).add(project)
    ahead = {project for subject in changed for project in _directly(subject, callers, terms)}
    found = set[str]()
    targets = set[str]()
    while ahead:
        project = ahead.pop()
        found.add(project)
        for target in targets_of.get(project, set()) - targets:
            targets.add(target)
            ahead |= projects_of[target] - found
    plans = [each.project(project) for each in terms for project in found]
    shared = [each.target(target) for each in terms for target in targets]
    limits = (limit for plan in (*plans, *shared) if plan for limit in plan.limits)
    rates = {limit.key for limit in limits if limit.rule.measure is Measure.RATE}
    return Sharing(frozenset(found), frozenset(rates))


def _directly(
    subject: Subject, callers: Sequence[tuple[str, str]], terms: Sequence[Terms]
) -> Iterable[str]:
    match subject.kind:
        case SubjectKind.PROJECT:
            return (subject.name,)
        case SubjectKind.MODEL:
            return {project for project, model in callers if model == subject.name}
        case SubjectKind.TARGET:
            return {
                project
                for project, model in callers
                if any(each.serving(model) == subject.name for each in terms)
            }
        case _:
            return ()
