"""A terminal that is too narrow, or too low, shows less, and nothing that is wrong."""

from dataclasses import replace

import pytest

from quotadeck.tui.frame import detail_line
from quotadeck.tui.kit.fit import cell_len, fit_middle
from quotadeck.tui.kit.spans import Line
from quotadeck.tui.narrow import narrowed
from quotadeck.tui.rows import columns_for, project_head, project_line, target_line
from quotadeck.tui.state import Present
from tests.tui.driving import quotadeck, scripted, sees
from tests.tui.play import JST
from tests.tui.scenes import AT_US, NOW_MS, fire, project

NOW = Present(NOW_MS, AT_US)


def text(line: Line) -> str:
    return "".join(span.text for span in line)


@pytest.mark.parametrize("width", range(20, 61))
def test_no_number_loses_its_end_where_the_terminal_is_narrow(width: int) -> None:
    snapshot, columns = fire(), columns_for(width)
    routes = {route.id: route for route in snapshot.routes}
    whole = [
        project_head(columns),
        *(project_line(row, routes, NOW, columns, zone=JST) for row in snapshot.projects),
        *(target_line(row, routes, NOW, columns) for row in snapshot.targets),
    ]
    for line in whole:
        shown, full = text(narrowed(line, columns, width)), text(line)
        assert cell_len(shown) <= width
        cut = full[len(shown.rstrip()) :]
        assert shown.rstrip().endswith("…") or not cut or cut[0] == " ", (shown, full)


@pytest.mark.parametrize("height", [8, 9, 12])
async def test_the_lowest_terminal_shows_a_project(height: int) -> None:
    async with quotadeck(scripted()).run_test(size=(60, height)) as pilot:
        await sees(pilot, "▸mobile-app")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_long_ids_with_one_beginning_are_told_apart(width: int) -> None:
    columns = columns_for(width)
    one, other = (project("an-extremely-long-project-of-the-" + end) for end in ("east", "west"))
    shown = [text(project_line(row, {}, NOW, columns, zone=JST)) for row in (one, other)]
    assert shown[0] != shown[1]
    rule = text(detail_line(replace(one, id="x" * 200), (), NOW, "1/6", JST, width))
    assert ("budget $0/500" if columns.limits else "rpm 0/100 · tpm 0") in rule
    assert cell_len(rule) == width


@pytest.mark.parametrize("name", ["analytics", "an-extremely-long-one", "漢字" * 20, "a" * 61, ""])
def test_a_name_cut_in_the_middle_keeps_both_ends(name: str) -> None:
    for width in (0, 1, 2, 5, 20):
        cut = fit_middle(name, width)
        assert cell_len(cut) <= max(width, 1)
        if width >= 5 and cell_len(name) > width:
            assert (cut[0], cut[-1]) == (name[0], name[-1])
            assert "…" in cut
