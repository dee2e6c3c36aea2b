"""Who is in trouble, said first; rows stand still without a reason to move."""

from dataclasses import replace

import pytest

from console.domain.snapshot import Flow, ProjectRow, RouteRow
from console.tui.state import Care, Order, Present, project_gone_us, project_state, target_state
from tests.tui.scenes import AT_US, DAY_END_US, NOW_MS, calm, change, fire, project, usd

NOW = Present(NOW_MS, AT_US)
FLASH = RouteRow(
    "gpt-4.1", 0, ("main/gpt-4.1", "main/gemini-2.5-flash"), "main/gemini-2.5-flash", paused=False,
    changes=(change("target", "main/gemini-2.5-flash", "main/gpt-4.1", 60),),
)  # fmt: skip
ROUTES = {"gpt-4.1": FLASH}


@pytest.mark.parametrize(
    ("row", "said", "care"),
    [
        (project("a"), "ok", Care.CALM),
        (project("a", flow=Flow(20, 0, 9, "rpm", NOW_MS - 38_000)), "throttled 38s", Care.TROUBLE),
        (project("a", flow=Flow(20, 0, 9, "rpm", NOW_MS - 2_000)), "throttled", Care.TROUBLE),
        (project("a", flow=Flow(34, 0, 1, "rpm", NOW_MS - 9_000)), "throttled 9s", Care.ATTENTION),
        (project("a", flow=Flow(60, 0, 512, "rpm", NOW_MS)), "storm ×9", Care.TROUBLE),
        (project("a", budget=5, spent=5), "budget spent", Care.TROUBLE),
        (project("a", budget=5, spent=4.99, flow=Flow(refused_60s=1, refused_cause="budget")),
         "budget spent", Care.TROUBLE),
        (project("a", flow=Flow(forwarded_5m=100, errors_5m=12)), "errors 12%", Care.TROUBLE),
        (project("a", flow=Flow(forwarded_5m=9, errors_5m=9)), "ok", Care.CALM),
        (project("a", paused=True, changes=(change("paused", "yes", "no", 42),)),
         "paused 42m", Care.ATTENTION),
        (project("a", paused=True), "paused", Care.ATTENTION),
        (project("a", models=("gpt-4.1",)), "↘flash 1h", Care.ATTENTION),
        (project("a", changes=(change("rpm", "40", "20"),)), "ok ↑rpm 59m", Care.ATTENTION),
        (project("a", changes=(change("tpm", "10", "20", None),)), "ok ↓tpm", Care.ATTENTION),
        (project("a", budget=10, spent=8.5), "budget 85%", Care.ATTENTION),
    ],
)  # fmt: skip
def test_the_worst_news_is_the_state(row: ProjectRow, said: str, care: Care) -> None:
    state = project_state(row, ROUTES, NOW)
    assert (state.text, state.care) == (said, care)


def test_only_trouble_has_the_mark_of_trouble() -> None:
    near = (project("a", flow=Flow(34, 0, 1, "rpm")), project("a", budget=10, spent=8.5))
    assert [project_state(row, ROUTES, NOW).mark for row in near] == ["~", "~"]


def test_a_target_says_what_its_upstream_answers() -> None:
    opus, gpt, *_ = fire().targets
    assert target_state(opus, {}, NOW).text == "429 ×14/m"
    assert target_state(gpt, ROUTES, NOW).text == "↘flash 1h"


def test_a_forecast_is_told_only_if_the_budget_ends_today() -> None:
    row = project("a", budget=500, spent=455, flow=Flow(spent_10m_nano=usd(11.6)))
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


def test_trouble_comes_first_then_priority_then_the_order_of_the_list() -> None:
    snapshot = fire(8)
    routes = {route.id: route for route in snapshot.routes}
    names = [row.name for row in Order().of(snapshot, routes, NOW)]
    assert names[:3] == ["mobile-app", "analytics", "batch-embed"]
    assert names[3] == "support-chat"  # high priority, among those that want attention
    assert sorted(names) == sorted(row.name for row in snapshot.projects)


def test_rows_rise_at_once_and_sink_only_after_calm() -> None:
    order = Order()
    quiet = calm(3)
    names = [row.id for row in quiet.projects]
    throttled = replace(quiet.projects[1], flow=Flow(20, 0, 9, "rpm", NOW_MS))
    loud = replace(quiet, projects=(quiet.projects[0], throttled, quiet.projects[2]))

    def shown(snapshot: object, after_ms: int) -> list[str]:
        assert isinstance(snapshot, type(quiet))
        present = Present(NOW_MS + after_ms, AT_US + after_ms * 1_000)
        return [row.id for row in order.of(snapshot, {}, present)]

    assert shown(quiet, 0)[-1] != names[1]
    assert shown(loud, 1_000)[0] == names[1]
    assert order.alarms == 1
    assert shown(quiet, 2_000)[0] == names[1]
    assert order.alarms == 0
    assert shown(quiet, 1_000 + Order.CALM_MS + 1) == shown(quiet, 60_000)
    assert shown(quiet, 61_000)[0] == "support-chat"


def test_an_unchanged_reading_is_not_sorted_again() -> None:
    order, snapshot = Order(), calm(5)
    first = order.of(snapshot, {}, NOW)
    assert order.of(snapshot, {}, NOW) is first
