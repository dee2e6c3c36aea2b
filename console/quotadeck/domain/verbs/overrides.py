"""What becomes of an override before its end: it is extended, ended now, or made permanent.

Without a field named, each is about all overrides in force on the subject.
"""

from typing import Final

from quotadeck.domain.commands import (
    MAX_OVERRIDE_MS,
    Action,
    Actor,
    Entry,
    Field,
    Rejected,
    Role,
)
from quotadeck.domain.effects import slot_of
from quotadeck.domain.layers import Layers
from quotadeck.domain.rules import RULE_OF
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.limit import too_high
from quotadeck.domain.verbs.undo import of_an_admin
from quotadeck.domain.verbs.verb import End, Takes, Verb

_ABOUT: Final = (SubjectKind.PROJECT, SubjectKind.MODEL, SubjectKind.TARGET)


def _extend(case: Case) -> tuple[Entry, ...] | Rejected:
    found = _lasting(case)
    if isinstance(found, Rejected):
        return found
    entries = []
    for override in found:
        ending = _later(case, override)
        if isinstance(ending, Rejected):
            return ending
        for_ms, until_us = ending
        entries.append(
            case.entry(
                override.value,
                slot=slot_of(override),
                ends=case.for_good(override),
                of=override.id,
                for_ms=for_ms,
                until_us=until_us,
                reason=case.command.reason_shown or override.reason,
                public=override.public,
            )
        )
    return tuple(entries)


def _lasting(case: Case) -> list[Entry] | Rejected:
    """What can have another end: that a trouble was seen lasts as long as the trouble."""
    return case.no_override() if case.about == Field.SEEN else case.overridden()


def _later(case: Case, override: Entry) -> tuple[int | None, int] | Rejected:
    """The new end: the duration where the override has one, and the instant."""
    command, was_us = case.command, override.until_us or case.now_us
    by_ms = command.for_ms
    until_us = (command.until_us or 0) if by_ms is None else was_us + by_ms * 1_000
    left_ms = (until_us - case.now_us) // 1_000
    if until_us <= was_us:
        return rejected("invalid", "extend.earlier", name=case.name, until_us=was_us)
    if left_ms > MAX_OVERRIDE_MS:
        return rejected("invalid", "until", until_us=until_us, now_us=case.now_us)
    as_duration = by_ms is not None and override.for_ms is not None
    return (left_ms if as_duration else None), until_us


def _end_now(case: Case) -> tuple[Entry, ...] | Rejected:
    found = case.overridden()
    if isinstance(found, Rejected):
        return found
    return tuple(
        case.entry(slot=slot_of(one), ends=case.for_good(one), of=one.id, public=False)
        for one in found
    )


def _permanent(case: Case) -> tuple[Entry, ...] | Rejected:
    found = _lasting(case)
    if isinstance(found, Rejected):
        return found
    return tuple(
        case.entry(
            one.value, slot=slot_of(one), ends=case.for_good(one), of=one.id, public=one.public
        )
        for one in found
    )


def _exceeds(actor: Actor, entry: Entry, layers: Layers) -> Rejected | None:
    return too_high(actor, entry, layers) if entry.field in RULE_OF else None


EXTEND: Final = Verb(
    Action.EXTEND, _ABOUT, _extend, takes=Takes.OVERRIDE, exceeds=_exceeds, end=End.NEEDED,
    several=True, line="extend",
)  # fmt: skip
END_NOW: Final = Verb(
    Action.END_NOW, _ABOUT, _end_now, takes=Takes.OVERRIDE, exceeds=of_an_admin, several=True,
    line="end",
)  # fmt: skip
PERMANENT: Final = Verb(
    Action.PERMANENT, _ABOUT, _permanent, takes=Takes.OVERRIDE, role=Role.ADMIN, explained=True,
    several=True, line="permanent",
)  # fmt: skip
