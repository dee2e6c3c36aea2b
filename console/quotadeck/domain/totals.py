"""What rows come to. Enforced figures and reported ones have sums of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quotadeck.domain.capability import FigureKind
from quotadeck.domain.snapshot import ProjectRow
from quotadeck.domain.state import Urgency


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over projects: of the last 60 s, and of each one's day of money."""

    projects: int = 0
    paused: int = 0
    in_trouble: int = 0
    in_attention: int = 0
    requests: int = 0
    refused: int = 0
    ended: int = 0
    failed: int = 0
    in_flight: int = 0
    minute_nano: int = 0
    """Spent in the last 60 s."""
    unpriced: int = 0
    """Calls of the last 60 s whose price nobody knows: not in what was spent."""
    today_nano: int = 0
    budget_nano: int = 0
    budgeted_nano: int = 0
    """Spent today by the projects that have a budget, at most that."""


def totals(tables: Iterable[tuple[FigureKind, Sequence[ProjectRow]]]) -> dict[FigureKind, Totals]:
    """The sums of each kind that there is; never one over both."""
    rows: dict[FigureKind, list[ProjectRow]] = {}
    for kind, table in tables:
        rows.setdefault(kind, []).extend(table)
    return {kind: _sums(of) for kind, of in rows.items()}


def _sums(rows: Sequence[ProjectRow]) -> Totals:
    limited = [row.budget for row in rows if row.budget.limit_nano is not None]
    return Totals(
        projects=len(rows),
        paused=sum(row.paused for row in rows),
        in_trouble=sum(row.state.urgency is Urgency.TROUBLE for row in rows),
        in_attention=sum(row.state.urgency is Urgency.ATTENTION for row in rows),
        requests=sum(row.flow.requests_60s for row in rows),
        refused=sum(row.flow.refused_60s for row in rows),
        ended=sum(row.flow.ended_60s for row in rows),
        failed=sum(row.flow.failed_60s for row in rows),
        in_flight=sum(row.flow.in_flight for row in rows),
        minute_nano=sum(row.flow.spent_60s_nano for row in rows),
        unpriced=sum(row.flow.unpriced_60s for row in rows),
        today_nano=sum(row.budget.spent_nano for row in rows),
        budget_nano=sum(budget.limit_nano or 0 for budget in limited),
        budgeted_nano=sum(min(one.spent_nano, one.limit_nano or 0) for one in limited),
    )
