"""Lines are exactly as wide as the terminal and say what the reading says."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from quotadeck.domain.capability import FigureKind
from quotadeck.domain.commands import Field
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import Flow, ProjectRow, limit_on
from quotadeck.domain.state import StateKind
from quotadeck.domain.totals import Totals, totals
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.filter import Filter, Narrowed
from quotadeck.tui.kit.fit import bar, cell_len
from quotadeck.tui.kit.foot import anything, keys_line, note_line
from quotadeck.tui.link import Picture
from quotadeck.tui.pages.help import help_lines
from quotadeck.tui.panes.events import event_lines
from quotadeck.tui.panes.head import status_line
from quotadeck.tui.panes.totals import hourly_nano, totals_line
from quotadeck.tui.present import Present
from quotadeck.words import Language, use
from quotadeck.words import numbers as f
from quotadeck.words import text as words
from quotadeck.words.en import ENGLISH
from tests.tui.lines import LATE, NOW, at, context, rule, tables, text
from tests.tui.play import JST
from tests.tui.scenes import AT_US, ME, fire, project, rates, trouble, usd
from tests.words.pseudo import PSEUDO

WIDTHS = (60, 61, 67, 74, 79, 80, 84, 100, 120, 139, 140, 158, 200, 320)


def summed(rows: tuple[ProjectRow, ...]) -> Totals:
    """The sums of rows that one gateway decided on."""
    return totals([(FigureKind.ENFORCED, rows)])[FigureKind.ENFORCED]


def filtered(typed: str, hidden: int, troubles: int, width: int, *, typing: bool) -> str:
    """The foot of a page under a filter."""
    seen: Narrowed[object] = Narrowed((), hidden, troubles)
    filter_ = Filter(Editor.holding(typed), typing)
    return text(filter_.foot(seen, "overview", Keys(), anything, width))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("now", [NOW, LATE])
def test_every_line_fills_the_width_and_no_more(width: int, now: Present) -> None:
    lines = tables(fire(8), width, now)
    assert [cell_len(text(line)) for line in lines] == [width] * len(lines)


@pytest.fixture(params=[ENGLISH, PSEUDO], ids=("en", "pseudo"))
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    """English, and a language that is longer and wider."""
    before = use(request.param)
    yield request.param
    use(before)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_frame_fills_the_width_and_no_more(width: int, language: Language) -> None:
    snapshot = fire(8)
    picture = Picture(snapshot, ME, NOW, 0)
    status = status_line(picture, context(), alarms=4, frozen_us=None, width=width)
    lines = [
        text(status),
        text(totals_line(picture, summed(snapshot.projects), width)),
        text(rule(snapshot.projects[0], width)),
        *map(text, event_lines(snapshot.events, 3, AT_US, JST, width)),
        text(keys_line(Keys().at("overview"), width)),
        *(
            filtered(typed, hidden, troubles, width, typing=typing)
            for typed in ("abc", "a" * 60)
            for hidden, troubles in ((0, 0), (41, 3))
            for typing in (False, True)
        ),
        text(note_line("x" * 60, "normal", Keys().at("overview"), width)),
        text(Filter(Editor.holding("shop" * 9)).nothing("esc", width)),
    ]
    assert [cell_len(line) for line in lines] == [width] * len(lines)
    assert f"gw-tokyo-1 {words('head.live')}" in text(status)
    assert "03:02 JST" in text(status)
    assert "! 4" in text(status)
    assert "mika" in text(status)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("place", ["overview", "audit", "help"])
def test_the_help_fits_in_any_language(place: Place, width: int, language: Language) -> None:
    for line in help_lines(place, width, Keys()):
        assert cell_len(text(line)) <= width, text(line)


def test_at_eighty_columns_the_night_is_readable() -> None:
    snapshot, c = fire(), laid_out(PROJECTS, 80)
    line = text(c.line(snapshot.projects[0], at()))
    for said in ("analytics", "L", "storm ×14 2m, rpm 274/m", "20/20 rpm", "gone 03:40"):
        assert said in line


def test_the_columns_keep_their_titles_above_them() -> None:
    snapshot = fire()
    for width in WIDTHS:
        c = laid_out(PROJECTS, width)
        head, line = text(c.head()), text(c.line(snapshot.projects[0], at()))
        assert head.index("why") == line.index("storm")
        assert head.index("next") + len("next") == line.index("gone 03:40") + len("gone 03:40")


def test_a_bar_shows_the_number_beside_it_and_goes_hollow_when_late() -> None:
    row, c = project("a", rpm=60, flow=Flow(requests_60s=60)), laid_out(PROJECTS, 200)
    live = text(c.line(row, at()))
    late = text(c.line(row, at(LATE)))
    assert "████     60/60 rpm" in live
    assert "█" not in late
    assert "░░░░     60/60 rpm" in late
    flow = Flow(requests_60s=30)
    refilled = replace(row, limits=rates(60, 1, flow, 1), flow=flow)
    assert f"{bar(0.5, 4)}     30/60 rpm" in text(c.line(refilled, at()))


def test_use_is_the_tightest_limit_and_of_a_refused_row_the_one_that_refuses() -> None:
    row = project("a", rpm=60, tpm=80_000, budget=5, spent=1, flow=Flow(14, 77_000))
    assert "77k/80k tpm" in text(laid_out(PROJECTS, 80).line(row, at()))
    refused = replace(row, state=trouble(StateKind.THROTTLED, "rpm"))
    assert "14/60 rpm" in text(laid_out(PROJECTS, 80).line(refused, at()))
    wide = text(laid_out(PROJECTS, 240).line(row, at()))
    assert "14/60" in wide
    assert "$1.00/5.00" in wide


def test_overrides_are_told_with_their_ends() -> None:
    snapshot = fire()
    wide = text(laid_out(PROJECTS, 320).line(snapshot.projects[0], at()))
    assert "rpm 10→20 47m left (mika) “batch bug”" in wide
    told = text(rule(snapshot.projects[3], 80, "4/6"))
    assert "── content-gen paused 42m left (mika) “batch bug” · rpm" in told


def test_a_narrow_rule_tells_what_holds_before_the_rest() -> None:
    told = text(rule(fire().projects[0], 60))
    assert "── analytics by its rpm, 274" in told  # and neither its name nor its word twice


def test_the_rule_says_what_is_used_of_each_limit_where_the_columns_do_not() -> None:
    row = fire().projects[0]
    rpm = limit_on(row, Field.RPM)
    assert rpm
    for width in (80, 120):
        shown = text(laid_out(PROJECTS, width).line(row, at()))
        shown += text(rule(row, width))
        used = f"{f.short(row.flow.requests_60s)}/{f.short(rpm.limit)}"
        assert used in shown, width


def test_what_is_refused_stands_in_the_sums() -> None:
    snapshot = fire()
    sums = summed(snapshot.projects)
    line = totals_line(Picture(snapshot, ME, NOW, 0), sums, 80)
    assert "asked 1.57k/m  refused 827/m (52%)" in text(line)
    vitals = replace(snapshot.vitals, strangers_refused_60s=100)
    some = totals_line(Picture(replace(snapshot, vitals=vitals), ME, NOW, 0), sums, 80)
    assert "asked 1.67k/m  refused 927/m (55%)" in text(some), "and those whom nobody knows"


def test_the_keys_stay_while_a_filter_is_in_force() -> None:
    line = filtered("shop", 0, 0, 80, typing=False)
    assert line.startswith("/shop    esc clear  p pause  r resume  l limit  f fallback")
    assert "? help" in line


def test_totals_are_sums_and_money_an_hour_is_a_rate_of_now() -> None:
    sums = summed(fire().projects)
    assert (sums.requests, sums.ended, sums.failed) == (745, 736, 7)
    assert hourly_nano(sums, NOW) == usd(2.1) * 60
    young = replace(NOW, counting_us=20_000_000)
    assert hourly_nano(sums, young) == usd(2.1) * 180  # all of it in the 20 s since the start


def test_a_gateway_that_has_just_started_says_how_long_it_counts() -> None:
    snapshot = fire()
    young = Picture(snapshot, ME, replace(NOW, counting_us=22_000_000), 0)
    assert "counting for 20s" in text(totals_line(young, summed(()), 80))
    assert "counting" not in text(totals_line(replace(young, present=NOW), summed(()), 80))


def test_an_unserving_gateway_is_not_called_live() -> None:
    snapshot = fire()
    dead = trouble(StateKind.UNSERVED, "ledger", since_s=130)
    sick = replace(snapshot, vitals=replace(snapshot.vitals, state=dead))
    picture = Picture(sick, ME, NOW, 0)
    line = status_line(picture, context(), alarms=0, frozen_us=None, width=80)
    assert "✗ UNSERVED 2m" in text(line)
    assert "live" not in text(line)


def test_events_of_another_day_carry_it() -> None:
    today, before = fire().events[:2]
    old = replace(before, at_us=AT_US - 26 * 3_600_000_000)
    lines = event_lines((today, old), 2, AT_US, JST, 80)
    assert [text(line).strip().split("  ")[0][:12] for line in lines] == [
        "03:02 analyt",
        "23 Nov 01:02",
    ]


def test_a_sick_gateway_says_so_even_where_there_is_no_room() -> None:
    snapshot = fire()
    vitals = snapshot.vitals
    picture = Picture(snapshot, ME, NOW, 0)
    sick = type(vitals)(
        "gw",
        "0",
        "s",
        0,
        problems=(
            notice("vital.journal_behind", behind_ms=120_000),
            notice("vital.disk", free_percent=4),
        ),
    )
    object.__setattr__(picture.snapshot, "vitals", sick)
    line = text(totals_line(picture, summed(snapshot.projects), 60))
    assert "gw journal 2m behind, disk 4% free" in line


def test_the_help_key_is_there_at_any_width() -> None:
    for width in (20, 40, 60, 80, 200):
        line = text(keys_line(Keys().at("overview"), width))
        assert "? help" in line


@pytest.mark.parametrize(
    ("cause", "first"),
    [("rpm", "rpm 20/20"), ("tpm", "tpm 74k/80k"), ("budget", "budget $455/")],
)
def test_the_limit_that_refuses_is_told_first(cause: str, first: str) -> None:
    row = fire().projects[0]
    refused = replace(row, state=replace(row.state, cause=cause, others=()))
    told = text(rule(refused, 80))
    assert told.split(" · ")[1].startswith(first)
