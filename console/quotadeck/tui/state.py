"""What is read first: whose state is worst, what is in force beside it, when money ends.

States are judged where the readings are made; here they are only put in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.snapshot import Change, ProjectRow, RouteRow, Snapshot, TargetRow
from quotadeck.domain.state import Kind, Urgency
from quotadeck.tui.figures import remaining

FORECAST_US: Final = 600_000_000
MINUTE_US: Final = 60_000_000
SOON_US: Final = 2 * 3_600_000_000
"""Money that ends within this wants attention; a later end is a figure like any other."""
LEAST_US: Final = 10_000_000
"""A rate divides by the time that was counted, at least this: no rate from one request."""
STEADY_REQUESTS: Final = 10
"""From so many a minute on, the last minute is a rate; below, the last ten are."""


@dataclass(frozen=True, slots=True)
class Present:
    """The reader's present on the sender's clocks. ``live`` is False when readings are late.

    ``counted_us`` is how much of the last ten minutes' spend the sender knows of, ``counting_us``
    how long it has counted everything else: less than a window after its start.
    """

    now_ms: int
    now_us: int
    live: bool = True
    counted_us: int = FORECAST_US
    counting_us: int = FORECAST_US


@dataclass(frozen=True, slots=True)
class InForce:
    """What operators have in force on a row: a glyph, its word, and what is left of it."""

    glyph: str = " "
    word: str = ""
    left: str = ""

    @property
    def text(self) -> str:
        return f"{self.word} {self.left}".rstrip()


def in_force(row: ProjectRow | TargetRow, routes: Mapping[str, RouteRow], now: Present) -> InForce:
    """A pause that the row's word does not tell, a fallback that its requests are forced to, else
    the change that ends next."""
    pause = next((change for change in row.changes if change.field == "paused"), None)
    if pause and row.state.kind is not Kind.PAUSED:
        return InForce("‖", "paused", _left(pause.until_us, now))
    route = forced_route(row, routes)
    if route:
        word = f"↘{short_model(route.serving)}"
        ends = (c.until_us for c in route.changes if c.field == "target" and c.until_us)
        return InForce("↘", word, _left(next(ends, None), now))
    changes = tuple(change for change in row.changes if change.field != "paused")
    change = ending(changes)
    if change is None:
        return InForce()
    word = f"{direction(change)}{short_field(change.field)}"
    return InForce("✎", word, _left(change.until_us, now))


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
    try:
        before, after = _number(change.was), _number(change.value)
    except ValueError:
        return "→"
    return "↑" if after > before else "↓" if after < before else "→"


def _number(text: str) -> float:
    if text == "unlimited":
        return float("inf")
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


def forced_route(row: ProjectRow | TargetRow, routes: Mapping[str, RouteRow]) -> RouteRow | None:
    """A route that the row's requests take, or whose home it is, forced away from its first."""
    mine = (
        [routes[model] for model in row.models if model in routes]
        if isinstance(row, ProjectRow)
        else [route for route in routes.values() if route.targets[:1] == (row.id,)]
    )
    return next((r for r in mine if r.targets and r.serving != r.targets[0]), None)


def budget_share(row: ProjectRow) -> float:
    """What was spent of today's budget, from 0 to 1."""
    limit = row.budget.limit_nano
    return min(1.0, row.budget.spent_nano / limit) if limit else 0.0


def is_soon(gone_us: int | None, now: Present) -> bool:
    """Whether money ends within hours that somebody on call should act in."""
    return gone_us is not None and gone_us - now.now_us < SOON_US


def project_gone_us(row: ProjectRow, now: Present) -> int | None:
    """When the project's budget ends at the rate of now, if that is before its day does.

    A project that asks for nothing spends nothing: its past is no forecast.
    """
    budget, flow = row.budget, row.flow
    if budget.limit_nano is None or budget.spent_nano >= budget.limit_nano:
        return None
    if not (flow.requests_60s or flow.in_flight):
        return None
    nano, over_us = flow.spent_10m_nano, max(LEAST_US, min(now.counted_us, FORECAST_US))
    if flow.requests_60s >= STEADY_REQUESTS:
        nano, over_us = flow.spent_60s_nano, counted_minute_us(now)
    if nano <= 0:
        return None
    at_us = now.now_us + (budget.limit_nano - budget.spent_nano) * over_us // nano
    return at_us if at_us < budget.ends_us else None


def counted_minute_us(now: Present) -> int:
    """How much of the last minute the sender's figures cover: less right after its start."""
    return max(LEAST_US, min(now.counting_us, MINUTE_US))


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
        self._known: dict[str, tuple[ProjectRow, int]] = {}
        self._held: dict[str, tuple[int, int]] = {}
        self._sorted: tuple[ProjectRow, ...] = ()
        self._key: list[tuple[int, int]] = []

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
        known = {row.id: self._rank(row, routes, now) for row in rows}
        key = [
            (self._settled(row_id, rank, now), _PLACE.get(row.priority, 1))
            for row_id, (row, rank) in known.items()
        ]
        self.alarms = sum(row.state.urgency is Urgency.TROUBLE for row in rows)
        if key != self._key or rows is not self._rows:
            order = sorted(range(len(rows)), key=key.__getitem__)
            self._sorted = tuple(rows[index] for index in order)
        self._rows, self._routes, self._known, self._key = rows, snapshot.routes, known, key
        return self._sorted

    def _rank(
        self, row: ProjectRow, routes: Mapping[str, RouteRow], now: Present
    ) -> tuple[ProjectRow, int]:
        known = self._known.get(row.id)
        if known is not None and known[0] is row:
            return known
        return row, rank(row, routes, now)

    def _settled(self, row_id: str, rank: int, now: Present) -> int:
        """The rank a row is sorted by: at least what it had within the last seconds."""
        calm = Urgency.CALM.rank
        held, since_ms = self._held.get(row_id, (calm, 0))
        if rank == calm == held:
            return rank
        if rank > held and now.now_ms - since_ms < self.CALM_MS:
            return held
        if rank == calm:
            del self._held[row_id]
        else:
            self._held[row_id] = (rank, now.now_ms)
        return rank


_PLACE: Final = {"high": 0, "medium": 1, "low": 2}


def rank(row: ProjectRow | TargetRow, routes: Mapping[str, RouteRow], now: Present) -> int:
    """0 is read first; what is paused, changed or forced is read before what is merely well."""
    own = row.state.urgency.rank
    done = row.changes or row.state.kind is Kind.PAUSED or in_force(row, routes, now).word
    if own == Urgency.CALM.rank and done:
        return Urgency.ATTENTION.rank
    return own
