"""Whoever waits is told when it is over or in vain, and waits for nobody behind him."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from quotadeck.client import Estimate, QuotaError, QuotaManager, Reservation
from quotadeck.client.core import LOOK_AGAIN_S
from tests.client.rig import simulated
from tests.clocks import HandClock

USD = 10**9
Told = tuple[str, str, float]


def asking(nano: int, tokens: int = 1) -> Estimate:
    return Estimate(tokens, cost_nano=nano)


class Story:
    """A manager, and who asks it; each entry is whose request ended its wait, how, and when."""

    def __init__(self, manager: QuotaManager, clock: HandClock) -> None:
        self.manager, self.clock = manager, clock
        self.told: list[Told] = []
        self._began_ns = clock.monotonic_ns()
        self._tasks: list[asyncio.Task[None]] = []

    async def holds(self, project: str, estimate: Estimate) -> Reservation:
        return await self.manager.acquire(project, estimate)

    async def asks(self, project: str, estimate: Estimate) -> asyncio.Task[None]:
        """Ask, and stand in the line; what is admitted has cost nothing."""

        async def ask() -> None:
            try:
                async with self.manager.acquire(project, estimate) as reservation:
                    said = "went"
                    reservation.settle(0, 0, cost_nano=0)
            except QuotaError as error:
                said = type(error).__name__
            now_s = (self.clock.monotonic_ns() - self._began_ns) / 1e9
            self.told.append((project, said, round(now_s, 1)))

        task = asyncio.create_task(ask())
        self._tasks.append(task)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return task

    async def ends(self) -> list[Told]:
        await asyncio.wait(self._tasks)
        return self.told


def played(
    work: Callable[[Story], Awaitable[None]],
    rpm: int = 6_000,
    tpm: int | None = None,
    budget: int | None = 10,
    **told: Any,
) -> list[Told]:
    clock = HandClock()
    story = Story(QuotaManager(rpm, tpm, budget, clock=clock, **told), clock)

    async def play() -> list[Told]:
        await work(story)
        return await story.ends()

    return simulated(clock, play())


async def settle(reservations: list[Reservation]) -> None:
    reservations.pop().settle()


async def forget(reservations: list[Reservation]) -> None:
    reservations.clear()


async def keep(reservations: list[Reservation]) -> None:
    await asyncio.sleep(80)
    assert reservations


@pytest.mark.parametrize(
    ("ends", "at"),
    [(settle, 10.0), (forget, 10.0), (keep, 60.0)],
    ids=["settled as estimated", "forgotten", "kept for longer than it may be"],
)
def test_who_waits_for_money_is_told_at_once_that_it_is_spent(
    ends: Callable[[list[Reservation]], Awaitable[None]], at: float
) -> None:
    async def work(story: Story) -> None:
        held = [await story.holds("c", asking(6 * USD))]
        await story.asks("b", asking(5 * USD))
        await asyncio.sleep(10)
        await ends(held)

    assert played(work, lifetime_s=60) == [("b", "BudgetSpent", at)]


def test_who_waits_for_a_projects_money_is_told_that_everybodys_is_spent() -> None:
    async def work(story: Story) -> None:
        story.manager.set_project_quota("b", budget=8)
        held = await story.holds("b", asking(4 * USD))
        await story.asks("b", asking(5 * USD))
        for _ in range(3):
            await asyncio.sleep(1)
            (await story.holds("c", asking(2 * USD))).settle()
        await asyncio.sleep(1)
        held.settle(1, 1, cost_nano=0)

    assert played(work) == [("b", "BudgetSpent", 3.0)]


def test_money_that_comes_back_goes_to_all_for_whom_it_is_enough() -> None:
    async def work(story: Story) -> None:
        held = await story.holds("c", asking(9 * USD))
        for project, nano in (("d", 7 * USD), ("e", 3 * USD), ("f", 2 * USD)):
            await story.asks(project, asking(nano))
        await asyncio.sleep(10)
        held.settle(1, 1, cost_nano=4 * USD)

    assert sorted(played(work)) == [
        ("d", "BudgetSpent", 10.0),
        ("e", "went", 10.0),
        ("f", "went", 10.0),
    ]


def test_who_waits_for_held_money_holds_up_his_own_project_alone() -> None:
    async def work(story: Story) -> None:
        held = await story.holds("c", asking(6 * USD))
        await story.asks("b", asking(5 * USD))
        await story.asks("b", asking(1))
        await story.asks("d", asking(1))
        await asyncio.sleep(10)
        held.settle(1, 1, cost_nano=USD)

    assert played(work) == [("d", "went", 0.0), ("b", "went", 10.0), ("b", "went", 10.0)]


def test_heads_that_stand_at_different_buckets_do_not_wait_for_each_other() -> None:
    async def work(story: Story) -> None:
        owes = await story.holds("c", asking(0))
        await story.asks("a", asking(0, 1_200))  # is promised the next request of all
        await story.asks("b", asking(0, 10))  # stands for the one after it
        await asyncio.sleep(9.5)
        owes.settle(20_000, cost_nano=0)  # a finds its turn spoilt, and stands for tokens
        await asyncio.sleep(300)
        await story.asks("d", asking(0))

    told = played(work, 6, 6_000, None)
    assert sorted(told) == [("a", "went", 87.5), ("b", "went", 75.6), ("d", "went", 309.5)]


async def one_takes_half_a_minute(story: Story) -> None:
    usual = await story.holds("c", asking(0, 0))
    await asyncio.sleep(30)
    usual.settle(0)


def test_a_slot_is_passed_on_by_who_is_called_for_something_else_that_came_back() -> None:
    async def work(story: Story) -> None:
        await one_takes_half_a_minute(story)
        story.manager.set_project_quota("a", tpm=60)
        one = await story.holds("a", asking(0, 40))
        await story.asks("a", asking(0, 50))  # for tokens, in 30 s
        other = await story.holds("c", asking(0, 0))
        await story.asks("b", asking(0, 0))  # for a slot, after that
        await asyncio.sleep(1)
        one.settle(39, cost_nano=0)
        await asyncio.sleep(60)
        other.settle(0)

    assert played(work, concurrency=2) == [("b", "went", 31.0), ("a", "went", 59.0)]


def test_a_slot_goes_to_the_next_where_who_is_called_for_it_has_just_gone() -> None:
    async def work(story: Story) -> None:
        await one_takes_half_a_minute(story)
        one, other = [await story.holds("c", asking(0)) for _ in range(2)]
        called = await story.asks("a", asking(0))
        await story.asks("b", asking(0))
        await asyncio.sleep(1)
        one.settle(0)
        called.cancel()
        await asyncio.sleep(60)
        other.settle(0)

    assert played(work, concurrency=2) == [("b", "went", 31.0)]


def test_a_slot_goes_to_whose_turn_it_is_before_it_goes_to_who_has_none() -> None:
    async def work(story: Story) -> None:
        usual = await story.holds("c", asking(0))
        await asyncio.sleep(0.08)
        usual.settle(0)
        one = await story.holds("c", asking(0))
        await story.asks("a", asking(0))
        await story.asks("b", asking(0))
        await asyncio.sleep(5.32)
        one.settle(0)

    assert played(work, concurrency=1) == [("a", "went", 5.4), ("b", "went", 5.4)]


async def test_where_slots_are_held_for_no_time_who_waits_for_one_does_not_hurry() -> None:
    manager = QuotaManager(None, None, None, concurrency=1, clock=HandClock())
    (await manager.acquire("a")).settle()
    held, core = await manager.acquire("a"), manager._core
    waiter = core.join(core.want("a", 1), lambda: None)
    assert core.claim(waiter) == LOOK_AGAIN_S
    core.leave(waiter)
    held.settle()
