"""The same keys move on every page, and the same filter narrows what is listed."""

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from quotadeck.tui.kit.listpage import ListPage
from quotadeck.tui.pages.help import Help
from tests.tui.driving import quotadeck, quotadeck_of, scripted, sees, until
from tests.tui.scenes import fire
from tests.tui.scripted import Scripted, entry

MANY = 90


def place(pilot: Pilot[int]) -> int:
    """Where the cursor is, or which line is the first."""
    page = quotadeck_of(pilot).screen
    if isinstance(page, Help):
        return page._top
    assert isinstance(page, ListPage)
    return page.grid.index


@pytest.mark.parametrize("way", [(), ("a",), ("question_mark",)], ids=("overview", "audit", "help"))
async def test_the_same_keys_move_on_every_page(way: tuple[str, ...]) -> None:
    entries = tuple(entry(seq) for seq in range(MANY, 0, -1))
    source = Scripted(iter((fire(MANY),)), 0.05, rows=entries)
    async with quotadeck(source).run_test(size=(80, 12)) as pilot:
        app = quotadeck_of(pilot)
        await until(pilot, lambda: len(app.overview.projects.rows) == MANY)
        await pilot.press(*way)
        await sees(
            pilot, {"a": "1/90", "question_mark": "overview: keys"}.get("".join(way), "1/90")
        )
        page = app.screen
        assert isinstance(page, (ListPage, Help))
        window = page.window
        assert 1 < window < 12
        where = []
        for key in ("j", "down", "pagedown", "k", "up", "pageup", "G", "k", "g", "end", "home"):
            page.press(key, key if len(key) == 1 else None)
            where.append(place(pilot))
        last = where[6]
        assert last > MANY // 2
        assert where == [1, 2, 2 + window, 1 + window, window, 0, last, last - 1, 0, last, 0]


@pytest.mark.parametrize("typed", ["payments", "STORM", "batch-e"])
async def test_a_filter_finds_names_states_and_ids_and_keeps_the_order(typed: str) -> None:
    first = fire()
    named = replace(first.projects[1], name="Payments of the shop")
    rows = (first.projects[0], named, *first.projects[2:])
    source = Scripted(iter((replace(first, projects=rows),)), 0.05)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)

        def ids() -> list[str]:
            return [row.id for row in app.overview.projects.rows]

        await until(pilot, lambda: bool(ids()))
        before = ids()
        assert before[:2] == ["analytics", "batch-embed"]
        await pilot.press("slash", *typed)
        assert "batch-embed" in ids()
        assert len(ids()) < len(before)
        await pilot.press("ctrl+u", *"!nothing", "enter")
        assert ids() == before


async def test_tab_gives_the_keys_to_the_other_list_and_back() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await until(pilot, lambda: bool(app.overview.models.rows))
        await pilot.press("tab", "j")
        assert (app.overview.models.index, app.overview.projects.index) == (1, 0)
        await pilot.press("tab", "j", "j")
        assert (app.overview.models.index, app.overview.projects.index) == (1, 2)


async def test_a_key_acts_on_a_row_that_the_filter_leaves_though_nothing_could_be_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = quotadeck(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.overview.projects.rows) > 1)
        first = app.overview.projects.chosen
        other = next(row for row in app.overview.projects.rows if row is not first)
        monkeypatch.setattr("quotadeck.tui.terminal.stalled", lambda _: True)
        await pilot.press("slash", *other.id, "enter", "p")
        monkeypatch.undo()
        await sees(pilot, f"pause {other.name}")
