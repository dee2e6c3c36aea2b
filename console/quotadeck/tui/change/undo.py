"""From a change that was made to the form that takes it back: it says whose it is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from quotadeck.domain.answers import AuditRow, CommandAnswer, Part
from quotadeck.domain.commands import Action, Command, Value, value_facts
from quotadeck.domain.ids import made_at_us
from quotadeck.domain.notice import Fact, Notice
from quotadeck.domain.snapshot import AnyRow, Change, Snapshot, TargetRow
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import VERBS, Verb
from quotadeck.tui.change.confirm import name_for
from quotadeck.tui.change.fields import form_for
from quotadeck.tui.change.form import Form
from quotadeck.tui.change.offers import Offer, subject_of
from quotadeck.tui.change.propose import Proposal
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.tui.kit.fit import fit_middle
from quotadeck.words import say, text
from quotadeck.words.commands import reason
from quotadeck.words.times import day_time

_IN_FORCE: Final = (Action.PAUSE, Action.LIMIT, Action.FALLBACK, Action.PRIORITY)
"""What puts a value in force on a row, under the command's own id."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """A change in force: on what, what it did, whose it is, when, until when, and why.

    ``at_us`` is None where the change's id does not tell.
    """

    id: str
    subject: Subject
    field: str
    was: Value | None
    value: Value | None
    actor: str
    at_us: int | None
    until_us: int | None
    reason: str

    @property
    def facts(self) -> dict[str, Fact]:
        values = value_facts(self.field, was=self.was, value=self.value)
        return {**values, "name": self.subject.name, "actor": self.actor}


@dataclass(frozen=True, slots=True)
class Undoing(Proposal):
    """The proposal to take back one of the changes, which stand in the order of the offers."""

    changes: tuple[Undoable, ...]

    def change(self, form: Form) -> Undoable:
        """The change that would be taken back."""
        return self.changes[self.offers.index(self.offer(form))]

    def title(self, form: Form) -> str:
        return text(f"{self.verb.name}.title", **self.change(form).facts)

    def confirm(self, form: Form, snapshot: Snapshot) -> str:
        change = self.change(form)
        there = name_for(change.subject, change.field, change.was, change.value, snapshot)
        back = name_for(change.subject, change.field, change.value, change.was, snapshot)
        return there or back

    def about(self, form: Form, now_us: int) -> tuple[tuple[str, str], ...]:
        """What it was, who made it and when, and why, each with its label."""
        change = self.change(form)
        ends = "undo.made" if change.until_us else "undo.made.standing"
        made = {"actor": change.actor, "at_us": change.at_us, "until_us": change.until_us}
        because = "undo.because" if change.reason else "undo.because.none"
        return (
            (text("undo.takes_back"), fit_middle(text("undo.what", **change.facts), 60)),
            (text("undo.by"), say(Notice(ends, made), lambda us: day_time(us, now_us, self.zone))),
            (text("undo.why"), text(because, reason=change.reason)),
        )


def just_made(answer: CommandAnswer, command: Command, actor: str) -> tuple[Undoable, ...]:
    """What an answer says is in force now, which the next reading will tell."""
    if not answer.applied or command.action not in _IN_FORCE:
        return ()
    own = Part(
        answer.subject,
        answer.field,
        answer.command_id,
        before=answer.before,
        after=answer.after,
        until_us=answer.until_us,
    )
    return tuple(
        Undoable(
            one.command_id,
            one.subject,
            one.field or command.action,
            one.before,
            one.after,
            actor,
            made_at_us(one.command_id),
            one.until_us,
            command.reason_shown,
        )
        for one in answer.parts or (own,)
    )


def undo_on_row(
    row: AnyRow,
    snapshot: Snapshot,
    zone: tzinfo | None,
    audit: str,
    made: Sequence[Undoable] = (),
) -> Undoing:
    """The proposal to take back what is in force on a row, and nothing else. Raises NothingToDo.

    A project's changes, and a model's, are its own; a target's are its own and those of the models
    routed to it.
    ``audit`` is the key that opens the audit; what was just ``made`` counts until a reading is of
    a later instant.
    """
    about = {subject_of(row)}
    found = _of(subject_of(row), row.changes)
    if isinstance(row, TargetRow):
        for route in snapshot.routes:
            if row.id in route.targets:
                about.add(Subject.model(route.id))
                found += _of(Subject.model(route.id), route.changes)
    told = {one.id for one in found}
    found += tuple(
        one
        for one in made
        if one.subject in about
        and one.id not in told
        and one.at_us is not None
        and snapshot.at_us <= one.at_us
    )
    if not found:
        kind = "nothing.undo.models" if isinstance(row, TargetRow) else "nothing.undo"
        raise NothingToDo(kind, name=row.id, key=audit)
    return _undoing(sorted(found, key=lambda change: change.id, reverse=True), zone)


def undo_of_entry(row: AuditRow, zone: tzinfo | None) -> Undoing:
    """The proposal to take back an entry of the audit. Raises NothingToDo where it is over."""
    made = row.entry
    if not row.in_force:
        raise NothingToDo(
            "nothing.undo.over" if made.applied else "nothing.undo.refused", seq=made.seq
        )
    return _undoing([_of_entry(row)], zone)


def redo_of_entry(row: AuditRow, zone: tzinfo | None) -> Undoing:
    """The proposal to take back an undo. Raises NothingToDo where the entry is none."""
    if row.entry.action != Action.UNDO:
        raise NothingToDo("nothing.redo", seq=row.entry.seq)
    return _undoing([_of_entry(row)], zone, VERBS[Action.REDO])


def _of_entry(row: AuditRow) -> Undoable:
    made = row.entry
    return Undoable(
        made.id,
        made.subject,
        made.field or made.action,
        made.before,
        made.after,
        made.actor,
        made.at_us,
        made.until_us,
        reason(made),
    )


def _of(subject: Subject, changes: Sequence[Change]) -> tuple[Undoable, ...]:
    return tuple(
        Undoable(
            one.command_id,
            subject,
            one.field,
            one.was,
            one.value,
            one.actor,
            made_at_us(one.command_id),
            one.until_us,
            one.reason,
        )
        for one in changes
    )


def _undoing(
    changes: Sequence[Undoable], zone: tzinfo | None, verb: Verb = VERBS[Action.UNDO]
) -> Undoing:
    offers = tuple(
        Offer(Subject.command(change.id), text("undo.option", **change.facts)) for change in changes
    )
    form = form_for(verb, offers, offers[0].subject)
    return Undoing(verb, offers, form, zone, tuple(changes))
