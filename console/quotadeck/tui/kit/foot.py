"""The last line of a page: the keys, and before them what the last one came to."""

from collections.abc import Callable, Sequence
from typing import Final

from quotadeck.tui.keys.act import Act, key_name
from quotadeck.tui.kit.fit import cell_len
from quotadeck.tui.kit.spans import Line, Span, crop

May = Callable[[Act], bool]
"""Whether an action can be done by this operator, and to this source."""

_LEAST_KEYS: Final = 8
"""``? help``, and a blank around it."""


def anything(_: Act) -> bool:
    """Where nobody is to be told what they may not."""
    return True


def keys_line(acts: Sequence[Act], width: int, may: May = anything) -> Line:
    """The labelled actions; where they do not fit, those at the end go, but never the help.

    What may not be done is there, but its key is dim.
    """
    shown = [act for act in acts if act.label and act.keys]
    while len(shown) > 1 and sum(map(_asks, shown)) > width + 2:
        shown.pop(next(i for i in range(len(shown) - 1, -1, -1) if shown[i].verb != "help"))
    return crop(keys_spans(shown, may), width)


def keys_spans(acts: Sequence[Act], may: May = anything) -> list[Span]:
    """Each key and its label."""
    spans: list[Span] = []
    for act in acts:
        spans += [Span(key_name(act.keys[0]), "key" if may(act) else "dim")]
        spans += [Span(f" {act.label}" + ("" if act is acts[-1] else "  "), "dim")]
    return spans


def _asks(act: Act) -> int:
    return cell_len(key_name(act.keys[0])) + cell_len(act.label) + 3


def note_line(text: str, role: str, acts: Sequence[Act], width: int, may: May = anything) -> Line:
    """A text, and the keys beside it where they fit."""
    room = width - cell_len(text) - 3
    keys = keys_line(acts, room, may) if room >= _LEAST_KEYS else ()
    return crop([Span(text, role), Span("   "), *keys], width)
