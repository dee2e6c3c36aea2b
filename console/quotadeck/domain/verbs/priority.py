"""Priority: a project's class for a while; its requests go before those of lower ones."""

from typing import Final

from quotadeck.domain.commands import Action, Entry, Field, Rejected
from quotadeck.domain.limits import Priority
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.verb import End, Takes, Verb

CLASSES: Final = tuple(priority.word for priority in Priority)
"""The highest first."""


def _priority(case: Case) -> Entry | Rejected:
    if unknown := case.unknown():
        return unknown
    if case.command.value not in CLASSES:
        return rejected("invalid", "no_class", found=str(case.command.value), classes=CLASSES)
    return case.entry(case.command.value)


PRIORITY: Final = Verb(
    Action.PRIORITY, (SubjectKind.PROJECT,), _priority, Field.PRIORITY, Takes.PRIORITY,
    end=End.USUAL, explained=True, versioned=True, several=True, line="priority",
)  # fmt: skip
