"""A line is a tuple of spans, each a text and a role of the theme: plain text, never markup."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from quotadeck.domain.notice import Fact
from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.words import text


class Span(NamedTuple):
    """Text that is drawn as it is, in a role of the theme."""

    text: str
    role: str = "normal"


Line = tuple[Span, ...]
GAP: Final = Span(" ")


def framed(kind: str, figure: Sequence[Span], /, **facts: Fact) -> list[Span]:
    """A sentence, dim, around spans that stand in its place ``figure``."""
    before, _, after = text(kind, figure="\0", **facts).partition("\0")
    return [span for span in (Span(before, "dim"), *figure, Span(after, "dim")) if span.text]


def in_past(line: Line) -> Line:
    """The line as part of the past's frame; what is in trouble stays so."""
    return tuple(Span(one.text, one.role if one.role == "trouble" else "past") for one in line)


def spread(left: Iterable[Span], right: Iterable[Span], width: int) -> Line:
    """Left and right ends of a line; where both do not fit, the right loses its first spans."""
    left, right = list(left), list(right)
    used = sum(cell_len(span.text) for span in left)
    while right and used + sum(cell_len(span.text) for span in right) + 1 > width:
        right.pop(0)
    gap = width - used - sum(cell_len(span.text) for span in right)
    if gap < 0:
        return crop(left, width)
    return (*left, Span(" " * gap), *right) if gap else (*left, *right)


def crop(spans: Sequence[Span], width: int) -> Line:
    """The spans cut, or padded, to ``width`` cells."""
    kept: list[Span] = []
    room = width
    for span in spans:
        size = cell_len(span.text)
        if size > room:
            if room:
                kept.append(Span(fit(span.text, room), span.role))
            return tuple(kept)
        kept.append(span)
        room -= size
    if room:
        kept.append(Span(" " * room))
    return tuple(kept)
