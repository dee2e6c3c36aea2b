"""Who is in trouble is read first; rows stand still without a reason to move."""

from dataclasses import replace

import pytest

from quotadeck.domain.capability import FigureKind
from quotadeck.domain.snapshot import Flow, ProjectRow, RouteRow
from quotadeck.domain.state import State, StateKind, Urgency
from quotadeck.domain.totals import totals
from quotadeck.tui.columns.projects import SPENDING
from quotadeck.tui.columns.shared import WHY
from quotadeck.tui.forecast import project_gone_us
from quotadeck.tui.in_force import InForceMark, in_force
from quotadeck.tui.model_rows import ModelRow, model_rows
from quotadeck.tui.order import Order
from quotadeck.tui.present import Present
from tests.tui.lines import at
from tests.tui.scenes import AT_US, DAY_END_US, NOW_MS, calm, change, fire, project, trouble, usd

NOW = Present(NOW_MS, AT_US)
FLASH = RouteRow(
    "gpt-4.1",
    0,
    ("main/gpt-4.1", "main/gemini-2.5-flash"),
    "main/gemini-2.5-flash",
    paused=False,
    changes=(change("target", "main/gemini-2.5-flash", "main/gpt-4.1", 60),),
)
ROUTES = {"gpt-4.1": FLASH}

ENFORCED = FigureKind.ENFORCED


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (project("a"), ("", " ")),
        (project("a", models=("gpt-4.1",)), ("↘flash −1h", "↘")),
        (project("a", changes=(change("rpm", 40, 20),)), ("↑rpm −59m", "✎")),
        (project("a", changes=(change("rpm", 400, 300),)), ("↑rpm −59m", "✎")),
        (project("a", changes=(change("rpm", 400, None),)), ("↓rpm −59m", "✎")),
        (project("a", changes=(change("tpm", 10, 20, None),)), ("↓tpm", "✎")),
    ],
)  # fmt: skip
def test_what_is_in_force_stands_beside_any_state(row: ProjectRow, said: tuple[str, str]) -> None:
    for state in (row.state, trouble(StateKind.STORM, "rpm")):
        force = in_force(replace(row, state=state), ROUTES, NOW)
        assert (force.text, force.glyph) == said


def test_a_target_forced_away_says_where_to() -> None:
    _, gpt, *_ = fire().targets
    assert in_force(gpt, ROUTES, NOW).text == "↘flash −1h"


SPENDS = Flow(requests_60s=4, spent_60s_nano=usd(1.16), spent_10m_nano=usd(11.6))


def test_a_forecast_is_told_only_if_the_budget_ends_today() -> None:
    row = project("a", budget=500, spent=455, flow=SPENDS)
    gone = project_gone_us(row, NOW)
    assert gone is not None
    assert (gone - AT_US) // 60_000_000 == 38  # 45 dollars at 1.16 a minute
    young = project_gone_us(row, replace(NOW, counted_us=60_000_000))
    assert young is not None
    assert (young - AT_US) // 60_000_000 == 3  # all of it in the one minute since the start
    late = AT_US + 37 * 60_000_000
    assert project_gone_us(replace(row, budget=replace(row.budget, ends_us=late)), NOW) is None
    assert project_gone_us(replace(row, flow=Flow()), NOW) is None
    assert row.budget.ends_us == DAY_END_US


def test_a_burst_is_forecast_from_its_own_minute_and_silence_not_at_all() -> None:
    burst = replace(SPENDS, requests_60s=40, spent_60s_nano=usd(9))
    row = project("a", budget=500, spent=455, flow=burst)
    gone = project_gone_us(row, NOW)
    assert gone is not None
    assert (gone - AT_US) // 60_000_000 == 5  # 45 dollars at 9 a minute
    silent = replace(burst, requests_60s=0, spent_60s_nano=0)
    assert project_gone_us(replace(row, flow=silent), NOW) is None


def test_trouble_comes_first_then_what_is_in_force_then_what_is_spent() -> None:
    snapshot = fire(8)
    routes = {route.id: route for route in snapshot.routes}
    order = Order(WHY, SPENDING)
    names = [row.name for row in order.of(snapshot.projects, at(NOW, routes))]
    assert names[:3] == ["analytics", "batch-embed", "mobile-app"]
    assert names[3:6] == ["search", "support-chat", "content-gen"]  # something is in force
    assert sorted(names) == sorted(row.name for row in snapshot.projects)


def test_every_trouble_counts_and_attention_does_not() -> None:
    snapshot = calm(3)
    states = (
        trouble(StateKind.CUT_OFF),
        State(StateKind.NEAR, Urgency.ATTENTION),
        State(StateKind.PAUSED),
    )
    rows = tuple(
        replace(row, state=state) for row, state in zip(snapshot.projects, states, strict=True)
    )
    assert totals([(ENFORCED, rows)])[ENFORCED].in_trouble == 1


def test_rows_rise_at_once_and_sink_only_after_calm() -> None:
    order = Order(WHY, SPENDING)
    quiet = calm(3)
    names = [row.id for row in quiet.projects]
    throttled = replace(quiet.projects[1], state=trouble(StateKind.THROTTLED, "rpm"))
    loud = replace(quiet, projects=(quiet.projects[0], throttled, quiet.projects[2]))

    def shown(snapshot: object, after_ms: int) -> list[str]:
        assert isinstance(snapshot, type(quiet))
        present = Present(NOW_MS + after_ms, AT_US + after_ms * 1_000)
        return [row.id for row in order.of(snapshot.projects, at(present))]

    assert shown(quiet, 0)[-1] != names[1]
    assert shown(loud, 1_000)[0] == names[1]
    assert shown(quiet, 2_000)[0] == names[1]
    assert shown(quiet, 1_000 + Order.CALM_MS + 1) == shown(quiet, 60_000)
    assert shown(quiet, 61_000)[0] == "analytics"


def test_an_unchanged_reading_is_not_sorted_again() -> None:
    order, rows = Order(WHY, SPENDING), calm(5).projects
    first = order.of(rows, at(NOW))
    assert order.of(rows, at(NOW)) is first


def test_a_pause_is_in_force_beside_a_word_that_does_not_tell_it() -> None:
    row = project("poor", changes=(change("paused", True, None, 42),))
    spent = replace(row, state=State(StateKind.SPENT, Urgency.TROUBLE))
    assert in_force(spent, ROUTES, NOW) == InForceMark("‖", "paused", "−42m", row.changes)
    paused = replace(row, state=State(StateKind.PAUSED))
    assert in_force(paused, ROUTES, NOW) == InForceMark()


def test_a_model_says_once_what_it_fails_by_with_its_target() -> None:
    row = next(one for one in model_rows(fire()) if one.target is not None)
    bad = trouble(StateKind.FAILING, "upstream_5xx", since_s=5, count=7, asked=10)
    route = replace(row.route, state=bad, serving=row.target.id if row.target else "")
    twice = ModelRow(route, row.target and replace(row.target, state=bad), None)
    assert [one.kind for one in twice.held] == [StateKind.FAILING]
    alone = ModelRow(route, row.target and replace(row.target, state=State()), None)
    assert [one.kind for one in alone.held] == [StateKind.FAILING]
