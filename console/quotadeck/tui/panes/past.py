"""The head of a page over a past instant: that it is the past, of when, and the way back."""

from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.fit import cut
from quotadeck.tui.kit.spans import Line, Span, crop, in_past, spread
from quotadeck.tui.link import Picture
from quotadeck.words import text
from quotadeck.words.times import day_time, zone_name

_GAP = "  "


def past_line(
    shown: Picture | None, live: Picture | None, context: Context, alarms: int, width: int
) -> Line:
    """``PAST 02:47:10 JST (15m ago)  actions are off   now: ! 3   . now``."""
    travel, zone = context.link.travel, context.zone
    now_us = live.present.now_us if live else context.link.wall_us()
    past = shown if shown is not None and shown.snapshot.past is not None else None
    at_us = past.snapshot.at_us if past else travel.here_us
    at = day_time(at_us, now_us, zone, seconds=True)
    parts = [
        text("past.head", at=at, zone=zone_name(at_us, zone)),
        text("past.ago", ago_ms=max(0, now_us - at_us) // 1_000),
    ]
    wanted_us = travel.wanted_us
    if wanted_us is not None and (past is None or abs(wanted_us - at_us) >= 1_000_000):
        parts.append(text("past.way", at=day_time(wanted_us, now_us, zone, seconds=True)))
    if travel.speed:
        parts.append(text("past.playing", speed=travel.speed))
    left = [Span(_GAP.join(parts)), Span(_GAP + text("past.off"))]
    if travel.problem:
        left = [Span(_GAP.join(parts) + _GAP), Span(cut(travel.problem, width // 2), "trouble")]
    right = [Span(text("past.live", count=alarms) + _GAP, "trouble")] if alarms else []
    if live is None or live.problem:
        right = [Span(text("past.dead") + _GAP, "trouble")]
    right.append(Span(text("past.back", key=context.keys.shown("page.now"))))
    return in_past(spread(left, right, width))


def lacking_line(shown: Picture, context: Context, width: int) -> Line:
    """What stands where the sums would, where there is nothing to sum."""
    from quotadeck.tui.time.travel import lacking

    past = shown.snapshot.past
    told = lacking(past, context.zone) if past else ""
    return crop([Span(cut(told, width), "attention")], width)
