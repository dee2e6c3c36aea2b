"""What operators have in force on a row: a pause, a fallback, changed limits, and their ends."""

from collections.abc import Mapping
from dataclasses import dataclass

from quotadeck.domain.ages import remaining
from quotadeck.domain.commands import amount
from quotadeck.domain.rules import LIMIT_FIELDS
from quotadeck.domain.snapshot import Change, LimitedRow, ProjectRow, RouteRow
from quotadeck.domain.state import StateKind
from quotadeck.tui.present import Present
from quotadeck.words import text
from quotadeck.words.commands import field_word, value


@dataclass(frozen=True, slots=True)
class InForceMark:
    """What operators have in force on a row: a glyph, its word, and what is left of it."""

    glyph: str = " "
    word: str = ""
    left: str = ""
    changes: tuple[Change, ...] = ()
    """Those that it tells of."""

    @property
    def text(self) -> str:
        return f"{self.word} {self.left}".rstrip()


def in_force(row: LimitedRow, routes: Mapping[str, RouteRow], now: Present) -> InForceMark:
    """A pause that the row's word does not tell, a fallback that its requests are forced to, else
    the change that ends next."""
    pause = next((change for change in row.changes if change.field == "paused"), None)
    if pause and row.state.kind is not StateKind.PAUSED:
        return InForceMark("‖", text("state.paused"), _left(pause.until_us, now), (pause,))
    route = forced_route(row, routes)
    if route:
        word = f"↘{short_model(route.serving)}"
        ends = (c.until_us for c in route.changes if c.field == "target" and c.until_us)
        return InForceMark("↘", word, _left(next(ends, None), now), route.changes)
    changes = tuple(change for change in row.changes if change.field != "paused")
    change = ending(changes)
    if change is None:
        return InForceMark()
    word = f"{direction(change)}{field_word(change.field)}"
    return InForceMark("✎", word, _left(change.until_us, now), changes)


def _left(until_us: int | None, now: Present) -> str:
    return f"−{remaining(until_us - now.now_us)}" if until_us is not None else ""


def ending(changes: tuple[Change, ...]) -> Change | None:
    """The override that ends next; a standing change where there is none."""
    overrides = [change for change in changes if change.until_us is not None]
    if overrides:
        return min(overrides, key=lambda change: change.until_us or 0)
    return changes[0] if changes else None


def direction(change: Change) -> str:
    """``↑`` raised, ``↓`` lowered, ``→`` changed where the values are no numbers."""
    if change.field not in LIMIT_FIELDS:
        return "→"
    before, after = (
        float("inf") if limit is None else amount(limit) for limit in (change.was, change.value)
    )
    return "↑" if after > before else "↓" if after < before else "→"


def short_model(target: str) -> str:
    """``flash`` for ``google/gemini-2.5-flash``: the last word of the model, else all of it."""
    model = target.rpartition("/")[2]
    last = model.rpartition("-")[2]
    return last if last.isalpha() else model


def forced_route(row: LimitedRow, routes: Mapping[str, RouteRow]) -> RouteRow | None:
    """A route that the row's requests take, or whose home it is, forced away from its first."""
    mine = (
        [routes[model] for model in row.models if model in routes]
        if isinstance(row, ProjectRow)
        else [route for route in routes.values() if route.targets[:1] == (row.id,)]
    )
    return next((r for r in mine if r.targets and r.serving != r.targets[0]), None)


def changes_text(changes: tuple[Change, ...], now: Present) -> str:
    """``rpm 20→40 59m (mika) “orders import”``, one after the other."""
    return " · ".join(
        change_text(change, now) + (f" “{change.reason}”" if change.reason else "")
        for change in changes
    )


def change_text(change: Change, now: Present) -> str:
    """A change in force with its end and its author."""
    kind = "change.paused" if change.field == "paused" else "change.value"
    left_ms = None
    if change.until_us is not None:
        kind, left_ms = f"{kind}.until", -((now.now_us - change.until_us) // 1_000)
    was, becomes = value(change.field, change.was), value(change.field, change.value)
    return text(
        kind,
        field=field_word(change.field),
        was=was,
        value=becomes,
        left_ms=left_ms,
        actor=change.actor,
    )
