"""What is used of a row's tightest limit: the number, its limit and its unit, and a bar of it."""

from collections.abc import Sequence
from typing import Final

from quotadeck.domain.commands import Field
from quotadeck.domain.money import usd_short
from quotadeck.domain.rules import RULE_BY_CAUSE, RULES, Measure
from quotadeck.domain.snapshot import LimitedRow, LimitReading
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED
from quotadeck.tui.columns.parts import At, gauge
from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.spans import Span
from quotadeck.words import text
from quotadeck.words.numbers import NONE, short

LEAST_BAR: Final = 4
_MONEY: Final = {RULE.field for RULE in RULES if RULE.measure is Measure.MONEY}


def use_spans(row: LimitedRow, at: At, cells: int) -> Sequence[Span]:
    """The number and its limit, before it its bar where there is room for both."""
    limit = tightest(row)
    if limit is None:
        return [Span(fit(NONE, cells, right=True), "dim")]
    used, most = amounts(limit)
    unit = "" if limit.field in _MONEY else text("row.unit", field=limit.field)
    if unit and cell_len(used) + cell_len(most) + cell_len(unit) + 2 <= cells:
        unit = f" {unit}"
    taken = cell_len(used) + 1 + cell_len(most) + cell_len(unit)
    room = cells - taken
    if room < 0:
        return [Span(fit(NONE, cells, right=True), "dim")]
    spans = [Span(" " * room)] if room else []
    if room > LEAST_BAR:
        bar_cells = cells - LONGEST - 1
        spans = (
            [gauge(share(limit), at, bar_cells), Span(" " * (room - bar_cells))]
            if bar_cells >= LEAST_BAR
            else spans
        )
    return [
        *spans,
        Span(used, at.quiet("normal" if limit.used else "dim")),
        Span(f"/{most}{unit}", "dim"),
    ]


LONGEST: Final = 13
"""``171k/200k tpm``."""


def tightest(row: LimitedRow) -> LimitReading | None:
    """The limit that refuses, else the one of which most is used; None where it has none.

    Shares are compared in tenths, so that two that are much alike do not take turns.
    """
    refusing = _FIELDS.get(row.state.cause)
    return max(
        row.limits,
        key=lambda one: (one.field == refusing, int(share(one) * 10)),
        default=None,
    )


def share(limit: LimitReading) -> float:
    """What is used of a limit, from 0 to 1."""
    return min(1.0, limit.used / limit.limit) if limit.limit else 1.0


def amounts(limit: LimitReading) -> tuple[str, str]:
    """What is used, and of how much."""
    if limit.field in _MONEY:
        return usd_short(limit.used), usd_short(limit.limit).removeprefix("$")
    return short(limit.used), short(limit.limit)


_FIELDS: Final = {
    **{cause: rule.field for cause, rule in RULE_BY_CAUSE.items()},
    HELD_MONEY: Field.BUDGET,
    NOT_COVERED: Field.BUDGET,
}
