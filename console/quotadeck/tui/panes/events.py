"""What happened last."""

from collections.abc import Sequence
from datetime import tzinfo

from quotadeck.domain.snapshot import Event
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.words import say, text
from quotadeck.words.times import day_time


def event_lines(
    events: Sequence[Event], count: int, now_us: int, zone: tzinfo | None, width: int
) -> list[Line]:
    """What happened last, the newest first, one a line; with its day where that is not today."""

    def at(us: int) -> str:
        return day_time(us, now_us, zone)

    lines: list[Line] = []
    for event in events[:count]:
        stamp = Span(f"{at(event.at_us)} ", "dim")
        lines.append(crop([stamp, Span(say(event.told, at), "normal")], width))
    while len(lines) < count:
        lines.append(crop([Span(text("screen.no_events") if not lines else "", "dim")], width))
    return lines
