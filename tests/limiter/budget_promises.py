"""What every limiter promises of a day's money."""

from datetime import UTC, date, datetime, timedelta

import pytest

from quotadeck.domain.days import day_at
from quotadeck.domain.limits import NEVER_US, BudgetLimit, rpm
from quotadeck.limiter import DayUnknown, Money, Refused
from tests.limiter.rig import (
    DAY_US,
    MONEY,
    Rig,
    budget,
    money,
    one,
    slot,
)


class BudgetPromises:
    """Money of a calendar day: held, spent, and reset once."""

    async def test_spent_and_held_and_asked_never_pass_the_budget(self, rig: Rig) -> None:
        day = budget(1_000, rig.clock)
        await rig.ask(money(400, day), name="a")
        await rig.ask(money(600, day), name="b")
        assert not await rig.passes(money(1, day))
        await rig.limiter.settle("a", {MONEY: 399})
        assert not await rig.passes(money(2, day))
        assert await rig.passes(money(1, day))

    async def test_no_time_but_the_next_day_brings_money(self, rig: Rig) -> None:
        day = budget(1_000, rig.clock)
        await rig.ask(money(1_000, day))
        rig.clock.advance_ms(DAY_US // 1_000 - 1)
        assert await rig.ask(money(1, day)) == Refused(MONEY, 1)
        rig.clock.advance_ms(1)
        assert await rig.passes(money(1_000, budget(1_000, rig.clock, "2026-11-25")))

    async def test_money_that_no_day_renews_has_no_wait(self, rig: Rig) -> None:
        of_a_job = BudgetLimit(1_000, "job", NEVER_US)
        await rig.ask(money(1_000, of_a_job))
        assert await rig.ask(money(1, of_a_job)) == Refused(MONEY, None)

    async def test_a_settlement_over_the_budget_is_recorded_as_it_is(self, rig: Rig) -> None:
        day = budget(1_000, rig.clock)
        await rig.ask(money(900, day), name="a")
        await rig.limiter.settle("a", {MONEY: 5_000})
        assert await rig.spent(MONEY) == 5_000
        assert await rig.left(MONEY) == -4_000
        assert not await rig.passes(money(0, day))

    async def test_settling_after_midnight_leaves_the_new_day_alone(self, rig: Rig) -> None:
        await rig.ask(money(900, budget(1_000, rig.clock)), name="late")
        await rig.ask(money(100, budget(1_000, rig.clock)), name="later")
        rig.clock.advance_ms(DAY_US // 1_000)
        new = budget(1_000, rig.clock, "2026-11-25")
        assert await rig.passes(money(700, new))
        assert await rig.limiter.settle("late", {MONEY: 950})
        assert await rig.limiter.release("later")
        assert await rig.all_left(MONEY) == {MONEY: 300}
        assert (await rig.state(MONEY)).held == 700

    async def test_a_clock_stepped_back_over_midnight_finds_what_was_spent(self, rig: Rig) -> None:
        old, new = budget(1_000, rig.clock), budget(1_000, rig.clock, "2026-11-25", 2 * DAY_US)
        await rig.ask(money(900, old), name="old")
        await rig.ask(money(800, new))
        assert not await rig.passes(money(101, old))
        await rig.limiter.settle("old", {MONEY: 850})
        assert await rig.left(MONEY) == 150
        assert not await rig.passes(money(201, new))
        assert await rig.passes(money(200, new))

    async def test_what_is_settled_is_known_without_waiting(self, rig: Rig) -> None:
        def known(day: str = "2026-11-24", key: str = MONEY) -> int:
            return rig.limiter.spent_nano(key, day)

        day = budget(1_000, rig.clock)
        await rig.ask(money(400, day), name="a")
        await rig.ask(money(200, day), name="b")
        assert known() == 0, "what is held is not spent"
        await rig.limiter.settle("a", {MONEY: 350})
        await rig.limiter.release("b")
        await rig.limiter.restore_spent({MONEY: {"2026-11-23": 70, "2026-11-24": 900}})
        assert [known(), known("2026-11-23"), known("2026-11-22")] == [350, 70, 0]
        assert known(key="project:b:budget") == 0

    async def test_money_spent_before_a_restart_stays_spent(self, rig: Rig) -> None:
        day, next_day = budget(1_000, rig.clock), budget(1_000, rig.clock, "2026-11-25")
        await rig.limiter.restore_spent(
            {MONEY: {"2026-11-24": 900, "2026-11-25": 1_000}}, known_after="2026-11-23"
        )
        assert not await rig.passes(money(101, day))
        assert await rig.passes(money(100, day))
        assert not await rig.passes(money(1, next_day))
        assert await rig.passes(money(1_000, budget(1_000, rig.clock, "2026-11-26")))
        other = money(1_000, day)._replace(key="project:b:budget")
        assert await rig.passes(other)

    async def test_a_day_that_nobody_told_of_gives_nothing_until_it_is_restored(
        self, rig: Rig
    ) -> None:
        await rig.limiter.restore_spent({}, known_after="2026-11-24")
        day, slots = budget(1_000, rig.clock), slot(1)
        with pytest.raises(DayUnknown) as unknown:
            await rig.ask(slots, money(1, day), name="a")
        assert (unknown.value.key, unknown.value.day) == (MONEY, "2026-11-24")
        assert await rig.limiter.money({MONEY: "2026-11-24"}) == {}
        await rig.limiter.restore_spent({MONEY: {"2026-11-24": 400}})
        assert not await rig.passes(money(601, day))
        assert await rig.passes(slots, money(600, day))
        await rig.limiter.restore_spent({MONEY: {"2026-11-24": 0}})
        again = budget(1_000, rig.clock)
        assert not await rig.passes(money(1, again)), "what is known is not told anew"

    async def test_each_days_money_can_be_read(self, rig: Rig) -> None:
        await rig.limiter.restore_spent({MONEY: {"2026-11-24": 50}}, known_after="2026-11-20")
        await rig.ask(money(100, budget(1_000, rig.clock)), name="a")
        await rig.ask(money(70, budget(1_000, rig.clock, "2026-11-25")))
        await rig.limiter.settle("a", {MONEY: 30})
        days = [f"2026-11-{day}" for day in (20, 23, 24, 25)]
        assert [(await rig.limiter.money({MONEY: day})).get(MONEY) for day in days] == [
            None,
            Money(),
            Money(80, 0),
            Money(0, 70),
        ]

    async def test_no_day_is_forgotten_while_money_is_held_and_none_is_given_twice(
        self, rig: Rig
    ) -> None:
        days = [budget(1_000, rig.clock, f"2026-10-{day:02}") for day in range(1, 32)]
        await rig.ask(money(900, days[0]), name="held")
        for day in days[1:]:
            await rig.ask(money(1_000, day), name=day.day)
            await rig.limiter.settle(day.day, {})
        assert not await rig.passes(money(101, days[0]))
        await rig.limiter.settle("held", {MONEY: 950})
        for day in reversed(days):
            try:
                assert not await rig.passes(money(51, day))
            except DayUnknown:
                continue

    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            ("Europe/Berlin", date(2026, 3, 29), 23),
            ("Europe/Berlin", date(2026, 10, 25), 25),
            ("America/Havana", date(2026, 3, 8), 23),
            ("America/New_York", date(2026, 11, 1), 25),
            ("Asia/Tokyo", date(2026, 7, 1), 24),
        ],
    )
    async def test_budget_resets_once_on_each_day_also_when_clocks_change(
        self, rig: Rig, zone: str, day: date, hours: int
    ) -> None:
        noon = datetime.combine(day - timedelta(days=1), datetime.min.time(), UTC)
        rig.clock.set_wall(round(noon.timestamp()) * 1_000_000 + DAY_US // 2)
        passed: dict[str, list[int]] = {}
        for _ in range(72 * 6):
            now_us = rig.clock.wall_us()
            today = day_at(now_us, zone)
            if await rig.passes(money(1, BudgetLimit(1, today.name, today.end_us))):
                passed.setdefault(today.name, []).append(now_us)
            rig.clock.advance_ms(600_000)
        assert all(len(times) == 1 for times in passed.values())
        this, following = passed[day.isoformat()][0], passed[str(day + timedelta(days=1))][0]
        assert following - this == hours * 3_600_000_000

    async def test_a_stepped_wall_clock_gives_no_tokens(self, rig: Rig) -> None:
        limit = rpm(60)
        await rig.passing(one(limit))
        rig.clock.set_wall(rig.clock.wall_us() + 3_600_000_000)
        assert not await rig.passes(one(limit))
        rig.clock.set_wall(rig.clock.wall_us() - 7_200_000_000)
        rig.clock.advance_ms(1_000)
        assert await rig.passing(one(limit)) == 1
