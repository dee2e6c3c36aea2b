"""The line of keys in the past: how to go through it, and the way back."""

from typing import Final

from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.keys.table import PLACES, Place
from quotadeck.tui.kit.fit import cell_len
from quotadeck.tui.kit.spans import Line, Span, crop, in_past
from quotadeck.words import text

_TOLD: Final = (
    (("page.now",), "past.keys.now"),
    (("page.earlier", "page.later"), "past.keys.step"),
    (("page.alarm_before", "page.alarm_after"), "past.keys.alarm"),
    (("overview.freeze",), "past.keys.play"),
    (("page.at",), "past.keys.at"),
    (("page.help",), "label.page.help"),
)


def past_keys(keys: Keys, place: Place, width: int) -> Line:
    """As many as fit, the first before the others."""
    told, room = "", width
    for ids, label in _TOLD:
        shown = " ".join(filter(None, map(keys.shown, ids)))
        part = f"{shown} {text(label)}  "
        holds = ids[0].partition(".")[0] in PLACES[place]
        if shown and holds and cell_len(part.rstrip()) <= room:
            told += part
            room -= cell_len(part)
    return in_past(crop([Span(told)], width))
