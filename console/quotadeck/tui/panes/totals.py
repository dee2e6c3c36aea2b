"""The sums over all projects, and beside them what is wrong with the gateway itself."""

from collections.abc import Mapping
from typing import Final

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
    """Requests, refusals, failures, money at the rate of now, today's sum; the gateway's trouble.

    What was refused is of what was asked, and so are those whom nobody knows.
    """
    now = picture.present
    quiet = "normal" if now.live else "dim"
    refused = sums.refused + picture.snapshot.vitals.strangers_refused_60s
    asked = sums.requests + refused
    role = "attention" if now.live and refused else "dim"
    told = framed("totals.refused", [Span(three(refused), role)])
    if refused:
        told.append(Span(f" ({percent(refused, asked)})", role))
    health = _gateway(picture, width)
    parts = {
        "asked": framed("totals.asked", [Span(three(asked), quiet)]),
        "refused": told,
        "failed": framed("totals.failed", [Span(percent(sums.failed, sums.ended), quiet)]),
        "hour": framed("totals.hour", [_hour(sums, now, quiet)]),
        "today": framed("totals.today", _today(sums, now, width)),
    }
    return spread(_joined(parts, health, width), health, width)


def _hour(sums: Totals, now: Present, quiet: str) -> Span:
    """With a question mark where calls of unknown price are not in it."""
    told = usd_short(hourly_nano(sums, now))
    return Span(f"{told}?", "attention") if sums.unpriced and now.live else Span(told, quiet)


def _today(sums: Totals, now: Present, width: int) -> list[Span]:
    quiet = "normal" if now.live else "dim"
    if not sums.budget_nano:
        return [Span(usd_short(sums.today_nano), quiet)]
    share = sums.budgeted_nano / sums.budget_nano
    role = ("normal" if share < 0.8 else "attention") if now.live else "dim"
    most = usd_short(sums.budget_nano).removeprefix("$")
    spent = framed("totals.of", [Span(usd_short(sums.today_nano), quiet)], most=most)
    if width < _BAR_FROM:
        return spent
    return [
        *spent,
        Span(" "),
        Span(bar(share, 6, hollow=not now.live), "bar " + role),
        Span(f" {percent(sums.budgeted_nano, sums.budget_nano)}", role),
    ]


_BAR_FROM: Final = 100
_MOST_FIRST: Final = ("refused", "failed", "today", "asked", "hour")


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
    return []


def _joined(parts: Mapping[str, list[Span]], health: list[Span], width: int) -> list[Span]:
    """The parts with blanks between, as many as fit beside the gateway's health."""
    kept: set[str] = set()
    room = width - sum(cell_len(span.text) for span in health) - bool(health)
    for part in _MOST_FIRST:
        cells = sum(cell_len(span.text) for span in parts[part]) + (2 if kept else 0)
        if cells <= room:
            room -= cells
            kept.add(part)
    return [span for part, spans in parts.items() if part in kept for span in (*spans, Span("  "))][
        :-1
    ]
