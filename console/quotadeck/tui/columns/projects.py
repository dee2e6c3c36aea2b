"""The projects: a column is a row of the table."""

from dataclasses import replace
from typing import Final

from quotadeck.domain.money import usd_short
from quotadeck.domain.snapshot import ProjectRow
from quotadeck.domain.state import StateKind
from quotadeck.tui.columns import shared
from quotadeck.tui.columns.parts import RATES, At, Rate, gauge, name_role, used
from quotadeck.tui.forecast import budget_share, is_soon, project_gone_us
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import fit, fit_middle
from quotadeck.tui.kit.spans import Span
from quotadeck.words import text
from quotadeck.words.numbers import NONE, short
from quotadeck.words.times import clock_time

_Column = Column[ProjectRow, At]

_NUMBER: Final = 5
_NUMBER_OF_LIMIT: Final = 9
_PRIORITIES: Final = {"high": (0, "H"), "medium": (1, " "), "low": (2, "L")}


def tells_limits(cells: int) -> bool:
    """Whether a rate's column of so many cells has room for the limit beside each number."""
    return cells >= _NUMBER_OF_LIMIT + 4


def _rate(rate: Rate) -> _Column:
    def draw(row: ProjectRow, at: At, cells: int) -> list[Span]:
        of = tells_limits(cells)
        number = _NUMBER_OF_LIMIT if of else _NUMBER
        return used(rate, row, at, cells - number, number, of=of)

    return _Column(
        rate.id,
        lambda row, _: short(rate.taken(row)),
        draw=draw,
        sort=lambda row, _: -(rate.share(row) or 0),
        titles=(rate.id,),
        cells=8,
        steps=((2, 1), (7, 4), (11, 1), (13, 1), (17, 4)),
        right=True,
    )


def _today(row: ProjectRow, at: At, cells: int) -> list[Span]:
    """The bar of today's budget, what was spent, and the budget where there is room."""
    limit_nano, limit = row.budget.limit_nano, ""
    money = 12 if cells >= 18 else 7 if cells >= 11 else 6
    if limit_nano is not None and money == 12:
        limit = "/" + usd_short(limit_nano).removeprefix("$")
    spent = fit(usd_short(row.budget.spent_nano), money - len(limit), right=True)
    share = None if limit_nano is None else budget_share(row)
    spans = [gauge(share, at, cells - money), Span(spent, at.quiet("normal"))]
    return [*spans, Span(limit, "dim")] if limit else spans


def _gone(row: ProjectRow, at: At) -> str:
    if row.state.held(StateKind.SPENT):
        return text("state.spent")
    gone_us = project_gone_us(row, at.now)
    return clock_time(gone_us, at.zone) if gone_us else NONE


def _gone_role(row: ProjectRow, at: At) -> str:
    if row.state.held(StateKind.SPENT):
        return at.quiet(row.state.urgency.value)
    gone_us = project_gone_us(row, at.now)
    if is_soon(gone_us, at.now):
        return at.quiet("attention")
    return at.quiet("normal" if gone_us else "dim")


NAME: Final = _Column(
    "name", lambda row, _: row.id, name_role,
    lambda row, at, cells: (Span(fit(fit_middle(row.id, cells), cells), name_role(row, at)),),
    seek=lambda row, _: f"{row.id}\n{row.name}", titles=("project",),
    cells=12, steps=((12, 4), (16, 10)), rest=True, gap=False,
)  # fmt: skip
PRIORITY: Final = _Column(
    "priority", lambda row, _: _PRIORITIES.get(row.priority, (1, " "))[1],
    lambda row, _: "key" if row.priority == "high" else "dim",
    sort=lambda row, _: _PRIORITIES.get(row.priority, (1, " "))[0], cells=1,
)  # fmt: skip
TODAY: Final = _Column(
    "today", lambda row, _: usd_short(row.budget.spent_nano), draw=_today,
    sort=lambda row, _: -row.budget.spent_nano, titles=("today/budget", "today"),
    cells=9, steps=((2, 1), (6, 1), (11, 1), (13, 1), (14, 5), (17, 4)), right=True,
)  # fmt: skip
GONE: Final = _Column(
    "gone", _gone, _gone_role,
    sort=lambda row, at: project_gone_us(row, at.now) or row.budget.ends_us,
    titles=("gone",), steps=((3, 5),), right=True,
)  # fmt: skip

PROJECTS: Final[tuple[_Column, ...]] = (
    shared.MARK,
    shared.CURSOR,
    NAME,
    PRIORITY,
    replace(shared.GLYPH, gap=False),
    shared.STATE,
    *(_rate(rate) for rate in RATES),
    TODAY,
    GONE,
    shared.FAILED,
    shared.P95,
    shared.REFUSED,
    shared.IN_FLIGHT,
    shared.CHANGES,
)
"""From left to right. 60 cells hold the names, states and uses; 80 have the forecast, failures and
p95, too; wider ones the limit of every number, refusals, requests in flight, what is in force."""
