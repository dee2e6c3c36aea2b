"""What a command can be about, seen from the row that is chosen. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from quotadeck.domain.commands import Field, Plain, value_facts
from quotadeck.domain.layers import Layer
from quotadeck.domain.rules import LIMIT_FIELDS
from quotadeck.domain.snapshot import (
    AnyRow,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    limit_on,
)
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.verbs import Takes, Verb
from quotadeck.tui.keys.act import NothingToDo


@dataclass(frozen=True, slots=True)
class Offer:
    """A subject to choose, as it is shown; ``value`` where that is chosen with it."""

    subject: Subject
    label: str
    value: str | None = None
    fields: tuple[str, ...] = ()
    """What operators have in force on it with an end of its own."""


def offers(verb: Verb, row: AnyRow, snapshot: Snapshot, under: str = "") -> tuple[Offer, ...]:
    """The subjects that the command can be about on that row, the likeliest first.

    The row itself where the command is about such; else the models it uses, or those routed to it;
    of a model the targets that it is routed to, the one that serves it first. Where models are to
    be sent elsewhere from a target's line ``under`` one, that model is first, to that target. What
    only takes something out of force is about what has it. Raises NothingToDo.
    """
    own = subject_of(row)
    if own.kind in verb.about:
        found = [own]
    elif isinstance(row, RouteRow) and SubjectKind.TARGET in verb.about:
        ordered = sorted(row.targets, key=lambda target: target != row.serving)
        found = [Subject.target(target) for target in ordered]
    elif SubjectKind.MODEL in verb.about:
        found = [Subject.model(route.id) for route in _routes(row, snapshot)]
        if not found:
            raise NothingToDo("nothing.no_model", name=row.id)
    else:
        raise NothingToDo("nothing.of_this_kind", action=verb.name, name=row.id)
    if verb.takes is Takes.TARGET:
        return _targets(row, found, snapshot, under)
    if verb.takes is Takes.OVERRIDE:
        return (Offer(own, own.name, fields=overridden(row)),)
    if verb.lifts and verb.field is not None:
        ending = [one for one in found if value_now(one, verb.field, snapshot) is not None]
        if not ending:
            kind = "nothing.idle" if own in found else "nothing.idle.models"
            # What it would end, told as the value that it has not.
            raise NothingToDo(kind, name=row.id, **value_facts(verb.field, ends=True))
        found = ending
    return tuple(Offer(one, one.name) for one in found)


def overridden(row: AnyRow) -> tuple[str, ...]:
    """The fields of the overrides in force on a row. Raises NothingToDo for none."""
    found = tuple(one.field for one in row.changes if one.layer is Layer.OVERRIDE)
    if not found:
        raise NothingToDo("nothing.no_override", name=row.id)
    return found


def _targets(
    row: AnyRow, models: Sequence[Subject], snapshot: Snapshot, under: str
) -> tuple[Offer, ...]:
    """Each model with each target of its route that does not serve it now."""
    routes = {route.id: route for route in snapshot.routes}
    found = tuple(
        Offer(model, f"{model.name} → {target}", target)
        for model in models
        for target in routes[model.name].targets
        if target != routes[model.name].serving
    )
    if not found:
        raise NothingToDo("nothing.no_other_target", name=row.id)
    if under:
        found = tuple(
            sorted(found, key=lambda one: (one.subject.name != under, one.value != row.id))
        )
    return found


def _routes(row: AnyRow, snapshot: Snapshot) -> list[RouteRow]:
    """The routes that concern a row, the likeliest first; all of them for an idle project."""
    if isinstance(row, RouteRow):
        return [row]
    if isinstance(row, TargetRow):
        mine = [r for r in snapshot.routes if row.id in r.targets]
        return sorted(mine, key=lambda r: r.serving != row.id)
    used = {model: place for place, model in enumerate(row.models)}
    mine = sorted((r for r in snapshot.routes if r.id in used), key=lambda r: used[r.id])
    return mine or list(snapshot.routes)


def subject_of(row: AnyRow) -> Subject:
    """What a row is about."""
    if isinstance(row, RouteRow):
        return Subject.model(row.id)
    return Subject.project(row.id) if isinstance(row, ProjectRow) else Subject.target(row.id)


def row_of(subject: Subject, snapshot: Snapshot) -> AnyRow | None:
    """The row of a project, a target or a model; None for other kinds, and where it is gone."""
    rows: Sequence[AnyRow] = ()
    if subject.kind is SubjectKind.PROJECT:
        rows = snapshot.projects
    elif subject.kind is SubjectKind.TARGET:
        rows = snapshot.targets
    elif subject.kind is SubjectKind.MODEL:
        rows = snapshot.routes
    return next((row for row in rows if row.id == subject.name), None)


def value_now(subject: Subject, field: str, snapshot: Snapshot) -> Plain | None:
    """The value in force of a subject's field, in its own unit; None for none."""
    row = row_of(subject, snapshot)
    if field in LIMIT_FIELDS and isinstance(row, ProjectRow | TargetRow):
        limit = limit_on(row, field)
        return limit.limit if limit else None
    if field == Field.PAUSED and isinstance(row, ProjectRow | RouteRow):
        return row.paused or None
    if field == Field.TARGET and isinstance(row, RouteRow):
        return row.serving
    made = (one.value for one in row.changes if one.field == field) if row else iter(())
    return next(made, None)
