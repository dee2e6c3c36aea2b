"""Rows of the overview as spans: pure functions of a reading and the reader's present.

A line is a tuple of spans, each a text of fixed width and a role of the theme. Nothing here knows
of widgets, and no text is ever read as markup.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from quotadeck.domain.money import usd_short
from quotadeck.domain.snapshot import Change, Flow, Level, ProjectRow, RouteRow, TargetRow
from quotadeck.domain.state import Kind, State, Urgency
from quotadeck.domain.state_words import Words, cleared_short, words_of
from quotadeck.tui import figures as f
from quotadeck.tui.kit.fit import bar, cell_len, fit, fit_middle, fit_tail
from quotadeck.tui.kit.spans import GAP, Line, Span
from quotadeck.tui.state import (
    InForce,
    Present,
    budget_share,
    in_force,
    is_soon,
    project_gone_us,
    short_field,
)

ATTENTION_AT: Final = 0.8
TROUBLE_AT: Final = 0.97


@dataclass(frozen=True, slots=True)
class Columns:
    """How wide each column is; 0 leaves it out. See `columns_for`."""

    name: int = 12
    state: int = 14
    bar: int = 3
    number: int = 5
    money: int = 6
    gone: int = 0
    failed: int = 0
    p95: int = 0
    refused: int = 0
    in_flight: int = 0
    force: int = 0

    @property
    def lead(self) -> int:
        """Cells from the mark to the budget; the columns after it are the same in both tables."""
        bars = 3 * self.bar + 2 * (self.number + 1) + self.money
        gone = self.gone + 1 if self.gone else 0
        return 2 + self.name + 4 + self.state + 1 + bars + gone

    @property
    def limits(self) -> bool:
        """Whether each number is wide enough for its limit beside it."""
        return self.number > Columns().number


_GROWTH: Final = (
    ("state", 1, 1), ("bar", 1, 3), ("gone", 5, 6), ("failed", 4, 5), ("p95", 4, 5),
    ("money", 1, 1), ("number", 4, 8), ("state", 6, 6), ("refused", 5, 6), ("in_flight", 4, 5),
    ("bar", 1, 3), ("name", 4, 4), ("bar", 1, 3), ("money", 5, 5), ("force", 24, 25),
    ("name", 10, 10), ("bar", 4, 12),
)  # fmt: skip
"""What 60 cells grow by, in this order: the column, its gain, and what that costs of the line."""


def columns_for(width: int) -> Columns:
    """The columns that fit into ``width`` cells.

    60 cells keep name, state and the three bars with their numbers; 80 have forecast, failures and
    p95 too; wider ones show each number's limit, then refusals, requests in flight and what is in
    force.
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
        fit("  " + name, 2 + c.name + 3), fit("state", c.state),
        fit("rpm", c.bar + c.number, right=True), fit("tpm", c.bar + c.number, right=True),
        fit("today/budget" if wide >= 12 else "today", wide, right=True),
    ]  # fmt: skip
    trailing = (
        (c.gone, "gone"), (c.failed, "fail"), (c.p95, "p95"), (c.refused, "ref/m"),
        (c.in_flight, "now"),
    )  # fmt: skip
    titles += [fit(title, width, right=True) for width, title in trailing if width]
    if c.force:
        titles.append(fit("in force", c.force))
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
    flow, budget = row.flow, row.budget
    words = words_of(row.state, now.now_ms, now.now_us)
    force = in_force(row, routes, now)
    limited = budget.limit_nano is not None
    spans = [
        *_mark(row.state, words, now, chosen=chosen),
        Span(
            fit(fit_middle(row.id, c.name), c.name),
            _name_role(row.state, chosen=chosen, live=now.live),
        ),
        GAP,
        Span(_PRIORITY.get(row.priority, " "), "key" if row.priority == "high" else "dim"),
        Span(force.glyph, _quiet("attention", now)),
        GAP,
        *_state(row.state, words, force, now, c.state),
        GAP,
        *_used(row.rpm, flow.requests_60s, now, c),
        *_used(row.tpm, flow.tokens_60s, now, c),
        Span(*_gauge(budget_share(row) if limited else None, now, c)),
        *_money(row, now, c),
    ]
    if c.gone:
        gone = project_gone_us(row, now)
        text, role = (f.clock_time(gone, zone), "normal") if gone else (f.NONE, "dim")
        if is_soon(gone, now):
            role = "attention"
        if row.state.held(Kind.SPENT):
            text, role = "spent", row.state.urgency.value
        spans += [GAP, Span(fit(text, c.gone, right=True), _quiet(role, now))]
    return (*spans, *_trailing(row, row.changes, now, c))


def target_line(
    row: TargetRow,
    routes: Mapping[str, RouteRow],
    now: Present,
    c: Columns,
    *,
    chosen: bool = False,
) -> Line:
    """One target: what was taken of its limits in the last 60 s, then the projects' columns."""
    flow = row.flow
    words = words_of(row.state, now.now_ms, now.now_us)
    force = in_force(row, routes, now)
    pair = c.bar + 1 + _PAIR
    name = c.lead - (2 + 3 + c.state + 1 + 2 * pair + 1)
    return (
        *_mark(row.state, words, now, chosen=chosen),
        Span(fit_tail(row.id, name), _name_role(row.state, chosen=chosen, live=now.live)),
        GAP,
        Span(force.glyph, _quiet("attention", now)),
        GAP,
        *_state(row.state, words, force, now, c.state),
        GAP,
        *_of_limit(row.rpm, flow.requests_60s, now, c),
        GAP,
        *_of_limit(row.tpm, flow.tokens_60s, now, c),
        *_trailing(row, row.changes, now, c),
    )


_PAIR: Final = 9


def _quiet(role: str, now: Present) -> str:
    return role if now.live else "dim"


def _share_role(share: float) -> str:
    return "trouble" if share >= TROUBLE_AT else "attention" if share >= ATTENTION_AT else "normal"


def _name_role(state: State, *, chosen: bool, live: bool) -> str:
    if chosen:
        return "chosen"
    if not live:
        return "dim"
    return "strong" if state.urgency is Urgency.TROUBLE else "normal"


def _role(state: State) -> str:
    return "normal" if state.urgency is Urgency.CALM else state.urgency.value


def _mark(state: State, words: Words, now: Present, *, chosen: bool) -> list[Span]:
    role = "attention" if state.kind is Kind.PAUSED else _role(state)
    return [Span(words.mark, _quiet(role, now)), Span("▸", "key") if chosen else GAP]


def _state(state: State, words: Words, force: InForce, now: Present, width: int) -> list[Span]:
    """Word and time apart, so that a growing age sends only itself; then what stands beside it."""
    role = _quiet("dim" if state.urgency is Urgency.CALM else _role(state), now)
    word, when = words.fitted(width)
    spans = [Span(fit(word, min(width, cell_len(word))), role)]
    if when:
        spans += [GAP, Span(when, role)]
    room = width - sum(cell_len(span.text) for span in spans)
    for beside in (force.text, force.word, cleared_short(state, now.now_ms)):
        if beside and cell_len(beside) < room:
            spans += [GAP, Span(beside, _quiet("attention" if force.word else "dim", now))]
            room -= 1 + cell_len(beside)
            break
    return [*spans, Span(" " * room)] if room else spans


def _used(level: Level | None, taken: int, now: Present, c: Columns) -> list[Span]:
    """What was taken in 60 s, with its limit where there is room, and the bar of just that."""
    role = _quiet("normal" if taken else "dim", now)
    limit = f"/{f.short(level.per_minute)}" if level and c.limits else ""
    number = fit(f.short(taken), c.number - len(limit), right=True)
    return [
        Span(*_gauge(_share(level, taken), now, c)),
        Span(number, role),
        *([Span(limit, "dim")] if limit else []),
        GAP,
    ]


def _money(row: ProjectRow, now: Present, c: Columns) -> list[Span]:
    limit = ""
    if row.budget.limit_nano is not None and c.money >= _MONEY_AND_LIMIT:
        limit = "/" + usd_short(row.budget.limit_nano).removeprefix("$")
    spent = fit(usd_short(row.budget.spent_nano), c.money - len(limit), right=True)
    spans = [Span(spent, _quiet("normal", now))]
    return [*spans, Span(limit, "dim")] if limit else spans


_MONEY_AND_LIMIT: Final = 12


def _of_limit(level: Level | None, taken: int, now: Present, c: Columns) -> list[Span]:
    limit = "/" + f.short(level.per_minute) if level else ""
    number = fit(f.short(taken), _PAIR + 1 - len(limit), right=True)
    role = _quiet("normal" if taken else "dim", now)
    return [
        Span(*_gauge(_share(level, taken), now, c)), Span(number, role), Span(limit, "dim"),
    ]  # fmt: skip


def _share(level: Level | None, taken: int) -> float | None:
    return None if level is None else min(1.0, taken / level.per_minute)


def _gauge(share: float | None, now: Present, c: Columns) -> tuple[str, str]:
    """A bar's text and role; blank where there is no limit."""
    if share is None:
        return " " * c.bar, "normal"
    role = _quiet(_share_role(share), now)
    return bar(share, c.bar, hollow=not now.live), "bar " + role


def _trailing(
    row: ProjectRow | TargetRow, changes: tuple[Change, ...], now: Present, c: Columns
) -> list[Span]:
    flow: Flow = row.flow
    cells: list[tuple[int, str, str]] = []
    failing = row.state.held(Kind.FAILING)
    failed = failing.urgency.value if failing and flow.failed_60s else "normal"
    failed = failed if flow.failed_60s else "dim"
    cells.append((c.failed, f.percent(flow.failed_60s, flow.ended_60s), failed))
    cells.append((c.p95, f.latency(flow.p95_ms), "normal" if flow.p95_ms is not None else "dim"))
    refused = "attention" if flow.refused_60s else "dim"
    cells.append((c.refused, f.three(flow.refused_60s) if flow.refused_60s else "·", refused))
    in_flight = (f.short(flow.in_flight), "normal") if flow.in_flight else ("·", "dim")
    cells.append((c.in_flight, *in_flight))
    spans: list[Span] = []
    for width, text, role in cells:
        if width:
            spans += [GAP, Span(fit(text, width, right=True), _quiet(role, now))]
    if c.force:
        spans += [GAP, Span(fit(changes_text(changes, now), c.force), _quiet("normal", now))]
    return spans


def changes_text(changes: tuple[Change, ...], now: Present) -> str:
    """``rpm 20→40 59m (mika) “orders import”``, one after the other."""
    return " · ".join(
        change_text(change, now) + (f" “{change.reason}”" if change.reason else "")
        for change in changes
    )


def change_text(change: Change, now: Present) -> str:
    """A change in force with its end and its author."""
    end = "standing"
    if change.until_us is not None:
        end = f"{f.remaining(change.until_us - now.now_us)} left"
    if change.field == "paused":
        return f"paused {end} ({change.actor})"
    return f"{short_field(change.field)} {change.was}→{change.value} {end} ({change.actor})"
