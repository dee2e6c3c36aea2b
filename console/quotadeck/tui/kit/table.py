"""A small table inside a page: a few rows, each column as wide as what stands in it."""

from collections.abc import Sequence
from typing import Final

from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.spans import Line, Span, crop

_GAP: Final = 2


def table(rows: Sequence[Sequence[Span]], width: int, right: str = "") -> list[Line]:
    """Lines of ``width`` cells. ``right`` has a ``>`` for each column that is aligned right.

    The last column has what the others leave. Where even those do not fit, whole columns go, the
    last before the one that takes the rest first.
    """
    if not rows:
        return []
    widths = [max(cell_len(row[at].text) for row in rows) for at in range(len(rows[0]))]
    kept = list(range(len(widths)))
    while len(kept) > 2 and _asks([widths[at] for at in kept[:-1]]) + _LEAST > width:
        del kept[-2]
    lines = []
    for row in rows:
        spans: list[Span] = []
        room = width
        for at in kept[:-1]:
            cells = min(widths[at], max(0, room))
            text = fit(row[at].text, cells, right=right[at : at + 1] == ">")
            spans += [Span(text, row[at].role), Span(" " * _GAP)]
            room -= cells + _GAP
        last = row[kept[-1]]
        lines.append(crop([*spans, last], width))
    return lines


_LEAST: Final = 8
"""What the last column is left at least, before another goes."""


def _asks(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * len(widths)
