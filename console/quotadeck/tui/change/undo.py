"""From a change that was made to the form that takes it back: it says whose it is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from quotadeck.domain.answers import AuditRow
from quotadeck.domain.commands import Action, Command, Value
from quotadeck.domain.ids import made_at_us
from quotadeck.domain.snapshot import Change, ProjectRow, RouteRow, Snapshot, TargetRow
from quotadeck.domain.subject import Subject
from quotadeck.tui.change.confirm import name_for
from quotadeck.tui.change.form import Choice, Form
from quotadeck.tui.change.propose import Proposal, reason_field
from quotadeck.tui.in_force import short_field
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.tui.kit.fit import fit_middle
from quotadeck.words.commands import reason, value
from quotadeck.words.times import day_time


@dataclass(frozen=True, slots=True)
class Undoable:
    """A change in force: on what, what it did, whose it is, when, until when, and why.

    ``field`` is the name of `commands.Field`. ``at_us`` is None where the change's id does not
    tell.
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
    def what(self) -> str:
        """``analytics rpm 20 → 40``."""
        was, becomes = value(self.field, self.was), value(self.field, self.value)
        return f"{self.subject.name} {short_field(self.field)} {was} → {becomes}"


def undo_on_row(
    row: ProjectRow | TargetRow, snapshot: Snapshot, zone: tzinfo | None, now_us: int, audit: str
) -> Proposal:
    """The proposal to take back what is in force on a row, and nothing else. Raises NothingToDo.

    A project's changes are its own; a target's are its own and those of the models routed to it.
    ``audit`` is the key that opens the audit.
    """
    if isinstance(row, ProjectRow):
        found = _of(Subject.project(row.id), row.changes)
    else:
        routes = [route for route in snapshot.routes if row.id in route.targets]
        found = [*_of(Subject.target(row.id), row.changes), *_of_routes(routes)]
        found.sort(key=lambda change: change.id, reverse=True)
    if not found:
        whom = row.id if isinstance(row, ProjectRow) else f"{row.id} and its models"
        raise NothingToDo(f"nothing is in force on {whom}; `{audit}` shows all changes")
    return _undo(found, zone, now_us)


def undo_of_entry(row: AuditRow, zone: tzinfo | None, now_us: int) -> Proposal:
    """The proposal to take back an entry of the audit. Raises NothingToDo where it is over."""
    entry = row.entry
    if not row.in_force:
        over = "no longer in force" if entry.applied else "refused: it changed nothing"
        raise NothingToDo(f"#{entry.seq} is {over}: there is nothing to undo")
    return _undo(
        [
            Undoable(
                entry.id, entry.subject, entry.field or entry.action, entry.before,
                entry.after, entry.actor, entry.at_us, entry.until_us, reason(entry),
            )
        ],
        zone, now_us,
    )  # fmt: skip


def _of_routes(routes: Sequence[RouteRow]) -> list[Undoable]:
    return [change for route in routes for change in _of(Subject.model(route.id), route.changes)]


def _of(subject: Subject, changes: Sequence[Change]) -> list[Undoable]:
    made = [
        Undoable(
            change.command_id, subject, change.field, change.was, change.value, change.actor,
            made_at_us(change.command_id), change.until_us, change.reason,
        )
        for change in changes
    ]  # fmt: skip
    return sorted(made, key=lambda change: change.id, reverse=True)


def _undo(found: Sequence[Undoable], zone: tzinfo | None, now_us: int) -> Proposal:
    by_id = {change.id: change for change in found}

    def chosen(form: Form) -> Undoable:
        return by_id.get(form.text("entry"), found[0])

    def build(form: Form, _snapshot: Snapshot) -> Command:
        return Command(Action.UNDO, Subject.command(chosen(form).id), reason=form.text("reason"))

    def confirm(form: Form, snapshot: Snapshot) -> str:
        change = chosen(form)
        there = name_for(change.subject, change.field, change.was, change.value, snapshot)
        back = name_for(change.subject, change.field, change.value, change.was, snapshot)
        return there or back

    options = tuple((change.id, f"{change.what} ({change.actor})") for change in found)
    choice = (Choice("entry", "change", options),) if len(found) > 1 else ()
    return Proposal(
        title=lambda form: f"undo {chosen(form).actor}'s change of {chosen(form).subject.name}",
        form=Form((*choice, reason_field()), len(choice)),
        build=build,
        confirm=confirm,
        about=lambda form: _about(chosen(form), zone, now_us),
    )


def _about(change: Undoable, zone: tzinfo | None, now_us: int) -> tuple[tuple[str, str], ...]:
    """What it was, who made it and when, and why, each with its label."""

    made = change.actor + (f" at {day_time(change.at_us, now_us, zone)}" if change.at_us else "")
    ends = f", until {day_time(change.until_us, now_us, zone)}" if change.until_us else ", standing"
    return (
        ("takes back", fit_middle(change.what, 60)),
        ("made by", made + ends),
        ("because", f"“{change.reason}”" if change.reason else "no reason was given"),
    )
