"""A modal stands over any page: it has the keys, and what is behind it goes on."""

import asyncio
from dataclasses import replace

import pytest

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.commands import Command
from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.modal import Modal
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.spans import Span
from tests.tui.driving import applied, choose, quotadeck, quotadeck_of, scripted, sees, shown, until
from tests.tui.scenes import fire
from tests.tui.scripted import Scripted, agree, entry


class Asking(Modal):
    """Takes a line, and counts how often it is drawn."""

    place: Place = "text"
    taken = ""
    drawn = 0

    def do(self, act: Act) -> None:
        self.taken += f"<{act.id}>"
        self.draw()

    def insert(self, typed: str) -> None:
        self.taken += typed
        self.draw()

    def draw(self) -> None:
        self.drawn += 1
        self.styles.height = 1
        self.show([(Span(f"asked: {self.taken}"),)])


@pytest.mark.parametrize("way", ["", "a", "?"])
async def test_any_page_can_open_it(way: str) -> None:
    app = quotadeck(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press(*way)
        page = app.screen
        assert isinstance(page, Page)
        before = shown(app)
        modal = Asking(app.overview.palette)
        page.open(modal)
        await pilot.press("j", "q", "tab", "question_mark", "up")
        await sees(pilot, "asked: jq<dialog.next_field>?<dialog.previous_field>")
        drawn = modal.drawn
        await until(pilot, lambda: modal.drawn > drawn)  # with the readings
        page.close()
        await until(pilot, lambda: shown(app) == before or "asked:" not in shown(app))
        await pilot.press("j")
        assert modal.taken.count("j") == 1


async def test_the_page_behind_a_dialog_goes_on() -> None:
    first = fire()
    source = Scripted(iter((first,)), 0.01)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p")
        await sees(pilot, "┌ pause analytics", "search")
        source.script = iter((replace(first, projects=first.projects[:3]),))
        await until(pilot, lambda: "search" not in shown(quotadeck_of(pilot)))
        assert "┌ pause analytics" in shown(quotadeck_of(pilot))


async def test_an_undo_in_the_audit_stays_there_and_the_list_is_read_anew() -> None:
    source = scripted(rows=(entry(2), entry(1)))
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("a")
        await sees(pilot, "1/2")
        await pilot.press("u")
        await sees(pilot, "undo mika's change", "1/2")
        await pilot.press("escape")
        await sees(pilot, "nothing was changed", "1/2")
        await pilot.press("u")
        await sees(pilot, "takes back")
        source.rows = (entry(3, action="undo"), entry(2, in_force=False), entry(1))
        await pilot.press("enter")
        await sees(pilot, "done:", "/3")
        assert quotadeck_of(pilot).screen is not quotadeck_of(pilot).overview
    assert len(applied(source)) == 1


async def test_leaving_the_console_is_possible_from_a_dialog_too() -> None:
    app = quotadeck(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p", "ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0


async def test_an_answer_that_comes_late_ends_no_other_dialog() -> None:
    late = asyncio.Event()

    class Stubborn(Scripted):
        async def command(self, command: Command, *, dry_run: bool) -> CommandAnswer:
            if not dry_run:
                try:
                    await late.wait()
                except asyncio.CancelledError:
                    late.set()  # an answer that comes all the same
            return agree(command, dry_run)

    source = Stubborn(iter((fire(),)), 0.05)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p")
        await sees(pilot, "running → paused")
        await pilot.press("enter")
        await sees(pilot, "applying …")
        page = quotadeck_of(pilot).overview
        page.press("escape", None)  # in one breath, before the first is taken down
        page.press("l", "l")
        await until(pilot, late.is_set)
        await sees(pilot, "┌ limit analytics")
        await pilot.pause(0.05)
        assert "┌ limit analytics" in shown(quotadeck_of(pilot))
