"""What shares a bucket with a change: whose requests must be replayed, and which buckets fill."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from quotadeck.backtest.terms import Terms
from quotadeck.domain.rules import Measure
from quotadeck.domain.subject import Subject, SubjectKind


class Sharing(NamedTuple):
    """``rates`` are the keys of the rate buckets that their requests take from."""

    projects: frozenset[str]
    rates: frozenset[str]


def sharing(
    changed: Iterable[Subject], callers: Sequence[tuple[str, str]], terms: Sequence[Terms]
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
