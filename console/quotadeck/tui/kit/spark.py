"""A sparkline: so many whole minutes a cell, the newest on the right."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from quotadeck.tui.kit.spans import Span

RAMP: Final = "▁▂▃▄▅▆▇█"
UNRECORDED: Final = "·"
"""Nobody counted: neither little nor much."""
TROUBLE_TENTHS: Final = 1
"""A cell is trouble's where over so many tenths of what was asked was refused."""

Values = Sequence[int | None]


def cells_of(values: Values, cells: int) -> list[int | None]:
    """The values in at most so many cells: of several in one the greatest, that no peak is hidden.

    Each cell is as many values as the others, but for the oldest.
    """
    each = max(1, -(-len(values) // max(1, cells)))
    ends = range(len(values), 0, -each)
    groups = [values[max(0, end - each) : end] for end in reversed(ends)]
    return [max((one for one in group if one is not None), default=None) for group in groups]


def glyphs(values: Values, top: int) -> str:
    """A glyph a value: the least for nothing, the next for the least there is, full from ``top``
    on."""
    return "".join(UNRECORDED if value is None else _glyph(value, top) for value in values)


def _glyph(value: int, top: int) -> str:
    if value <= 0 or top <= 0:
        return RAMP[0]
    return RAMP[max(1, min(len(RAMP) - 1, value * (len(RAMP) - 1) // top))]


def spark(
    values: Values,
    cells: int,
    top: int = 0,
    *,
    role: str = "normal",
    refused: Values = (),
    asked: Values = (),
) -> list[Span]:
    """Exactly ``cells`` cells, aligned right. ``top`` is the limit; 0: the greatest of its own.

    With what was ``refused`` of what was ``asked``, value for value, cells in trouble are.
    """
    shown = cells_of(values, cells)
    most = top or max((one for one in shown if one is not None), default=0)
    bad = [
        of is not None and no is not None and no * 10 > of * TROUBLE_TENTHS
        for no, of in zip(_summed(refused, cells), _summed(asked, cells), strict=True)
    ] or [False] * len(shown)
    drawn = zip(shown, glyphs(shown, most), bad, strict=True)
    runs = groupby(
        (("dim" if value is None else "trouble" if worse else role, glyph)
         for value, glyph, worse in drawn),
        key=lambda one: one[0],
    )  # fmt: skip
    spans = [Span("".join(glyph for _, glyph in run), of) for of, run in runs]
    blank = cells - len(shown)
    return [Span(" " * blank), *spans] if blank else spans


def _summed(values: Values, cells: int) -> list[int | None]:
    """As `cells_of`, each cell the sum."""
    each = max(1, -(-len(values) // max(1, cells)))
    groups = [values[max(0, end - each) : end] for end in reversed(range(len(values), 0, -each))]
    known = [[one for one in group if one is not None] for group in groups]
    return [sum(group) if group else None for group in known]
