"""Fallback: a model's requests go to another target of its route."""

from typing import Final

from quotadeck.domain.commands import Action, Entry, Field, Rejected
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.verb import End, Takes, Verb


def _fallback(case: Case) -> Entry | Rejected:
    if unknown := case.unknown():
        return unknown
    targets, target = case.catalogue.routes[case.name].targets, case.command.value
    if target in targets:
        return case.entry(target)
    return rejected("not_found", "no_target", name=case.name, target=str(target), targets=targets)


FALLBACK: Final = Verb(
    Action.FALLBACK, (SubjectKind.MODEL,), _fallback, Field.TARGET, Takes.TARGET, end=End.USUAL,
    explained=True, versioned=True, several=True, line="route",
)  # fmt: skip
