"""Undo: one command is taken back, as if it had not been made.

Of a change of several values all are taken back that are still in force, whichever is named.
"""

from typing import Final

from quotadeck.domain.commands import Action, Actor, Entry, Rejected, Role, value_facts
from quotadeck.domain.effects import folded, slot_of
from quotadeck.domain.layers import Layers
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.verb import Verb

_NOTHING: Final = "refused.undo.nothing"


def _undo(case: Case) -> tuple[Entry, ...] | Rejected:
    undone = _named(case)
    return undone if isinstance(undone, Rejected) else _all_taken_back(case, undone)


def _redo(case: Case) -> tuple[Entry, ...] | Rejected:
    named = _named(case)
    if isinstance(named, Rejected):
        return named
    layers = case.layers
    undos = (
        [named]
        if named.action == Action.UNDO
        else [
            layers.by_seq[seq]
            for seq in layers.ended_by.get(named.seq, ())
            if layers.by_seq[seq].action == Action.UNDO and not layers.ended(seq)
        ]
    )
    if not undos:
        return rejected("conflict", "redo.not_undone", id=named.id)
    return _all_taken_back(case, undos[-1])


def _named(case: Case) -> Entry | Rejected:
    found = next((one for one in case.layers.by_seq.values() if one.id == case.name), None)
    if found is None:
        return rejected("not_found", "undo.unknown", id=case.name)
    if found.action == Action.END:
        return rejected("conflict", "undo.end", id=found.id, of=found.of)
    return found


def _all_taken_back(case: Case, undone: Entry) -> tuple[Entry, ...] | Rejected:
    layers, now_us = case.layers, case.now_us
    members = change_of(undone, layers)
    found = [_taken_back(case, one) for one in members if not _over(one, layers, now_us)]
    nothing = [one for one in found if isinstance(one, Rejected)]
    if real := [one for one in nothing if one.notice.kind != _NOTHING]:
        return real[0]
    entries = tuple(one for one in found if isinstance(one, Entry))
    if entries:
        return entries
    return _over(undone, layers, now_us) or (nothing or [_nothing(undone)])[0]


def change_of(entry: Entry, layers: Layers) -> tuple[Entry, ...]:
    """All entries of the change that this one is of, in their order."""
    if not entry.group:
        return (entry,)
    every = layers.by_seq.values()
    return tuple(one for one in every if one.group == entry.group and one.action != Action.END)


def _taken_back(case: Case, undone: Entry) -> Entry | Rejected:
    layers, now_us = case.layers, case.now_us
    slot = slot_of(undone)
    later = [entry for entry in layers.living(slot, now_us) if entry.seq > undone.seq]
    if later:
        last = later[-1]
        return rejected(
            "conflict",
            "undo.later",
            actor=last.actor,
            name=last.subject.name,
            id=last.id,
            at_us=last.at_us,
            **value_facts(last.field, after=last.after),
        )
    entry = case.entry(slot=slot, ends=(undone.seq,), of=undone.id)
    if folded(entry, layers).living(slot, now_us) == layers.living(slot, now_us):
        return _nothing(undone)
    return entry


def _nothing(undone: Entry) -> Rejected:
    return rejected("conflict", "undo.nothing", id=undone.id)


def _over(entry: Entry, layers: Layers, now_us: int) -> Rejected | None:
    """How an entry came to its end; None while it lives."""
    if entry.until_us is not None and entry.until_us <= now_us:
        return rejected("conflict", "undo.ran_out", id=entry.id, at_us=entry.until_us)
    for seq in reversed(layers.ended_by.get(entry.seq, ())):
        if not layers.ended(seq):
            by = layers.by_seq[seq]
            if by.action == Action.END:
                return rejected("conflict", "undo.ran_out", id=entry.id, at_us=by.at_us)
            return rejected(
                "conflict",
                "undo.ended",
                id=entry.id,
                actor=by.actor,
                action=by.action,
                by=by.id,
                at_us=by.at_us,
            )
    return None


def of_an_admin(actor: Actor, entry: Entry, layers: Layers) -> Rejected | None:
    """Why an operator may not take it out of force."""
    ended = (layers.by_seq[seq] for seq in entry.ends)
    undone = next((one for one in ended if one.role is not Role.OPERATOR), None)
    if undone is None:
        return None
    return rejected(
        "not_allowed",
        "undo.of_admin",
        actor=actor.name,
        role=actor.role,
        id=undone.id,
        owner=undone.actor,
        owner_role=undone.role,
    )


UNDO: Final = Verb(Action.UNDO, (SubjectKind.COMMAND,), _undo, exceeds=of_an_admin)
REDO: Final = Verb(Action.REDO, (SubjectKind.COMMAND,), _redo, exceeds=of_an_admin)
