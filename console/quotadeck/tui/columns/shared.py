"""The columns that projects and targets have alike, as wide in the one table as in the other."""

from typing import Final

from quotadeck.domain.snapshot import LimitedRow
from quotadeck.domain.state import StateKind
from quotadeck.tui.columns.parts import (
    At,
    mark,
    mark_role,
    state_spans,
    state_word,
    urgency_role,
)
from quotadeck.tui.in_force import changes_text, in_force
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.order import rank
from quotadeck.words.numbers import latency, percent, short, three

AnyColumn = Column[LimitedRow, At]


def _failed_role(row: LimitedRow, at: At) -> str:
    if not row.flow.failed_60s:
        return "dim"
    failing = row.state.held(StateKind.FAILING)
    return at.quiet(failing.urgency.value if failing else "normal")


MARK: Final = AnyColumn("mark", mark, mark_role, cells=1, gap=False)
CURSOR: Final = AnyColumn(
    "cursor", lambda _, at: "▸" if at.chosen else "•" if at.marked else " ",
    lambda _, at: "key" if at.chosen or at.marked else "normal", cells=1, gap=False,
)  # fmt: skip
GLYPH: Final = AnyColumn(
    "glyph", lambda row, at: in_force(row, at.routes, at.now).glyph,
    lambda _, at: at.quiet("attention"), cells=1,
)  # fmt: skip
STATE: Final = AnyColumn(
    "state", state_word, lambda row, at: at.quiet(urgency_role(row)), state_spans,
    sort=lambda row, at: rank(row, at.routes, at.now),
    seek=state_word, titles=("state",), cells=14, steps=((1, 1), (8, 6)),
)  # fmt: skip
FAILED: Final = AnyColumn(
    "failed", lambda row, _: percent(row.flow.failed_60s, row.flow.ended_60s), _failed_role,
    sort=lambda row, _: -row.flow.failed_60s, titles=("fail",), steps=((4, 4),), right=True,
)  # fmt: skip
P95: Final = AnyColumn(
    "p95", lambda row, _: latency(row.flow.p95_ms),
    lambda row, at: at.quiet("dim" if row.flow.p95_ms is None else "normal"),
    sort=lambda row, _: -(row.flow.p95_ms or 0), titles=("p95",), steps=((5, 4),), right=True,
)  # fmt: skip
REFUSED: Final = AnyColumn(
    "refused", lambda row, _: three(row.flow.refused_60s) if row.flow.refused_60s else "·",
    lambda row, at: at.quiet("attention" if row.flow.refused_60s else "dim"),
    sort=lambda row, _: -row.flow.refused_60s, titles=("ref/m",), steps=((9, 5),), right=True,
)  # fmt: skip
IN_FLIGHT: Final = AnyColumn(
    "in_flight", lambda row, _: short(row.flow.in_flight) if row.flow.in_flight else "·",
    lambda row, at: at.quiet("normal" if row.flow.in_flight else "dim"),
    sort=lambda row, _: -row.flow.in_flight, titles=("now",), steps=((10, 4),), right=True,
)  # fmt: skip
CHANGES: Final = AnyColumn(
    "changes", lambda row, at: changes_text(row.changes, at.now), lambda _, at: at.quiet("normal"),
    titles=("in force",), steps=((15, 24),), rest=True,
)  # fmt: skip
"""The steps' numbers are those of all columns of `columns.projects`."""
