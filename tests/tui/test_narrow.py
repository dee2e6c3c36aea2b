"""A terminal that is too narrow, or too low, shows less, and nothing that is wrong."""

from dataclasses import replace

import pytest

from quotadeck.tui.columns.projects import PROJECTS, tells_limits
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.fit import cell_len, fit_middle
from tests.tui.driving import quotadeck, scripted, sees
from tests.tui.lines import at, rule, tables, text
from tests.tui.scenes import fire, project


@pytest.mark.parametrize("width", range(20, 61))
def test_no_number_loses_its_end_where_the_terminal_is_narrow(width: int) -> None:
    for narrow, whole in zip(tables(fire(), width), tables(fire(), 60), strict=True):
        shown, full = text(narrow), text(whole)
        assert cell_len(shown) <= width
        cut = full[len(shown.rstrip()) :]
        assert shown.rstrip().endswith("…") or not cut or cut[0] == " ", (shown, full)


@pytest.mark.parametrize("height", [8, 9, 12])
async def test_the_lowest_terminal_shows_a_project(height: int) -> None:
    async with quotadeck(scripted()).run_test(size=(60, height)) as pilot:
        await sees(pilot, "▸mobile-app")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_long_ids_with_one_beginning_are_told_apart(width: int) -> None:
    layout = laid_out(PROJECTS, width)
    one, other = (project("an-extremely-long-project-of-the-" + end) for end in ("east", "west"))
    shown = [text(layout.line(row, at())) for row in (one, other)]
    assert shown[0] != shown[1]
    told = text(rule(replace(one, id="x" * 200), width))
    assert ("budget $0/500" if tells_limits(layout.cells("rpm")) else "rpm 0/100 · tpm 0") in told
    assert cell_len(told) == width


@pytest.mark.parametrize("name", ["analytics", "an-extremely-long-one", "漢字" * 20, "a" * 61, ""])
def test_a_name_cut_in_the_middle_keeps_both_ends(name: str) -> None:
    for width in (0, 1, 2, 5, 20):
        cut = fit_middle(name, width)
        assert cell_len(cut) <= max(width, 1)
        if width >= 5 and cell_len(name) > width:
            assert (cut[0], cut[-1]) == (name[0], name[-1])
            assert "…" in cut
