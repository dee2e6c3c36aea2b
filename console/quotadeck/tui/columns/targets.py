"""The targets: the projects' columns, as wide as there."""

from typing import Final

from quotadeck.domain.snapshot import TargetRow
from quotadeck.tui.columns import shared
from quotadeck.tui.columns.parts import At, name_role
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import fit_tail
from quotadeck.tui.kit.spans import Span

_Column = Column[TargetRow, At]

NAME: Final = _Column(
    "name", lambda row, _: row.id, name_role,
    lambda row, at, cells: (Span(fit_tail(row.id, cells), name_role(row, at)),),
    seek=lambda row, _: row.id, titles=("target",), cells=14, steps=((7, 4), (15, 8)), gap=False,
)  # fmt: skip

TARGETS: Final[tuple[_Column, ...]] = (
    shared.MARK,
    shared.CURSOR,
    NAME,
    shared.WHY,
    shared.USE,
    shared.NEXT,
    shared.REFUSED,
    shared.COST,
    shared.FAILED,
    shared.P95,
)
