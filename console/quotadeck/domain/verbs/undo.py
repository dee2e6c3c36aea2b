"""Undo: one command is taken back, as if it had not been made."""

from typing import Final

from quotadeck.domain.commands import Action, Actor, Entry, Rejected, Role, value_facts
from quotadeck.domain.effects import folded, slot_of
from quotadeck.domain.layers import Layers
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.verb import Verb


def _undo(case: Case) -> Entry | Rejected:
    layers, now_us = case.layers, case.now_us
    undone = next((entry for entry in layers.by_seq.values() if entry.id == case.name), None)
    if undone is None:
        return rejected("not_found", "undo.unknown", id=case.name)
    if undone.action == Action.END:
        return rejected("conflict", "undo.end", id=undone.id, of=undone.of)
    if over := _over(undone, layers, now_us):
        return over
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
        return rejected("conflict", "undo.nothing", id=undone.id)
    return entry


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


def _of_an_admin(actor: Actor, entry: Entry, layers: Layers) -> Rejected | None:
    undone = layers.by_seq[entry.ends[0]]
    if undone.role is Role.OPERATOR:
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


UNDO: Final = Verb(Action.UNDO, (SubjectKind.COMMAND,), _undo, exceeds=_of_an_admin)
