"""The line under a list that does not fit: what is above its window and below, troubles apart."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from quotadeck.tui.kit.fit import cell_len
from quotadeck.tui.kit.spans import Line, Span, spread
from quotadeck.words import text

R = TypeVar("R")


def left_out(
    above: Sequence[R],
    below: Sequence[R],
    grave: Callable[[R], bool],
    sort: str,
    width: int,
    kinds: str = "",
) -> Line:
    """``… 12 above, 282 calm below``, and on the right by what the rows are sorted.

    ``kinds`` says what troubles all rows have; it is told where troubles are out of sight.
    """
    spans = [Span("  … ", "dim")]
    for kind, rows in (("list.above", above), ("list.below", below)):
        if not rows:
            continue
        troubles = sum(map(grave, rows))
        if len(spans) > 1:
            spans.append(Span(", ", "dim"))
        spans.append(Span(text(kind if troubles else f"{kind}.calm", count=len(rows)), "dim"))
        if troubles:
            spans.append(Span(text("list.troubles", count=troubles), "trouble"))
    hidden = any(span.role == "trouble" for span in spans)
    if hidden and sum(cell_len(span.text) for span in spans) + cell_len(kinds + sort) + 4 <= width:
        spans.append(Span(f"  {kinds}", "normal"))
    return spread(spans, [Span(sort, "dim")], width)
