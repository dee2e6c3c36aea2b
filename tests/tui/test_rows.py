"""Lines are exactly as wide as the terminal and say what the reading says."""

from datetime import timedelta, timezone

import pytest

from console.tui import figures as f
from console.tui import frame
from console.tui.actions import available
from console.tui.link import Picture
from console.tui.rows import Line, columns_for, project_head, project_line, target_line
from console.tui.state import Present
from tests.tui.scenes import AT_US, ME, NOW_MS, calm, fire, project

JST = timezone(timedelta(hours=9), "JST")
NOW = Present(NOW_MS, AT_US)
LATE = Present(NOW_MS, AT_US, live=False)
WIDTHS = (60, 61, 67, 74, 79, 80, 84, 100, 120, 139, 140, 158, 200, 320)


def text(line: Line) -> str:
    return "".join(span.text for span in line)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("now", [NOW, LATE])
def test_every_line_fills_the_width_and_no_more(width: int, now: Present) -> None:
    snapshot, c = fire(8), columns_for(width)
    routes = {route.id: route for route in snapshot.routes}
    lines = [project_head(c)]
    lines += [project_line(row, routes, now, c, zone=JST) for row in snapshot.projects]
    lines += [target_line(row, routes, now, c) for row in snapshot.targets]
    assert [f.cell_len(text(line)) for line in lines] == [width] * len(lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_frame_fills_the_width_and_no_more(width: int) -> None:
    snapshot = fire(8)
    picture = Picture(snapshot, ME, NOW, 0)
    sums = frame.totals(snapshot.projects)
    status = frame.status_line(
        picture, label="/run/x", problem="", alarms=4, frozen_us=None, now_us=AT_US,
        read_only=False, zone=JST, width=width,
    )  # fmt: skip
    lines = [
        status,
        frame.totals_line(picture, sums, JST, width),
        frame.detail_line(snapshot.projects[0], snapshot.routes, NOW, "1/6", JST, width),
        *frame.happening_lines(snapshot.happenings, 3, JST, width),
        frame.keys_line(available("overview", read_only=False), width),
        *(
            frame.filter_line(
                filter_text,
                hidden,
                troubles,
                available("overview", read_only=False),
                width,
                typing=typing,
            )
            for filter_text in ("abc", "a" * 60)
            for hidden, troubles in ((0, 0), (41, 3))
            for typing in (False, True)
        ),
        frame.note_line("x" * 60, "normal", available("overview", read_only=False), width),
    ]
    assert [f.cell_len(text(line)) for line in lines] == [width] * len(lines)
    assert "gw-tokyo-1 ● live" in text(status)
    assert "03:02 JST" in text(status)
    assert "! 4" in text(status)
    assert "mika" in text(status)


def test_at_eighty_columns_the_night_is_readable() -> None:
    snapshot, c = fire(), columns_for(80)
    line = text(project_line(snapshot.projects[0], {}, NOW, c, zone=JST))
    for said in ("analytics", "L", "storm ×14", "20", "74k", "$455", "03:40", "12%", "4.1s"):
        assert said in line


def test_the_columns_keep_their_titles_above_them() -> None:
    snapshot = fire()
    for width in WIDTHS:
        c = columns_for(width)
        head, line = text(project_head(c)), text(project_line(snapshot.projects[0], {}, NOW, c,
                                                              zone=JST))  # fmt: skip
        assert head.index("state") == line.index("storm")
        money = "today/budget" if "today/budget" in head else "today"
        assert head.index(money) + len(money) == line.index("$455") + 4


def test_bars_show_emptiness_and_go_hollow_when_late() -> None:
    row, c = project("a", rpm=60, rpm_empty=1, tpm_empty=0.5), columns_for(83)
    live = text(project_line(row, {}, NOW, c, zone=JST))
    late = text(project_line(row, {}, LATE, c, zone=JST))
    assert "█" * c.bar in live
    assert "█" not in late
    assert "░" * c.bar in late


def test_bars_refill_with_the_readers_time() -> None:
    row, c = project("a", rpm=60, rpm_empty=1), columns_for(80)
    half = Present(NOW_MS + 5_000, AT_US)  # ten seconds' worth, refilled to a half
    assert f.bar(0.5, c.bar) in text(project_line(row, {}, half, c, zone=JST))


def test_overrides_are_told_with_their_ends() -> None:
    snapshot = fire()
    wide = text(project_line(snapshot.projects[0], {}, NOW, columns_for(200), zone=JST))
    assert "rpm 10→20 47m (mika) “batch bug”" in wide
    rule = text(frame.detail_line(snapshot.projects[3], (), NOW, "4/6", JST, 80))
    assert "paused 42m (mika)" in rule


def test_a_narrow_rule_tells_what_was_done_before_the_rest() -> None:
    rule = text(frame.detail_line(fire().projects[0], (), NOW, "1/6", JST, 60))
    assert "── analytics rpm 10→20 47m" in rule  # and not its name twice


def test_what_is_refused_stands_in_the_sums() -> None:
    snapshot = fire()
    sums = frame.totals(snapshot.projects)
    line = frame.totals_line(Picture(snapshot, ME, NOW, 0), sums, JST, 80)
    refused = sum(row.flow.refused_60s for row in snapshot.projects)
    assert f"ref {f.three(refused)}/m" in text(line)


def test_the_keys_stay_while_a_filter_is_in_force() -> None:
    acts = available("overview", read_only=False)
    line = text(frame.filter_line("shop", 0, 0, acts, 80, typing=False))
    assert line.startswith("/shop    esc clear  p pause  r resume  l limit  f fallback")
    assert "? help" in line


def test_totals_are_sums_and_the_forecast_ends_with_the_day() -> None:
    sums = frame.totals(fire().projects)
    assert (sums.requests, sums.forwarded, sums.errors) == (745, 4_120, 91)
    assert sums.gone_us(NOW) is not None
    assert frame.totals(calm().projects).gone_us(NOW) is None
    assert frame.totals(()).gone_us(NOW) is None


def test_a_sick_gateway_says_so_even_where_there_is_no_room() -> None:
    snapshot = fire()
    vitals = snapshot.vitals
    picture = Picture(snapshot, ME, NOW, 0)
    sick = type(vitals)("gw", "0", "s", 0, problems=("journal 2m behind", "disk 4%"))
    object.__setattr__(picture.snapshot, "vitals", sick)
    line = text(frame.totals_line(picture, frame.totals(snapshot.projects), JST, 60))
    assert "gw journal 2m behind, disk 4%" in line


def test_the_help_key_is_there_at_any_width() -> None:
    for width in (20, 40, 60, 80, 200):
        line = text(frame.keys_line(available("overview", read_only=False), width))
        assert "? help" in line
