"""The levels of a project: now and limit, the last hour, and when its money ends."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.ages import share
from quotadeck.domain.commands import Field
from quotadeck.domain.detail import ProjectDetail
from quotadeck.domain.money import usd_short
from quotadeck.domain.series import Series, SeriesPage
from quotadeck.domain.snapshot import ProjectRow, limit_on, used_on
from quotadeck.tui.columns.parts import ATTENTION_AT, TROUBLE_AT, At
from quotadeck.tui.forecast import is_soon, project_gone_us
from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.kit.spark import Values, spark
from quotadeck.tui.present import counted_minute_us
from quotadeck.words import text
from quotadeck.words.commands import field_word
from quotadeck.words.numbers import short, three
from quotadeck.words.spent import spent
from quotadeck.words.times import day_time

HOUR_MINUTES: Final = 60
_HEAD: Final = 31
"""Cells before the sparkline: label, now, limit, share."""
_MOST: Final = 7


@dataclass(frozen=True, slots=True)
class _Level:
    """A row of the table; ``top`` 0 is the series' own greatest."""

    label: str
    now: str
    limit: str
    part: tuple[int, int]
    held: int
    """What ``now`` writes, in the unit of ``values``."""
    values: Values
    top: int
    most: Callable[[int], str]
    troubled: bool = False


def level_lines(
    row: ProjectRow, at: At, series: Series | None, page: SeriesPage | None, width: int
) -> list[Line]:
    """The title and a line a level; without the sparklines until the series is there."""
    cells = spark_cells(width)
    lines = [_title(page, at, width, cells)]
    for level in _levels(row, at, series):
        role = _role(level, at)
        spans = [
            *_cells(level, role),
        ]
        if series is not None and cells:
            asked = series.asked if level.troubled else ()
            refused = series.refused if level.troubled else ()
            known = [value for value in level.values if value is not None]
            spans += spark(level.values, cells, level.top, role=at.quiet("normal"),
                           refused=refused, asked=asked)  # fmt: skip
            if known and max(known) >= level.held:  # the minute that runs may be above all others
                most = text("project.most", most=level.most(max(known)))
                spans.append(Span(f" {most}", "dim"))
        lines.append(crop(spans, width))
    return lines


def spark_cells(width: int) -> int:
    """Sixty minutes, two minutes a cell, or four: as many whole cells as there is room for."""
    room = width - _HEAD - _MOST
    return next((cells for cells in (60, 30, 15) if cells <= room), 0)


def _title(page: SeriesPage | None, at: At, width: int, cells: int) -> Line:
    now, limit = text("project.now"), text("project.limit")
    heads = [Span(fit(now, 15, right=True), "dim"), Span(fit(f" / {limit}", 16), "dim")]
    if page is not None and cells:
        since = day_time(page.start_us, at.now.now_us, at.zone)
        words = text("project.last_hour")
        until = day_time(page.start_us + page.minutes * 60_000_000, at.now.now_us, at.zone)
        rule = cells - len(since) - len(until) - len(words) - 5
        line = f"{since} ─ {words} {'─' * rule} {until}" if rule > 0 else words
        heads.append(Span(fit(line, cells), "dim"))
    return crop(heads, width)


def _levels(row: ProjectRow, at: At, series: Series | None) -> list[_Level]:
    flow = row.flow
    asked = flow.requests_60s + flow.refused_60s
    spent_nano = flow.spent_60s_nano * 60_000_000 // counted_minute_us(at.now)
    passed = series.ended if series else ()
    tokens, refused, cost = (
        (series.tokens, series.refused, series.cost_nano) if series else ((), (), ())
    )
    levels = [
        _rate(row, Field.RPM, passed, short),
        _rate(row, Field.TPM, tokens, short),
        _Level(text("project.refused"), three(flow.refused_60s),
               text("project.refused.of", asked=three(asked)), (flow.refused_60s, asked),
               flow.refused_60s, refused, 0, short, troubled=True),
        _Level(text("project.usd_a_minute"), usd_short(spent_nano), "", (0, 0), spent_nano, cost,
               0, usd_short),
    ]  # fmt: skip
    slots = limit_on(row, Field.CONCURRENCY)
    if slots is not None:
        word, part = field_word(Field.CONCURRENCY), (slots.used, slots.limit)
        levels.insert(
            2, _Level(word, short(slots.used), f"/ {short(slots.limit)}", part, 0, (), 0, short)
        )
    return levels


def _rate(row: ProjectRow, field: Field, values: Values, written: Callable[[int], str]) -> _Level:
    limit, used = limit_on(row, field), used_on(row, field)
    if limit is None:
        none = text("project.no_limit")
        return _Level(field_word(field), short(used), none, (0, 0), used, values, 0, written)
    part = (used, limit.limit)
    return _Level(
        field_word(field), short(used), f"/ {short(limit.limit)}", part, used, values,
        limit.limit, written,
    )  # fmt: skip


def _role(level: _Level, at: At) -> str:
    part, whole = level.part
    if level.troubled:
        return at.quiet("trouble" if part * 10 > whole else "attention" if part else "normal")
    if not whole or part < whole * ATTENTION_AT:
        return at.quiet("normal")
    return at.quiet("trouble" if part >= whole * TROUBLE_AT else "attention")


def budget_lines(row: ProjectRow, at: At, detail: ProjectDetail | None, width: int) -> list[Line]:
    """The day's money, when it is gone at the rate of now, and at the usual rate of this hour."""
    budget, now = row.budget, at.now
    spent = usd_short(budget.spent_nano)
    limit = text("project.no_limit")
    if budget.limit_nano:
        limit = f"/ {usd_short(budget.limit_nano)}"
    part = (budget.spent_nano, budget.limit_nano or 0)
    level = _Level(text("project.budget"), spent, limit, part, 0, (), 0, short)
    gone_us = project_gone_us(row, now)
    told, role = _forecast(row, at, gone_us)
    spans = _cells(level, _role(level, at))
    forecast = [Span(told, at.quiet(role))]
    if detail is None:
        return [crop([*spans, *forecast], width)]
    usual, beside = _usual(row, at, detail), width - _HEAD - cell_len(told) - 3
    if cell_len(usual) <= beside:
        return [crop([*spans, *forecast, Span(f" · {usual}", "dim")], width)]
    below = [Span(" " * _HEAD), Span(usual, "dim")]
    return [crop([*spans, *forecast], width), crop(below, width)]


def _cells(level: _Level, role: str) -> list[Span]:
    """What stands before the sparkline, `_HEAD` cells."""
    return [
        Span(fit(f" {level.label}", 8), "dim"),
        Span(fit(level.now, 7, right=True), role),
        Span(fit(f" {level.limit}", 9), "dim"),
        Span(fit(share(*level.part) if level.part[1] else "", 6, right=True), role),
        Span(" "),
    ]


def _forecast(row: ProjectRow, at: At, gone_us: int | None) -> tuple[str, str]:
    budget, now = row.budget, at.now
    rate = row.flow.spent_60s_nano * 3_600_000_000 // counted_minute_us(now)
    if budget.limit_nano is not None and budget.spent_nano >= budget.limit_nano:
        return text("project.spent", ends=day_time(budget.ends_us, now.now_us, at.zone)), "trouble"
    if row.flow.unpriced_60s:
        rate_words = spent(rate, row.flow.unpriced_60s)
        return text("project.rate.unpriced", rate=rate_words), "attention"
    if not rate:
        return text("project.still"), "dim"
    if gone_us is None:
        kind = "project.lasts" if budget.limit_nano else "project.rate"
        return text(kind, rate_nano=rate), "normal"
    told = text("project.runs_out", at=day_time(gone_us, now.now_us, at.zone), rate_nano=rate)
    return told, "attention" if is_soon(gone_us, now) else "normal"


def _usual(row: ProjectRow, at: At, detail: ProjectDetail) -> str:
    """The middle of what this hour cost on the days before."""
    known = sorted(detail.usual_hour_nano)
    if not known:
        return text("project.usual.unknown")
    usual, budget = known[len(known) // 2], row.budget
    if budget.limit_nano is None or budget.spent_nano >= budget.limit_nano:
        return text("project.usual", usual_nano=usual)
    left = budget.limit_nano - budget.spent_nano
    gone_us = at.now.now_us + left * 3_600_000_000 // usual if usual else budget.ends_us
    if gone_us >= budget.ends_us:
        return text("project.usual.lasts", usual_nano=usual)
    gone = day_time(gone_us, at.now.now_us, at.zone)
    return text("project.usual.gone", usual_nano=usual, at=gone)
