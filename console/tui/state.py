"""What to say of a row first: is it in trouble, which, and since or until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from console.domain.snapshot import Change, ProjectRow, RouteRow, Snapshot, TargetRow
from console.tui.figures import age, remaining

STORM_REFUSED: Final = 30
STORM_RATIO: Final = 5
"""A storm: this many refused in a minute, and asked this many times more than admitted."""
ERRORS_FROM: Final = 10
ERRORS_PERCENT: Final = 5
BUDGET_ATTENTION: Final = 0.8
FORECAST_US: Final = 600_000_000
SOON_US: Final = 2 * 3_600_000_000
"""Money that ends within this wants attention; a later end is a figure like any other."""
FORECAST_LEAST_US: Final = 30_000_000
"""A forecast divides by the time that was counted, at least this: no rate from one request."""


class Care(IntEnum):
    """How much a row wants to be read; the reading order of the screen."""

    TROUBLE = 0
    ATTENTION = 1
    CALM = 2

    @property
    def role(self) -> str:
        return ("trouble", "attention", "normal")[self]


@dataclass(frozen=True, slots=True)
class State:
    """A row's state: glyph, word, its age or end, and how much care it wants."""

    mark: str
    word: str
    when: str
    care: Care

    @property
    def text(self) -> str:
        return f"{self.word} {self.when}".rstrip()


@dataclass(frozen=True, slots=True)
class Present:
    """The reader's present on the sender's clocks. ``live`` is False when readings are late.

    ``counted_us`` is how much of the last ten minutes the sender has seen: less after its start.
    """

    now_ms: int
    now_us: int
    live: bool = True
    counted_us: int = FORECAST_US


def project_state(row: ProjectRow, routes: Mapping[str, RouteRow], now: Present) -> State:
    """The state of a project; its worst news wins."""
    flow = row.flow
    if row.paused:
        return State("‖", "paused", _until(row.changes, "paused", now), Care.ATTENTION)
    if budget_spent(row):
        return State("!", "budget spent", "", Care.TROUBLE)
    if flow.refused_60s and flow.refused_cause not in ("", "paused"):
        ratio = (flow.requests_60s + flow.refused_60s) // max(1, flow.requests_60s)
        if flow.refused_60s >= STORM_REFUSED and ratio >= STORM_RATIO:
            return State("!", f"storm ×{min(ratio, 9_999)}", "", Care.TROUBLE)
        often = flow.refused_60s * 10 >= flow.requests_60s
        since = _since(flow.refused_since_ms, now)
        if often:
            return State("!", "throttled", since, Care.TROUBLE)
        return State("~", "throttled", since, Care.ATTENTION)
    if failing(flow.errors_5m, flow.forwarded_5m):
        share = round(100 * flow.errors_5m / flow.forwarded_5m)
        return State("!", f"errors {share}%", "", Care.TROUBLE)
    forced = forced_route(row, routes)
    if forced:
        target = short_model(forced.serving)
        return State("↘", f"↘{target}", _until(forced.changes, "target", now), Care.ATTENTION)
    change = ending(row.changes)
    if change:
        when = remaining(change.until_us - now.now_us) if change.until_us else ""
        return State(
            "✎", f"ok {direction(change)}{short_field(change.field)}", when, Care.ATTENTION
        )
    if budget_share(row) >= BUDGET_ATTENTION:
        return State("~", f"budget {budget_share(row):.0%}", "", Care.ATTENTION)
    return State(" ", "ok", "", Care.CALM)


def target_state(row: TargetRow, routes: Mapping[str, RouteRow], now: Present) -> State:
    """The state of a target: its upstream's refusals first, then ours, then its routes'."""
    flow = row.flow
    paused = [r for r in routes.values() if r.paused and r.targets[:1] == (row.id,)]
    if paused:
        return State("‖", "paused", _until(paused[0].changes, "paused", now), Care.ATTENTION)
    if row.upstream_429_60s:
        return State("!", f"429 ×{row.upstream_429_60s}/m", "", Care.TROUBLE)
    if failing(flow.errors_5m, flow.forwarded_5m):
        share = round(100 * flow.errors_5m / flow.forwarded_5m)
        return State("!", f"errors {share}%", "", Care.TROUBLE)
    if flow.refused_60s:
        return State("!", "full", _since(flow.refused_since_ms, now), Care.TROUBLE)
    forced = [r for r in routes.values() if r.targets[:1] == (row.id,) and r.serving != row.id]
    if forced:
        target = short_model(forced[0].serving)
        when = _until(forced[0].changes, "target", now)
        return State("↘", f"↘{target}", when, Care.ATTENTION)
    change = ending(row.changes)
    if change:
        when = remaining(change.until_us - now.now_us) if change.until_us else ""
        return State(
            "✎", f"ok {direction(change)}{short_field(change.field)}", when, Care.ATTENTION
        )
    return State(" ", "ok", "", Care.CALM)


def failing(errors: int, forwarded: int) -> bool:
    """Whether upstream errors are trouble: enough calls, and one in twenty of them failed."""
    return forwarded >= ERRORS_FROM and errors * 100 >= ERRORS_PERCENT * forwarded


def _since(at_ms: int | None, now: Present) -> str:
    return age(now.now_ms - at_ms) if at_ms is not None else ""


def _until(changes: tuple[Change, ...], field: str, now: Present) -> str:
    for change in changes:
        if change.field == field and change.until_us is not None:
            return remaining(change.until_us - now.now_us)
    return ""


def ending(changes: tuple[Change, ...]) -> Change | None:
    """The override that ends next; a standing change where there is none."""
    overrides = [change for change in changes if change.until_us is not None]
    if overrides:
        return min(overrides, key=lambda change: change.until_us or 0)
    return changes[0] if changes else None


def direction(change: Change) -> str:
    """``↑`` raised, ``↓`` lowered, ``→`` changed where the values are no numbers."""
    try:
        before, after = _number(change.was), _number(change.value)
    except ValueError:
        return "→"
    return "↑" if after > before else "↓"


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("$", "").strip())


def short_field(field: str) -> str:
    """A field's name as the narrow state column can hold it."""
    names = {"daily_budget_usd": "budget", "concurrency": "slots", "paused": "state"}
    return names.get(field, field)


def short_model(target: str) -> str:
    """``flash`` for ``google/gemini-2.5-flash``: the last word of the model, else all of it."""
    model = target.rpartition("/")[2]
    last = model.rpartition("-")[2]
    return last if last.isalpha() else model


def forced_route(row: ProjectRow, routes: Mapping[str, RouteRow]) -> RouteRow | None:
    """The first route that the project uses and that is forced away from its first target."""
    for model in row.models:
        route = routes.get(model)
        if route and route.targets and route.serving != route.targets[0]:
            return route
    return None


def budget_spent(row: ProjectRow) -> bool:
    """Whether today's money is gone, or so nearly that requests are refused for it."""
    budget = row.budget
    if budget.limit_nano is None:
        return False
    return (
        budget.spent_nano + budget.held_nano >= budget.limit_nano
        or row.flow.refused_cause == "budget"
    )


def budget_share(row: ProjectRow) -> float:
    """What was spent of today's budget, from 0 to 1."""
    limit = row.budget.limit_nano
    return min(1.0, row.budget.spent_nano / limit) if limit else 0.0


def gone_at_us(left_nano: int, spent_10m_nano: int, now: Present) -> int | None:
    """When ``left_nano`` is spent at the rate of the last ten minutes; None at no rate."""
    if spent_10m_nano <= 0:
        return None
    counted_us = max(FORECAST_LEAST_US, min(now.counted_us, FORECAST_US))
    return now.now_us + max(0, left_nano) * counted_us // spent_10m_nano


def is_soon(gone_us: int | None, now: Present) -> bool:
    """Whether money ends within hours that somebody on call should act in."""
    return gone_us is not None and gone_us - now.now_us < SOON_US


def project_gone_us(row: ProjectRow, now: Present) -> int | None:
    """When the project's budget ends at the present rate, if that is before its day does."""
    budget = row.budget
    if budget.limit_nano is None or budget.spent_nano >= budget.limit_nano:
        return None
    left = budget.limit_nano - budget.spent_nano
    at_us = gone_at_us(left, row.flow.spent_10m_nano, now)
    return at_us if at_us is not None and at_us < budget.ends_us else None


class Order:
    """The reading order of projects: trouble first, then priority, then as they are listed.

    Rows rise at once and sink only after ``CALM_MS`` without trouble, so that a row at the edge of
    a limit does not hop. What is known of a row is kept while the row is the same object, because
    most rows are the same from one reading to the next.
    """

    CALM_MS: Final = 15_000

    def __init__(self) -> None:
        self.alarms = 0
        """How many projects are in trouble, as last sorted."""
        self._rows: tuple[ProjectRow, ...] = ()
        self._routes: tuple[RouteRow, ...] = ()
        self._known: dict[str, tuple[ProjectRow, Care]] = {}
        self._held: dict[str, tuple[Care, int]] = {}
        self._sorted: tuple[ProjectRow, ...] = ()
        self._key: list[tuple[Care, int]] = []

    def of(
        self, snapshot: Snapshot, routes: Mapping[str, RouteRow], now: Present
    ) -> tuple[ProjectRow, ...]:
        """The snapshot's projects in reading order."""
        rows = snapshot.projects
        same = rows is self._rows and snapshot.routes is self._routes
        if same and not self._held:
            return self._sorted
        if snapshot.routes != self._routes:
            self._known.clear()
        known = {row.id: self._care(row, routes, now) for row in rows}
        key = [
            (self._settled(row_id, care, now), _PLACE.get(row.priority, 1))
            for row_id, (row, care) in known.items()
        ]
        self.alarms = sum(care is Care.TROUBLE for _, care in known.values())
        if key != self._key or rows is not self._rows:
            order = sorted(range(len(rows)), key=key.__getitem__)
            self._sorted = tuple(rows[index] for index in order)
        self._rows, self._routes, self._known, self._key = rows, snapshot.routes, known, key
        return self._sorted

    def _care(
        self, row: ProjectRow, routes: Mapping[str, RouteRow], now: Present
    ) -> tuple[ProjectRow, Care]:
        known = self._known.get(row.id)
        if known is not None and known[0] is row:
            return known
        return row, project_state(row, routes, now).care

    def _settled(self, row_id: str, care: Care, now: Present) -> Care:
        """The care a row is sorted by: at least what it wanted within the last seconds."""
        held, since_ms = self._held.get(row_id, (Care.CALM, 0))
        if care is Care.CALM and held is Care.CALM:
            return care
        if care > held and now.now_ms - since_ms < self.CALM_MS:
            return held
        if care is Care.CALM:
            del self._held[row_id]
        else:
            self._held[row_id] = (care, now.now_ms)
        return care


_PLACE: Final = {"high": 0, "medium": 1, "low": 2}
