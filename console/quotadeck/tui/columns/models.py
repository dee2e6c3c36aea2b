"""The models: what serves each now, and how that goes; as wide as the projects above them."""

from collections.abc import Sequence
from typing import Final

from quotadeck.domain.ages import remaining
from quotadeck.domain.commands import Field
from quotadeck.domain.money import usd_short
from quotadeck.domain.snapshot import Flow, limit_on
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.tui.columns.parts import At
from quotadeck.tui.columns.shared import asked_of, hourly_told, passed_of
from quotadeck.tui.columns.use import use_spans
from quotadeck.tui.columns.why import FIRST, OWN, Form, Part, Turn, filled, first, other
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import fit, fit_middle
from quotadeck.tui.kit.spans import GAP, Span
from quotadeck.tui.model_rows import ModelRow
from quotadeck.words import text
from quotadeck.words.numbers import NONE, latency, percent, three
from quotadeck.words.states import MARKS

_Column = Column[ModelRow, At]


def _mark(row: ModelRow, _: At) -> str:
    if row.urgency is Urgency.CALM and row.route.paused:
        return "‖"
    return MARKS[row.urgency]


def _role(row: ModelRow, at: At) -> str:
    if row.urgency is Urgency.CALM:
        return at.quiet("attention" if row.route.paused or row.forced else "normal")
    return at.quiet(row.urgency.value)


def _name_role(row: ModelRow, at: At) -> str:
    if at.chosen:
        return "chosen"
    return at.quiet("strong" if row.urgency is Urgency.TROUBLE else "normal")


def _serves_spans(row: ModelRow, at: At, cells: int) -> Sequence[Span]:
    """What serves it, and until when if it was forced there; then what holds of it."""
    held = row.held
    parts = [_serves(row, at)]
    if held:
        refused = row.target.flow.refused_60s if row.target else 0
        own = Subject.target(row.target.id) if row.target else None
        parts.append(first(held[0], refused, row.route.changes, at, own))
        parts += [other(one, at) for one in held[1:]]
    if row.route.paused or (held and held[0].kind is StateKind.CUT_OFF):
        parts = [parts[1], parts[0], *parts[2:]] if held else parts
    return filled(parts, cells)


def _serves(row: ModelRow, at: At) -> Part:
    if not row.forced:
        own = row.route.serving.rpartition("/")[2] == row.id
        said = text("model.itself") if own else row.route.serving
        return Part(at.quiet("dim"), ((OWN, (said,)),))
    short = row.route.serving.rpartition("/")[2]
    ends = (c.until_us for c in row.route.changes if c.field == Field.TARGET and c.until_us)
    until_us = next(ends, None)
    word = text("model.forced", target=short)
    forms: list[Turn] = [(FIRST, (word,))]
    if until_us is not None:
        left: Form = (word, GAP.text, remaining(until_us - at.now.now_us))
        forms.append((FIRST, left))
    return Part(at.quiet("attention"), tuple(forms))


def _flow(row: ModelRow) -> Flow:
    return row.target.flow if row.target else _NO_FLOW


_NO_FLOW: Final = Flow()


def _limited(row: ModelRow) -> str:
    count = row.target.upstream_429_60s if row.target else 0
    return three(count) if count else "·"


def _minutes(row: ModelRow, at: At, cells: int) -> Sequence[Span]:
    limit = limit_on(row.target, Field.RPM) if row.target else None
    return passed_of(Subject.model(row.id), limit.limit if limit else 0, at, cells)


def _use(row: ModelRow, at: At, cells: int) -> Sequence[Span]:
    if row.target is None:
        return [Span(fit(NONE, cells, right=True), "dim")]
    return use_spans(row.target, at, cells)


def _figure(row: ModelRow, at: At, *, some: bool) -> str:
    return at.quiet("normal" if some and row.target else "dim")


NAME: Final = _Column(
    "model", lambda row, _: row.id, _name_role,
    lambda row, at, cells: (Span(fit(fit_middle(row.id, cells), cells), _name_role(row, at)),),
    seek=lambda row, _: row.id, titles=("model",), cells=15, steps=((7, 4), (15, 8)), gap=False,
)  # fmt: skip

MODELS: Final[tuple[_Column, ...]] = (
    _Column("mark", _mark, _role, cells=1, gap=False),
    _Column(
        "cursor", lambda _, at: "▸" if at.chosen else "•" if at.marked else " ",
        lambda _, at: "key" if at.chosen or at.marked else "normal", cells=1, gap=False,
    ),
    NAME,
    _Column(
        "why", lambda row, _: row.route.serving.rpartition("/")[2] if row.forced else "",
        draw=_serves_spans, titles=("serves.long", "serves"), cells=12,
        steps=((3, 6), (5, 4), (6, 10), (13, 12)), rest=True, gives=1,
    ),
    _Column("minutes", lambda *_: "", draw=_minutes, titles=("minutes",), steps=((4, 15),)),
    _Column(
        "limited", lambda row, _: _limited(row),
        lambda row, at: at.quiet("attention" if _limited(row) != "·" else "dim"),
        sort=lambda row, _: -(row.target.upstream_429_60s if row.target else 0),
        titles=("429/m",), steps=((1, 5),), right=True,
    ),
    _Column(
        "fails", lambda row, _: percent(_flow(row).failed_60s, _flow(row).ended_60s),
        lambda row, at: _figure(row, at, some=bool(_flow(row).failed_60s)),
        sort=lambda row, _: -_flow(row).failed_60s, titles=("fail/m",), steps=((1, 6),),
        right=True,
    ),
    _Column(
        "took", lambda row, _: latency(_flow(row).p95_ms),
        lambda row, at: _figure(row, at, some=_flow(row).p95_ms is not None),
        titles=("p95",), steps=((2, 4),), right=True,
    ),
    _Column(
        "served", lambda row, _: three(asked_of(_flow(row))) if asked_of(_flow(row)) else "·",
        lambda row, at: _figure(row, at, some=bool(asked_of(_flow(row)))),
        titles=("ask/m",), steps=((2, 5),), right=True,
    ),
    _Column("use", lambda *_: "", draw=_use, titles=("use",), steps=((9, 12),), right=True),
    _Column(
        "costs", lambda row, at: hourly_told(_flow(row), at) or usd_short(0),
        lambda row, at: _figure(row, at, some=bool(_flow(row).spent_60s_nano)),
        titles=("$/h",), steps=((11, 6),), right=True,
    ),
)  # fmt: skip
"""Figures are those of the target that serves it, whoever asked it."""
