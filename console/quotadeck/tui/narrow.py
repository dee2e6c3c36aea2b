"""Lines on a terminal narrower than their columns: whole columns go, no number loses its end."""

from quotadeck.tui.kit.fit import cell_len
from quotadeck.tui.kit.spans import GAP, Line, crop
from quotadeck.tui.rows import Columns


def narrowed(line: Line, c: Columns, width: int) -> Line:
    """The line in at most ``width`` cells: of its columns of numbers only those that fit whole.

    ``$0.7`` for ``$0.72`` and ``/1`` for ``/1M`` are other numbers. What stands before the numbers
    is cut with an ellipsis, where not even that fits.
    """
    numbers = c.lead - 3 * c.bar - 2 * (c.number + 1) - c.money
    at, end = 0, width
    for span in line:
        if span == GAP and numbers - 1 <= at <= width:
            end = at
        at += cell_len(span.text)
    return line if at <= width else crop(line, end)
