"""Whose name must be typed before a change is made: what stops high priority, or a model. Pure."""

from collections.abc import Sequence

from quotadeck.domain.commands import Field, Value, amount
from quotadeck.domain.grave import stops_nearly_all
from quotadeck.domain.rules import LIMIT_FIELDS
from quotadeck.domain.snapshot import ProjectRow, Snapshot, TargetRow, limit_on, used_on
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.verbs.limit import scaled

AnyRow = ProjectRow | TargetRow


def name_for(
    subject: Subject, field: str, was: Value | None, becomes: Value | None, snapshot: Snapshot
) -> str:
    """What must be typed for a value to go from ``was`` to ``becomes``; empty where nothing must.

    A pause and its way back ask alike: who takes a pause back lets the traffic in that somebody
    stopped.
    """
    kind, name = subject
    row = row_of(subject, snapshot)
    if isinstance(row, ProjectRow) and row.priority != "high":
        return ""
    if field == Field.KEY:  # whose calls are all refused without it
        return name if becomes is None else ""
    if kind not in (SubjectKind.PROJECT, SubjectKind.TARGET, SubjectKind.MODEL):
        return ""
    if field == Field.PAUSED:
        return name
    if row is None or field not in LIMIT_FIELDS:
        return ""
    before, after = (None if value is None else amount(value) for value in (was, becomes))
    return name if stops_nearly_all(Field(field), before, after, _taken(row, Field(field))) else ""


def name_for_limit(row: AnyRow, field: Field, value: Value | None, percent: int | None) -> str:
    """What must be typed to set a limit, or to scale the one in force."""
    if isinstance(row, ProjectRow) and row.priority != "high":
        return ""
    was = in_force(row, field)
    if percent is None:
        becomes = amount(value)
    elif was is None:
        return ""  # nothing to scale: the gateway will say so
    else:
        becomes = scaled(was, percent)
    return row.id if stops_nearly_all(field, was, becomes, _taken(row, field)) else ""


def row_of(subject: Subject, snapshot: Snapshot) -> AnyRow | None:
    """The row of a project or a target; None for other kinds, and where it is gone."""
    kind, name = subject
    rows: Sequence[AnyRow] = ()
    if kind is SubjectKind.PROJECT:
        rows = snapshot.projects
    elif kind is SubjectKind.TARGET:
        rows = snapshot.targets
    return next((row for row in rows if row.id == name), None)


def in_force(row: AnyRow, field: Field) -> int | None:
    """The limit in force in its own unit; None for no limit."""
    limit = limit_on(row, field)
    return limit.limit if limit else None


def _taken(row: AnyRow, field: Field) -> int:
    """What is taken of a limit, money that is held among it."""
    held = row.budget.held_nano if field is Field.BUDGET and isinstance(row, ProjectRow) else 0
    return used_on(row, field) + held
