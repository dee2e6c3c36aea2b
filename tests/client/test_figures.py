"""What the limits come to under load, in simulated time: never over, next to nothing left unused,
nobody starved, equals alike."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from quotadeck.client import QuotaManager
from tests.client.rig import simulated
from tests.clocks import HandClock

SECONDS = 60.0


class Load:
    """Callers that ask again as soon as they were served, until a minute has passed."""

    def __init__(self, **limits: Any) -> None:
        self.clock = HandClock()
        told = {"rpm_limit": None, "tpm_limit": None, "daily_budget": None} | limits
        self.manager = QuotaManager(clock=self.clock, **told)
        self.begun_ns = self.clock.monotonic_ns()
        self.served: list[tuple[float, str]] = []

    @property
    def now_s(self) -> float:
        return (self.clock.monotonic_ns() - self.begun_ns) / 1e9

    async def caller(
        self, project: str, tokens: int = 1, *, held_s: float = 0.0, priority: str = "high"
    ) -> None:
        """As a rule of the class that has all of a shared bucket; others leave it a reserve."""
        while self.now_s < SECONDS:
            async with self.manager.acquire(project, tokens, priority):
                if self.now_s <= SECONDS:
                    self.served.append((self.now_s, project))
                await asyncio.sleep(held_s)

    def run(self, *callers: Any) -> None:
        async def work() -> None:
            tasks = [asyncio.create_task(one) for one in callers]
            await asyncio.sleep(SECONDS)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        simulated(self.clock, work())


@pytest.mark.parametrize("shared", [False, True])
def test_two_hundred_tasks_get_all_there_is_and_never_more(shared: bool) -> None:
    load = Load(rpm_limit=600 if shared else None)
    if not shared:
        load.manager.set_project_quota("a", rpm=600)
    load.run(*[load.caller("a") for _ in range(200)])
    for number, (at_s, _) in enumerate(load.served, 1):
        assert number <= 100 + 10 * at_s + 1e-6
    assert len(load.served) >= 0.995 * (100 + 10 * SECONDS)


def test_several_projects_at_one_limit_use_all_of_it_and_are_served_alike() -> None:
    load = Load(rpm_limit=600)
    projects = [f"p{number}" for number in range(8)]
    load.run(*[load.caller(project) for project in projects for _ in range(25)])
    for number, (at_s, _) in enumerate(load.served, 1):
        assert number <= 100 + 10 * at_s + 1e-6
    assert len(load.served) >= 0.995 * (100 + 10 * SECONDS)
    shares = Counter(project for at_s, project in load.served if at_s)
    mean = shares.total() / len(projects)
    assert all(abs(share - mean) <= 0.05 * mean for share in shares.values()), shares


@pytest.mark.parametrize("apart", [False, True])
def test_a_large_request_among_thirty_small_ones_is_served_within_two_refills(apart: bool) -> None:
    load = Load(tpm_limit=60_000, token_window=10)
    small = [load.caller(f"p{n}" if apart else "p", 300) for n in range(30)]
    waited: list[float] = []

    async def large() -> None:
        await asyncio.sleep(20)
        whose = "large" if apart else "p"
        async with load.manager.acquire(whose, 10_000, "high") as reservation:
            waited.append(reservation.waited_s)

    load.run(*small, large())
    assert waited
    assert waited[0] <= 2 * 10
    assert len(load.served) * 300 + 10_000 >= 0.97 * (10_000 + 1_000 * SECONDS)


def test_a_thousand_cancelled_at_random_leave_nothing_behind() -> None:
    import random

    load = Load(rpm_limit=6_000)
    load.manager.set_project_quota("a", concurrency=20, budget=1_000)
    chance = random.Random(7)

    async def one() -> None:
        await asyncio.sleep(chance.uniform(0, 5))
        task = asyncio.create_task(load.caller("a", held_s=chance.uniform(0, 0.1)))
        await asyncio.sleep(chance.uniform(0, 5))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    load.run(*[one() for _ in range(1_000)])
    report = load.manager.usage_report()["a"]
    assert (report.waiting, report.held_nano) == (0, 0)
    assert report.rooms[0].left == 20
    assert report.requests > 500
