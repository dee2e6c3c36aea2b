"""The newest calls of a project: below its page, where a wide screen has the height for them."""

from collections.abc import Sequence
from typing import Final

from quotadeck.domain.pages import CallRow
from quotadeck.tui.columns.calls import CallAt, calls_columns
from quotadeck.tui.columns.parts import At
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.words import text

MOST: Final = 12
"""Calls that are read and shown: all of them may be others after the next reading."""
_LEAST: Final = 5
"""Lines that are worth it: the title, the columns' titles, three calls."""


def newest_lines(rows: Sequence[CallRow], at: At, width: int, room: int) -> list[Line]:
    """``rows`` are the newest first; at most ``room`` lines, none where that is too few."""
    if room < _LEAST or not rows:
        return []
    seen = CallAt(at.now.now_us, at.zone)
    columns = [one for one in calls_columns(rows, seen, width) if one.id != "project"]
    layout = laid_out(columns, width)
    title = crop([Span(f" {text('project.calls')}", "dim")], width)
    return [title, layout.head(), *(layout.line(row, seen) for row in rows[: room - 2])]
