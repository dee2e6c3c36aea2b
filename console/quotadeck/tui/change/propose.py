"""From a key and the chosen row to a form, and from the form to a command. Pure."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from quotadeck.domain.commands import MAX_REASON, Action, Command, Field
from quotadeck.domain.money import MoneyError
from quotadeck.domain.rules import RULE_BY_CAUSE, rules_of
from quotadeck.domain.snapshot import ProjectRow, RouteRow, Snapshot, TargetRow
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.typed import TypedWrong, limit_value
from quotadeck.tui.change.confirm import AnyRow, in_force, name_for, name_for_limit, row_of
from quotadeck.tui.change.form import Choice, Form, FormField, Text, Tick
from quotadeck.tui.change.values import STANDING, lasting
from quotadeck.tui.in_force import short_field
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.tui.kit.editor import Editor
from quotadeck.words.commands import value
from quotadeck.words.times import clock_time


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that is being worded: its title, a form, and how the form becomes a command.

    ``build`` raises TypedWrong or MoneyError; the idempotency key is the dialog's to give.
    ``confirm`` gives what must be typed before it may be applied, empty where nothing must;
    ``now`` the value in force that a typed one would replace; ``about`` labelled lines to be read
    before it is decided.
    """

    title: Callable[[Form], str]
    form: Form
    build: Callable[[Form, Snapshot], Command]
    confirm: Callable[[Form, Snapshot], str] = lambda _form, _snapshot: ""
    now: Callable[[Form, Snapshot], str] = lambda _form, _snapshot: ""
    about: Callable[[Form], tuple[tuple[str, str], ...]] = lambda _form: ()


def propose(act_id: str, row: AnyRow | None, snapshot: Snapshot, zone: tzinfo | None) -> Proposal:
    """The proposal of a pause, resume, limit or fallback on a row. Raises NothingToDo."""
    if row is None:
        raise NothingToDo("no row is chosen")
    if act_id == "resume":
        return _resume(row, snapshot)
    return {"pause": _pause, "limit": _limit, "fallback": _fallback}[act_id](row, snapshot, zone)


def reason_field() -> Text:
    """Why it is done; where the cursor starts, as it is what must be typed."""
    return Text("reason", "reason", Editor(limit=MAX_REASON), width=46)


def _at_reason(*fields: FormField) -> Form:
    return Form(fields, next(i for i, field in enumerate(fields) if field.id == "reason"))


def _span(default: str = "1h") -> Text:
    hint = f"30m, until 09:00, {STANDING}"
    return Text("for", "for", Editor.holding(default, limit=30, fresh=True), hint, width=12)


def _routes(row: AnyRow, snapshot: Snapshot) -> list[RouteRow]:
    """The routes that concern a row, the likeliest first; all of them for an idle project."""
    if isinstance(row, TargetRow):
        mine = [r for r in snapshot.routes if row.id in r.targets]
        return sorted(mine, key=lambda r: r.serving != row.id)
    used = {model: place for place, model in enumerate(row.models)}
    mine = sorted((r for r in snapshot.routes if r.id in used), key=lambda r: used[r.id])
    return mine or list(snapshot.routes)


def _subject(row: AnyRow, routes: Sequence[RouteRow]) -> tuple[FormField, ...]:
    """A choice of model where the row is a target; nothing to choose for a project."""
    if isinstance(row, ProjectRow):
        return ()
    return (Choice("model", "model", tuple((route.id, route.id) for route in routes)),)


def _of(row: AnyRow, form: Form) -> Subject:
    if isinstance(row, ProjectRow):
        return Subject.project(row.id)
    return Subject.model(form.text("model"))


def _named(row: AnyRow, form: Form) -> str:
    return row.id if isinstance(row, ProjectRow) else f"model {form.text('model')}"


def _pause(row: AnyRow, snapshot: Snapshot, zone: tzinfo | None) -> Proposal:
    routes = _routes(row, snapshot)
    if isinstance(row, TargetRow) and not routes:
        raise NothingToDo(f"no model is routed to {row.id}")
    public = Tick("public", "public", hint="tell the clients the reason")

    def build(form: Form, snapshot: Snapshot) -> Command:
        ends = lasting(form.text("for"), snapshot.at_us, zone)
        return Command(
            Action.PAUSE, _of(row, form), Field.PAUSED, value=True, reason=form.text("reason"),
            public=bool(form.text("public")), for_ms=ends.for_ms, until_us=ends.until_us,
        )  # fmt: skip

    def confirm(form: Form, snapshot: Snapshot) -> str:
        return name_for(_of(row, form), Field.PAUSED, None, True, snapshot)

    form = _at_reason(*_subject(row, routes), _span(), reason_field(), public)
    return Proposal(lambda form: f"pause {_named(row, form)}", form, build, confirm)


def _resume(row: AnyRow, snapshot: Snapshot) -> Proposal:
    routes = [route for route in _routes(row, snapshot) if route.paused]
    if isinstance(row, ProjectRow) and not row.paused:
        raise NothingToDo(f"{row.id} is not paused")
    if isinstance(row, TargetRow) and not routes:
        raise NothingToDo(f"no model routed to {row.id} is paused")

    def build(form: Form, _snapshot: Snapshot) -> Command:
        return Command(Action.RESUME, _of(row, form), Field.PAUSED, reason=form.text("reason"))

    form = _at_reason(*_subject(row, routes), reason_field())
    return Proposal(lambda form: f"resume {_named(row, form)}", form, build)


_CAUSES: Final = {cause: rule.field for cause, rule in RULE_BY_CAUSE.items()} | {
    HELD_MONEY: Field.BUDGET, NOT_COVERED: Field.BUDGET,
}  # fmt: skip
"""Which limit is in the way, by the row's cause."""


def _limit(row: AnyRow, _snapshot: Snapshot, zone: tzinfo | None) -> Proposal:
    kind = SubjectKind.PROJECT if isinstance(row, ProjectRow) else SubjectKind.TARGET
    fields = [rule.field for rule in rules_of(kind)]
    wanted = _CAUSES.get(row.state.cause, Field.RPM)
    which = Choice(
        "limit", "limit", tuple((field.value, short_field(field.value)) for field in fields),
        index=fields.index(wanted) if wanted in fields else 0,
    )  # fmt: skip
    value = Text("value", "to", Editor(limit=20), hint="40, 80k, x2, 50%; budget 12.50", width=10)
    subject = Subject(kind, row.id)

    def build(form: Form, snapshot: Snapshot) -> Command:
        field = Field(form.text("limit"))
        if not form.text("value"):
            raise TypedWrong("type a value: 40, 80k, 1.5M, x2 or 50%")
        value, scale = limit_value(field, form.text("value"))
        newest = row_of(subject, snapshot)
        version = newest.version if newest else None
        ends = lasting(form.text("for"), snapshot.at_us, zone)
        return Command(
            Action.LIMIT, subject, field, value=value,
            scale_percent=scale, reason=form.text("reason"),
            for_ms=ends.for_ms, until_us=ends.until_us, expected_version=version,
        )  # fmt: skip

    def confirm(form: Form, snapshot: Snapshot) -> str:
        field = Field(form.text("limit"))
        with suppress(TypedWrong, MoneyError):
            amount, percent = limit_value(field, form.text("value"))
            newest = row_of(subject, snapshot) or row
            return name_for_limit(newest, field, amount, percent)
        return ""

    def now(form: Form, snapshot: Snapshot) -> str:
        newest = row_of(subject, snapshot) or row
        return _in_force_words(newest, Field(form.text("limit")), zone)

    form = Form((which, value, _span(), reason_field()), 1)
    return Proposal(lambda _: f"limit {row.id}", form, build, confirm, now)


def _in_force_words(row: AnyRow, field: Field, zone: tzinfo | None) -> str:
    """``now 20 (file)``, ``now 40 (mika, until 03:49)``, ``now unlimited (file)``."""
    words = value(field, in_force(row, field))
    made = next((change for change in row.changes if change.field == field), None)
    if made is None:
        return f"now {words} (file)"
    end = f"until {clock_time(made.until_us, zone)}" if made.until_us else "standing"
    return f"now {words} ({made.actor}, {end})"


def _fallback(row: AnyRow, snapshot: Snapshot, zone: tzinfo | None) -> Proposal:
    choices = tuple(
        (f"{route.id}\n{target}", f"{route.id} → {target}")
        for route in _routes(row, snapshot)
        for target in route.targets
        if target != route.serving
    )
    if not choices:
        raise NothingToDo("no model that it uses has another target to fall back to")
    route = Choice("route", "route", choices)

    def build(form: Form, snapshot: Snapshot) -> Command:
        model, _, target = form.text("route").partition("\n")
        version = next((known.version for known in snapshot.routes if known.id == model), None)
        ends = lasting(form.text("for"), snapshot.at_us, zone)
        return Command(
            Action.FALLBACK, Subject.model(model), Field.TARGET, value=target,
            reason=form.text("reason"), for_ms=ends.for_ms, until_us=ends.until_us,
            expected_version=version,
        )  # fmt: skip

    return Proposal(lambda _: "fallback", _at_reason(route, _span(), reason_field()), build)
