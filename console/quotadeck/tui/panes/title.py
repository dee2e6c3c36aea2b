"""The first line of a page that was opened: what it is, and how the link is."""

from collections.abc import Sequence

from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.spans import GAP, Line, Span, spread
from quotadeck.tui.panes.head import health
from quotadeck.words import text
from quotadeck.words.times import clock_time, day_time, zone_name


def title_line(context: Context, left: Sequence[Span], right: Sequence[Span], width: int) -> Line:
    """Both ends; on the right the link and the time stand last, and go last."""
    link, zone = context.link, context.zone
    picture = link.picture()
    at_us = picture.present.now_us if picture else link.wall_us()
    if link.past is not None:
        at = day_time(at_us, link.present_us(), zone, seconds=True)
        past = Span(text("past.head", at=at, zone=zone_name(at_us, zone)), "past")
        return spread(left, [*right, Span("  "), past], width)
    clock = Span(f"{clock_time(at_us, zone)} {zone_name(at_us, zone)}", "strong")
    ends = [*right, Span("  "), *health(picture, link.problem), GAP, clock]
    return spread(left, ends, width)
