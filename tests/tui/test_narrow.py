"""A terminal that is too narrow, or too low, shows less, and nothing that is wrong."""

import pytest

from console.tui import figures as f
from console.tui.narrow import narrowed
from console.tui.rows import Line, columns_for, project_head, project_line, target_line
from console.tui.state import Present
from tests.tui.driving import quotadeck, scripted, sees
from tests.tui.play import JST
from tests.tui.scenes import AT_US, NOW_MS, fire

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
        assert f.cell_len(shown) <= width
        cut = full[len(shown.rstrip()) :]
        assert shown.rstrip().endswith("…") or not cut or cut[0] == " ", (shown, full)


@pytest.mark.parametrize("height", [8, 9, 12])
async def test_the_lowest_terminal_shows_a_project(height: int) -> None:
    async with quotadeck(scripted()).run_test(size=(60, height)) as pilot:
        await sees(pilot, "▸mobile-app")
