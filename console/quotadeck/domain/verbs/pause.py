"""Pause and resume: new requests of a project, or for a model, are refused, and let in again."""

from typing import Final

from quotadeck.domain.commands import Action, Entry, Field, Rejected
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.verb import End, Verb

_ABOUT: Final = (SubjectKind.PROJECT, SubjectKind.MODEL)


def _pause(case: Case) -> Entry | Rejected:
    return case.unknown() or case.entry(True)


def _resume(case: Case) -> Entry | Rejected:
    if pauses := case.layers.living(case.slot, case.now_us):
        return case.entry(ends=case.for_good(*pauses))
    return case.unknown() or rejected("conflict", "not_paused", name=case.name)


PAUSE: Final = Verb(
    Action.PAUSE, _ABOUT, _pause, Field.PAUSED, sets=True, end=End.USUAL, explained=True,
    public=True, urgent=True, several=True, of_all=True,
    line="pause",
)  # fmt: skip
RESUME: Final = Verb(
    Action.RESUME, _ABOUT, _resume, Field.PAUSED, lifts=True, several=True, line="resume"
)
