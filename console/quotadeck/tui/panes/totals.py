"""The sums over all projects, and the gateway's own health beside them."""

from quotadeck.domain.money import usd_short
from quotadeck.domain.totals import Totals
from quotadeck.tui.kit.fit import bar, cell_len, cut
from quotadeck.tui.kit.spans import Line, Span, framed, spread
from quotadeck.tui.link import Picture
from quotadeck.tui.present import MINUTE_US, Present, counted_minute_us
from quotadeck.words import say, text
from quotadeck.words.numbers import percent, three


def hourly_nano(sums: Totals, now: Present) -> int:
    """The rate of now: the last minute's spend, as if it went on for an hour."""
    return sums.minute_nano * 3_600_000_000 // counted_minute_us(now)


def totals_line(picture: Picture, sums: Totals, width: int) -> Line:
    """Requests, refusals, failures, money at the rate of now, today's sum, the gateway's health."""
    now = picture.present
    quiet = "normal" if now.live else "dim"
    requests = framed("totals.requests", [Span(three(sums.requests), quiet)])
    role = "attention" if now.live and sums.refused else "dim"
    refused = framed("totals.refused", [Span(three(sums.refused), role)])
    failed = framed("totals.failed", [Span(percent(sums.failed, sums.ended), quiet)])
    hour = framed("totals.hour", [Span(usd_short(hourly_nano(sums, now)), quiet)])
    spent = [Span(usd_short(sums.today_nano), quiet)]
    if sums.budget_nano:
        share = sums.budgeted_nano / sums.budget_nano
        role = ("normal" if share < 0.8 else "attention") if now.live else "dim"
        spent += [
            Span("/" + usd_short(sums.budget_nano).removeprefix("$") + " ", "dim"),
            Span(bar(share, 6, hollow=not now.live), "bar " + role),
            Span(f" {percent(sums.budgeted_nano, sums.budget_nano)}", role),
        ]
    today = framed("totals.today", spent)
    health = _gateway(picture, width)
    parts = [requests, refused, failed, hour, today]
    most_first = [today, refused, failed, requests, hour]
    return spread(_joined(parts, most_first, health, width), health, width)


def _gateway(picture: Picture, width: int) -> list[Span]:
    now, vitals, past = picture.present, picture.snapshot.vitals, picture.snapshot.past
    if past is not None:
        from quotadeck.tui.time.travel import lacking

        return [Span(cut(lacking(past, None), width // 2), "dim")]
    if vitals.problems:
        words = text("totals.gateway", problems=tuple(map(say, vitals.problems)))
        return [Span(cut(words, width - 1), "trouble")]
    if not now.live:
        return [Span(text("totals.gateway.unknown"), "dim")]
    if now.counting_us < MINUTE_US:
        # What it has not seen is in no figure: right after a start little is no fall.
        return [Span(text("screen.counting", since_ms=now.counting_us // 1_000), "attention")]
    return [Span(text("totals.gateway.ok"), "dim")]


def _joined(
    parts: list[list[Span]], most_first: list[list[Span]], health: list[Span], width: int
) -> list[Span]:
    """The parts with blanks between, as many as fit beside the gateway's health."""
    kept: list[list[Span]] = []
    room = width - 1 - sum(cell_len(span.text) for span in health)
    for part in most_first:
        cells = sum(cell_len(span.text) for span in part) + (2 if kept else 0)
        if cells <= room:
            room -= cells
            kept.append(part)
    return [span for part in parts if part in kept for span in (*part, Span("  "))][:-1]
