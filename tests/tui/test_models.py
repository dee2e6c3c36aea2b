"""The page of the models: what it shows, where its cursor is, and what its keys are about."""

from dataclasses import replace

import pytest

from quotadeck.domain.askers import NOBODY, askers
from quotadeck.domain.routed import Asker, ModelFlow, Routed, Switch, TargetTook
from quotadeck.domain.snapshot import Gap, Past, Per, RouteRow, Snapshot
from quotadeck.tui.panes.model_targets import headroom
from quotadeck.tui.panes.models import ModelsPane, Spot, drawn
from tests.tui.driving import applied, choose, quotadeck, quotadeck_of, scripted, sees, shown, until
from tests.tui.lines import at, text
from tests.tui.scenes import AT_US, MINUTE_US, calm, fire, usd
from tests.tui.scripted import Scripted


def _pane(snapshot: Snapshot, width: int, chosen: tuple[str, str] | None = None) -> ModelsPane:
    seen = at(routes={route.id: route for route in snapshot.routes})
    return ModelsPane(snapshot, seen, width, askers(snapshot.projects), chosen=chosen)


def _lines(snapshot: Snapshot, width: int = 80) -> list[str]:
    return [text(line) for line in drawn(_pane(snapshot, width)).lines]


def _of(model: str, lines: list[str]) -> list[str]:
    """The lines of a model."""
    first = next(i for i, line in enumerate(lines) if line[2:].startswith(model))
    rest = [i for i in range(first + 1, len(lines)) if lines[i][2] != " "]
    return lines[first : rest[0] if rest else None]


def test_each_model_says_what_serves_it_its_targets_and_who_asks_for_it() -> None:
    claude = _of("claude-opus-4.7", _lines(fire()))
    assert "fails 26% 4m" in claude[0]
    assert "1 main/claude-opus-4.7  serves   50/50 rpm  171k/200k tpm" in claude[1]
    assert "2 main/gpt-4.1" in claude[2]
    assert "96/500 rpm" in claude[2]
    assert "room for 404 rpm" in claude[2]
    assert "serves" not in claude[2]
    assert "used by 2  analytics L, content-gen  a pause cuts off all" in claude[-1]
    gpt = _of("gpt-4.1", _lines(fire()))
    assert "↘ gemini-2.5-flash" in gpt[0]
    assert "serves" in gpt[2]
    assert any("gpt-4.1→main/gemini-2.5-flash 1h left (mika)" in line for line in gpt)
    assert "support-chat H" in gpt[-1]
    assert "nobody asked for it" in _of("gemini-…5-flash", _lines(fire()))[-1]


def test_a_pause_cuts_off_those_that_ask_for_nothing_else() -> None:
    snapshot = fire()
    rows = [
        replace(row, models=("gpt-4.1", "deepseek-v3.2")) if row.id == "search" else row
        for row in snapshot.projects
    ]
    lines = _of("gpt-4.1", _lines(replace(snapshot, projects=tuple(rows))))
    assert "used by 2  support-chat H, search" in lines[-2]
    assert "a pause cuts off 1  support-chat H" in lines[-1]
    routes = tuple(
        replace(route, paused=True) if route.id == "gpt-4.1" else route for route in snapshot.routes
    )
    lines = _of("gpt-4.1", _lines(replace(snapshot, projects=tuple(rows), routes=routes)))
    assert "its pause cuts off 1  support-chat H" in lines[-1]
    assert not any("serves" in line for line in lines[1:])


def test_more_who_ask_than_there_is_room_for_are_counted() -> None:
    (line,) = (line for line in _lines(calm(300)) if "used by 299" in line)
    assert "support-chat H" in line
    assert " more " in line
    assert askers(calm().projects).get("deepseek-v3.2", NOBODY) is NOBODY


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_or_narrower_than_the_screen(width: int) -> None:
    for snapshot in (fire(), calm(300)):
        assert {len(line) for line in _lines(snapshot, width)} == {width}


def test_whole_columns_go_where_it_is_narrow() -> None:
    narrow = _of("claude-opus-4.7", _lines(fire(), 60))
    assert "tpm" not in narrow[2]
    assert "96/500 rpm  room for 404 rpm" in narrow[2]


def test_headroom_is_of_the_limit_that_is_nearest() -> None:
    row = fire().targets[1]
    tight = replace(row.limits[1], used=990_000)
    assert headroom(replace(row, limits=(row.limits[0], tight))) is tight
    assert headroom(replace(row, limits=())) is None
    snapshot = fire()
    targets = tuple(replace(row, limits=()) for row in snapshot.targets)
    assert "no limit of its own" in _lines(replace(snapshot, targets=targets))[2]


def test_of_the_past_nothing_is_told_of_targets_that_was_not_recorded() -> None:
    snapshot = replace(fire(), past=Past(Per.HOUR, (Gap.TARGETS,)))
    seen = at(replace(at().now, lacks=frozenset({Gap.TARGETS})))
    pane = ModelsPane(snapshot, seen, 80, askers(snapshot.projects))
    told = [text(line) for line in drawn(pane).lines]
    assert "96/500" not in "".join(told)
    assert "room for" not in "".join(told)


def test_what_passed_lately_stands_under_its_model_and_its_targets() -> None:
    snapshot = fire()
    flow = ModelFlow(
        "claude-opus-4.7", 1_000, 400, 600, 3, usd(6), (Asker("analytics", 910),),
        (Switch("main/gpt-4.1", usd(-12)), Switch("main/gemini-2.5-flash", usd(3))),
    )  # fmt: skip
    took = TargetTook("main/gpt-4.1", 500, 400, 5_800, 500, AT_US - 18 * MINUTE_US)
    told = Routed(AT_US, AT_US - 15 * MINUTE_US, AT_US - 15 * MINUTE_US, (flow,), (took,))
    pane = replace(_pane(snapshot, 80), routed=told)
    lines = _of("claude-opus-4.7", [text(line) for line in drawn(pane).lines])
    assert "p50 0.4s p95 5.8s first byte 0.5s · 429s over 18m ago" in lines[3]
    assert "15 min: 1,000 asked, 400 refused, $10.0/1k  analytics 91%" in lines[-3]
    assert "switching costs  2 −$12.0/h · 3 +$3.00/h" in lines[-2]
    wide = [text(line) for line in drawn(replace(pane, width=140)).lines]
    assert "room for 404 rpm · p50 0.4s p95 5.8s first byte 0.5s · 429s over 18m ago" in wide[2]


def test_a_target_of_several_models_is_a_spot_of_each() -> None:
    spots = drawn(_pane(fire(), 80)).spots
    flash = [spot for spot in spots if spot.target == "main/gemini-2.5-flash"]
    assert [spot.model for spot in flash] == ["claude-opus-4.7", "gpt-4.1", "gemini-2.5-flash"]
    assert len({spot.key for spot in spots}) == len(spots)
    assert isinstance(spots[0], Spot)


# -- the page -------------------------------------------------------------------------------------


async def test_m_shows_the_models_from_the_one_that_the_row_asks_for() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "batch-embed")
        await pilot.press("m")
        await sees(pilot, "models and routes", "▸deepseek-v3.2", "room for 404 rpm")
        await pilot.press("escape")
        await sees(pilot, "today")
        await pilot.press("enter")
        await sees(pilot, "‹ batch-embed")
        await pilot.press("m")
        await sees(pilot, "▸deepseek-v3.2")
        await pilot.press("q")
        await sees(pilot, "‹ batch-embed")


async def test_enter_on_a_model_shows_the_models_with_it_chosen() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("tab", "j", "enter")
        await sees(pilot, "models and routes", "▸gpt-4.1")
        await pilot.press("j", "j")
        await sees(pilot, "▸ 2 main/gemini-2.5-flash serves")
        await pilot.press("k", "k", "k")
        await sees(pilot, "▸ 4 main/deepseek-v3.2")


async def test_changes_are_about_the_model_or_the_target_under_the_cursor() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("m")
        await sees(pilot, "▸claude-opus-4.7")
        await pilot.press("p")
        await sees(pilot, "pause model claude-opus-4.7")
        await pilot.press("escape", "j", "j", "l")
        await sees(pilot, "limit main/gpt-4.1")
        await pilot.press("escape", "x")
        await sees(pilot, "why: main/gpt-4.1")
        await pilot.press("x", "y")
        await sees(pilot, "copied main/gpt-4.1")
        await pilot.press("c")
        await sees(pilot, "target:main/gpt-4.1")
        await pilot.press("q", "k", "f")
        await sees(pilot, "claude-opus-4.7 → main/gpt-4.1")
        await pilot.press("escape", "j", "j", "f")
        await sees(pilot, "‹ claude-opus-4.7 → main/gemini-2.5-flash ›")
        await pilot.press("escape", "G", "g", "u")
        assert applied(source) == []


async def test_on_a_small_screen_the_last_lines_are_seen_too() -> None:
    async with quotadeck(scripted()).run_test(size=(60, 16)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("m")
        await sees(pilot, "1–13 of ")
        await pilot.press("G")
        await sees(pilot, "▸ 1 main/deepseek-v3.2", "used by 1  batch-embed L")
        await pilot.press("g")
        await sees(pilot, "▸claude-opus-4.7")


async def test_a_model_that_is_gone_leaves_the_cursor_on_the_first() -> None:
    first = fire()

    def without() -> list[RouteRow]:
        return [route for route in first.routes if route.id != "gpt-4.1"]

    source = Scripted(iter((first, first, replace(first, routes=tuple(without())))), 0.3)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "search")
        await pilot.press("m")
        await sees(pilot, "▸gpt-4.1")
        await sees(pilot, "▸claude-opus-4.7")
        await until(pilot, lambda: "\n  gpt-4.1 " not in shown(quotadeck_of(pilot)))
