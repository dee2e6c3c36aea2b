"""The first minute of the demo teaches a key at a time, and nothing that somebody has to read."""

import pytest

from quotadeck.tui.app import Quotadeck
from quotadeck.tui.hints import HINTS, Hints
from quotadeck.tui.keys.bindings import Keys, bound
from quotadeck.tui.keys.table import ACTIONS
from quotadeck.tui.themes import find_theme
from quotadeck.words import has
from tests.clocks import HandClock
from tests.tui.driving import choose, scripted, sees, shown
from tests.tui.play import JST
from tests.tui.test_notes import foot

SECOND_NS = 1_000_000_000


def console(clock: HandClock, *, hints: bool = True) -> Quotadeck:
    theme, _ = find_theme("dark", {})
    return Quotadeck(scripted(), clock=clock, theme=theme, zone=JST, hints=hints)


def later(app: Quotadeck, clock: HandClock, seconds: int) -> str:
    """The line of the keys so much later."""
    clock.advance_ms(seconds * 1_000)
    app.overview.draw()
    return foot(app)


def test_hints_are_of_keys_that_there_are_and_one_after_the_other() -> None:
    assert {hint.act for hint in HINTS} <= {act.id for act in ACTIONS}
    assert all(has(hint.kind) for hint in HINTS)
    times = [at for hint in HINTS for at in (hint.from_s, hint.to_s)]
    assert times == sorted(times)
    assert times[-1] <= 60


async def test_each_stands_for_a_while_with_keys_beside_it_and_then_no_more() -> None:
    clock = HandClock()
    app = console(clock)
    async with app.run_test(size=(120, 24)) as pilot:
        await choose(pilot, "analytics")
        assert foot(app).startswith("p pause")
        assert later(app, clock, 5).startswith("try ↓: the next row")
        assert "? help" in foot(app)
        assert later(app, clock, 10).startswith("try p on a row in trouble")
        assert later(app, clock, 60).startswith("p pause")


async def test_a_key_that_was_pressed_is_not_taught() -> None:
    clock = HandClock()
    app = console(clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        assert later(app, clock, 5).startswith("try ↓")
        await pilot.press("j")
        assert foot(app).startswith("p pause")
        assert later(app, clock, 10).startswith("try p")


async def test_a_note_a_filter_and_a_dialog_are_not_covered() -> None:
    clock = HandClock()
    app = console(clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        later(app, clock, 5)
        await pilot.press("greater_than_sign")
        await sees(pilot, "drawn every")
        assert later(app, clock, 3).startswith("drawn every")
        await pilot.press("slash", "s")
        assert "try" not in later(app, clock, 8)
        await pilot.press("escape")
        await sees(pilot, "try p on a row")
        await pilot.press("l")
        app.overview.draw()
        assert "try" not in foot(app)


async def test_nobody_else_is_taught() -> None:
    clock = HandClock()
    app = console(clock, hints=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        for _ in range(60):
            assert "try" not in later(app, clock, 1)
        assert "try" not in shown(app)


@pytest.mark.parametrize("chosen", [{"row.pause": ("F5",)}, {"row.pause": ()}])
def test_a_key_that_is_bound_otherwise_is_named_so(chosen: dict[str, tuple[str, ...]]) -> None:
    hints = Hints(wanted=True)
    keys = bound(chosen)
    hints.line(keys, 0)
    line = hints.line(keys, 15 * SECOND_NS)
    assert line.startswith("try F5" if chosen["row.pause"] else "")
    assert ("row" in line) is bool(chosen["row.pause"])


def test_the_minute_begins_with_the_first_picture() -> None:
    hints = Hints(wanted=True)
    assert hints.line(Keys(), 500 * SECOND_NS) == ""
    assert hints.line(Keys(), 505 * SECOND_NS).startswith("try")
