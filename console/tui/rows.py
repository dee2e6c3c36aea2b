"""Rows of the overview as spans: pure functions of a reading and the reader's present.

A line is a tuple of spans, each a text of fixed width and a role of the theme. Nothing here knows
of widgets, and no text is ever read as markup.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final, NamedTuple

from console.domain.money import usd_short
from console.domain.snapshot import Change, Flow, Level, ProjectRow, RouteRow, TargetRow
from console.tui import figures as f
from console.tui.state import (
    Care,
    Present,
    State,
    budget_share,
    budget_spent,
    failing,
    is_soon,
    project_gone_us,
    project_state,
    short_field,
    target_state,
)


class Span(NamedTuple):
    """Text that is drawn as it is, in a role of the theme."""

    text: str
    role: str = "normal"


Line = tuple[Span, ...]
GAP: Final = Span(" ")
ATTENTION_AT: Final = 0.8
TROUBLE_AT: Final = 0.97


@dataclass(frozen=True, slots=True)
class Columns:
    """How wide each column is; 0 leaves it out. See `columns_for`."""

    name: int = 11
    state: int = 13
    bar: int = 4
    number: int = 5
    money: int = 6
    gone: int = 0
    error: int = 0
    p95: int = 0
    refused: int = 0
    in_flight: int = 0
    force: int = 0

    @property
    def lead(self) -> int:
        """Cells from the mark to the budget; the columns after it are the same in both tables."""
        bars = 3 * self.bar + 2 * (self.number + 1) + self.money
        gone = self.gone + 1 if self.gone else 0
        return 2 + self.name + 3 + self.state + 1 + bars + gone


_GROWTH: Final = (
    ("name", 1, 1), ("bar", 1, 3), ("gone", 5, 6), ("error", 4, 5), ("p95", 4, 5),
    ("money", 1, 1), ("bar", 1, 3), ("name", 4, 4), ("state", 4, 4), ("refused", 5, 6),
    ("in_flight", 4, 5), ("number", 1, 2), ("name", 4, 4), ("bar", 2, 6), ("force", 24, 25),
    ("name", 6, 6), ("bar", 4, 12),
)  # fmt: skip
"""What 60 cells grow by, in this order: the column, its gain, and what that costs of the line."""


def columns_for(width: int) -> Columns:
    """The columns that fit into ``width`` cells.

    60 cells keep name, state and the three bars with their numbers; 80 have forecast, errors and
    p95 too; wider ones widen, then add refusals, requests in flight and what is in force.
    """
    spare = max(0, width - 60)
    sizes = {name: getattr(Columns(), name) for name in Columns.__slots__}
    for column, gain, cost in _GROWTH:
        if spare < cost:
            break
        spare -= cost
        sizes[column] += gain
    sizes["force" if sizes["force"] else "name"] += spare
    return Columns(**sizes)


def project_head(c: Columns, name: str = "project") -> Line:
    """The line of column titles over the projects."""
    wide = c.bar + c.money
    titles = [
        f.fit("  " + name, 2 + c.name + 2), f.fit("state", c.state),
        f.fit("rpm", c.bar + c.number, right=True), f.fit("tpm", c.bar + c.number, right=True),
        f.fit("today/budget" if wide >= 12 else "today", wide, right=True),
    ]  # fmt: skip
    trailing = (
        (c.gone, "gone"), (c.error, "err"), (c.p95, "p95"), (c.refused, "ref/m"),
        (c.in_flight, "now"),
    )  # fmt: skip
    titles += [f.fit(title, width, right=True) for width, title in trailing if width]
    if c.force:
        titles.append(f.fit("in force", c.force))
    return tuple(span for title in titles for span in (Span(title, "dim"), GAP))[:-1]


_PRIORITY: Final = {"high": "H", "medium": " ", "low": "L"}


def project_line(
    row: ProjectRow,
    routes: Mapping[str, RouteRow],
    now: Present,
    c: Columns,
    *,
    zone: tzinfo | None,
    chosen: bool = False,
) -> Line:
    """One project as a line of `columns_for`'s widths."""
    state = project_state(row, routes, now)
    flow, budget = row.flow, row.budget
    spent = budget_spent(row)
    share = 1.0 if spent else budget_share(row)
    limited = budget.limit_nano is not None
    name_role = _name_role(state, chosen=chosen, live=now.live)
    spans = [
        *_mark(state, now, chosen=chosen),
        Span(f.fit(row.id, c.name), name_role),
        GAP,
        Span(_PRIORITY.get(row.priority, " "), "key" if row.priority == "high" else "dim"),
        GAP,
        *_state(state, now, c.state),
        GAP,
        *_level(row.rpm, flow.requests_60s, now, c),
        *_level(row.tpm, flow.tokens_60s, now, c),
        Span(*_gauge(share if limited else None, now, c)),
        Span(f.fit(usd_short(budget.spent_nano), c.money, right=True), _quiet("normal", now)),
    ]
    if c.gone:
        gone = project_gone_us(row, now)
        text, role = (f.clock_time(gone, zone), "normal") if gone else (f.NONE, "dim")
        if is_soon(gone, now):
            role = "attention"
        if spent:
            text, role = "spent", "trouble"
        spans += [GAP, Span(f.fit(text, c.gone, right=True), _quiet(role, now))]
    return (*spans, *_trailing(flow, row.changes, now, c))


def target_line(
    row: TargetRow,
    routes: Mapping[str, RouteRow],
    now: Present,
    c: Columns,
    *,
    chosen: bool = False,
) -> Line:
    """One target: what was taken of its limits in the last 60 s, then the projects' columns."""
    state = target_state(row, routes, now)
    flow = row.flow
    pair = c.bar + 1 + _PAIR
    name = c.lead - (2 + 1 + _TARGET_STATE + 1 + 2 * pair + 1)
    return (
        *_mark(state, now, chosen=chosen),
        Span(f.fit_tail(row.id, name), _name_role(state, chosen=chosen, live=now.live)),
        GAP,
        *_state(state, now, _TARGET_STATE),
        GAP,
        *_of_limit(row.rpm, flow.requests_60s, now, c),
        GAP,
        *_of_limit(row.tpm, flow.tokens_60s, now, c),
        *_trailing(flow, row.changes, now, c),
    )


_PAIR: Final = 9
_TARGET_STATE: Final = 11


def _quiet(role: str, now: Present) -> str:
    return role if now.live else "dim"


def _share_role(share: float) -> str:
    return "trouble" if share >= TROUBLE_AT else "attention" if share >= ATTENTION_AT else "normal"


def _name_role(state: State, *, chosen: bool, live: bool) -> str:
    if chosen:
        return "chosen"
    if not live:
        return "dim"
    return "strong" if state.care is Care.TROUBLE else "normal"


def _mark(state: State, now: Present, *, chosen: bool) -> list[Span]:
    role = _quiet(state.care.role, now)
    return [Span(state.mark, role), Span("▸", "key") if chosen else GAP]


def _state(state: State, now: Present, width: int) -> list[Span]:
    """Word and age apart, so that a growing age sends only itself."""
    role = _quiet("dim" if state.care is Care.CALM else state.care.role, now)
    if not state.when:
        return [Span(f.fit(state.word, width), role)]
    room = width - len(state.when) - 1
    word = state.word if f.cell_len(state.word) <= room else f.fit(state.word, room)
    rest = width - f.cell_len(word) - 1
    return [Span(word + " ", role), Span(f.fit(state.when, rest), role)]


def _level(level: Level | None, taken: int, now: Present, c: Columns) -> list[Span]:
    write = f.short if c.number == 5 else f.three
    role = _quiet("normal" if taken else "dim", now)
    share = None if level is None else level.emptiness(now.now_ms)
    number = f.fit(write(taken), c.number, right=True)
    return [Span(*_gauge(share, now, c)), Span(number, role), GAP]


def _of_limit(level: Level | None, taken: int, now: Present, c: Columns) -> list[Span]:
    limit = "/" + f.short(level.per_minute) if level else ""
    number = f.fit(f.short(taken), _PAIR + 1 - len(limit), right=True)
    share = None if level is None else level.emptiness(now.now_ms)
    role = _quiet("normal" if taken else "dim", now)
    return [Span(*_gauge(share, now, c)), Span(number, role), Span(limit, "dim")]


def _gauge(share: float | None, now: Present, c: Columns) -> tuple[str, str]:
    """A bar's text and role; blank where there is no limit."""
    if share is None:
        return " " * c.bar, "normal"
    role = _quiet(_share_role(share), now)
    return f.bar(share, c.bar, hollow=not now.live), "bar " + role


def _trailing(flow: Flow, changes: tuple[Change, ...], now: Present, c: Columns) -> list[Span]:
    cells: list[tuple[int, str, str]] = []
    bad = failing(flow.errors_5m, flow.forwarded_5m)
    errors = "trouble" if bad else "normal" if flow.errors_5m else "dim"
    cells.append((c.error, f.percent(flow.errors_5m, flow.forwarded_5m), errors))
    cells.append((c.p95, f.latency(flow.p95_ms), "normal" if flow.p95_ms is not None else "dim"))
    refused = "attention" if flow.refused_60s else "dim"
    cells.append((c.refused, f.three(flow.refused_60s) if flow.refused_60s else "·", refused))
    in_flight = (f.short(flow.in_flight), "normal") if flow.in_flight else ("·", "dim")
    cells.append((c.in_flight, *in_flight))
    spans: list[Span] = []
    for width, text, role in cells:
        if width:
            spans += [GAP, Span(f.fit(text, width, right=True), _quiet(role, now))]
    if c.force:
        spans += [GAP, Span(f.fit(changes_text(changes, now), c.force), _quiet("normal", now))]
    return spans


def changes_text(changes: tuple[Change, ...], now: Present) -> str:
    """``rpm 20→40 59m (mika) “orders import”``, one after the other."""
    return " · ".join(
        change_text(change, now) + (f" “{change.reason}”" if change.reason else "")
        for change in changes
    )


def change_text(change: Change, now: Present) -> str:
    """A change in force with its end and its author."""
    end = f.remaining(change.until_us - now.now_us) if change.until_us is not None else "standing"
    if change.field == "paused":
        return f"paused {end} ({change.actor})"
    return f"{short_field(change.field)} {change.was}→{change.value} {end} ({change.actor})"
