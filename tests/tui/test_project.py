"""The page of a project: what it shows, how it stays fresh, and what its keys are about."""

from dataclasses import replace

import pytest
from textual.events import Key

from quotadeck.domain.capability import Capabilities, FigureKind, Read
from quotadeck.domain.snapshot import Snapshot
from quotadeck.sources.base import SourceGone
from quotadeck.tui.app import Quotadeck
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.pages.project import Project
from quotadeck.tui.themes import find_theme
from tests.clocks import HandClock
from tests.tui.call_book import CallBook, night
from tests.tui.driving import choose, framed, quotadeck, quotadeck_of, scripted, sees, shown, until
from tests.tui.hours import an_hour
from tests.tui.play import JST
from tests.tui.quarters import a_quarter
from tests.tui.scenes import AT_US, fire
from tests.tui.scripted import Scripted, taken_apart


async def test_enter_shows_the_row_and_escape_goes_back() -> None:
    source = scripted(passed=an_hour)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "‹ analytics", "storm ×14", "rpm 20 → 330 would let all through")
        await sees(pilot, "its rpm 20 is taken", "4,071", "k_b21a86 (prod)", "20 / 20")
        assert source.asked == ["analytics"]
        await pilot.press("escape")
        await sees(pilot, "today")
        assert "‹ analytics" not in shown(quotadeck_of(pilot))


async def test_changes_are_about_the_project_that_is_shown() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "batch-embed")
        await pilot.press("enter")
        await sees(pilot, "‹ batch-embed")
        await pilot.press("p")
        await sees(pilot, "pause batch-embed")
        await pilot.press("escape", "a")
        await sees(pilot, "audit batch-embed")


async def test_explain_is_about_the_project_and_then_about_the_chosen_request() -> None:
    source = scripted(passed=an_hour)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "its rpm 20 is taken")
        await pilot.press("x")
        await sees(pilot, "why: analytics", "analytics's rpm is 20")
        await pilot.press("x", "j")
        await sees(pilot, "▸ its rpm 20 is taken")
        await pilot.press("x")
        await sees(pilot, "why: req_019f", "Nothing is on record")
        assert "req_019f0d2a54b07aa29c3e0b4d6f00f9a1" in framed(pilot).replace("\n", "")
        await pilot.press("escape")
        await until(pilot, lambda: "why:" not in shown(quotadeck_of(pilot)))


async def test_figures_are_read_anew_every_few_seconds_and_stay_where_they_cannot_be() -> None:
    clock = HandClock(AT_US)
    source = Scripted(iter((fire(),)), 0.02, monotonic_ns=clock.monotonic_ns, passed=an_hour)
    theme, _ = find_theme("dark", {})
    app = Quotadeck(source, clock=clock, theme=theme, keys=Keys(), zone=JST)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "4,071")
        assert len(source.asked) == 1
        first = taken_apart()
        source.detail = replace(first, causes=(replace(first.causes[0], count=5_003),))
        clock.advance_ms(2_000)
        app.screen_stack[-1].pulse()  # type: ignore[attr-defined]
        assert len(source.asked) == 1, "not yet"
        clock.advance_ms(4_000)
        await sees(pilot, "5,003")
        assert len(source.asked) == 2

        async def lost(project: str) -> None:
            raise SourceGone("source.silent", socket="s", silent_s="5", asked=project)

        source.project_detail = lost  # type: ignore[assignment, method-assign]
        clock.advance_ms(20_000)
        await sees(pilot, "5,003", "as of 20s ago")


async def test_a_project_that_is_gone_says_so() -> None:
    def leaving() -> list[Snapshot]:
        whole = fire()
        return [whole, whole, replace(whole, projects=whole.projects[1:])]

    source = Scripted(iter(leaving()), 0.3)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "analytics is no longer there")
        await pilot.press("p")
        await sees(pilot, "analytics is no longer there")
        assert source.commands == []


async def test_a_source_that_tells_less_is_drawn_with_what_it_tells() -> None:
    can = Capabilities({Read.STREAM, Read.PROJECT}, set(), FigureKind.REPORTED)
    source = scripted(can=can)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "20 / 20", "its rpm 20 is taken")
        assert "last 60 min" not in shown(quotadeck_of(pilot))


async def test_a_longer_page_says_what_is_below_and_scrolls_to_it() -> None:
    async with quotadeck(scripted(passed=an_hour)).run_test(size=(60, 16)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "1–14 of ", "lines, ↓ ↑")
        page = quotadeck_of(pilot).screen
        assert isinstance(page, Project)
        await page.app.on_event(Key("j", "j"))
        await sees(pilot, "▸ its rpm 20 is taken")
        await pilot.press("G")
        await sees(pilot, "k_0777d2")


@pytest.mark.parametrize(("height", "told"), [(50, True), (22, False)])
async def test_lines_that_are_left_over_show_its_newest_calls(height: int, told: bool) -> None:
    source = scripted(passed=an_hour)
    source.book = CallBook(list(night()))
    async with quotadeck(source).run_test(size=(80, height)) as pilot:
        await choose(pilot, "batch-embed")
        await pilot.press("enter")
        await sees(pilot, "callers", *["its newest calls", "gemin…flash ok"][: 2 * told])
        assert ("its newest calls" in shown(quotadeck_of(pilot))) is told


async def test_the_most_of_the_hour_is_not_told_beside_more_than_that() -> None:
    """The minute that runs is not among those that ended."""
    source = scripted(passed=a_quarter)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "274 of 294", "≤274", "$1.16")
        assert "≤$" not in shown(quotadeck_of(pilot))
