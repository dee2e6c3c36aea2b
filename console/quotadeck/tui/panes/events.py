"""What happened last."""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from quotadeck.domain.snapshot import Event
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.words import say, text
from quotadeck.words.times import day_time

if TYPE_CHECKING:
    from quotadeck.domain.happenings import Happening


def event_lines(
    events: "Sequence[Event | Happening]", count: int, now_us: int, zone: tzinfo | None, width: int
) -> list[Line]:
    """What happened last, the newest first, one a line; with its day where that is not today."""

    def at(us: int) -> str:
        return day_time(us, now_us, zone)

    lines: list[Line] = []
    for event in events[:count]:
        stamp = Span(f"{at(event.at_us)} ", "dim")
        lines.append(crop([stamp, Span(_said(event, at), "normal")], width))
    while len(lines) < count:
        lines.append(crop([Span(text("screen.no_events") if not lines else "", "dim")], width))
    return lines


def _said(one: "Event | Happening", at: Callable[[int], str]) -> str:
    if isinstance(one, Event):
        return say(one.told, at)
    from quotadeck.words.happenings import what, who  # not before a first picture

    return text("happening.line", who=who(one), what=what(one, at))
