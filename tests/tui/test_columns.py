"""A column is a row of a table: that is all that a list, its order and its filter need."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from quotadeck.tui.columns.audit import AUDIT
from quotadeck.tui.columns.models import MODELS
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.columns.shared import WHY
from quotadeck.tui.kit.columns import Column, Layout, laid_out
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.filter import Filter
from quotadeck.tui.kit.fit import cell_len
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.model_rows import model_rows
from quotadeck.tui.order import Order
from quotadeck.tui.themes import find_theme
from tests.tui.lines import at, text
from tests.tui.scenes import calm, fire

OWED = Column[Any, Any](
    "owed",
    lambda row, _: f"{row.id[:3]}!",
    lambda *_: "attention",
    titles=("what it owes", "owed"),
    sort=lambda row, _: row.id,
    seek=lambda row, _: "owes" if row.id == "search" else "",
    cells=6,
    right=True,
)


def test_a_column_more_is_a_row_more() -> None:
    layout = laid_out((*PROJECTS, OWED), 120)
    assert text(layout.head()).endswith("   owed")
    line = layout.line(calm().projects[0], at())
    assert line[-1] == ("  ana!", "attention")
    assert cell_len(text(line)) == 120
    order = Order(WHY, OWED).of(calm().projects, at())
    assert [row.id for row in order] == sorted(row.id for row in calm().projects)
    found = Filter(Editor.holding("owes")).of(order, (*PROJECTS, OWED), at(), lambda _: False)
    assert [row.id for row in found.rows] == ["search"]
    assert found.hidden == 5


@pytest.mark.parametrize("columns", [PROJECTS, MODELS, AUDIT], ids=["projects", "models", "audit"])
def test_a_table_fills_any_line(columns: tuple[Column[Any, Any], ...]) -> None:
    least = sum(column.cells + column.gap for column in columns if column.cells)
    for width in range(least, 400):
        layout = laid_out(columns, width)
        filled = sum(cells + column.gap for column, cells in layout.columns)
        assert filled == width, width


def test_every_column_says_what_the_row_says_somewhere_in_its_cells() -> None:
    snapshot = fire()
    projects: Layout[Any, Any] = laid_out(PROJECTS, 320)
    models: Layout[Any, Any] = laid_out(MODELS, 320, projects)
    for layout, rows in ((projects, snapshot.projects), (models, model_rows(snapshot))):
        for row in rows:
            for column, cells in layout.columns:
                drawn = text(tuple(column.drawn(row, at(), cells)))
                assert column.value(row, at()).strip() in drawn, column.id


def test_ids_are_unique_and_steps_come_in_one_order() -> None:
    for table in (PROJECTS, MODELS, AUDIT):
        columns: tuple[Column[Any, Any], ...] = table
        assert len({column.id for column in columns}) == len(columns)
        for column in columns:
            steps = [step for step, _ in column.steps]
            assert steps == sorted(set(steps)), column.id


@dataclass(frozen=True)
class Row:
    id: str


def test_marks_stay_on_their_rows() -> None:
    theme, _ = find_theme("dark", {})
    grid: Grid[Row, Any] = Grid(theme, id="grid")
    rows = [Row(name) for name in "abcd"]
    columns = (
        Column[Row, Any](
            "cursor",
            lambda _, at: "▸" if at.chosen else "•" if at.marked else " ",
            cells=1,
            gap=False,
        ),
        Column[Row, Any]("name", lambda row, _: row.id, cells=1, gap=False, rest=True),
    )
    layout = laid_out(columns, 10)
    grid.set_height(4)
    grid.hold(rows)
    grid.paint(layout, at())
    grid.mark()
    grid.move(2)
    grid.mark()
    grid.move(1)
    grid.hold(rows)
    grid.paint(layout, at())
    assert [line.strip() for line in grid.text()] == ["•a", "b", "•c", "▸d"]
    grid.hold(rows[::-1])
    grid.paint(layout, at())
    assert [line.strip() for line in grid.text()] == ["▸d", "•c", "b", "•a"]
    assert [row.id for row in grid.marked] == ["c", "a"]
    grid.move(1)
    grid.mark()
    assert [row.id for row in grid.marked] == ["a"]
    grid.hold([replace(row) for row in rows if row.id != "a"])
    grid.paint(layout, at())
    assert grid.marked == ()


def test_no_text_of_the_audit_touches_the_next_one() -> None:
    for before, column in pairwise(AUDIT):
        assert column.gap or 1 in (before.cells, column.cells), column.id
