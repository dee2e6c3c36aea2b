"""A note never stands where events do, and neither a filter nor a frozen picture hides trouble."""

import pytest
from textual.events import Paste

from quotadeck.tui.app import Quotadeck
from quotadeck.tui.kit.page import NOTE_S, Page
from quotadeck.tui.themes import find_theme
from tests.clocks import HandClock
from tests.tui.driving import (
    applied,
    choose,
    quotadeck,
    quotadeck_of,
    scripted,
    sees,
    shown,
    until,
)
from tests.tui.play import JST
from tests.tui.scenes import calm, fire
from tests.tui.scripted import Scripted

NEWEST = "03:02 analytics: budget 90 %"


def foot(app: Quotadeck) -> str:
    """The line of the keys."""
    assert isinstance(app.screen, Page)
    return app.screen.foot.text()[0]


@pytest.mark.parametrize("rows", [24, 10])
async def test_a_note_hides_no_event_and_stands_until_the_next_key(rows: int) -> None:
    async with quotadeck(scripted()).run_test(size=(80, rows)) as pilot:
        app = quotadeck_of(pilot)
        await choose(pilot, "analytics")
        await pilot.press("p", "escape")
        await sees(pilot, "nothing was changed", NEWEST)
        assert foot(app).startswith("nothing was changed   p pause")
        await pilot.press("j")
        assert foot(app).startswith("p pause  r resume")


async def test_a_note_goes_by_itself_and_an_error_stays_until_it_was_read() -> None:
    clock = HandClock()
    theme, _ = find_theme("dark", {})
    app = Quotadeck(scripted(), clock=clock, theme=theme, zone=JST)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("greater_than_sign")
        await sees(pilot, "drawn every 0.5 s")
        clock.advance_ms(NOTE_S * 1_000 - 1)
        app.overview.draw()
        assert "drawn every" in foot(app)
        clock.advance_ms(1)
        app.overview.draw()
        assert "drawn every" not in foot(app)
        await pilot.press("r")
        clock.advance_ms(100 * NOTE_S * 1_000)
        app.overview.draw()
        assert "analytics is not paused" in foot(app)


@pytest.mark.parametrize(
    ("key", "name"), [("W", "W"), ("w", "w"), ("semicolon", ";"), ("f5", "f5"), ("Q", "Q")]
)
async def test_an_unknown_key_says_so(key: str, name: str) -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await choose(pilot, "analytics")
        await pilot.press(key)
        await sees(pilot, f"{name} does nothing here; ? lists the keys")
        await pilot.press("a")
        await sees(pilot, "audit")
        await pilot.press(key)
        assert f"{name} does nothing here; ? lists the keys" in foot(app)
        await pilot.press("question_mark")
        await sees(pilot, "audit: keys")
        await pilot.press(key)
        assert f"{name} does nothing here; esc goes back" in foot(app)


async def test_a_key_that_a_read_only_console_has_not_says_why() -> None:
    async with quotadeck(scripted(), read_only=True).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p")
        await sees(pilot, "this console is read-only: p would pause")


async def test_q_comes_back_and_ends_only_from_the_first_screen() -> None:
    app = quotadeck(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        for opened in (["a"], ["question_mark"], ["a", "question_mark", "q"]):
            await pilot.press(*opened)
            assert app.screen is not app.overview
            await pilot.press("q")
            assert app.screen is app.overview
            assert app.is_running
        await pilot.press("p", "q")
        await sees(pilot, '--reason "q"')  # in a dialog it is a letter
        await pilot.press("escape")
        await pilot.press("slash", "q", "enter")
        await sees(pilot, "/q  hides 6")
        await pilot.press("escape", "q")
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0


async def test_a_filter_says_how_much_trouble_it_hides() -> None:
    async with quotadeck(Scripted(iter((fire(43),)), 0.05)).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await until(pilot, lambda: len(app.overview.projects.rows) == 43)
        await pilot.press("slash", *"zzz")
        assert "hides 43, 3 in trouble" in foot(app)
        await pilot.press("enter")
        assert foot(app).startswith("/zzz  hides 43, 3 in trouble   esc clear  p pause")
        await sees(pilot, "nothing matches /zzz; esc clears it", "! 4")
        await pilot.press("u")
        await sees(pilot, "no row is chosen")
        await pilot.press("slash", "ctrl+u", *"storm", "enter")
        assert foot(app).startswith("/storm  hides 41, 1 in trouble   esc clear")
        await pilot.press("escape")
        assert foot(app).startswith("p pause")


async def test_what_is_pasted_into_the_filter_filters() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await choose(pilot, "analytics")
        await pilot.press("slash")
        app.post_message(Paste("batch-embed\n"))
        await until(pilot, lambda: [r.id for r in app.overview.projects.rows] == ["batch-embed"])
        app.post_message(Paste("\x1b[2J"))
        await sees(pilot, "nothing matches")
        assert "\x1b" not in shown(app)


async def test_what_was_changed_is_seen_though_the_picture_was_frozen() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("z")
        await sees(pilot, "FROZEN")
        await pilot.press("p", *"why", "enter")
        await sees(pilot, "done: analytics")
        assert "FROZEN" not in shown(quotadeck_of(pilot))
    assert len(applied(source)) == 1


async def test_a_frozen_picture_counts_the_trouble_of_now() -> None:
    source = Scripted(iter((calm(),)), 0.01)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "search")
        await pilot.press("z")
        await sees(pilot, "FROZEN")
        assert "!" not in shown(quotadeck_of(pilot)).splitlines()[0]
        bad = fire()
        source.script = iter((bad,))
        await until(pilot, lambda: quotadeck_of(pilot).link.snapshot is bad)
        await sees(pilot, "! 4")
        assert "storm" not in shown(quotadeck_of(pilot))


async def test_the_help_says_that_there_is_more_of_it() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await choose(pilot, "analytics")
        await pilot.press("question_mark")
        await sees(pilot, "overview: keys")
        assert foot(app).startswith("1–23 of ")
        assert "esc back" in foot(app)
        await pilot.press("G")
        await sees(pilot, "late readings")


async def test_why_there_is_no_connection_keeps_its_end() -> None:
    long = "/home/kim/projects/quotadeck/deployments/tokyo/run/gateway-admin.sock"
    source = scripted(label=long)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        source.gone = True
        await sees(pilot, "…", "is the gateway running?")
        text = shown(quotadeck_of(pilot))
        assert "way-admin.sock: nobody answers" in " ".join(text.split())
