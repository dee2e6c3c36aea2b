"""From a key and the chosen row to a form, and from the form to a command. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from console.domain.commands import LIMIT_FIELDS, MAX_REASON, Action, Command, Field
from console.domain.snapshot import Change, ProjectRow, RouteRow, Snapshot, TargetRow
from console.domain.typed import TypedWrong, limit_value
from console.tui.form import Choice, Form, FormField, Text, Tick
from console.tui.rows import change_text
from console.tui.state import Present, short_field
from console.tui.values import STANDING, lasting_ms

AnyRow = ProjectRow | TargetRow


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that is being worded: a title, a form, and how the form becomes a command.

    ``build`` raises TypedWrong or MoneyError; the idempotency key is the dialog's to give.
    ``confirm`` gives what must be typed before it may be applied; empty where nothing must.
    """

    title: str
    form: Form
    build: Callable[[Form, Snapshot], Command]
    confirm: Callable[[Form], str] = lambda _form: ""


class NothingToDo(Exception):
    """There is nothing that this key could change here; the text says why."""


def propose(act_id: str, row: AnyRow | None, snapshot: Snapshot, now: Present) -> Proposal:
    """The proposal of an action on a row. Raises NothingToDo."""
    if act_id == "undo":
        return _undo(row, snapshot, now)
    if row is None:
        raise NothingToDo("no row is chosen")
    makers = {"pause": _pause, "resume": _resume, "limit": _limit, "fallback": _fallback}
    return makers[act_id](row, snapshot)


def _reason() -> Text:
    return Text("reason", "reason", limit=MAX_REASON, width=46)


def _span(default: str = "1h") -> Text:
    hint = f"30m, 2h30m, {STANDING}"
    return Text("for", "for", default, hint, width=10, limit=20, fresh=True)


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


def _of(row: AnyRow, form: Form) -> str:
    return f"project:{row.id}" if isinstance(row, ProjectRow) else f"model:{form.text('model')}"


def _named(row: AnyRow) -> str:
    return row.id if isinstance(row, ProjectRow) else "model"


def _pause(row: AnyRow, snapshot: Snapshot) -> Proposal:
    routes = _routes(row, snapshot)
    if isinstance(row, TargetRow) and not routes:
        raise NothingToDo(f"no model is routed to {row.id}")
    public = Tick("public", "public", hint="tell the clients the reason")
    its = row.id if isinstance(row, ProjectRow) else "the model's name"
    confirm = Text("name", "confirm", hint=f"type {its}", width=24, limit=200)
    dear = isinstance(row, TargetRow) or row.priority == "high"
    fields = (*_subject(row, routes), _span(), _reason(), public, *((confirm,) if dear else ()))

    def build(form: Form, _snapshot: Snapshot) -> Command:
        return Command(
            Action.PAUSE, _of(row, form), Field.PAUSED, value=True, reason=form.text("reason"),
            public=bool(form.text("public")), for_ms=lasting_ms(form.text("for")),
        )  # fmt: skip

    def name(form: Form) -> str:
        if not dear:
            return ""
        return row.id if isinstance(row, ProjectRow) else form.text("model")

    return Proposal(f"pause {_named(row)}", Form(fields), build, name)


def _resume(row: AnyRow, snapshot: Snapshot) -> Proposal:
    routes = [route for route in _routes(row, snapshot) if route.paused]
    if isinstance(row, ProjectRow) and not row.paused:
        raise NothingToDo(f"{row.id} is not paused")
    if isinstance(row, TargetRow) and not routes:
        raise NothingToDo(f"no model routed to {row.id} is paused")

    def build(form: Form, _snapshot: Snapshot) -> Command:
        return Command(Action.RESUME, _of(row, form), Field.PAUSED, reason=form.text("reason"))

    return Proposal(f"resume {_named(row)}", Form((*_subject(row, routes), _reason())), build)


_CAUSES: Final = {
    "rpm": Field.RPM, "tpm": Field.TPM, "concurrency": Field.CONCURRENCY, "budget": Field.BUDGET,
}  # fmt: skip


def _limit(row: AnyRow, _snapshot: Snapshot) -> Proposal:
    fields = LIMIT_FIELDS if isinstance(row, ProjectRow) else (Field.RPM, Field.TPM)
    wanted = _CAUSES.get(row.flow.refused_cause, Field.RPM) if row.flow.refused_60s else Field.RPM
    which = Choice(
        "limit", "limit", tuple((field.value, short_field(field.value)) for field in fields),
        index=fields.index(wanted) if wanted in fields else 0,
    )  # fmt: skip
    value = Text("value", "to", hint="40, 80k, 1.5M, x2, 50%; budget 12.50", width=10, limit=20)
    kind = "project" if isinstance(row, ProjectRow) else "target"

    def build(form: Form, snapshot: Snapshot) -> Command:
        field = Field(form.text("limit"))
        if not form.text("value"):
            raise TypedWrong("type a value: 40, 80k, 1.5M, x2 or 50%")
        value, scale = limit_value(field, form.text("value"))
        rows: Iterable[AnyRow] = snapshot.projects if kind == "project" else snapshot.targets
        version = next((known.version for known in rows if known.id == row.id), None)
        return Command(
            Action.LIMIT, f"{kind}:{row.id}", field, value=value,
            scale_percent=scale, reason=form.text("reason"),
            for_ms=lasting_ms(form.text("for")), expected_version=version,
        )  # fmt: skip

    return Proposal(f"limit {row.id}", Form((which, value, _span(), _reason()), 1), build)


def _fallback(row: AnyRow, snapshot: Snapshot) -> Proposal:
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
        return Command(
            Action.FALLBACK, f"model:{model}", Field.TARGET, value=target,
            reason=form.text("reason"), for_ms=lasting_ms(form.text("for")),
            expected_version=version,
        )  # fmt: skip

    return Proposal("fallback", Form((route, _span(), _reason())), build)


def changes_of(row: AnyRow | None, snapshot: Snapshot) -> list[tuple[str, Change]]:
    """Changes in force with their subjects: the row's and its routes' first, then the newest."""
    subjects: list[tuple[bool, str, Change]] = []
    mine = {route.id for route in _routes(row, snapshot)} if row and _asks(row) else set()
    for project in snapshot.projects:
        subjects += [(project is row, project.id, change) for change in project.changes]
    for target in snapshot.targets:
        subjects += [(target is row, target.id, change) for change in target.changes]
    for route in snapshot.routes:
        subjects += [(route.id in mine, route.id, change) for change in route.changes]
    subjects.sort(key=lambda item: item[2].command_id, reverse=True)
    subjects.sort(key=lambda item: not item[0])
    return [(subject, change) for _, subject, change in subjects]


def _asks(row: AnyRow) -> bool:
    return bool(row.models) if isinstance(row, ProjectRow) else True


def _undo(row: AnyRow | None, snapshot: Snapshot, now: Present) -> Proposal:
    found = changes_of(row, snapshot)
    if not found:
        raise NothingToDo("nothing is in force that could be undone")
    return undo_of(
        [(change.command_id, f"{name}: {change_text(change, now)}") for name, change in found]
    )


def undo_of(entries: Sequence[tuple[str, str]]) -> Proposal:
    """The proposal to undo one of the entries given by command id and words."""

    def build(form: Form, _snapshot: Snapshot) -> Command:
        return Command(Action.UNDO, f"command:{form.text('entry')}", reason=form.text("reason"))

    fields = (Choice("entry", "change", tuple(entries)), _reason())
    return Proposal("undo", Form(fields), build)
