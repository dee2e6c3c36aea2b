"""A terminal that is too narrow, or too low, shows less, and nothing that is wrong."""

import re
from dataclasses import replace
from typing import Final

import pytest

from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.fit import cell_len, fit_middle
from tests.tui.driving import quotadeck, scripted, sees
from tests.tui.lines import at, rule, tables, text
from tests.tui.scenes import fire, project

NUMBER: Final = re.compile(r"(?:\S*/)?\$?\d+\S*/[^\sm]\S*")
"""Of how much: a number with its limit."""


@pytest.mark.parametrize("width", range(20, 80))
def test_no_number_loses_its_end_where_the_terminal_is_narrow(width: int) -> None:
    wide = {word for line in tables(fire(), 320) for word in NUMBER.findall(text(line))}
    for line in tables(fire(), width):
        shown = text(line)
        assert cell_len(shown) <= width
        assert set(NUMBER.findall(shown)) <= wide, shown


@pytest.mark.parametrize("height", [8, 9, 12])
async def test_the_lowest_terminal_shows_a_project(height: int) -> None:
    async with quotadeck(scripted()).run_test(size=(60, height)) as pilot:
        await sees(pilot, "▸analytics")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_long_ids_with_one_beginning_are_told_apart(width: int) -> None:
    layout = laid_out(PROJECTS, width)
    one, other = (project("an-extremely-long-project-of-the-" + end) for end in ("east", "west"))
    shown = [text(layout.line(row, at())) for row in (one, other)]
    assert shown[0] != shown[1]
    told = text(rule(replace(one, id="x" * 200), width))
    assert "rpm 0/100 · tpm 0" in told
    assert cell_len(told) == width


@pytest.mark.parametrize("name", ["analytics", "an-extremely-long-one", "漢字" * 20, "a" * 61, ""])
def test_a_name_cut_in_the_middle_keeps_both_ends(name: str) -> None:
    for width in (0, 1, 2, 5, 20):
        cut = fit_middle(name, width)
        assert cell_len(cut) <= max(width, 1)
        if width >= 5 and cell_len(name) > width:
            assert (cut[0], cut[-1]) == (name[0], name[-1])
            assert "…" in cut
