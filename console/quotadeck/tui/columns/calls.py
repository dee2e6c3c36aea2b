"""The calls: when, whose, what of, how they ended, what they used and took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from quotadeck.domain.calls import Call
from quotadeck.domain.pages import CallRow
from quotadeck.domain.text import clean
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import fit, fit_middle
from quotadeck.tui.kit.spans import Span
from quotadeck.words.calls import key_tail, outcome, outcome_role, tokens
from quotadeck.words.numbers import NONE, call_cost, latency
from quotadeck.words.times import day_time, local


@dataclass(frozen=True, slots=True)
class CallAt:
    """What a call is seen at."""

    now_us: int
    zone: tzinfo | None
    chosen: bool = False

    def picked(self, *, chosen: bool, marked: bool) -> "CallAt":  # noqa: ARG002 nothing to mark
        """The same for the chosen call."""
        return replace(self, chosen=chosen)


_Column = Column[CallRow, CallAt]


def _at(row: CallRow, at: CallAt) -> str:
    return day_time(row.call.at_us, at.now_us, at.zone, seconds=True)


def _dim_none(value: str) -> str:
    return "dim" if value == NONE else "normal"


def _named(name: str, role: str, cells: int) -> tuple[Span]:
    """Long names keep both their ends, which tell them apart."""
    return (Span(fit(fit_middle(name, cells), cells), role),)


def _project(row: CallRow, _: object = None) -> str:
    return clean(row.call.project) or NONE


def _model(row: CallRow, _: object = None) -> str:
    return clean(row.call.model) or NONE


def _draw_project(row: CallRow, at: CallAt, cells: int) -> tuple[Span]:
    name = _project(row)
    return _named(name, "chosen" if at.chosen else _dim_none(name), cells)


def _took(call: Call) -> str:
    return latency(call.total_ms) if call.target else NONE


def _first(call: Call) -> str:
    return latency(call.first_byte_ms) if call.first_byte_ms else NONE


_CURSOR: Final = _Column("cursor", lambda _, at: "▸" if at.chosen else " ", lambda *_: "key",
                         cells=1, gap=False)  # fmt: skip
_REST: Final = (
    _Column("project", _project, draw=_draw_project, titles=("project",), cells=10, share=7),
    _Column("model", _model, lambda row, _: _dim_none(_model(row)),
            lambda row, _, cells: _named(_model(row), _dim_none(_model(row)), cells),
            titles=("model",), steps=((2, 11), (7, 9))),
    _Column("outcome", lambda row, _: clean(outcome(row.call)),
            lambda row, _: outcome_role(row.call),
            titles=("outcome",), cells=16, steps=((5, 6),)),
    _Column("tokens", lambda row, _: tokens(row.call), lambda row, _: _dim_none(tokens(row.call)),
            titles=("tokens",), steps=((4, 11),), right=True),
    _Column("paid", lambda row, _: call_cost(row.call.cost_nano_usd),
            lambda row, _: "normal" if row.call.cost_nano_usd else "dim",
            titles=("cost",), steps=((3, 8),), right=True),
    _Column("took", lambda row, _: _took(row.call), lambda row, _: _dim_none(_took(row.call)),
            titles=("took",), steps=((1, 5),), right=True),
    _Column("first", lambda row, _: _first(row.call), lambda row, _: _dim_none(_first(row.call)),
            titles=("first byte", "first"), steps=((6, 5), (9, 5)), right=True),
    _Column("target", lambda row, _: clean(row.call.target) or NONE, lambda *_: "dim",
            titles=("served by",), steps=((8, 24),)),
    _Column("key", lambda row, _: key_tail(row.call.key_id), lambda *_: "dim",
            titles=("by key",), steps=((10, 7),)),
    _Column("id", lambda row, _: clean(row.call.id), lambda *_: "dim",
            titles=("request id",), steps=((11, 36),), rest=True),
)  # fmt: skip


def _calls(cells: int) -> tuple[_Column, ...]:
    when = _Column("at", _at, lambda *_: "dim", titles=("at",), cells=cells, gap=False)
    return (_CURSOR, when, *_REST)


CALLS: Final = _calls(8)
CALLS_OF_DAYS: Final = _calls(15)
"""Where not all of them are of today."""


def calls_columns(rows: Iterable[CallRow], at: CallAt, width: int) -> Sequence[_Column]:
    """With room for the day, where one of the rows is not of today and there is any."""
    if width < _LEAST:
        return tuple(column for column in CALLS if column.id != "project")
    today = local(at.now_us, at.zone).date()
    is_today = all(local(row.call.at_us, at.zone).date() == today for row in rows)
    return CALLS if is_today or width < _LEAST_OF_DAYS else CALLS_OF_DAYS


_LEAST: Final = 37
_LEAST_OF_DAYS: Final = 50
