"""Columns and their order, what rows are sorted by, and marks: as the user chose them."""

from dataclasses import replace
from pathlib import Path

import pytest

from quotadeck.tui.columns.chosen import CHOICES, SORTS, USUAL, Chosen, chosen_of
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.kit.columns import laid_out
from quotadeck.words import say
from tests.tui.driving import quotadeck, quotadeck_of, scripted, sees, shown, until
from tests.tui.lines import at, text
from tests.tui.scenes import calm, fire
from tests.tui.scripted import Scripted
from tests.tui.test_terminal import console


def names(chosen: Chosen, width: int) -> list[str]:
    return [column.id for column, _ in laid_out(chosen.table, width).columns]


def test_chosen_columns_stand_in_their_order_behind_whose_row_it_is() -> None:
    assert USUAL.table is PROJECTS
    chosen = Chosen(("refused", "cost", "why"))
    assert names(chosen, 80)[4:] == ["refused", "cost", "why"]
    assert names(chosen, 40)[4:] == ["why"], "a figure that has no room is left out whole"
    for width in range(30, 200):
        bare = laid_out(Chosen(("refused", "tpm")).table, width)
        assert len(text(bare.line(fire().projects[0], at()))) == width


def test_what_the_settings_ask_for_is_chosen_and_the_rest_told() -> None:
    chosen, problems = chosen_of(("why", "speed", "use", "why"), "-cost")
    assert chosen == Chosen(("why", "use"), "cost", reverse=True)
    assert say(problems[0]).startswith("console.toml: there is no column 'speed'; there are why,")
    chosen, problems = chosen_of((), "weight")
    assert chosen == USUAL
    assert "nothing is sorted by 'weight', but by why, cost" in say(problems[0])


def test_a_console_obeys_its_columns_and_sort(tmp_path: Path) -> None:
    file = tmp_path / "console.toml"
    file.write_text('columns = ["refused", "why", "pace"]\nsort = "refused"\n')
    with console("--settings", str(file)) as screen:
        screen.shows("there is no column 'pace'")
        assert "▾ref/m why" in screen.lines()[2]
        assert "batch-embed" in screen.lines()[3]


@pytest.mark.parametrize("by", SORTS)
def test_every_sort_is_a_column_with_a_name(by: str) -> None:
    order = Chosen(sort=by).order.of(fire(8).projects, at())
    turned = Chosen(sort=by, reverse=True).order.of(fire(8).projects, at())
    assert {row.id for row in order} == {row.id for row in turned}
    assert order[0].id != turned[0].id


async def test_a_key_sorts_by_the_next_column_and_another_turns_it() -> None:
    async with quotadeck(scripted()).run_test(size=(120, 24)) as pilot:
        app = quotadeck_of(pilot)

        def first() -> str:
            return app.overview.projects.rows[0].id

        await sees(pilot, "analytics")
        await pilot.press("s")
        await sees(pilot, "▾  $/h" if "▾  $/h" in shown(app) else "▾   $/h")
        assert first() == "analytics"
        await pilot.press("s")
        assert first() == "batch-embed"
        await sees(pilot, "sort: refused ▾")
        await pilot.press("S")
        assert first() != "batch-embed"
        for _ in range(len(SORTS) - 2):
            await pilot.press("s")
        assert first() == "analytics"


async def test_columns_are_ticked_moved_and_shown() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await sees(pilot, "last 15 minutes")
        await pilot.press("o")
        await sees(pilot, "columns, from left to right", "[x] why")
        await pilot.press("j", "space", "J", "y", "enter")
        await sees(pilot, "next          use")
        assert "last 15 minutes" not in shown(app)
        await pilot.press("o", "u", "enter")
        await sees(pilot, "last 15 minutes")
        await pilot.press("o", "j", "space", "escape")
        assert "last 15 minutes" in shown(app)


async def test_marks_are_counted_survive_a_new_order_and_go_with_their_rows() -> None:
    first = calm(5)
    source = Scripted(iter((first,)), 0.02)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await until(pilot, lambda: len(app.overview.projects.rows) == 5)
        await pilot.press("space", "space")
        await sees(pilot, "2 marked")
        marked = app.overview.marked_subjects()
        await pilot.press("s", "S")
        assert set(app.overview.marked_subjects()) == set(marked)
        gone = marked[0].name
        later = replace(first, projects=tuple(r for r in first.projects if r.id != gone))
        source.script = iter((later,))
        await sees(pilot, "1 marked")
        source.script = iter((first,))
        await until(pilot, lambda: len(app.overview.projects.rows) == 5)
        assert app.overview.marked_subjects() == marked[1:], "a row that came back is not marked"
        await pilot.press("exclamation_mark")
        await sees(pilot, "4 marked")
        await pilot.press("asterisk")
        await sees(pilot, "5 marked")
        await pilot.press("minus")
        await until(pilot, lambda: "marked" not in shown(app))
        await pilot.press("slash", *"batch", "enter", "asterisk", "escape")
        await sees(pilot, "1 marked")
    assert set(CHOICES) > {"why", "use"}
