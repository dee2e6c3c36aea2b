"""The targets: what was taken of their limits in the last 60 s, then the projects' columns."""

from typing import Final

from quotadeck.domain.snapshot import TargetRow
from quotadeck.tui.columns import shared
from quotadeck.tui.columns.parts import RATES, At, Rate, name_role, used
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import fit_tail
from quotadeck.tui.kit.spans import Span
from quotadeck.words.numbers import short

_Column = Column[TargetRow, At]

_NUMBER_OF_LIMIT: Final = 10


def _rate(rate: Rate) -> _Column:
    def draw(row: TargetRow, at: At, cells: int) -> list[Span]:
        return used(rate, row, at, cells - _NUMBER_OF_LIMIT, _NUMBER_OF_LIMIT, of=True)

    return _Column(
        rate.id,
        lambda row, _: short(rate.taken(row)),
        draw=draw,
        sort=lambda row, _: -(rate.share(row) or 0),
        titles=(rate.id,),
        cells=13,
        steps=((2, 1), (11, 1), (13, 1), (17, 4)),
        right=True,
    )


NAME: Final = _Column(
    "name", lambda row, _: row.id, name_role,
    lambda row, at, cells: (Span(fit_tail(row.id, cells), name_role(row, at)),),
    seek=lambda row, _: row.id, titles=("target",), cells=13, rest=True, gap=False,
)  # fmt: skip

TARGETS: Final[tuple[_Column, ...]] = (
    shared.MARK,
    shared.CURSOR,
    NAME,
    shared.GLYPH,
    shared.STATE,
    *(_rate(rate) for rate in RATES),
    shared.FAILED,
    shared.P95,
    shared.REFUSED,
    shared.IN_FLIGHT,
    shared.CHANGES,
)
