"""The models one below the other: what serves each now, its targets, and who asks for it.

A function of values; every line that can be chosen is a place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.ages import share
from quotadeck.domain.askers import NOBODY, Askers
from quotadeck.domain.routed import ModelFlow, Routed
from quotadeck.domain.snapshot import Gap, Snapshot
from quotadeck.domain.subject import Subject
from quotadeck.tui.columns.models import MODELS
from quotadeck.tui.columns.parts import At
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.in_force import change_text
from quotadeck.tui.kit.columns import Layout, laid_out
from quotadeck.tui.kit.fit import cell_len
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.model_rows import ModelRow, model_rows
from quotadeck.tui.panes.model_targets import TargetLines
from quotadeck.words import text

_INDENT: Final = "     "
_PRIORITY: Final = {"high": " H", "low": " L"}


@dataclass(frozen=True, slots=True)
class Spot:
    """A model, or a target of it: its line, and the line behind the last that belongs to it."""

    model: str
    target: str
    line: int
    end: int

    @property
    def subject(self) -> Subject:
        return Subject.target(self.target) if self.target else Subject.model(self.model)

    @property
    def key(self) -> tuple[str, str]:
        """Tells it from all others: a target may serve several models."""
        return self.model, self.target


@dataclass(frozen=True, slots=True)
class ModelsPane:
    """What the models are drawn from."""

    snapshot: Snapshot
    at: At
    width: int
    askers: Mapping[str, Askers]
    routed: Routed | None = None
    chosen: tuple[str, str] | None = None
    """The key of the place under the cursor."""


@dataclass(frozen=True, slots=True)
class DrawnModels:
    """The titles, the lines under them, and the spots among those."""

    head: Line = ()
    lines: tuple[Line, ...] = ()
    spots: tuple[Spot, ...] = ()


def drawn(pane: ModelsPane) -> DrawnModels:
    """All models, every line ``pane.width`` cells wide."""
    width, at = pane.width, pane.at
    layout = laid_out(MODELS, width, laid_out(PROJECTS, width))
    targets = {row.id: row for row in pane.snapshot.targets}
    rows = model_rows(pane.snapshot)
    took = {one.target: one for one in pane.routed.targets} if pane.routed else {}
    flows = {one.model: one for one in pane.routed.models} if pane.routed else {}
    shown = TargetLines(targets, at, width, took)
    lines: list[Line] = []
    spots: list[Spot] = []
    for row in rows:
        first = len(lines)
        lines.append(_model(row, layout, at, chosen=pane.chosen == (row.id, "")))
        spots.append(Spot(row.id, "", first, first + 1))
        for number, target in enumerate(row.route.targets, 1):
            chosen = pane.chosen == (row.id, target)
            spots.append(Spot(row.id, target, len(lines), len(lines) + 1))
            lines.append(shown.line(number, target, row, chosen=chosen))
            lines += shown.below(target, serves=row.route.serving == target)
        lines += _in_force(row, at, width)
        if row.id in flows:
            lines += _passed(flows[row.id], width)
            lines += _switching(row, flows[row.id], at, width)
        lines += _users(row, pane.askers.get(row.id, NOBODY), at, width)
        last = spots[-1]
        spots[-1] = Spot(last.model, last.target, last.line, len(lines))
    return DrawnModels(layout.head(), tuple(lines), tuple(spots))


def _model(row: ModelRow, layout: Layout[ModelRow, At], at: At, *, chosen: bool) -> Line:
    return layout.line(row, at.picked(chosen=True, marked=False) if chosen else at)


def _in_force(row: ModelRow, at: At, width: int) -> list[Line]:
    """What operators have in force on it, with its end, who did it and why."""
    told = []
    for change in row.route.changes:
        why = f" “{change.reason}”" if change.reason else ""
        told.append(f"{change_text(change, at.now)}{why}")
    if not told:
        return []
    label = Span(f"{_INDENT}{text('models.in_force')}  ", "dim")
    return [crop([label, Span(" · ".join(told), at.quiet("attention"))], width)]


def _switching(row: ModelRow, flow: ModelFlow, at: At, width: int) -> list[Line]:
    """What an hour like the last minutes would cost more, or less, at each other target."""
    places = {target: place for place, target in enumerate(row.route.targets, 1)}
    told = [
        text(
            "models.switch",
            place=places[one.target],
            sign="−" if one.hourly_nano < 0 else "+",
            nano=abs(one.hourly_nano),
        )
        for one in flow.switches
        if one.target in places and one.target != row.route.serving
    ]
    if not told:
        return []
    label = Span(f"{_INDENT}{text('models.switching')}  ", "dim")
    return [crop([label, Span(" · ".join(told), at.quiet("normal"))], width)]


def _passed(flow: ModelFlow, width: int) -> list[Line]:
    """What was asked in the window, by whom, and what a thousand requests cost."""
    if not flow.asked:
        return []
    each = flow.cost_nano * 1_000 // flow.forwarded if flow.forwarded else None
    label = text("models.asked", count=flow.asked, refused=flow.refused, each=each)
    room = width - cell_len(_INDENT) - cell_len(label) - 2
    shares = [f"{one.project} {share(one.asked, flow.asked)}" for one in flow.askers]
    said = _fitting(shares, room) if shares else ""
    return [crop([Span(f"{_INDENT}{label}  ", "dim"), Span(said)], width)]


def _users(row: ModelRow, of: Askers, at: At, width: int) -> list[Line]:
    """Who asked for it, and whom a pause cuts off."""
    if Gap.FLOW in at.now.lacks:
        return []
    if not of.projects:
        return [crop([Span(f"{_INDENT}{text('models.unused')}", "dim")], width)]
    cut = "models.cuts_off" if row.route.paused else "models.would_cut_off"
    role = at.quiet("attention" if row.route.paused else "normal")
    used = text("models.used_by", count=len(of.projects))
    if not of.alone:
        return [_named(used, of, at.quiet("normal"), width, text(f"{cut}.none"))]
    if len(of.alone) == len(of.projects):
        return [_named(used, of, role, width, text(f"{cut}.all"))]
    alone = text(cut, count=len(of.alone))
    return [
        _named(used, of, at.quiet("normal"), width),
        _named(alone, Askers(of.alone), role, width),
    ]


def _named(label: str, of: Askers, role: str, width: int, after: str = "") -> Line:
    """The label, as many names as there is room for, and what is said of them."""
    after = f"  {after}" if after else ""
    room = width - cell_len(_INDENT) - cell_len(label) - 2 - cell_len(after)
    names = [f"{row.id}{_PRIORITY.get(row.priority, '')}" for row in of.projects]
    said = _fitting(names, room)
    return crop([Span(f"{_INDENT}{label}  ", "dim"), Span(said, role), Span(after, "dim")], width)


def _fitting(names: list[str], room: int) -> str:
    for count in range(min(len(names), 1 + room // 3), 0, -1):
        told = ", ".join(names[:count])
        if count < len(names):
            told = text("models.more", names=told, count=len(names) - count)
        if cell_len(told) <= room:
            return told
    return names[0]
