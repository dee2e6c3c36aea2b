"""No key ends the console: every one of the table on every page, where there is nothing at all."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, repeat

import pytest
from textual.pilot import Pilot

from quotadeck.domain.snapshot import Snapshot
from quotadeck.tui.keys.act import Act, NothingToDo
from quotadeck.tui.keys.table import PLACES, Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.filter import Filter
from quotadeck.tui.kit.listpage import ListPage
from quotadeck.tui.kit.page import Page
from quotadeck.tui.pages.audit import Audit
from quotadeck.tui.pages.call import OneCall
from quotadeck.tui.pages.calls import Calls
from quotadeck.tui.pages.help import Help
from quotadeck.tui.pages.models import Models
from quotadeck.tui.pages.project import Project
from quotadeck.tui.pages.timeline import Timeline
from tests.tui.driving import choose, quotadeck, quotadeck_of, sees, until
from tests.tui.happened import Happened, night
from tests.tui.hours import an_hour
from tests.tui.scenes import fire
from tests.tui.scripted import Scripted

MADE: dict[Place, Callable[[Context], Page]] = {
    "audit": Audit,
    "project": lambda context: Project(context, "analytics"),
    "calls": Calls,
    "call": lambda context: OneCall(context, "req_019f0d2a54b07aa29c3e0b4d6f00f9a1"),
    "timeline": Timeline,
    "models": Models,
    "help": lambda context: Help("overview", context),
}
"""The pages over the overview."""
LEAVING = ("overview.quit", "app.leave", "app.suspend", "export.write")
"""They end the console, stop its process, or write a file."""
HIDING = "nosuchthing"


def nobody() -> Snapshot:
    return replace(fire(), projects=(), targets=(), routes=(), events=())


def source_of(where: str) -> Scripted:
    snapshot = fire() if where in ("hidden", "lost") else nobody()
    source = Scripted(chain((snapshot,), repeat(snapshot)), 0.05, happened=Happened())
    if where == "hidden":
        source = Scripted(repeat(snapshot), 0.05, **{**night(), "passed": an_hour})
    source.gone = where == "never"
    source.was = lambda at_us: replace(snapshot, at_us=at_us)
    return source


async def stand(pilot: Pilot[int], place: Place, where: str) -> Page:
    """On a page, over the overview alone, with nothing open over it."""
    app = quotadeck_of(pilot)
    while len(app.screen_stack) > 1:
        app.pop_screen()
    page: Page = app.overview
    page.close()
    if place != "overview":
        page = MADE[place](page.context)
        app.push_screen(page)
    if isinstance(page, ListPage):
        page.filter = Filter(Editor.holding(HIDING if where == "hidden" else ""))
    if app.link.away:
        app.link.travel.now()
    page.draw()
    await pilot.pause(0)
    return page


def press(page: Page, act: Act) -> None:
    try:
        page.press(act.keys[0], None)
    except Exception as broke:
        broke.add_note(f"by {act.id}")
        raise


@pytest.mark.parametrize("where", ["empty", "hidden", "never", "lost"])
@pytest.mark.parametrize("place", ["overview", *MADE])
async def test_no_key_ends_it_where_there_is_nothing(place: Place, where: str) -> None:
    source = source_of(where)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await until(pilot, lambda: app.link.answered)
        source.gone = where in ("never", "lost")
        page = await stand(pilot, place, where)
        narrows = page.filter.text if isinstance(page, ListPage) else ""
        for act in app.overview.context.keys.of(*PLACES[place]):
            if act.id in LEAVING:
                continue
            press(page, act)
            await pilot.pause(0)
            over = page.modal
            if over is not None and place == "overview":
                for within in app.overview.context.keys.at(over.place):
                    if within.id in LEAVING or page.modal is not over:
                        continue
                    press(page, within)
                    await pilot.pause(0)
            narrowed = page.filter.text if isinstance(page, ListPage) else narrows
            moved = app.screen is not page or page.place != place
            if moved or over is not None or narrowed != narrows:
                page = await stand(pilot, place, where)


async def test_a_timeline_that_is_filtered_away_goes_on() -> None:
    source = Scripted(repeat(fire()), 0.05, **{**night(), "passed": an_hour})
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("t", "slash", *HIDING, "enter", "enter")
        await sees(pilot, "no row")
        await pilot.press("y", "a", "x", "question_mark")
        await until(pilot, lambda: isinstance(quotadeck_of(pilot).screen, Help))


async def test_what_any_key_has_nothing_to_do_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: Page) -> None:
        raise NothingToDo("screen.row_gone", row="nightly")

    monkeypatch.setattr(Timeline, "do_copy", nothing)
    async with quotadeck(source_of("empty")).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: quotadeck_of(pilot).link.answered)
        await pilot.press("t", "y")
        await sees(pilot, "nightly")
