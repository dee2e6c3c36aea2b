"""The timeline: what happened, whoever recorded it, in one list that goes on without end."""

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from quotadeck.domain.happenings import HappeningKind
from quotadeck.domain.snapshot import Past, Per
from quotadeck.domain.subject import Subject
from quotadeck.tui.kit.reel import LEAVES
from quotadeck.tui.pages.timeline import ENTRIES, EVENTS, Timeline
from tests.tui.driving import choose, quotadeck, quotadeck_of, sees, shown, until
from tests.tui.happened import Happened, alarm, event, night
from tests.tui.hours import an_hour
from tests.tui.scenes import AT_US, MINUTE_US, fire
from tests.tui.scripted import Scripted, advancing, entry


def source_of(**more: Any) -> Scripted:
    return Scripted(advancing(fire(), 50), 0.05, **{**night(), "passed": an_hour, **more})


async def opened(pilot: Pilot[int]) -> Timeline:
    await choose(pilot, "analytics")
    await pilot.press("t")
    page = quotadeck_of(pilot).screen
    assert isinstance(page, Timeline)
    await until(pilot, lambda: not page.reading)
    return page


def lines(page: Timeline) -> list[str]:
    return [line.strip() for line in page.lines.text() if line.strip()]


async def test_all_of_the_night_stands_in_one_list_days_apart() -> None:
    async with quotadeck(source_of()).run_test(size=(100, 30)) as pilot:
        page = await opened(pilot)
        told = "\n".join(lines(page))
        for part in (
            '» mika             batch-embed paused for 1h "storming client"',
            "✓ search           fails 30%: over after 5m30s",
            "! batch-embed      storm ×14: by its rpm, 274 of 294 refused",
            "✗ ken              refused: tpm 9,000,000",
            "» mika             limit mobile-app, analytics, search",
            "« search           search rpm 40 ended: 20 again",
            "yesterday Mon 23 Nov",
            "Sun 22 Nov",
        ):
            assert part in told, part
        assert told.index("yesterday") < told.index("gateway started") < told.index("Sun 22 Nov")
        assert "refused 540 → 612/m, others 31 → 4/m · failed 0 → 0/m" in told.splitlines()[1]


async def test_enter_explains_a_target_and_audits_a_key() -> None:
    on_key = entry(60, action="key_revoke", subject=Subject.key("k_b21a86"), group="", field=None)
    source = source_of()
    source.rows = (on_key, *source.rows)
    async with quotadeck(source).run_test(size=(100, 30)) as pilot:
        page = await opened(pilot)
        rows = page.lines.rows
        places = {str(row.it.subject): at for at, row in enumerate(rows) if row.it}
        page.move(places["target:main/claude-opus-4.7"] - page.lines.index)
        await pilot.press("enter")
        await sees(pilot, "why: main/claude-opus-4.7", "5 % of a minute")
        await pilot.press("escape")
        page.move(places["key:k_b21a86"] - page.lines.index)
        await pilot.press("enter")
        await sees(pilot, "audit k_b21a86", "#60", "1/1")


async def test_the_strip_tells_the_refused_of_an_hour_and_when_what_was() -> None:
    async with quotadeck(source_of()).run_test(size=(120, 30)) as pilot:
        page = await opened(pilot)
        await sees(pilot, "refused/min, all projects, most 280")
        marks = page._hour.text()[1]
        assert (marks[1 + 60 - 12], marks.count("!"), marks.count("»")) == ("┃", 2 + 1, 1 + 1)


async def test_what_begins_now_comes_on_top_while_it_follows() -> None:
    source = source_of()
    assert source.happened is not None
    async with quotadeck(source).run_test(size=(100, 30)) as pilot:
        page = await opened(pilot)
        page._rested_ns, page.rest_ns = 0, 0  # type: ignore[misc]
        source.happened.alarms.append(alarm("mobile-app", "storm", 0.01, None))
        page._polled = None
        await until(pilot, lambda: "mobile-app" in lines(page)[0])
        assert page.following


async def test_braces_go_to_the_alarms_and_over_what_is_yet_to_be_read() -> None:
    many = [event(n, 5_000 - n, "gateway.started") for n in range(1_000)]
    alarms = [alarm("checkout", "storm", 4_990, 4_980), alarm("search", "storm", 4_500, 4_499)]
    source = source_of(happened=Happened(many, alarms), rows=())
    async with quotadeck(source).run_test(size=(100, 30)) as pilot:
        page = await opened(pilot)
        for name in ("search", "checkout"):
            page.do_alarm_before()
            await until(pilot, lambda: not page.reading and not page._seeking)
            chosen = page.lines.chosen
            assert chosen is not None
            assert chosen.it is not None
            assert (chosen.it.kind, chosen.it.subject.name) == (HappeningKind.ALARM, name)
        assert page.chosen_at_us == AT_US - 4_990 * MINUTE_US
        page.do_alarm_before()
        await sees(pilot, "no other alarm is on record there")
        page.do_alarm_after()
        assert page.lines.chosen is not chosen


async def test_it_is_read_to_its_beginning_in_bounded_memory_with_nothing_missing() -> None:
    many = [event(n, 9_000 - n, "gateway.started") for n in range(3_000)]
    log = tuple(
        entry(seq, at_us=AT_US - (9_000 - seq * 4) * MINUTE_US) for seq in range(700, 0, -1)
    )
    alarms = [alarm("search", "storm", 8_950 - n * 20, 8_945 - n * 20) for n in range(120)]
    source = source_of(happened=Happened(many, alarms), rows=log)
    async with quotadeck(source).run_test(size=(100, 30)) as pilot:
        page = await opened(pilot)
        seen = {one.id for one in page.reel.rows}
        while page.reel.older is not None:
            await pilot.press("G")
            await until(pilot, lambda: not page.reading)
            seen |= {one.id for one in page.reel.rows}
            assert len(page.reel.rows) <= (LEAVES + 2) * 2 * (EVENTS + ENTRIES + 50)
        assert len(seen) == 3_000 + 700 + 240
        assert [one.at_us for one in page.reel.rows] == sorted(
            (one.at_us for one in page.reel.rows), reverse=True
        )


async def test_the_filter_knows_texts_and_kinds_and_says_what_it_hides() -> None:
    async with quotadeck(source_of()).run_test(size=(100, 30)) as pilot:
        page = await opened(pilot)
        await pilot.press("slash", *"alarm", "enter")
        await sees(pilot, "/alarm", "hides 11")
        assert len([line for line in lines(page) if " ! " in line]) == 3
        await pilot.press("escape")
        await sees(pilot, "storming client")


async def test_enter_opens_the_project_and_there_t_the_projects_own() -> None:
    async with quotadeck(source_of()).run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(quotadeck_of(pilot).screen, Timeline))
        await pilot.press("t")
        await sees(pilot, "/batch-embed", "storming client")
        assert "nightly import" not in shown(quotadeck_of(pilot))


@pytest.mark.parametrize("size", [(30, 8), (59, 16), (80, 24), (200, 50)])
async def test_it_is_drawn_at_any_size(size: tuple[int, int]) -> None:
    async with quotadeck(source_of()).run_test(size=size) as pilot:
        await opened(pilot)
        await sees(pilot, "»")
        assert all(len(line) <= size[0] for line in shown(quotadeck_of(pilot)).splitlines())


async def test_a_step_back_goes_to_what_is_under_the_cursor() -> None:
    source = source_of(was=lambda at_us: replace(fire(), at_us=at_us, past=Past(Per.CALL)))
    async with quotadeck(source).run_test(size=(100, 30)) as pilot:
        page = await opened(pilot)
        await pilot.press("j")
        at_us = page.chosen_at_us
        await pilot.press("left_square_bracket")
        await sees(pilot, "PAST", "project", "actions are off")
        assert source.asked_at == [at_us]
