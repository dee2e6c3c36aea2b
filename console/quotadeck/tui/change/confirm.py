"""Whose name must be typed before a change is made: what stops high priority, or a model. Pure."""

from typing import Final

from quotadeck.domain.commands import Field, Value, amount
from quotadeck.domain.grave import stops_nearly_all
from quotadeck.domain.rules import LIMIT_FIELDS
from quotadeck.domain.snapshot import LimitedRow, ProjectRow, RouteRow, Snapshot, used_on
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.tui.change.offers import row_of

_ASKED_FOR: Final = (SubjectKind.PROJECT, SubjectKind.MODEL, SubjectKind.TARGET)


def name_for(
    subject: Subject, field: str | None, was: Value | None, becomes: Value | None,
    snapshot: Snapshot,
) -> str:  # fmt: skip
    """What must be typed for a value to go from ``was`` to ``becomes``; empty where nothing must.

    A pause and its way back ask alike: who takes a pause back lets the traffic in that somebody
    stopped.
    """
    row = row_of(subject, snapshot)
    if isinstance(row, ProjectRow) and row.priority != "high":
        return ""
    if field == Field.KEY:  # whose calls are all refused without it
        return subject.name if becomes is None else ""
    if field == Field.PAUSED and subject.kind in _ASKED_FOR:
        return subject.name
    if row is None or isinstance(row, RouteRow) or field not in LIMIT_FIELDS:
        return ""
    before, after = (None if value is None else amount(value) for value in (was, becomes))
    limit = Field(field)
    return subject.name if stops_nearly_all(limit, before, after, _taken(row, limit)) else ""


def _taken(row: LimitedRow, field: Field) -> int:
    """What is taken of a limit, money that is held among it."""
    held = row.budget.held_nano if field is Field.BUDGET and isinstance(row, ProjectRow) else 0
    return used_on(row, field) + held
