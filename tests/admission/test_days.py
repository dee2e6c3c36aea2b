"""The day that money is of: the wall clock's, always; and what was spent on it, from the ledger."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from quotadeck.admission.admit import Ticket, admit, size_of
from quotadeck.admission.days import BudgetDays, budget_key
from quotadeck.admission.estimator import Estimator
from quotadeck.admission.planned import ProjectPlan, TargetPlan
from quotadeck.admission.prepared import prepare
from quotadeck.domain.days import day_at, micros
from quotadeck.domain.refusals import BudgetSpent, LedgerUnavailable
from quotadeck.limiter import MemoryLimiter, Money
from tests.clocks import HandClock
from tests.gateway.values import NOON_US, OPUS, catalogue, plan, request

DAY_US = 86_400_000_000
KEY = budget_key("analytics")


@dataclass
class Till:
    """A budget of three requests a day, a ledger that can be shut, and both clocks."""

    zone: str = "UTC"
    booked: dict[str, int] = field(default_factory=dict)
    known_after: str = "2026-11-21"
    asked: int = 0
    reads: list[Mapping[str, str]] = field(default_factory=list)
    shut: LedgerUnavailable | None = None
    hangs: bool = False

    def __post_init__(self) -> None:
        self.clock = HandClock(NOON_US)
        self.limiter = MemoryLimiter(self.clock)
        self.days = BudgetDays(self.limiter, self.spent_on, patience_s=0.01)
        wide = {"rpm": 100_000, "tpm": 100_000_000, "zone": self.zone}
        size = size_of(request(max_tokens=10), prepare(*self.field(wide)), Estimator())
        self.bound = size.bound_nano
        self.project, self.target = self.field({**wide, "daily_budget_usd": 3 * self.bound})
        self.size = size

    @staticmethod
    def field(limits: dict[str, Any]) -> tuple[ProjectPlan, TargetPlan]:
        now = plan(catalogue(**limits))
        return now.projects["analytics"], now.targets[OPUS]

    async def spent_on(self, days: Mapping[str, str]) -> Mapping[str, int]:
        self.reads.append(days)
        if self.hangs:
            await asyncio.Event().wait()
        if self.shut:
            raise self.shut
        return {project: self.booked.get(day, 0) for project, day in days.items()}

    async def restore(self) -> None:
        """As at the gateway's start."""
        later = {day: nano for day, nano in self.booked.items() if day > self.known_after}
        await self.limiter.restore_spent({KEY: later}, known_after=self.known_after)

    async def admit(self) -> Ticket:
        self.asked += 1
        return await admit(
            self.limiter,
            self.days,
            prepare(self.project, self.target),
            f"req_{self.asked}",
            self.size,
            now_us=self.clock.wall_us(),
            ttl_ms=90_000,
        )

    async def pay(self) -> str:
        """One request that costs all it may; the day it is booked on."""
        ticket = await self.admit()
        await self.limiter.settle(f"req_{self.asked}", {KEY: self.bound})
        self.booked[ticket.budget_day] = self.booked.get(ticket.budget_day, 0) + self.bound
        return ticket.budget_day

    async def spends_the_rest(self) -> int:
        """How many more requests today's budget pays."""
        paid = 0
        while True:
            try:
                await self.pay()
            except BudgetSpent:
                return paid
            paid += 1

    async def shown(self) -> Money | None:
        today = self.days.limit(self.project, self.clock.wall_us())
        return (await self.limiter.money({KEY: today.day})).get(KEY)


def test_a_day_is_a_calendar_day_also_when_the_clocks_change() -> None:
    it = Till("Europe/Berlin")
    begins = micros("2026-10-24T22:00:00Z")
    limit = it.days.limit(it.project, begins)
    assert (limit.day, limit.ends_at_us - begins) == ("2026-10-25", 25 * 3_600_000_000)
    assert it.days.limit(it.project, limit.ends_at_us - 1) is limit
    assert it.days.limit(it.project, limit.ends_at_us).day == "2026-10-26"
    spring = it.days.limit(it.project, micros("2027-03-27T23:00:00Z"))
    assert (spring.day, spring.ends_at_us - micros("2027-03-27T23:00:00Z")) == (
        "2027-03-28",
        23 * 3_600_000_000,
    )


def test_a_changed_budget_keeps_its_day() -> None:
    it = Till()
    first = it.days.limit(it.project, NOON_US)
    lower = it.days.limit(plan(catalogue(daily_budget_usd=5)).projects["analytics"], NOON_US)
    assert (lower.nano_usd, lower.day, lower.ends_at_us) == (5, first.day, first.ends_at_us)


@pytest.mark.parametrize("days", [1, 2, -1, -2, 30])
async def test_a_wall_clock_that_is_wrong_for_a_second_moves_nobody_to_another_day(
    days: int,
) -> None:
    it = Till()
    await it.restore()
    assert await it.pay() == "2026-11-24"
    it.clock.set_wall(NOON_US + days * DAY_US)
    assert await it.pay() != "2026-11-24"
    it.clock.set_wall(NOON_US)
    assert await it.shown() == Money(it.bound)
    assert await it.pay() == "2026-11-24"
    assert await it.spends_the_rest() == 1
    assert max(it.booked.values()) == it.project.budget.value


@pytest.mark.parametrize("days", [1, 2, 40, -1, -2, -40])
async def test_a_gateway_that_started_on_the_wrong_day_finds_the_right_days_spend(
    days: int,
) -> None:
    it = Till()
    it.booked["2026-11-24"] = 2 * it.bound
    it.clock.set_wall(NOON_US + days * DAY_US)
    it.known_after = day_at(NOON_US + (days - 3) * DAY_US, "UTC").name
    await it.restore()
    await it.pay()
    it.clock.set_wall(NOON_US)
    assert await it.spends_the_rest() == 1
    assert await it.shown() == Money(3 * it.bound)


async def test_midnight_asks_the_ledger_nothing_and_finds_what_a_wrong_clock_booked() -> None:
    it = Till("Asia/Tokyo")
    it.booked["2026-11-25"] = it.bound
    await it.restore()
    it.shut = LedgerUnavailable("locked")
    assert await it.spends_the_rest() == 3
    it.clock.set_wall(micros("2026-11-24T14:59:59.999999Z"))
    assert await it.spends_the_rest() == 0
    it.clock.advance_ms(1)
    assert await it.spends_the_rest() == 2
    assert it.reads == []


async def test_money_held_over_midnight_and_back_is_held_on_its_own_day() -> None:
    it = Till()
    await it.restore()
    held = await it.admit()
    it.clock.set_wall(NOON_US + DAY_US)
    assert await it.shown() == Money()
    await it.pay()
    it.clock.set_wall(NOON_US)
    assert await it.shown() == Money(0, held.size.bound_nano)
    assert await it.spends_the_rest() == 2


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_day_that_the_ledger_cannot_tell_of_gets_no_budget(hangs: bool) -> None:
    it = Till()
    it.booked["2026-11-14"] = 2 * it.bound
    await it.restore()
    it.clock.set_wall(NOON_US - 10 * DAY_US)
    it.shut, it.hangs = LedgerUnavailable("ledger.db cannot be read now: locked"), hangs
    with pytest.raises(LedgerUnavailable):
        await it.admit()
    assert await it.shown() is None
    it.shut, it.hangs = None, False
    assert await it.spends_the_rest() == 1


async def test_many_who_ask_at_once_read_the_day_once() -> None:
    it = Till()
    await it.restore()
    it.clock.set_wall(NOON_US - 10 * DAY_US)
    answers = await asyncio.gather(*(it.admit() for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, Ticket) for answer in answers) == 3
    assert it.reads == [{"analytics": "2026-11-14"}]


async def test_a_reader_that_gives_up_leaves_the_others_waiting() -> None:
    it = Till()
    await it.restore()
    it.clock.set_wall(NOON_US - 10 * DAY_US)
    first, second = (asyncio.create_task(it.admit()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert isinstance(await second, Ticket)
