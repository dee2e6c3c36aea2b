"""End a lease: what no call has drawn of it goes back, and calls that name it are refused."""

from dataclasses import replace
from typing import Final

from quotadeck.domain.commands import Action, Entry, Field, Rejected
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.verb import Verb


def _end(case: Case) -> Entry | Rejected:
    project = case.facts.leases.get(case.command.subject, "")
    if not project:
        return rejected("not_found", "lease.unknown", name=case.name)
    return replace(case.entry(project), after=None, before=project)


END_LEASE: Final = Verb(
    Action.END_LEASE,
    (SubjectKind.LEASE,),
    _end,
    Field.LEASE,
    several=True,
    urgent=True,
    undoable=False,
)
