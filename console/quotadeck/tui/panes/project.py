"""One project whole: its state and what would lift it, levels, what is in force, models, causes.

A function of values, so that it can be a page of its own, or stand beside a list.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from quotadeck.domain.answers import AuditRow
from quotadeck.domain.detail import ProjectDetail
from quotadeck.domain.lease import LeasesPage
from quotadeck.domain.lifting import lift
from quotadeck.domain.series import Series, SeriesPage
from quotadeck.domain.snapshot import Event, ProjectRow, RouteRow, Snapshot
from quotadeck.domain.state import Held, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.tui.columns.audit import did
from quotadeck.tui.columns.parts import At
from quotadeck.tui.in_force import change_text
from quotadeck.tui.kit.fit import cell_len, fit_middle, folded
from quotadeck.tui.kit.spans import Line, Span, crop, spread
from quotadeck.tui.panes.project_leases import lease_lines
from quotadeck.tui.panes.project_levels import budget_lines, level_lines
from quotadeck.tui.panes.project_parts import caller_lines, cause_lines, model_lines
from quotadeck.words import say, text
from quotadeck.words.causes import lifted_by
from quotadeck.words.commands import reason
from quotadeck.words.states import cleared_words, words_of
from quotadeck.words.times import clock_time, day_time

COLUMNS_FROM: Final = 150
"""From so many cells on, who and why stand beside the levels."""
_ENTRIES: Final = 2
_EFFECT: Final = "effect"
_OLD_MS: Final = 15_000
"""Figures that are asked for every few seconds are late from here on, and say how old they are."""


@dataclass(frozen=True, slots=True)
class ProjectPane:
    """What a project is drawn from: its row, and what was read of it beside the stream."""

    row: ProjectRow
    snapshot: Snapshot
    at: At
    width: int
    detail: ProjectDetail | None = None
    series: SeriesPage | None = None
    entries: tuple[AuditRow, ...] = ()
    events: tuple[Event, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of keys, by their ids."""
    leases: LeasesPage | None = None
    problem: str = ""
    """Why there are no figures, or no newer ones."""
    chosen: int | None = None
    """The cause under the cursor."""

    @property
    def own(self) -> Series | None:
        """The project's own series."""
        subject = Subject.project(self.row.id)
        rows = self.series.rows if self.series else ()
        return next((one for one in rows if one.subject == subject), None)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The lines, and which of them has the cursor."""

    lines: tuple[Line, ...]
    cursor: int | None = None


def lines(pane: ProjectPane) -> tuple[Line, ...]:
    """The project, every line ``pane.width`` cells wide."""
    return drawn(pane).lines


def drawn(pane: ProjectPane) -> Drawn:
    """As `lines`, with the place of the cursor."""
    head = _head(pane, pane.width)
    if pane.width < COLUMNS_FROM:
        left, right = _left(pane, pane.width), _right(pane, pane.width)
        audit = _audit(pane, pane.width)
        told = [*head, *left, *right.lines, *audit]
        cursor = None if right.cursor is None else len(head) + len(left) + right.cursor
        return Drawn(tuple(told), cursor)
    half = (pane.width - 3) // 2
    beside = [*_left(pane, half), (), *_audit(pane, half)]
    right = _right(pane, pane.width - 3 - half)
    both = []
    for at in range(max(len(beside), len(right.lines))):
        one = beside[at] if at < len(beside) else ()
        other = right.lines[at] if at < len(right.lines) else ()
        both.append(crop([*crop(one, half), Span(" │ ", "dim"), *other], pane.width))
    cursor = None if right.cursor is None else len(head) + right.cursor
    return Drawn((*head, *both), cursor)


def _head(pane: ProjectPane, width: int) -> list[Line]:
    row, at = pane.row, pane.at
    name = fit_middle(row.id, max(12, width // 2))
    told = [text("project.priority", priority=row.priority)]
    if row.name != row.id:
        told.insert(0, row.name)
    ends = text("project.day", ends=day_time(row.budget.ends_us, at.now.now_us, at.zone))
    left = [Span("‹ ", "dim"), Span(name, "strong"), Span(f"  {' · '.join(told)}", "normal")]
    head = [spread(left, [Span(ends, "dim")], width), *_state(pane, width)]
    what = lift(row, pane.snapshot, pane.own)
    if what is not None:
        said = lifted_by(what, lambda us: clock_time(us, at.zone))
        head += [crop([Span(f"  {part}", at.quiet("key"))], width)
                 for part in folded(said, width - 2)]  # fmt: skip
    return head


def _state(pane: ProjectPane, width: int) -> list[Line]:
    """The worst in words; what else holds; what is over."""
    state, at = pane.row.state, pane.at
    lines = [_held(state, at, width)]
    for other in state.others:
        line = words_of(other, at.now.now_ms, at.now.now_us).line
        role = "attention" if other.urgency is Urgency.TROUBLE else "normal"
        also = f"  {text('project.also', line=line)}"
        lines.append(crop([Span(also, at.quiet(role))], width))
    over = cleared_words(state, at.now.now_ms)
    return [*lines, *(crop([Span(f"  {one}", "dim")], width) for one in over)]


def _held(held: Held, at: At, width: int) -> Line:
    words = words_of(held, at.now.now_ms, at.now.now_us)
    role = "normal" if held.urgency is Urgency.CALM else held.urgency.value
    if held.kind is StateKind.PAUSED:
        role = "attention"
    spans = [Span(f"{words.mark} {words.word}", at.quiet(role))]
    if words.when:
        spans.append(Span(f" {words.when}", at.quiet(role)))
    if words.why:
        spans.append(Span(f": {words.why}", at.quiet("normal")))
    return crop(spans, width)


def _left(pane: ProjectPane, width: int) -> list[Line]:
    levels = level_lines(pane.row, pane.at, pane.own, pane.series, width)
    levels += budget_lines(pane.row, pane.at, pane.detail, width)
    return [*levels, *_in_force(pane, width), *_effects(pane, width)]


def _right(pane: ProjectPane, width: int) -> Drawn:
    detail = pane.detail
    if detail is None:
        words = pane.problem or text("project.reading")
        role = "attention" if pane.problem else "dim"
        return Drawn(tuple(crop([Span(f" {part}", role)], width)
                           for part in folded(words, width - 1)))  # fmt: skip
    models = model_lines(detail, pane.at, width)
    causes = cause_lines(detail, pane.at, pane.chosen, width, _age(pane, detail))
    callers = caller_lines(detail, pane.labels, pane.at, width)
    cursor = None
    if pane.chosen is not None and detail.causes:
        cursor = len(models) + 1 + pane.chosen
    leases = lease_lines(pane.leases, pane.row.id, pane.at, width)
    return Drawn((*models, *causes, *leases, *callers), cursor)


def _age(pane: ProjectPane, detail: ProjectDetail) -> str:
    ago_ms = (pane.at.now.now_us - detail.at_us) // 1_000
    if ago_ms < _OLD_MS:
        return ""
    return text("project.old", ago_ms=ago_ms)


def _labelled(label: str, words: list[str], width: int, role: str = "normal") -> list[Line]:
    """The label before the first line; all lines behind it begin in one column."""
    room = " " * (cell_len(label) + 3)
    lines: list[Line] = []
    for word in words:
        for part in folded(word, max(10, width - len(room))):
            head = Span(f" {label}  " if not lines else room, "dim")
            lines.append(crop([head, Span(part, role)], width))
    return lines


def _in_force(pane: ProjectPane, width: int) -> list[Line]:
    """Every change with its end, who made it and why; of the models that it calls, too."""
    row, at = pane.row, pane.at
    words = []
    holders: list[tuple[str, ProjectRow | RouteRow]] = [("", row)]
    holders += [(f"{r.id}: ", r) for r in at.routes.values() if r.id in row.models]
    for whose, holder in holders:
        for change in holder.changes:
            why = f" “{change.reason}”" if change.reason else ""
            words.append(f"{whose}{change_text(change, at.now)}{why}")
    label = text("project.in_force")
    if not words:
        return _labelled(label, [text("project.in_force.none")], width, "dim")
    return _labelled(label, words, width, at.quiet("normal"))


def _effects(pane: ProjectPane, width: int) -> list[Line]:
    """What the last changes brought about, as the gateway measured it."""
    subject = str(Subject.project(pane.row.id))
    told = [one for one in pane.events if one.told.kind.partition(".")[0] == _EFFECT]
    mine = [one for one in told if one.subject == subject][:2]

    def instant(us: int) -> str:
        return day_time(us, pane.at.now.now_us, pane.at.zone)

    words = [f"{instant(one.at_us)} {say(one.told, instant)}" for one in mine]
    return _labelled(text("project.effect"), words, width) if words else []


def _audit(pane: ProjectPane, width: int) -> list[Line]:
    words = []
    for row in pane.entries[:_ENTRIES]:
        entry, zone = row.entry, pane.at.zone
        why = reason(entry)
        words.append(
            f"{day_time(entry.at_us, pane.at.now.now_us, zone)} {entry.actor}  {did(entry, zone)}"
            + (f" “{why}”" if why else "")
        )
    return _labelled(text("project.audit"), words, width) if words else []
