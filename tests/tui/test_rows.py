"""Lines are exactly as wide as the terminal and say what the reading says."""

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from quotadeck.domain.snapshot import Flow
from quotadeck.domain.state import Kind
from quotadeck.tui import figures as f
from quotadeck.tui import frame
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.fit import bar, cell_len
from quotadeck.tui.kit.spans import Line
from quotadeck.tui.link import Picture
from quotadeck.tui.rows import columns_for, project_head, project_line, target_line
from quotadeck.tui.state import Present
from tests.tui.scenes import AT_US, ME, NOW_MS, fire, level, project, trouble, usd

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
    assert [cell_len(text(line)) for line in lines] == [width] * len(lines)


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
        frame.totals_line(picture, sums, width),
        frame.detail_line(snapshot.projects[0], snapshot.routes, NOW, "1/6", JST, width),
        *frame.event_lines(snapshot.events, 3, AT_US, JST, width),
        frame.keys_line(Keys().at("overview"), width),
        *(
            frame.filter_line(
                Editor.holding(filter_text),
                hidden,
                troubles,
                Keys(),
                width,
                typing=typing,
            )
            for filter_text in ("abc", "a" * 60)
            for hidden, troubles in ((0, 0), (41, 3))
            for typing in (False, True)
        ),
        frame.note_line("x" * 60, "normal", Keys().at("overview"), width),
    ]
    assert [cell_len(text(line)) for line in lines] == [width] * len(lines)
    assert "gw-tokyo-1 ● live" in text(status)
    assert "03:02 JST" in text(status)
    assert "! 4" in text(status)
    assert "mika" in text(status)


def test_at_eighty_columns_the_night_is_readable() -> None:
    snapshot, c = fire(), columns_for(80)
    line = text(project_line(snapshot.projects[0], {}, NOW, c, zone=JST))
    for said in ("analytics", "L✎", "storm ×14 2m", "20", "74k", "$455", "03:40", "18%", "4.1s"):
        assert said in line


def test_the_columns_keep_their_titles_above_them() -> None:
    snapshot = fire()
    for width in WIDTHS:
        c = columns_for(width)
        head, line = text(project_head(c)), text(project_line(snapshot.projects[0], {}, NOW, c,
                                                              zone=JST))  # fmt: skip
        assert head.index("state") == line.index("storm")
        money = "today/budget" if "today/budget" in head else "today"
        end = line.index("$455") + (len("$455/500") if "$455/500" in line else 4)
        assert head.index(money) + len(money) == end


def test_a_bar_shows_the_number_beside_it_and_goes_hollow_when_late() -> None:
    row, c = project("a", rpm=60, flow=Flow(requests_60s=60)), columns_for(83)
    live = text(project_line(row, {}, NOW, c, zone=JST))
    late = text(project_line(row, {}, LATE, c, zone=JST))
    assert "█" * c.bar in live
    assert "█" not in late
    assert "░" * c.bar in late
    refilled = replace(row, rpm=level(60, empty=1), flow=Flow(requests_60s=30))
    assert bar(0.5, c.bar) in text(project_line(refilled, {}, NOW, c, zone=JST))


def test_wide_screens_show_the_limit_of_every_number() -> None:
    row = project("a", rpm=60, tpm=80_000, budget=5, spent=1, flow=Flow(14, 77_000))
    line = text(project_line(row, {}, NOW, columns_for(120), zone=JST))
    assert "14/60" in line
    assert "77k/80k" in line


def test_overrides_are_told_with_their_ends() -> None:
    snapshot = fire()
    wide = text(project_line(snapshot.projects[0], {}, NOW, columns_for(200), zone=JST))
    assert "rpm 10→20 47m left (mika) “batch bug”" in wide
    rule = text(frame.detail_line(snapshot.projects[3], (), NOW, "4/6", JST, 80))
    assert "── content-gen paused 42m left (mika) “batch bug” · rpm" in rule


def test_a_narrow_rule_tells_what_holds_before_the_rest() -> None:
    rule = text(frame.detail_line(fire().projects[0], (), NOW, "1/6", JST, 60))
    assert "── analytics by its rpm, 274" in rule  # and neither its name nor its word twice


def test_the_rule_says_what_is_used_of_each_limit_where_the_columns_do_not() -> None:
    row = fire().projects[0]
    assert row.rpm
    assert row.tpm
    for width in (80, 120):
        shown = text(project_line(row, {}, NOW, columns_for(width), zone=JST))
        shown += text(frame.detail_line(row, (), NOW, "1/6", JST, width))
        used = f"{f.short(row.flow.requests_60s)}/{f.short(row.rpm.per_minute)}"
        assert used in shown, width


def test_what_is_refused_stands_in_the_sums() -> None:
    snapshot = fire()
    sums = frame.totals(snapshot.projects)
    line = frame.totals_line(Picture(snapshot, ME, NOW, 0), sums, 80)
    refused = sum(row.flow.refused_60s for row in snapshot.projects)
    assert f"ref {f.three(refused)}/m" in text(line)


def test_the_keys_stay_while_a_filter_is_in_force() -> None:
    line = text(frame.filter_line(Editor.holding("shop"), 0, 0, Keys(), 80, typing=False))
    assert line.startswith("/shop    esc clear  p pause  r resume  l limit  f fallback")
    assert "? help" in line


def test_totals_are_sums_and_money_an_hour_is_a_rate_of_now() -> None:
    sums = frame.totals(fire().projects)
    assert (sums.requests, sums.ended, sums.failed) == (745, 736, 7)
    assert sums.hourly_nano(NOW) == usd(2.1) * 60
    young = replace(NOW, counting_us=20_000_000)
    assert sums.hourly_nano(young) == usd(2.1) * 180  # all of it in the 20 s since the start


def test_a_gateway_that_has_just_started_says_how_long_it_counts() -> None:
    snapshot = fire()
    young = Picture(snapshot, ME, replace(NOW, counting_us=22_000_000), 0)
    assert "counting since 20s" in text(frame.totals_line(young, frame.totals(()), 80))
    assert "counting" not in text(
        frame.totals_line(replace(young, present=NOW), frame.totals(()), 80)
    )


def test_an_unserving_gateway_is_not_called_live() -> None:
    snapshot = fire()
    dead = trouble(Kind.UNSERVED, "ledger", since_s=130)
    sick = replace(snapshot, vitals=replace(snapshot.vitals, state=dead))
    line = frame.status_line(
        Picture(sick, ME, NOW, 0), label="", problem="", alarms=0, frozen_us=None, now_us=AT_US,
        read_only=False, zone=JST, width=80,
    )  # fmt: skip
    assert "✗ UNSERVED 2m" in text(line)
    assert "live" not in text(line)


def test_events_of_another_day_carry_it() -> None:
    today, before = fire().events[:2]
    old = replace(before, at_us=AT_US - 26 * 3_600_000_000)
    lines = frame.event_lines((today, old), 2, AT_US, JST, 80)
    assert [text(line).strip().split("  ")[0][:12] for line in lines] == [
        "03:02 analyt", "23 Nov 01:02",
    ]  # fmt: skip


def test_a_sick_gateway_says_so_even_where_there_is_no_room() -> None:
    snapshot = fire()
    vitals = snapshot.vitals
    picture = Picture(snapshot, ME, NOW, 0)
    sick = type(vitals)("gw", "0", "s", 0, problems=("journal 2m behind", "disk 4%"))
    object.__setattr__(picture.snapshot, "vitals", sick)
    line = text(frame.totals_line(picture, frame.totals(snapshot.projects), 60))
    assert "gw journal 2m behind, disk 4%" in line


def test_the_help_key_is_there_at_any_width() -> None:
    for width in (20, 40, 60, 80, 200):
        line = text(frame.keys_line(Keys().at("overview"), width))
        assert "? help" in line


@pytest.mark.parametrize(
    ("cause", "first"),
    [("rpm", "rpm 20/20"), ("tpm", "tpm 74k/80k"), ("budget", "budget $455/")],
)
def test_the_limit_that_refuses_is_told_first(cause: str, first: str) -> None:
    row = fire().projects[0]
    refused = replace(row, state=replace(row.state, cause=cause, others=()))
    rule = text(frame.detail_line(refused, (), NOW, "1/6", JST, 80))
    assert rule.split(" · ")[1].startswith(first)
