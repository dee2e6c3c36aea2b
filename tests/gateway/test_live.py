"""The live picture: what passed is in it, what did not change is the same, midnight clears it."""

import asyncio
from dataclasses import replace

from quotadeck.domain.catalogue import Project
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.days import micros
from quotadeck.domain.layers import Layer
from quotadeck.domain.limits import MICRO
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import (
    Budget,
    Change,
    Event,
    Flow,
    Level,
    LimitReading,
    ProjectRow,
    limit_on,
)
from quotadeck.domain.subject import Subject
from quotadeck.gateway.watch.live import EVENTS_SHOWN
from tests.gateway.picture import ANALYTICS, HOUR_US, VITALS, Picture
from tests.gateway.values import FLASH, NOON_US, OPUS, catalogue, entry


def event(number: int) -> Event:
    return Event(f"evt_{number}", NOON_US, "", notice("told", text=f"number {number}"))


async def test_untouched_project_stands_full_and_still() -> None:
    it = Picture(catalogue(concurrency=4))
    first = await it.row()
    assert first == ProjectRow(
        id="analytics",
        name="Analytics",
        priority="medium",
        version=0,
        paused=False,
        limits=(
            LimitReading("rpm", 60, 0, level=Level(10 * MICRO, 10 * MICRO, 0)),
            LimitReading("tpm", 60_000, 0, level=Level(60_000 * MICRO, 60_000 * MICRO, 0)),
            LimitReading("concurrency", 4, 0),
            LimitReading("daily_budget_usd", NANO_PER_USD, 0),
        ),
        budget=Budget(NANO_PER_USD, 0, 0, micros("2026-11-25T00:00Z")),
        flow=Flow(),
    )
    it.clock.advance_ms(60_000)
    assert await it.row() == first, "an idle gateway has nothing to send"
    assert (await it.row("search")).limits == ()


async def test_request_under_way_is_seen_in_levels_money_and_flow() -> None:
    it = Picture(catalogue(target={"rpm": 50}))
    it.clock.advance_ms(5_000)
    flight = await it.begin()
    row = await it.row()
    level = Level(9 * MICRO, 10 * MICRO, it.clock.monotonic_ns() // 1_000_000)
    assert limit_on(row, Field.RPM) == LimitReading("rpm", 60, 1, level=level)
    assert limit_on(row, Field.BUDGET) == LimitReading(
        "daily_budget_usd", NANO_PER_USD, 0, row.budget.held_nano
    )
    assert row.budget.held_nano == flight.open.held_nano_usd
    assert (row.flow.in_flight, row.flow.requests_60s, row.models) == (1, 1, ("opus",))
    target = (await it.live.snapshot()).targets[0]
    assert (target.id, target.flow.in_flight) == (OPUS, 1)
    shared = limit_on(target, Field.RPM)
    assert shared is not None
    assert shared.level is not None
    assert shared.level.level == shared.level.capacity - MICRO


async def test_end_turns_held_money_into_spent() -> None:
    it = Picture(catalogue())
    await it.end(await it.begin(), cost_nano_usd=360_000)
    row = await it.row()
    assert (row.budget.held_nano, row.budget.spent_nano) == (0, 360_000)
    assert (row.flow.in_flight, row.flow.tokens_60s, row.flow.spent_60s_nano) == (0, 120, 360_000)


async def test_row_is_still_again_when_all_windows_have_run_out() -> None:
    it = Picture(catalogue())
    await it.end(await it.begin())
    it.clock.advance_ms(2 * 3_600_000)
    before = await it.row()
    assert before.flow == Flow()
    it.clock.advance_ms(1_000)
    assert await it.row() == before
    assert (await it.row()).budget.spent_nano == 360_000


async def test_midnight_of_the_projects_zone_clears_the_day() -> None:
    it = Picture(catalogue(zone="Asia/Tokyo"))
    it.clock.set_wall(micros("2026-11-24T14:59:59Z"))
    await it.end(await it.begin())
    assert (await it.row()).budget.spent_nano == 360_000
    it.clock.advance_ms(1_000)
    budget = (await it.row()).budget
    assert (budget.spent_nano, budget.ends_us) == (0, micros("2026-11-25T15:00Z"))


async def test_request_that_ends_after_midnight_takes_nothing_from_the_new_day() -> None:
    it = Picture(catalogue())
    it.clock.set_wall(micros("2026-11-24T23:59:59Z"))
    flight = await it.begin()
    it.clock.advance_ms(1_000)
    assert (await it.row()).budget.held_nano == 0
    await it.end(flight)
    budget = (await it.row()).budget
    assert (budget.held_nano, budget.spent_nano) == (0, 0)


async def test_request_that_arrived_before_midnight_and_went_after_it_leaves_nothing_held() -> None:
    it = Picture(catalogue())
    it.clock.set_wall(micros("2026-11-25T00:00:00Z"))
    flight = await it.begin(at_us=micros("2026-11-24T23:59:59Z"))
    await it.end(flight)
    assert (await it.row()).budget.held_nano == 0


async def test_day_starts_from_what_the_ledger_knows() -> None:
    it = Picture(catalogue())
    await it.limiter.restore_spent({f"{ANALYTICS}:budget": {"2026-11-24": 5_000}})
    it.live.seed([], [event(1)])
    await it.end(await it.begin(), cost_nano_usd=10)
    snapshot = await it.live.snapshot()
    assert snapshot.projects[0].budget.spent_nano == 5_010
    assert snapshot.events == (event(1),)


async def test_spend_rates_go_on_where_the_last_process_left_them() -> None:
    it = Picture(catalogue())
    minute_us = 60_000_000
    now_us = it.clock.wall_us()
    told = [(now_us - ago * minute_us, "analytics", nano) for ago, nano in ((50, 7), (5, 100))]
    it.live.seed([*told, (now_us, "gone-from-the-file", 9)], [])
    assert (await it.row()).flow.spent_10m_nano == 100
    it.clock.advance_ms(11 * 60_000)
    assert (await it.row()).flow.spent_10m_nano == 0


async def test_newest_events_stand_first_and_old_ones_leave() -> None:
    it = Picture(catalogue())
    for number in range(EVENTS_SHOWN + 5):
        it.live.happened(event(number))
    shown = (await it.live.snapshot()).events
    newest = range(EVENTS_SHOWN + 4, 4, -1)
    assert [one.id for one in shown] == [f"evt_{number}" for number in newest]


async def test_refusals_are_shown_where_they_bind() -> None:
    it = Picture(catalogue())
    it.live.refused("analytics", "opus", Cause.RPM, ANALYTICS)
    it.live.refused("analytics", "flash", Cause.TARGET_RPM, Subject.target(FLASH))
    it.live.refused("analytics", "flash", Cause.TARGET_RPM, Subject.target(FLASH))
    snapshot = await it.live.snapshot()
    assert snapshot.projects[0].flow.refused_60s == 3
    assert [target.flow.refused_60s for target in snapshot.targets] == [0, 2]


async def test_commands_in_force_stand_on_their_rows() -> None:
    it = Picture(catalogue())
    still = await it.row("search")
    it.command(
        entry(1, ANALYTICS, Field.RPM, 120, until_us=NOON_US + HOUR_US),
        entry(2, ANALYTICS, Field.PAUSED, True),
        entry(3, Subject.model("opus"), Field.TARGET, FLASH),
        entry(4, Subject.target(OPUS), Field.TPM, 9_000),
    )
    snapshot = await it.live.snapshot()
    row, route, target = snapshot.projects[0], snapshot.routes[0], snapshot.targets[0]
    assert row.paused
    assert row.version == 2
    rpm = limit_on(row, Field.RPM)
    assert rpm is not None
    assert rpm.level is not None
    assert (rpm.limit, rpm.level.capacity) == (120, 20 * MICRO)
    assert row.changes[0] == Change(
        "cmd_1", "rpm", 120, 60, Layer.OVERRIDE, NOON_US + HOUR_US, "mika", "orders import"
    )
    assert [(change.field, change.value) for change in row.changes[1:]] == [("paused", True)]
    assert (route.id, route.serving, route.paused) == ("opus", FLASH, False)
    assert limit_on(target, Field.TPM) == LimitReading(
        "tpm", 9_000, 0, level=Level(9_000 * MICRO, 9_000 * MICRO, 0)
    )
    assert await it.row("search") == still


async def test_other_work_gets_its_turn_between_slices_of_rows() -> None:
    of = catalogue()
    many = {
        f"p{number}": Project(f"p{number}", "P", limits={Field.RPM: 60}) for number in range(200)
    }
    it = Picture(replace(of, projects={**of.projects, **many}))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    snapshot = await it.live.snapshot()
    task.cancel()
    assert len(snapshot.projects) == 202
    assert turns >= 9


async def test_instants_of_a_picture_are_its_clocks() -> None:
    it = Picture(catalogue())
    snapshot = await it.live.snapshot()
    assert snapshot.now_ms == it.clock.monotonic_ns() // 1_000_000
    assert snapshot.at_us == NOON_US
    assert snapshot.vitals == VITALS
