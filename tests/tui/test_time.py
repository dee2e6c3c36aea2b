"""Time travel: the same pages over the past, clearly so, and nothing that could be done there."""

import asyncio
from dataclasses import replace

import pytest

from quotadeck.domain.report import Alarm
from quotadeck.domain.snapshot import Gap, Past, Per, Snapshot
from quotadeck.domain.subject import Subject
from quotadeck.tui.app import Quotadeck
from quotadeck.tui.pages.calls import Calls
from quotadeck.tui.time.travel import BEHIND_ALARM_US, MINUTE_US, Travel
from quotadeck.words.times import local
from tests.clocks import HandClock
from tests.tui.call_book import CallBook, night
from tests.tui.driving import choose, quotadeck, scripted, sees, shown, until
from tests.tui.play import JST
from tests.tui.scenes import AT_US, calm
from tests.tui.scripted import Scripted

HOUR_US = 60 * MINUTE_US


def was(at_us: int, *gaps: Gap, per: Per = Per.CALL) -> Snapshot:
    """A calm picture of then."""
    snapshot = calm()
    past = Past(per, (*gaps, Gap.VITALS))
    return replace(snapshot, at_us=at_us, now_ms=at_us // 1_000, past=past, events=())


def stamp(us: int) -> str:
    return local(us, JST).strftime("%H:%M:%S")


def travelling(**more: object) -> tuple[Scripted, Quotadeck]:
    source = scripted(was=was, **more)
    return source, quotadeck(source)


async def test_a_step_back_shows_what_was_and_the_dot_comes_back() -> None:
    source, app = travelling()
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● live", "storm ×")
        await pilot.press("left_square_bracket")
        await sees(pilot, "PAST 03:0", "JST", "actions are off", ". now", "(1m ago)")
        assert "storm ×" not in shown(app)
        assert "now: ! " in shown(app), "who is in trouble now is told all the same"
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: len(source.asked_at) >= 2)
        first, second = source.asked_at[0], source.asked_at[-1]
        assert abs(first - second - MINUTE_US) < 5_000_000
        await sees(pilot, f"PAST {stamp(second)}")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: len(source.asked_at) >= 3)
        await pilot.press("full_stop")
        await sees(pilot, "● live", "storm ×")
        assert "PAST" not in shown(app)


async def test_nothing_can_be_changed_in_the_past() -> None:
    source, app = travelling()
    async with app.run_test(size=(100, 24)) as pilot:
        await sees(pilot, "pause", "limit")
        await pilot.press("left_square_bracket")
        await sees(pilot, "PAST")
        foot = app.overview.foot.text()[0]
        assert "pause" not in foot
        assert "limit" not in foot
        assert ". now  [ ] a minute  { } alarm  z play" in foot
        await pilot.press("p")
        await sees(pilot, "this is the past: p changes nothing; . comes back to the present")
        assert app.overview.modal is None
        assert source.commands == []


async def test_what_is_explained_there_is_what_held_then() -> None:
    app = quotadeck(scripted(was=was))
    async with app.run_test(size=(100, 30)) as pilot:
        await sees(pilot, "● live", "storm ×")
        await pilot.press("left_square_bracket")
        await sees(pilot, "PAST")
        await choose(pilot, "analytics")
        await pilot.press("x")
        await sees(pilot, "why: analytics")
        assert "storm" not in shown(app), "that is the present's"


async def test_the_live_link_goes_on_and_the_newest_ask_wins() -> None:
    source, app = travelling(hold=asyncio.Event())
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● live")
        for _ in range(6):
            await pilot.press("left_square_bracket")
        await sees(pilot, "● live", "→ 02:5")
        await until(pilot, lambda: len(source.asked_at) == 1)
        heard = app.link._heard_ns
        await until(pilot, lambda: app.link._heard_ns > heard)
        assert source.hold is not None
        source.hold.set()
        await until(pilot, lambda: len(source.asked_at) == 2)
        assert source.asked_at[0] - source.asked_at[1] == 5 * MINUTE_US
        await sees(pilot, f"PAST {stamp(source.asked_at[1])}")
        assert "→ " not in shown(app)


async def test_a_held_key_goes_further_each_time() -> None:
    clock = HandClock(AT_US)
    travel = Travel(scripted(), clock, lambda: AT_US, lambda: None)
    gone = []
    for _ in range(20):
        before = travel.here_us
        travel.step(-1)
        gone.append((before - travel.here_us) // MINUTE_US)
    assert gone == [1] * 8 + [5] * 8 + [30] * 4
    travel.step(1)
    assert travel.here_us == AT_US - sum(gone) * MINUTE_US + MINUTE_US
    for rested_ms in (1_400, 1_600):
        before = travel.here_us
        for _ in range(9):
            travel.step(-1)
        clock.advance_ms(rested_ms)
        travel.step(-1)
        gone.append((before - travel.here_us) // MINUTE_US)
    assert gone[-2:] == [8 + 5 + 5, 6 * 5 + 3 * 30 + 1], "of a rest it begins again at a minute"


@pytest.mark.parametrize(
    ("typed", "ago_us"), [("-2h", 2 * HOUR_US), ("02:00", None), ("3d", 72 * HOUR_US)]
)
async def test_a_typed_time_is_gone_to(typed: str, ago_us: int | None) -> None:
    source, app = travelling()
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● live")
        await pilot.press("at")
        await sees(pilot, "time (02:47, -2h):")
        await pilot.press(*typed, "enter")
        await sees(pilot, "PAST")
        await until(pilot, lambda: bool(source.asked_at))
        if ago_us is None:
            assert stamp(source.asked_at[0]) == "02:00:00"
        else:
            assert abs(AT_US - source.asked_at[0] - ago_us) < 10_000_000


async def test_a_wrong_time_is_said_to_be_one_and_nothing_moves() -> None:
    source, app = travelling()
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● live")
        await pilot.press("at", *"soon", "enter")
        await sees(pilot, "'soon' is no time of the past")
        await pilot.press("escape")
        await sees(pilot, "● live")
        assert source.asked_at == []


async def test_the_alarm_before_and_the_alarm_after() -> None:
    began = [AT_US - 40 * MINUTE_US, AT_US - 20 * MINUTE_US]
    alarms = tuple(
        Alarm(Subject.project("search"), "failing", "timeout", "", us, us + MINUTE_US)
        for us in began
    )
    source, app = travelling(alarmed=alarms)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● live")
        for expected in reversed(began):
            await pilot.press("left_curly_bracket")
            await until(pilot, lambda at=expected: at + BEHIND_ALARM_US in source.asked_at)  # type: ignore[misc]
            await sees(pilot, f"PAST {stamp(expected + BEHIND_ALARM_US)}")
        await pilot.press("left_curly_bracket")
        await sees(pilot, "no alarm before it is on record")
        await pilot.press("right_curly_bracket")
        await sees(pilot, f"PAST {stamp(began[1] + BEHIND_ALARM_US)}")


async def test_what_was_not_recorded_is_said_and_never_nought() -> None:
    gaps = (Gap.FLOW, Gap.LATENCY, Gap.LEVELS, Gap.SPENT, Gap.UNDER_WAY)
    source, app = travelling()
    source.was = lambda at_us: was(at_us, *gaps, per=Per.NOTHING)
    async with app.run_test(size=(120, 24)) as pilot:
        await sees(pilot, "● live")
        await pilot.press("left_square_bracket")
        await sees(pilot, "PAST", "not recorded: what was asked, latencies, levels")
        row = next(line for line in app.overview.projects.text() if "analytics" in line)
        assert "0" not in row, row
        source.was = lambda at_us: was(at_us, Gap.LEVELS, per=Per.HOUR)
        await pilot.press("left_square_bracket")
        await sees(pilot, "by the hour; not recorded: levels")


async def test_a_minute_in_which_the_gateway_was_started_has_what_the_process_before_did() -> None:
    def restarted(at_us: int) -> Snapshot:
        then, one = was(at_us), calm().projects[0]
        flow = replace(one.flow, requests_60s=60, spent_60s_nano=1_000_000_000)
        vitals = replace(then.vitals, started_us=at_us - 12_000_000, counting_since_us=0)
        return replace(then, projects=(replace(one, flow=flow),), vitals=vitals)

    app = quotadeck(scripted(was=restarted))
    async with app.run_test(size=(120, 24)) as pilot:
        await sees(pilot, "● live")
        await pilot.press("left_square_bracket")
        await sees(pilot, "PAST 03:0", "$60.0/h")


async def test_played_time_goes_on_and_ends_in_the_present() -> None:
    source, app = travelling()
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● live")
        await pilot.press("left_square_bracket")
        await sees(pilot, "PAST")
        await pilot.press("z", "z")
        await sees(pilot, "▶ ×10")
        await until(pilot, lambda: len(source.asked_at) >= 3)
        first, second = source.asked_at[-2:]
        assert 5_000_000 < second - first < 60_000_000
        await pilot.press("z")
        await until(pilot, lambda: "▶" not in shown(app))


async def test_the_page_of_a_project_is_of_then_too() -> None:
    source, app = travelling()
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● live")
        await pilot.press("left_square_bracket")
        await sees(pilot, "PAST")
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "analytics", "PAST")
        assert source.asked == [], "what passed lately is of now"
        await pilot.press("full_stop")
        await sees(pilot, "● live")
        await until(pilot, lambda: source.asked == ["analytics"])


async def test_a_gateway_that_was_down_is_said_to_have_been() -> None:
    source, app = travelling()

    def down(at_us: int) -> Snapshot:
        past = Past(Per.NOTHING, tuple(Gap), at_us - HOUR_US, at_us + HOUR_US)
        return replace(was(at_us), past=past)

    source.was = down
    async with app.run_test(size=(100, 24)) as pilot:
        await sees(pilot, "● live")
        await pilot.press("left_square_bracket")
        await sees(pilot, "not recorded: the gateway was not running")
        assert "storm ×" not in shown(app)


async def test_the_calls_of_then_are_those_up_to_it() -> None:
    book = CallBook([*night()])
    source, app = travelling(book=book)
    newest = max(call.at_us for call in book.calls)
    start_us = sorted(call.at_us for call in book.calls)[len(book.calls) // 2]
    assert start_us < newest
    async with app.run_test(size=(100, 24)) as pilot:
        await sees(pilot, "● live")
        app.overview.travel.to(start_us)
        await sees(pilot, "PAST")
        await pilot.press("c", "c")
        await sees(pilot, "calls", f"PAST {stamp(start_us)}")
        page = app.screen
        assert isinstance(page, Calls)
        await until(pilot, lambda: bool(page.reel.rows))
        assert max(row.call.at_us for row in page.reel.rows) <= start_us
        await pilot.press("full_stop")
        await until(pilot, lambda: max(row.call.at_us for row in page.reel.rows) == newest)
        assert source.asked_at == [start_us]
