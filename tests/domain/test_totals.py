"""Sums over projects: what was decided on and what was told are never one number."""

from dataclasses import replace

from quotadeck.domain.capability import FigureKind
from quotadeck.domain.snapshot import Budget, Flow, ProjectRow
from quotadeck.domain.state import State, StateKind, Urgency
from quotadeck.domain.totals import Totals, totals

ROW = ProjectRow(
    id="a",
    name="a",
    priority="high",
    version=0,
    paused=False,
    limits=(),
    budget=Budget(100, 30, 0, 0),
    flow=Flow(
        requests_60s=5, refused_60s=1, ended_60s=4, failed_60s=2, spent_60s_nano=7, unpriced_60s=1
    ),
)
OVERSPENT = replace(ROW, id="b", budget=Budget(10, 30, 0, 0), paused=True)
ENDLESS = replace(
    ROW, id="c", budget=Budget(None, 9, 0, 0), state=State(StateKind.OTHER, Urgency.TROUBLE)
)


def test_a_call_that_is_enforced_and_reported_is_not_counted_twice() -> None:
    tables = [
        (FigureKind.ENFORCED, [ROW]),
        (FigureKind.REPORTED, [replace(ROW, flow=Flow(requests_60s=70))]),
        (FigureKind.ENFORCED, [ENDLESS]),
    ]
    sums = totals(tables)
    assert sums[FigureKind.ENFORCED].requests == 10
    assert sums[FigureKind.REPORTED].requests == 70
    assert set(sums) == set(FigureKind)


def test_only_the_kinds_that_there_are_have_sums() -> None:
    assert totals([]) == {}
    assert totals([(FigureKind.ENFORCED, [])]) == {FigureKind.ENFORCED: Totals()}


def test_every_sum_is_over_every_row_and_budgets_over_those_that_have_one() -> None:
    (sums,) = totals([(FigureKind.ENFORCED, [ROW, OVERSPENT, ENDLESS])]).values()
    assert sums == Totals(
        projects=3,
        paused=1,
        in_trouble=1,
        requests=15,
        refused=3,
        ended=12,
        failed=6,
        in_flight=0,
        minute_nano=21,
        unpriced=3,
        today_nano=69,
        budget_nano=110,
        budgeted_nano=40,
    )
