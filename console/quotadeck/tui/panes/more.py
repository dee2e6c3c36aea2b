"""The line of the keys on a page that is longer than its window: how much more there is."""

from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.foot import May, note_line
from quotadeck.tui.kit.spans import Line
from quotadeck.words import text


def more_line(
    top: int, page: int, count: int, keys: Keys, place: Place, width: int, may: May
) -> Line | None:
    """``1–22 of 31 lines, ↓ ↑`` before the keys; None where all is seen."""
    if count <= page:
        return None
    down, up = keys.shown("list.down"), keys.shown("list.up")
    last = min(count, top + page)
    more = text("help.more", first=top + 1, last=last, count=count, down=down, up=up)
    return note_line(more, "dim", keys.at(place), width, may)
