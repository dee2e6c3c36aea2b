"""What changes nothing in force: a note for whoever looks later, and that a trouble was seen."""

from dataclasses import replace
from typing import Final

from quotadeck.domain.commands import MAX_REASON, Action, Entry, Field, Rejected
from quotadeck.domain.state import AT_REST, Urgency
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.text import clean
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.verb import Takes, Verb

SEEN_MS: Final = 24 * 3_600_000
"""A trouble that lasts longer wants to be seen anew."""
_SHOWN: Final = (SubjectKind.PROJECT, SubjectKind.MODEL, SubjectKind.TARGET)


def _note(case: Case) -> Entry | Rejected:
    if case.command.subject.kind is not SubjectKind.GATEWAY and (unknown := case.unknown()):
        return unknown
    written = case.command.value
    text = clean(written, MAX_REASON).strip() if isinstance(written, str) else ""
    if not text:
        return rejected("invalid", "note.empty")
    if len(str(written)) > MAX_REASON:
        return rejected("invalid", "note.long", length=len(str(written)), most=MAX_REASON)
    return replace(case.entry(text), after=text)


def _acknowledge(case: Case) -> Entry | Rejected:
    if unknown := case.unknown():
        return unknown
    state = case.facts.states.get(case.command.subject, AT_REST)
    if state.urgency is Urgency.CALM:
        return rejected("conflict", "acknowledge.calm", name=case.name)
    until_us = case.now_us + SEEN_MS * 1_000
    return case.entry(state.kind.value, for_ms=SEEN_MS, until_us=until_us)


NOTE: Final = Verb(
    Action.NOTE, (SubjectKind.GATEWAY, *_SHOWN), _note, Field.NOTE, Takes.TEXT, several=True,
    undoable=False,
)  # fmt: skip
ACKNOWLEDGE: Final = Verb(
    Action.ACKNOWLEDGE, _SHOWN, _acknowledge, Field.SEEN, several=True, of_state=True,
    line="acknowledge",
)  # fmt: skip
